from __future__ import annotations

import json

import numpy as np
import pytest
import transformers
from models.torch_checkpoints import images, save

from freshset.core.errors import DataError
from freshset.models.huggingface_images import image_preprocessing
from freshset.models.huggingface_source import Source
from freshset.models.preprocessing import ImagePreprocessing, TransformPreprocessing
from freshset.models.reference import ModelRef

IMAGES = images()
EXACT = {
    "ViTImageProcessor": {"size": {"height": 40, "width": 32}},
    "ViTImageProcessor as numbers from -1 to 1": {
        "size": {"height": 24, "width": 24},
        "resample": 3,
    },
    "ConvNextImageProcessor": {"size": {"shortest_edge": 61}, "crop_pct": 0.9},
    "ConvNextImageProcessor of 384 pixels": {"size": {"shortest_edge": 384}},
    "CLIPImageProcessor": {"size": {"shortest_edge": 40}, "crop_size": {"height": 33, "width": 40}},
    "CLIPImageProcessor that pads": {
        "size": {"shortest_edge": 20},
        "crop_size": {"height": 33, "width": 41},
    },
    "DeiTImageProcessor": {
        "size": {"height": 51, "width": 51},
        "crop_size": {"height": 44, "width": 44},
    },
    "BitImageProcessor without a crop": {
        "size": {"height": 20, "width": 30},
        "do_center_crop": False,
    },
    "EfficientNetImageProcessor": {"size": {"height": 30, "width": 30}},
    "EfficientNetImageProcessor with an offset": {
        "size": {"height": 30, "width": 30},
        "rescale_offset": True,
        "rescale_factor": 1 / 127.5,
        "include_top": False,
    },
    "SiglipImageProcessor without normalisation": {
        "size": {"height": 30, "width": 30},
        "do_normalize": False,
    },
}


def saved(folder, name, settings):
    """A folder with a processor, and the same processor as transformers loads it."""
    kind = name.partition(" ")[0]
    save(folder, getattr(transformers, kind)(**settings))
    processor = transformers.AutoImageProcessor.from_pretrained(str(folder), backend="pil")
    ref = ModelRef.parse(f"hf:{folder}")
    return Source(ref, folder, "", "image", "", None), processor


@pytest.mark.parametrize("name", EXACT)
def test_processors_become_numbers_with_the_same_outputs(tmp_path, name):
    source, processor = saved(tmp_path, name, EXACT[name])
    ours = image_preprocessing(source)
    assert isinstance(ours, ImagePreprocessing)
    wanted = processor(IMAGES, return_tensors="np")["pixel_values"]
    found = ours.normalise(np.stack([ours.prepare(image) for image in IMAGES]))
    np.testing.assert_allclose(found, wanted, atol=2e-6)


@pytest.mark.parametrize("name", ["ViTImageProcessor", "CLIPImageProcessor that pads"])
def test_pixels_are_the_same_byte_for_byte(tmp_path, name):
    settings = EXACT[name] | {"do_rescale": False, "do_normalize": False}
    source, processor = saved(tmp_path, name, settings)
    ours = image_preprocessing(source)
    for image in IMAGES:
        wanted = processor(image, return_tensors="np")["pixel_values"][0].transpose(1, 2, 0)
        np.testing.assert_array_equal(ours.prepare(image), wanted)


def test_processors_that_do_more_are_kept_whole(tmp_path):
    # LeViT resizes to 256/224 of what its size says.
    source, processor = saved(tmp_path, "LevitImageProcessor", {"size": {"shortest_edge": 28}})
    ours = image_preprocessing(source)
    assert isinstance(ours, TransformPreprocessing)
    wanted = processor(IMAGES[0], return_tensors="np")["pixel_values"][0]
    np.testing.assert_array_equal(ours.prepare(IMAGES[0]), wanted)
    assert "shortest_edge" in ours.key
    assert image_preprocessing(source).key == ours.key


def test_equal_geometry_is_shared_with_other_libraries(tmp_path):
    settings = {"size": {"height": 32, "width": 32}}
    source, _ = saved(tmp_path, "ViTImageProcessor", settings)
    timm = ImagePreprocessing(resize=(32, 32), resizing="squash", crop=(32, 32))
    assert image_preprocessing(source).shared == timm.shared


def test_a_folder_without_a_processor_is_refused(tmp_path):
    source = Source(ModelRef.parse("hf:x"), tmp_path, "", "image", "", None)
    with pytest.raises(DataError, match="cannot load the image processor"):
        image_preprocessing(source)


def test_a_processor_that_was_changed_is_read_again(tmp_path):
    source, _ = saved(tmp_path, "ViTImageProcessor", EXACT["ViTImageProcessor"])
    before = image_preprocessing(source)
    path = tmp_path / "preprocessor_config.json"
    config = json.loads(path.read_text())
    path.write_text(json.dumps(config | {"size": {"height": 8, "width": 8}}))
    assert image_preprocessing(source).shape != before.shape
