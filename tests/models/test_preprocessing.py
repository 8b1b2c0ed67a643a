from __future__ import annotations

import functools
import pickle
import subprocess
import sys

import numpy as np
import pytest
import torch
from models.torch_checkpoints import images
from PIL import Image
from timm.data import create_transform, resolve_data_config
from torchvision import transforms
from torchvision.transforms import InterpolationMode
from torchvision.transforms._presets import ImageClassification

from freshset.core.errors import UsageError
from freshset.models.preprocessing import (
    ArrayPreprocessing,
    ImagePreprocessing,
    QuestionPreprocessing,
    TextPreprocessing,
    TransformPreprocessing,
    seen,
)
from freshset.models.timm import from_data_config
from freshset.models.torchvision import preset_preprocessing

IMAGES = images()
IMAGENET = {"mean": (0.485, 0.456, 0.406), "std": (0.229, 0.224, 0.225)}


@pytest.mark.parametrize("crop_mode", ["center", "squash", "border"])
@pytest.mark.parametrize("interpolation", ["bilinear", "bicubic", "lanczos", "nearest"])
@pytest.mark.parametrize(("size", "scale"), [((64, 64), 0.875), ((48, 65), 0.95), ((63, 63), 1.0)])
def test_pixels_are_those_of_timm(crop_mode, interpolation, size, scale):
    config = resolve_data_config(
        pretrained_cfg={
            "input_size": (3, *size),
            "interpolation": interpolation,
            "crop_pct": scale,
            "crop_mode": crop_mode,
            **IMAGENET,
        }
    )
    transform = create_transform(**config, normalize=False)
    ours = from_data_config(config)
    for image in IMAGES:
        wanted = transform(image).numpy().transpose(1, 2, 0)
        np.testing.assert_array_equal(ours.prepare(image), wanted)


@pytest.mark.parametrize("interpolation", [InterpolationMode.BILINEAR, InterpolationMode.BICUBIC])
@pytest.mark.parametrize(("resize", "crop"), [(73, 64), (64, 64), (40, 63)])
def test_model_inputs_are_those_of_torchvision_bit_for_bit(interpolation, resize, crop):
    preset = ImageClassification(crop_size=crop, resize_size=resize, interpolation=interpolation)
    ours = preset_preprocessing(preset)
    assert isinstance(ours, ImagePreprocessing)
    for image in IMAGES:
        batch = ours.prepare(image)[None]
        np.testing.assert_array_equal(ours.normalise(batch)[0], preset(image).numpy())


def test_both_layouts_hold_the_same_numbers():
    ours = ImagePreprocessing(resize=32, crop=(30, 27))
    batch = np.stack([ours.prepare(image) for image in IMAGES])
    before = batch.copy()
    first = ours.normalise(batch)
    last = ours.normalise(batch, channels_last=True)
    assert first.shape == (len(IMAGES), 3, 30, 27)
    assert first.dtype == last.dtype == np.float32
    np.testing.assert_array_equal(first, last.transpose(0, 3, 1, 2))
    np.testing.assert_array_equal(batch, before)


def test_models_of_different_libraries_share_what_they_prepare_alike():
    config = resolve_data_config(
        pretrained_cfg={"input_size": (3, 224, 224), "interpolation": "bilinear", "crop_pct": 0.875}
        | {"mean": (0.5,) * 3, "std": (0.5,) * 3}
    )
    timm = from_data_config(config)
    torchvision = preset_preprocessing(ImageClassification(crop_size=224))
    assert (
        timm.shared
        == torchvision.shared
        == "image RGB resize=shorter:256:bilinear crop=224x224:even"
    )
    assert timm.key != torchvision.key


def test_what_changes_no_pixel_is_not_said():
    covered = ImagePreprocessing(fill=7)
    assert covered.shared == ImagePreprocessing().shared
    squashed = ImagePreprocessing(resize=(9, 9), resizing="squash", crop=(9, 9), rounding="down")
    alone = ImagePreprocessing(resize=(9, 9), resizing="squash", crop=None)
    assert squashed.shared == alone.shared
    padded = ImagePreprocessing(resize=20, crop=(24, 24), fill=7)
    assert padded.shared != ImagePreprocessing(resize=20, crop=(24, 24)).shared
    assert covered.shared != ImagePreprocessing(rounding="down").shared


@pytest.mark.parametrize(
    ("resize", "crop", "rounding"),
    [(33, (24, 20), "even"), (16, (24, 24), "down"), (33, None, "even")],
)
def test_shape_is_known_before_any_image_is_seen(resize, crop, rounding):
    ours = ImagePreprocessing(resize=resize, crop=crop, rounding=rounding)
    for image in IMAGES:
        prepared = ours.prepare(image)
        assert prepared.dtype == np.uint8
        assert ours.shape in {None, prepared.shape}
    assert (ours.shape is None) == (crop is None)


def test_padding_has_the_fill_and_the_image_in_the_middle():
    ours = ImagePreprocessing(resize=None, crop=(4, 5), fill=(1, 2, 3))
    prepared = ours.prepare(Image.new("RGB", (2, 2), (9, 9, 9)))
    assert (prepared[0] == (1, 2, 3)).all()
    assert (prepared[1:3, 1:3] == 9).all()
    assert (prepared == 9).all(axis=2).sum() == 4


@pytest.mark.parametrize("mode", ["L", "CMYK", "RGBA", "P", "1"])
def test_other_modes_are_converted(mode):
    ours = ImagePreprocessing(resize=16, crop=(16, 16))
    image = IMAGES[0].convert(mode)
    np.testing.assert_array_equal(ours.prepare(image), ours.prepare(image.convert("RGB")))


def test_grey_models_get_one_channel():
    ours = ImagePreprocessing(
        resize=16, crop=(16, 16), mode="L", mean=(0.5,), std=(0.5,), fill=(3,)
    )
    prepared = ours.prepare(IMAGES[0])
    assert prepared.shape == ours.shape == (16, 16, 1)
    steps = [transforms.Grayscale(), transforms.Resize(16), transforms.CenterCrop(16)]
    grey = transforms.Compose([*steps, transforms.ToTensor(), transforms.Normalize(0.5, 0.5)])
    np.testing.assert_array_equal(ours.normalise(prepared[None])[0], grey(IMAGES[0]).numpy())


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"interpolation": "cubic"}, "knows no 'cubic'"),
        ({"mode": "CMYK"}, "knows no 'CMYK'"),
        ({"resize": (3, 3)}, "does not go with 'shorter'"),
        ({"resize": 3, "resizing": "fit"}, "does not go with 'fit'"),
        ({"mean": (0.5,)}, "do not fit 3 channel"),
        ({"std": (0.5, 0.0, 1.0)}, "do not fit 3 channel"),
    ],
)
def test_settings_that_do_not_go_together_are_refused(settings, words):
    with pytest.raises(UsageError, match=words):
        ImagePreprocessing(**settings)


def test_a_transform_travels_and_is_told_from_others():
    def made(size):
        return transforms.Compose([transforms.Resize((size, size)), transforms.ToTensor()])

    ours = TransformPreprocessing.of(made(8))
    theirs = pickle.loads(pickle.dumps(ours))
    assert theirs.key == ours.key == ours.shared == TransformPreprocessing.of(made(8)).key
    assert ours.key != TransformPreprocessing.of(made(9)).key
    np.testing.assert_array_equal(theirs.prepare(IMAGES[0]), made(8)(IMAGES[0]).numpy())


def test_a_transform_with_an_address_in_its_name_keeps_its_key():
    key = TransformPreprocessing.of(functools.partial(np.asarray, dtype=np.uint8)).key
    assert " at 0x" not in key
    with pytest.raises(UsageError, match="cannot be pickled"):
        TransformPreprocessing.of(lambda image: image)


def test_texts_questions_and_arrays_go_through():
    assert TextPreprocessing("max_length=3").key == "text max_length=3"
    assert TextPreprocessing("a").shared == TextPreprocessing("b").shared == "text"
    assert TextPreprocessing().prepare("words") == "words"
    assert QuestionPreprocessing().key == QuestionPreprocessing("x").shared == "question"
    item = object()
    assert QuestionPreprocessing().prepare(item) is item
    assert ArrayPreprocessing("scaled").key == "array scaled"
    np.testing.assert_array_equal(ArrayPreprocessing().prepare([1, 2]), [1, 2])


def test_decoding_processes_load_no_learning_library():
    code = (
        "import sys, freshset.models.preprocessing\n"
        "print([name for name in ('torch', 'torchvision', 'timm', 'pandas') if name in sys.modules])"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"


def test_torch_agrees_on_what_a_step_of_normalising_is():
    ours = ImagePreprocessing(resize=None, crop=None)
    batch = np.arange(256, dtype=np.uint8).repeat(3).reshape(1, 16, 16, 3)
    wanted = torch.from_numpy(batch).permute(0, 3, 1, 2).float().div(255)
    wanted = transforms.Normalize(ours.mean, ours.std)(wanted)
    np.testing.assert_array_equal(ours.normalise(batch), wanted.numpy())


def test_the_whole_image_is_squashed_to_the_size_of_the_input():
    for ours in (
        ImagePreprocessing(interpolation="bicubic"),
        ImagePreprocessing(resize=(30, 40), resizing="fit", crop=(20, 32), fill=9, mode="L",
                           mean=(0.5,), std=(0.5,)),
        ImagePreprocessing(resize=(16, 24), resizing="squash", crop=None),
    ):  # fmt: skip
        whole = seen(ours, "whole")
        assert whole.shape == ours.shape
        for image in IMAGES:
            size = (ours.shape[1], ours.shape[0])
            filter_ = Image.Resampling[ours.interpolation.upper()]
            wanted = np.asarray(image.convert(ours.mode).resize(size, filter_))
            np.testing.assert_array_equal(whole.prepare(image), wanted.reshape(ours.shape))
        assert (whole.mean, whole.std) == (ours.mean, ours.std)


@pytest.mark.parametrize(("side", "resized"), [(224, 256), (299, 341), (64, 73)])
def test_the_centre_is_seven_eighths_as_timm_crops_it(side, resized):
    ours = ImagePreprocessing(resize=(side, side), resizing="squash", crop=None)
    centre = seen(ours, "centre")
    assert centre.resize == resized
    transform = create_transform(
        (3, side, side), crop_pct=0.875, interpolation="bilinear", normalize=False
    )
    for image in IMAGES:
        wanted = np.asarray(transform(image).permute(1, 2, 0))
        np.testing.assert_array_equal(centre.prepare(image), wanted)
    oblong = seen(ImagePreprocessing(resize=None, crop=(70, 35)), "centre")
    assert (oblong.resize, oblong.resizing, oblong.crop) == ((80, 40), "cover", (70, 35))


def test_what_is_no_image_has_one_view_and_unknown_transforms_only_their_own():
    for same in (ArrayPreprocessing("x"), TextPreprocessing(), ImagePreprocessing()):
        assert seen(same, "weights") is same
    for view in ("whole", "centre"):
        assert seen(ArrayPreprocessing("x"), view) == ArrayPreprocessing("x")
        for unknown in (
            TransformPreprocessing.of(functools.partial(np.asarray, dtype=np.uint8)),
            ImagePreprocessing(resize=64, crop=None),
        ):
            with pytest.raises(UsageError, match=f"no view '{view}'.*'weights'"):
                seen(unknown, view)
