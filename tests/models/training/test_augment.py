from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image
from scipy import stats
from torchvision.transforms import InterpolationMode, RandomResizedCrop
from torchvision.transforms import functional as transforms

from freshset.models.training.augment import DRAWS, augmented, crop_of
from freshset.models.training.recipe import Augmentation


def crops(augmentation, size, n, seed=0):
    draws = np.random.default_rng(seed).random((n, DRAWS))
    made = [crop_of(augmentation, size, one) for one in draws]
    return np.array([(c.top, c.left, c.height, c.width) for c in made])


def crops_of_torchvision(augmentation, size, n):
    image = torch.empty(1, size[1], size[0])
    scale, ratio = list(augmentation.scale), list(augmentation.ratio)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return np.array([RandomResizedCrop.get_params(image, scale, ratio) for _ in range(n)])


@pytest.mark.parametrize("size", [(500, 375), (240, 600)])
def test_crops_are_distributed_as_those_of_torchvision(size):
    ours = crops(Augmentation(), size, 3000)
    theirs = crops_of_torchvision(Augmentation(), size, 3000)
    for of in (
        lambda c: c[:, 2] * c[:, 3],
        lambda c: np.log(c[:, 3] / c[:, 2]),
        lambda c: c[:, 0] / np.maximum(size[1] - c[:, 2], 1),
        lambda c: c[:, 1] / np.maximum(size[0] - c[:, 3], 1),
    ):
        assert stats.ks_2samp(of(ours), of(theirs)).pvalue > 1e-3
    assert (ours[:, 0] + ours[:, 2]).max() == size[1]
    assert (ours[:, 1] + ours[:, 3]).max() == size[0]
    assert ours[:, :2].min(axis=0).tolist() == [0, 0]


@pytest.mark.parametrize("size", [(1000, 10), (10, 1000)])
def test_where_no_crop_fits_the_centre_is_that_of_torchvision(size):
    whole = Augmentation(scale=(0.999, 1.0))
    ours = {tuple(c) for c in crops(whole, size, 50)}
    theirs = {tuple(c) for c in crops_of_torchvision(whole, size, 50)}
    assert ours == theirs


def test_the_whole_image_can_be_asked_for():
    assert {tuple(c) for c in crops(Augmentation(scale=(1, 1)), (90, 20), 20)} == {(0, 0, 20, 90)}


@pytest.mark.parametrize("mode", ["RGB", "L"])
@pytest.mark.parametrize("interpolation", ["bilinear", "bicubic"])
def test_pixels_are_those_of_torchvision(mode, interpolation):
    rng = np.random.default_rng(1)
    image = Image.fromarray(rng.integers(0, 256, (61, 83, 3), dtype=np.uint8)).convert(mode)
    settings = Augmentation(interpolation=interpolation)
    flips = 0
    for draws in rng.random((20, DRAWS)):
        found = augmented(image, settings, (24, 32), draws)
        crop = crop_of(settings, image.size, draws)
        wanted = transforms.resized_crop(
            image,
            crop.top,
            crop.left,
            crop.height,
            crop.width,
            [24, 32],
            InterpolationMode[interpolation.upper()],
        )
        if draws[-1] < 0.5:
            wanted = transforms.hflip(wanted)
            flips += 1
        np.testing.assert_array_equal(found, np.asarray(wanted).reshape(24, 32, -1))
    assert 0 < flips < 20


def test_flips_have_their_probability():
    image = Image.fromarray(np.arange(4, dtype=np.uint8).reshape(1, 4))
    for flip in (0.0, 0.25, 1.0):
        settings = Augmentation(scale=(1, 1), flip=flip)
        draws = np.random.default_rng(0).random((2000, DRAWS))
        flipped = [augmented(image, settings, (1, 4), one)[0, 0, 0] == 3 for one in draws]
        assert np.mean(flipped) == pytest.approx(flip, abs=0.03 * (flip % 1 > 0))
