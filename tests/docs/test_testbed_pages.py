"""The pages about testbeds are run: one as it is, the other on a stand-in for ImageNet."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import timm
import torch
import yaml
from e2e.commands import made_testbed
from PIL import Image

from freshset.core.spaces import known_space
from freshset.engine.study import load_study

SIDE = 32
NETS = ("test_efficientnet", "test_resnet", "test_mambaout")
# In place of the training, which the tests do once for all.
COPY = """
import shutil, sys
shutil.copytree({made!r}, sys.argv[1])
print(f"{{sys.argv[1]}}: 12 models, 3 test sets, study.yaml")
"""


def test_the_testbed_tutorial_runs_and_prints_what_it_says(
    docs: Path,
    runner: ModuleType,
    tmp_path: Path,
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("FRESHSET_WORKERS", "0")
    made = made_testbed(tmp_path_factory.getbasetemp())
    example = tmp_path / "examples" / "testbed"
    example.mkdir(parents=True)
    (example / "make.py").write_text(COPY.format(made=str(made)), encoding="utf-8")
    page = docs / "tutorial" / "run-a-testbed.md"
    shown = runner.run_page(page, tmp_path)
    assert len(shown) == 9
    for block in shown:
        assert block.same_words, f"run python docs/run_page.py {page} --write\n{block.printed}"
    assert (tmp_path / "testbed" / "report" / "index.html").is_file()


@pytest.fixture(scope="module")
def imagenet(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in the layout of the page: one small image a class, and nets that know these images."""
    folder = tmp_path_factory.mktemp("imagenet")
    rng = np.random.default_rng(0)
    coarse = rng.integers(0, 256, (1000, 4, 4, 3)).astype(np.uint8)
    clean = np.stack([np.asarray(Image.fromarray(one).resize((SIDE, SIDE))) for one in coarse])
    old, new = (
        np.clip(clean + rng.normal(0, noise, clean.shape), 0, 255).astype(np.uint8)
        for noise in (20, 40)
    )
    for id, wnid in enumerate(known_space("imagenet-1k").keys):
        place = folder / "imagenet" / "val" / wnid
        place.mkdir(parents=True)
        Image.fromarray(old[id]).save(place / f"ILSVRC2012_val_{id + 1:08d}.JPEG", quality=95)
        place = folder / "imagenetv2-matched-frequency-format-val" / str(id)
        place.mkdir(parents=True)
        Image.fromarray(new[id]).save(place / "0.jpeg", quality=95)
    for architecture in NETS:
        _save(architecture, clean, folder / "checkpoints" / architecture)
    (folder / "checkpoints" / NETS[0]).rename(folder / "checkpoints" / "mine")
    for name in ("imagenet", "imagenetv2-matched-frequency"):
        text = "model,img_size,top1,top5\nmine,32,60.000,90.000\nother,32,50.000,80.000\n"
        (folder / f"results-{name}.csv").write_text(text, encoding="utf-8")
    return folder


def _save(architecture: str, images: np.ndarray, folder: Path) -> None:
    """Write a net whose last layer is fitted to the images by least squares."""
    ways = {"input_size": (3, SIDE, SIDE), "crop_pct": 1.0, "mean": (0.5,) * 3, "std": (0.5,) * 3}
    with torch.random.fork_rng(), torch.inference_mode():
        torch.manual_seed(0)
        net = timm.create_model(architecture, num_classes=1000, pretrained_cfg_overlay=ways).eval()
        inputs = torch.from_numpy(images).permute(0, 3, 1, 2).float() / 127.5 - 1
        features = net.forward_head(net.forward_features(inputs), pre_logits=True)
        found = torch.linalg.lstsq(
            torch.cat([features, torch.ones(1000, 1)], dim=1), torch.eye(1000)
        ).solution
        head = [one for one in net.modules() if isinstance(one, torch.nn.Linear)][-1]
        head.weight.copy_(found[:-1].T)
        head.bias.copy_(found[-1])
        timm.models.save_for_hf(net, str(folder), safe_serialization=True)


def test_the_study_of_the_imagenet_tutorial_is_one(docs: Path, imagenet: Path) -> None:
    page = (docs / "tutorial" / "imagenet-with-timm.md").read_text(encoding="utf-8")
    (imagenet / "study.yaml").write_text(_block(page, "yaml"), encoding="utf-8")
    (imagenet / "models.txt").write_text(_models(page), encoding="utf-8")
    study = load_study(imagenet / "study.yaml")
    names = [model.title for model in study.models]
    assert "timm:resnet50.a1_in1k" in names
    assert "timm:convnext_tiny.fb_in1k" in names
    assert names[-1] == "mine"
    assert len(names) > 15
    assert [ref.options["expected_n"] for ref in study.testsets] == [50_000, 10_000]
    assert len(study.compare) == 1


def test_every_command_of_the_imagenet_tutorial_runs(
    docs: Path,
    runner: ModuleType,
    imagenet: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("FRESHSET_WORKERS", "0")  # a thousand small images are read in no time
    folder = Path(shutil.copytree(imagenet, tmp_path / "here"))
    text = (docs / "tutorial" / "imagenet-with-timm.md").read_text(encoding="utf-8")
    study = yaml.safe_load(_block(text, "yaml"))
    # What the stand-in has in place of the hub, and fewer images.
    study["testsets"] = [
        {id: {"data": path, "expected_n": 1000}}
        for one in study["testsets"]
        for id, path in one.items()
    ]
    study["models"] = study["models"][1:]
    (folder / "study.yaml").write_text(yaml.safe_dump(study), encoding="utf-8")
    models = "".join(f"timm:local-dir:checkpoints/{name}  # a net\n" for name in NETS[1:])
    (folder / "models.txt").write_text(models, encoding="utf-8")
    page = folder / "page.md"
    page.write_text(text.replace("--sample 2000", "--sample 200"), encoding="utf-8")
    shown = runner.run_page(page, folder)
    assert all(block.same_words for block in shown)
    printed = runner.run_page(_only(page, "python known_answer.py"), folder)[0].printed
    rows = re.findall(r"^(\S+) +mine +([\d.]+)  timm +60\.00  [+-]", printed, re.MULTILINE)
    assert [name for name, _ in rows] == ["imagenet/val", "imagenetv2/matched-frequency"]
    assert float(rows[0][1]) > float(rows[1][1]) > 1
    report = (folder / "report" / "index.html").read_text(encoding="utf-8")
    assert "ImageNetV2 MatchedFrequency" in report


def _block(page: str, language: str) -> str:
    found = re.search(rf"^```{language}\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    assert found is not None
    return found[1]


def _models(page: str) -> str:
    found = re.search(r"^```console\n(# one reference a line\n.*?)^```$", page, re.M | re.S)
    assert found is not None
    return found[1]


def _only(page: Path, command: str) -> Path:
    """Make a page of one command that asks for its output."""
    out = page.with_name("one.md")
    out.write_text(f"```bash\n{command}\n```\n\n```text\n```\n", encoding="utf-8")
    return out
