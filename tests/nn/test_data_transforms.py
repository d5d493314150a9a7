from __future__ import annotations

import numpy as np
import pytest

from nn.data.transforms import (
    Compose,
    Cutout,
    GaussianNoise,
    MixUp,
    Normalize,
    RandomAffine,
    RandomCrop,
    RandomHorizontalFlip,
    RandomRotation,
    RandomVerticalFlip,
)
from nn.data.transforms.geometry import bilinear

IMAGES = np.arange(6 * 2 * 5 * 7, dtype=np.float32).reshape(6, 2, 5, 7)


@pytest.mark.parametrize(
    "transform",
    [
        RandomHorizontalFlip(),
        RandomVerticalFlip(),
        RandomCrop(4, padding=1),
        RandomAffine(20, (0.2, 0.1), (0.8, 1.2)),
        RandomRotation(30),
        GaussianNoise(),
        Cutout(3),
        Normalize([1, 2], 3),
        Compose([RandomHorizontalFlip(), Cutout(2)]),
    ],
    ids=lambda t: type(t).__name__,
)
def test_a_transform_repeats_itself_keeps_dtype_and_leaves_its_input(transform):
    before = IMAGES.copy()
    a, b = (transform(IMAGES, rng=4) for _ in range(2))
    np.testing.assert_array_equal(a, b)
    np.testing.assert_array_equal(IMAGES, before)
    assert a.dtype == np.float32
    x, y = transform(IMAGES, np.arange(6), rng=4)
    np.testing.assert_array_equal(x, a)
    np.testing.assert_array_equal(y, np.arange(6))


def test_a_flip_turns_some_images_round_and_no_pixel_is_lost():
    y = RandomHorizontalFlip(0.5, rng=0)(IMAGES)
    turned = [np.array_equal(a, b[..., ::-1]) for a, b in zip(y, IMAGES, strict=True)]
    same = [np.array_equal(a, b) for a, b in zip(y, IMAGES, strict=True)]
    assert all(a != b for a, b in zip(turned, same, strict=True))
    assert 0 < sum(turned) < 6
    np.testing.assert_array_equal(RandomVerticalFlip(1)(IMAGES), IMAGES[..., ::-1, :])


def test_a_crop_is_a_window_of_the_padded_image():
    y = RandomCrop((3, 4), padding=1, rng=0)(IMAGES)
    big = np.pad(IMAGES, [(0, 0), (0, 0), (1, 1), (1, 1)])
    windows = np.lib.stride_tricks.sliding_window_view(big, (3, 4), axis=(2, 3))
    for image, options in zip(y, windows, strict=True):
        assert (options == image[:, None, None]).all((0, 3, 4)).any()
    with pytest.raises(ValueError, match="8 × 8 does not fit into images of 5 × 7"):
        RandomCrop(8)(IMAGES)


def test_no_turn_no_shift_and_no_scale_change_nothing():
    np.testing.assert_allclose(RandomAffine(0, rng=0)(IMAGES), IMAGES, rtol=1e-6)


def test_a_quarter_turn_is_numpys():
    square = IMAGES[..., :5]

    class Quarter:
        def uniform(self, low, high, size):
            return np.full(size, high if high > 1 else (low + high) / 2)

    y = RandomRotation(90).apply(square, Quarter())
    np.testing.assert_allclose(y, np.rot90(square, 1, (2, 3)), rtol=1e-4, atol=1e-3)


def test_a_shift_by_whole_pixels_moves_and_fills():
    rows, columns = np.broadcast_arrays(np.arange(5.0)[:, None], np.arange(7.0) - 2)
    y = bilinear(IMAGES[:1], rows[None], columns[None], fill=-1)
    np.testing.assert_array_equal(y[..., 2:], IMAGES[:1, ..., :-2])
    np.testing.assert_array_equal(y[..., :2], -1)


def test_between_pixels_the_mean_is_read():
    y = bilinear(IMAGES[:1], np.full((1, 1, 1), 1.5), np.full((1, 1, 1), 2.5), 0)
    np.testing.assert_allclose(y[0, :, 0, 0], IMAGES[0, :, 1:3, 2:4].mean((1, 2)))


def test_noise_is_clipped_and_has_its_deviation():
    x = np.full((50, 50), 0.5)
    y = GaussianNoise(sigma=1, clip=True, rng=0)(x)
    assert (y.min(), y.max()) == (0, 1)
    assert 0.9 < (GaussianNoise(sigma=1, rng=0)(x) - x).std() < 1.1


def test_a_mixture_adds_up_and_mixes_targets_as_inputs():
    x = np.eye(4, dtype=np.float32)
    a, b = MixUp(0.4, num_classes=4, rng=1)(x, np.arange(4))
    np.testing.assert_array_equal(a, b)
    np.testing.assert_allclose(b.sum(1), 1, rtol=1e-6)
    assert np.count_nonzero(b) > 4
    y = MixUp(rng=1)(x, np.array([0.0, 1.0, 2.0, 3.0]))[1]
    assert y.shape == (4,)


@pytest.mark.parametrize(
    ("make", "error"),
    [
        (lambda: RandomHorizontalFlip(1.5), "p must be a probability"),
        (lambda: RandomHorizontalFlip()(np.ones((3, 3))), r"\(N, ..., H, W\), got \(3, 3\)"),
        (lambda: RandomAffine(200), "degrees"),
        (lambda: RandomAffine(0, scale=(0, 1)), "scale"),
        (lambda: RandomRotation(3)(IMAGES.astype(int)), "must hold floats"),
        (lambda: Normalize([1, 2, 3], 1)(IMAGES), "3 channels"),
        (lambda: Normalize(0, 0), "std > 0"),
        (lambda: MixUp()(IMAGES, np.arange(6)), "num_classes is required"),
        (lambda: MixUp(num_classes=3)(IMAGES, np.arange(6)), "0 to 5, but num_classes is 3"),
        (lambda: MixUp(num_classes=3)(IMAGES, np.arange(5)), "same N"),
        (lambda: Compose([3]), "entry 0"),
        (lambda: Compose(Cutout(2)), "Compose: transforms must be a list"),
        (lambda: RandomVerticalFlip("a"), "RandomVerticalFlip: p must be a number"),
        (lambda: RandomCrop((3,)), r"RandomCrop: size must be two numbers, got \(3,\)"),
        (lambda: RandomAffine((0, 5)), "RandomAffine: degrees must be a number"),
        (lambda: RandomAffine(5, translate=0.1), "translate must be two numbers, got 0.1"),
        (lambda: RandomAffine(5, scale=0.5), "scale must be two numbers, got 0.5"),
        (lambda: GaussianNoise("a"), "GaussianNoise: mean must be a number"),
        (lambda: MixUp("a"), "MixUp: alpha must be a number"),
        (lambda: Cutout(2, "a")(IMAGES), "Cutout: fill must be a number"),
    ],
)
def test_bad_arguments_of_transforms_are_refused(make, error):
    with pytest.raises((ValueError, TypeError), match=error):
        make()


@pytest.mark.parametrize(
    "make", [lambda fill: RandomCrop(5, 1, fill), lambda fill: Cutout(2, fill)]
)
def test_a_fill_that_integers_would_change_is_refused(make):
    images = np.ones((2, 1, 5, 5), np.uint8)
    for fill in (0.5, -1, 256, np.nan):
        with pytest.raises(ValueError, match=r"fill=.* does not fit images of uint8"):
            make(fill)(images, rng=0)
    assert 255 in make(255)(images, rng=1)
    assert 0.5 in make(0.5)(np.ones((2, 1, 5, 5), np.float16), rng=1)


def test_a_batch_without_images_stays_one():
    for transform in (RandomAffine(9), RandomCrop(5), Cutout(2), RandomHorizontalFlip()):
        assert len(transform(IMAGES[:0])) == 0


def test_the_settings_do_not_change_the_dtype():
    assert GaussianNoise(np.float64(0), np.float64(1))(IMAGES).dtype == np.float32


def test_classes_of_pixels_are_mixed_in_axis_1():
    y = np.arange(2 * 3 * 4).reshape(2, 3, 4) % 5
    _, mixed = MixUp(num_classes=5, rng=0)(np.zeros((2, 1)), y)
    assert mixed.shape == (2, 5, 3, 4)
    np.testing.assert_allclose(mixed.sum(1), 1)


def test_a_composition_keeps_the_parts_of_a_list():
    def doubled(x, y, *, rng):
        return [2 * x, y]

    x, y = Compose([doubled, doubled])(np.ones(2), np.arange(2))
    assert (x.tolist(), y.tolist()) == ([4, 4], [0, 1])


@pytest.mark.parametrize(
    "make",
    [
        lambda: Normalize(np.nan, 1),
        lambda: Normalize(0, np.nan),
        lambda: GaussianNoise(sigma=np.nan),
        lambda: MixUp(np.inf),
        lambda: RandomCrop((2.5, 2)),
        lambda: RandomCrop(2, padding=0.5),
        lambda: Cutout(1.5),
    ],
)
def test_numbers_that_make_no_sense_are_refused(make):
    with pytest.raises(ValueError, match="must be"):
        make()
