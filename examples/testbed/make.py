"""Make a small testbed: 12 models in the formats people have, three test sets of digits, a study.

Run it: python examples/testbed/make.py DIR

Nothing is downloaded.  The digits are those that scikit-learn ships; `freshset.demo.digits` says how
they are cut into writers that the models know and writers that they do not.  The JPEG files are
simulated: the digits of the unknown writers, enlarged and compressed.  Every model is trained here,
on one thread and from fixed seeds, so the same libraries give the same weights again.

Needed: pip install "freshset[sklearn,timm,transformers,onnx]" onnx
"""

from __future__ import annotations

import json
import shutil
import sys
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import skops.io
import timm
import torch
import transformers
from PIL import Image
from safetensors.numpy import save_file
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.linear_model import LogisticRegression, RidgeClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler
from sklearn.svm import SVC

from freshset.demo.digits import load_digits

HERE = Path(__file__).parent
CLASSES = [str(digit) for digit in range(10)]
SIZE = 16
"""Side of the images that the larger nets take; the digits themselves have 8 x 8 pixels."""

Bytes = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Part:
    """Some of the digits: grey images (n, 8, 8), labels, ids, and the sheet of each writer."""

    images: Bytes
    labels: npt.NDArray[np.int64]
    ids: npt.NDArray[np.str_]
    sheet: npt.NDArray[np.int64]

    @property
    def features(self) -> npt.NDArray[np.float64]:
        """Shape (n, 64), from 0 to 16, as scikit-learn has them."""
        return self.images.reshape(len(self.images), 64) / 255 * 16

    @property
    def small(self) -> torch.Tensor:
        """Shape (n, 1, 8, 8), from -1 to 1."""
        return torch.from_numpy(self.images.astype(np.float32))[:, None] / 127.5 - 1

    @property
    def large(self) -> torch.Tensor:
        """Shape (n, 3, SIZE, SIZE), from -1 to 1: what the adapters make of the images."""
        pixels = np.stack([np.asarray(_enlarged(one, SIZE)) for one in self.images])
        grey = torch.from_numpy(pixels.astype(np.float32))[:, None] / 127.5 - 1
        return grey.expand(-1, 3, -1, -1).contiguous()


def make(folder: Path) -> None:
    """Write models, test sets and study into a folder.

    Raises
    ------
    FileExistsError
        When it holds anything; nothing is overwritten.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if any(folder.iterdir()):
        raise FileExistsError(f"{folder} is not empty")
    models = folder / "models"
    models.mkdir()
    transformers.utils.logging.disable_progress_bar()
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # sums in another order round otherwise
    try:
        digits = load_digits()
        train, old, new = (_part(digits, rows) for rows in (digits.train, digits.old, digits.new))
        make_testsets(folder / "data", old, new)
        make_estimators(models, train)
        make_timm(models, train)
        make_onnx(models, train)
        make_transformers(models / "vit", train)
        make_means(models, train)
        make_predictions(models / "lda.csv", train, [old, new])
    finally:
        torch.set_num_threads(threads)
    for name in ("study.yaml", "callables.py"):
        shutil.copy(HERE / name, folder)


def make_testsets(folder: Path, old: Part, new: Part) -> None:
    """Write two npz files, and the new digits once more as JPEG files in a folder a class."""
    folder.mkdir()
    for name, part in (("old", old), ("new", new)):
        arrays = {"images": part.images, "labels": part.labels, "ids": part.ids}
        np.savez(folder / f"{name}.npz", **arrays, sheet=part.sheet)
    for image, label, id in zip(new.images, new.labels, new.ids, strict=True):
        (folder / "jpeg" / str(label)).mkdir(parents=True, exist_ok=True)
        _enlarged(image, 20).save(folder / "jpeg" / str(label) / f"{id}.jpg", quality=30)


def make_estimators(folder: Path, train: Part) -> None:
    """Write scikit-learn classifiers with skops, which keeps no code; the last is for later."""
    found: dict[str, Any] = {
        "logistic": make_pipeline(MinMaxScaler(), LogisticRegression(max_iter=500)),
        "svm": make_pipeline(MinMaxScaler(), SVC(C=10.0)),
        "knn": KNeighborsClassifier(50, algorithm="brute"),
        "naive-bayes": GaussianNB(var_smoothing=1e-3),
        "ridge": RidgeClassifier(alpha=10.0),
    }
    for name, model in found.items():
        skops.io.dump(model.fit(train.features, train.labels), folder / f"{name}.skops")


def make_timm(folder: Path, train: Part) -> None:
    """Write two small timm nets as folders that timm loads by itself; one of them as ONNX too."""
    images = train.large
    overlay = {"input_size": (3, SIZE, SIZE), "crop_pct": 1.0, "interpolation": "bilinear"}
    overlay |= {"crop_mode": "squash", "mean": (0.5,) * 3, "std": (0.5,) * 3}
    for name in ("resnet", "efficientnet"):
        torch.manual_seed(0)
        net = timm.create_model(f"test_{name}", num_classes=10, pretrained_cfg_overlay=overlay)
        _train(net, images, train.labels, epochs=20, rate=5e-3)
        config = {"label_names": CLASSES}
        timm.models.save_for_hf(net, str(folder / name), config, safe_serialization=True)
        if name == "resnet":
            _export(net, folder / "resnet.onnx", images[:1])


def make_onnx(folder: Path, train: Part) -> None:
    """Write a small net that there is as ONNX alone."""
    torch.manual_seed(0)
    net = torch.nn.Sequential(
        torch.nn.Flatten(), torch.nn.Linear(64, 32), torch.nn.ReLU(), torch.nn.Linear(32, 10)
    )
    images = train.small
    _train(net, images, train.labels, epochs=60, rate=5e-3)
    _export(net, folder / "mlp.onnx", images[:1])


def make_transformers(folder: Path, train: Part) -> None:
    """Write a small vision transformer with its image processor."""
    torch.manual_seed(0)
    config = transformers.ViTConfig(
        hidden_size=48,
        intermediate_size=96,
        num_hidden_layers=2,
        num_attention_heads=4,
        image_size=SIZE,
        patch_size=4,
        initializer_range=0.1,
        id2label=dict(enumerate(CLASSES)),
        label2id={name: id for id, name in enumerate(CLASSES)},
    )
    net = transformers.ViTForImageClassification(config)
    logits = _Logits(net)
    _train(logits, train.large, train.labels, epochs=20, rate=1e-3)
    net.save_pretrained(folder)
    size = {"height": SIZE, "width": SIZE}
    transformers.ViTImageProcessor(size=size).save_pretrained(folder)


def make_means(folder: Path, train: Part) -> None:
    """Write the mean image of each class, for a classifier in plain numpy."""
    means = np.stack([train.features[train.labels == label].mean(axis=0) for label in range(10)])
    save_file({"means": means}, folder / "means.safetensors")


def make_predictions(path: Path, train: Part, parts: list[Part]) -> None:
    """Write predictions as somebody else might send them: a csv file, a row an item.

    The items of the JPEG folder are predicted from the files.
    """
    model = LinearDiscriminantAnalysis(solver="lsqr", shrinkage=0.1)
    model.fit(train.features, train.labels)
    rows = [(list(part.ids), part.features) for part in parts]
    files = sorted((path.parents[1] / "data" / "jpeg").rglob("*.jpg"))
    pixels = np.stack([np.asarray(_opened(file), np.float64) for file in files])
    rows.append((["/".join(file.parts[-2:]) for file in files], pixels.reshape(-1, 64) / 255 * 16))
    lines = ["item_id," + ",".join(f"probability:{name}" for name in CLASSES)]
    for ids, features in rows:
        for id, scores in zip(ids, model.predict_proba(features), strict=True):
            lines.append(id + "," + ",".join(f"{score:.6f}" for score in scores))
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _part(digits: Any, rows: npt.NDArray[np.int64]) -> Part:
    images = np.round(digits.images[rows] / 16 * 255).astype(np.uint8).reshape(-1, 8, 8)
    ids = np.array([f"digit-{row:04d}" for row in rows])
    return Part(images, digits.labels[rows], ids, digits.sheet[rows])


def _enlarged(image: Bytes, side: int) -> Image.Image:
    return Image.fromarray(image).resize((side, side), Image.Resampling.BILINEAR)


def _opened(path: Path) -> Image.Image:
    with Image.open(path) as image:
        return image.convert("L").resize((8, 8), Image.Resampling.BILINEAR)


class _Logits(torch.nn.Module):
    """A net of transformers as one that returns nothing but its scores."""

    def __init__(self, net: torch.nn.Module) -> None:
        super().__init__()
        self.net = net

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.net(pixel_values=images).logits


def _train(
    net: torch.nn.Module,
    images: torch.Tensor,
    labels: npt.NDArray[np.int64],
    *,
    epochs: int,
    rate: float,
) -> None:
    targets = torch.from_numpy(labels)
    optimiser = torch.optim.AdamW(net.parameters(), lr=rate)
    steps = epochs * len(torch.arange(len(images)).split(64))
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, rate, total_steps=steps)
    net.train()
    for _ in range(epochs):
        for rows in torch.randperm(len(images)).split(64):
            optimiser.zero_grad()
            torch.nn.functional.cross_entropy(net(images[rows]), targets[rows]).backward()
            optimiser.step()
            schedule.step()
    net.eval()


def _export(net: torch.nn.Module, path: Path, example: torch.Tensor) -> None:
    """Write an ONNX file, and beside it how images are prepared and what the outputs mean."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # the old exporter needs no packages
        torch.onnx.export(
            net,
            (example,),
            str(path),
            input_names=["images"],
            output_names=["logits"],
            dynamic_axes={"images": {0: "n"}, "logits": {0: "n"}},
            dynamo=False,
        )
    beside = {"size": example.shape[-1], "mean": 0.5, "std": 0.5, "classes": CLASSES}
    path.with_suffix(".json").write_text(json.dumps(beside), encoding="utf-8")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python make.py DIR")
    make(Path(sys.argv[1]))
    print(f"{sys.argv[1]}: 12 models, 3 test sets, study.yaml")
