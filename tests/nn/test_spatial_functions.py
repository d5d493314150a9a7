"""Resampling, sampling, padding, patches and shuffles: by definition, refusals, and as PyTorch."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

import autograd
from autograd import Value, grad, gradcheck, gradgradcheck
from nn import functional as F  # noqa: N812 - as everybody calls it

RNG = np.random.default_rng(0)
AXES = (5, 4, 6)
X = {rank: RNG.normal(size=(2, 4, *AXES[:rank])) for rank in (1, 2, 3)}


def test_nearest_repeats_pixels():
    y = F.interpolate(X[2], scale_factor=(2, 3))
    np.testing.assert_array_equal(y, X[2].repeat(2, axis=2).repeat(3, axis=3))


@pytest.mark.parametrize("mode", ["linear", "nearest", "area"])
def test_the_same_size_changes_nothing(mode):
    np.testing.assert_allclose(F.interpolate(X[1], 5, mode=mode), X[1], rtol=1e-15)


@pytest.mark.parametrize(
    ("factor", "mode"), [(1.28, "nearest"), (2.3, "nearest"), (1.28, "bilinear")]
)
def test_a_factor_that_copies_pixels_copies_them(factor, mode):
    x = X[2][..., :2, :2]
    y = F.interpolate(x, scale_factor=factor, mode=mode)
    np.testing.assert_array_equal(y, x.repeat(int(factor), 2).repeat(int(factor), 3))


@pytest.mark.torch
@pytest.mark.parametrize("mode", ["nearest", "nearest-exact", "linear", "bilinear", "trilinear"])
@pytest.mark.parametrize("factor", [0.7, 1.05, 1.28, 1.9, 2.1, 2.49])
def test_factors_are_torchs(mode, factor):
    torch = pytest.importorskip("torch", reason="the comparison needs torch")
    rank = {"linear": 1, "trilinear": 3}.get(mode, 2)
    for n in range(2, 6):
        x = RNG.normal(size=(1, 2, *[n, n + 1, n + 3][:rank]))
        how = {"scale_factor": factor, "mode": mode}
        same(F.interpolate, torch.nn.functional.interpolate, [x], how)


@pytest.mark.parametrize("corners", [False, True])
def test_a_straight_line_stays_one_in_the_middle(corners):
    ramp = np.arange(9.0).reshape(1, 1, 1, 9)
    y = F.interpolate(ramp, (1, 17), mode="bilinear", align_corners=corners)[0, 0, 0]
    at = np.arange(17) / 2 if corners else (np.arange(17) + 0.5) * 9 / 17 - 0.5
    np.testing.assert_allclose(y[4:-4], at[4:-4], rtol=1e-12)


def test_antialiasing_keeps_the_mean_of_fine_stripes():
    stripes = np.tile([0.0, 1.0], 32).reshape(1, 1, 1, 64)
    plain = F.interpolate(stripes, (1, 8), mode="bilinear")
    smooth = F.interpolate(stripes, (1, 8), mode="bilinear", antialias=True)
    np.testing.assert_allclose(smooth, 0.5, atol=0.02)
    assert np.abs(plain - 0.5).max() <= 0.5


def test_sampling_at_the_pixels_gives_the_pixels():
    theta = np.tile(np.eye(2, 3), (2, 1, 1))
    for corners in (False, True):
        grid = F.affine_grid(theta, X[2].shape, corners)
        for mode in ("bilinear", "nearest", "bicubic"):
            y = F.grid_sample(X[2], grid, mode, "border", corners)
            np.testing.assert_allclose(y, X[2], atol=1e-12)


@pytest.mark.parametrize("mode", ["bilinear", "bicubic"])
@pytest.mark.parametrize("padding", ["zeros", "border", "reflection"])
def test_sampling_is_differentiated_twice(mode, padding):
    grid = RNG.uniform(-1.3, 1.3, (1, 2, 2, 2))
    x = X[2][:1, :2, :3, :3]

    def sample(x, grid):
        return F.grid_sample(x, grid, mode, padding)

    assert gradcheck(sample, x, grid)
    assert gradgradcheck(sample, x, grid)


def test_places_that_are_not_numbers_lie_outside():
    grid = np.full((2, 1, 1, 2), np.nan)
    assert not F.grid_sample(X[2], grid, "nearest").any()
    assert np.isfinite(F.grid_sample(X[2], np.full((2, 1, 1, 2), 1e300))).all()


@pytest.mark.parametrize("mode", ["bilinear", "bicubic", "nearest"])
@pytest.mark.parametrize("padding", ["zeros", "border", "reflection"])
def test_a_place_that_is_not_a_number_gives_none(mode, padding):
    if (mode, padding) != ("nearest", "zeros"):
        grid = np.array([[np.nan, 0.2], [0.1, np.nan], [np.nan, 7]]).reshape(1, 1, 3, 2)
        assert np.isnan(F.grid_sample(X[2][:1], grid, mode, padding)).all()


@pytest.mark.parametrize("rank", [2, 3])
@pytest.mark.parametrize("padding", ["border", "reflection"])
@pytest.mark.parametrize("n", [1, 2, 5])
def test_at_the_edge_the_image_has_no_slope(rank, padding, n):
    image = np.arange(float(n)) * np.ones((1, 1, *(n,) * rank))
    grid = np.zeros((1, *(1,) * (rank - 1), 2, rank))
    grid[..., :, 0] = [1, -1]  # the centers of the pixels at the ends
    g = grad(lambda v: np.sum(F.grid_sample(image, v, "bilinear", padding, True)))(grid)
    np.testing.assert_array_equal(g[..., 0], np.zeros_like(g[..., 0]))


def test_a_pixel_that_is_read_a_million_times_loses_no_digit_of_its_gradient():
    tenth = np.float32(0.1)
    v = Value(np.ones((1, 1, 1, 1), np.float32))
    y = F.grid_sample(v, np.zeros((1, 1000, 1000, 2), np.float32))
    np.testing.assert_allclose(grad(y, v, np.full(y.shape, tenth)), 1e6 * tenth, rtol=1e-6)
    for shape in ((1, 1, 1), (1, 1, 1, 2)):
        v = Value(np.ones(shape, np.float32))
        y = F.interpolate(v, (300_000, 2)[: v.ndim - 2])
        np.testing.assert_allclose(grad(y, v, np.full(y.shape, tenth)), 3e5 * tenth, rtol=1e-6)


def test_what_is_cropped_at_one_end_may_show_at_the_other():
    x = np.arange(5.0).reshape(1, 1, 5)
    assert F.pad(x, (2, -3), "reflect").ravel().tolist() == [2, 1, 0, 1]
    assert F.pad(x, (-4, 2), "reflect").ravel().tolist() == [4, 3, 2]
    assert F.pad(x, (-6, 3), "replicate").ravel().tolist() == [4, 4]


def test_folding_what_was_unfolded_counts_each_pixel():
    x = np.ones((1, 2, 5, 4))
    columns = F.unfold(x, 3, padding=1)
    assert columns.shape == (1, 18, 20)
    counts = F.fold(columns, (5, 4), 3, padding=1)
    assert counts[0, 0].tolist()[0] == [4, 6, 6, 4]
    assert counts[0, 0].tolist()[2] == [6, 9, 9, 6]


def test_shuffling_is_undone():
    np.testing.assert_array_equal(F.pixel_unshuffle(F.pixel_shuffle(X[2], 2), 2), X[2])
    np.testing.assert_array_equal(F.channel_shuffle(F.channel_shuffle(X[2], 2), 2), X[2])


def test_a_product_with_unfolded_patches_is_a_convolution():
    w = RNG.normal(size=(3, 4, 3, 2))
    y = w.reshape(3, -1) @ F.unfold(X[2], (3, 2), stride=2)
    np.testing.assert_allclose(y.reshape(2, 3, 2, 2), autograd.ops.conv2d(X[2], w, stride=2))


def test_a_negative_margin_cuts():
    np.testing.assert_array_equal(F.pad(X[1], (-1, -2)), X[1][..., 1:-2])
    assert F.pad(X[1], ()) is X[1]


REFUSED = {
    "neither": (lambda: F.interpolate(X[1]), ValueError, "either size or scale_factor"),
    "both": (lambda: F.interpolate(X[1], 2, 2), ValueError, "either size or scale_factor"),
    "mode": (lambda: F.interpolate(X[1], 2, mode="fast"), ValueError, "mode must be one of"),
    "axes": (
        lambda: F.interpolate(X[1], 2, mode="bilinear"),
        ValueError,
        r"inputs of 4 axes.*\(2, 4, 5\)",
    ),
    "corners": (lambda: F.interpolate(X[1], 2, align_corners=True), ValueError, "align_corners is"),
    "size 0": (lambda: F.interpolate(X[1], 0), ValueError, "at least 1 pixel"),
    "scale 0": (lambda: F.interpolate(X[1], scale_factor=0), ValueError, "above 0"),
    "scale nan": (lambda: F.interpolate(X[1], scale_factor=np.nan), ValueError, "above 0"),
    "size 2.5": (lambda: F.interpolate(X[1], 2.5), TypeError, "integers"),
    "sizes": (lambda: F.interpolate(X[1], (2, 2)), ValueError, "2 entries for 1 axes"),
    "dtype": (lambda: F.interpolate(np.ones((1, 1, 2), int), 4), TypeError, "float32 or all"),
    "grid": (
        lambda: F.grid_sample(X[2], np.zeros((2, 1, 1, 3))),
        ValueError,
        r"grid \(2, 1, 1, 3\) must be",
    ),
    "grids": (lambda: F.grid_sample(X[2], np.zeros((3, 1, 1, 2))), ValueError, "the same N"),
    "cubes": (
        lambda: F.grid_sample(X[3], np.zeros((2, 1, 1, 1, 3)), "bicubic"),
        ValueError,
        "mode must be one of",
    ),
    "outside": (
        lambda: F.grid_sample(X[2], np.zeros((2, 1, 1, 2)), padding_mode="wrap"),
        ValueError,
        "padding_mode must be in",
    ),
    "mixed": (
        lambda: F.grid_sample(X[2], np.zeros((2, 1, 1, 2), np.float32)),
        TypeError,
        "x float64, w float32",
    ),
    "theta": (lambda: F.affine_grid(np.eye(3), (1, 1, 2, 2)), ValueError, r"theta \(3, 3\)"),
    "odd pad": (lambda: F.pad(X[1], (1,)), ValueError, "two entries"),
    "long pad": (lambda: F.pad(X[1], (1,) * 8), ValueError, "two entries"),
    "half pad": (lambda: F.pad(X[1], (0.5, 1)), TypeError, "integers"),
    "reflect": (lambda: F.pad(X[1], (5, 0), "reflect"), ValueError, "at most 4 .*5 pixels"),
    "circular": (lambda: F.pad(X[1], (6, 0), "circular"), ValueError, "at most 5"),
    "value": (lambda: F.pad(X[1], (1, 0), "reflect", 2.0), ValueError, "goes with"),
    "cut": (lambda: F.pad(X[1], (-3, -3)), ValueError, "cuts more off"),
    "too few": (lambda: F.pad(X[3], (1, 1), "replicate"), ValueError, "for each axis"),
    "shuffle": (lambda: F.pixel_shuffle(X[2], 3), ValueError, r"\(2, 4, 5, 4\).*9"),
    "unshuffle": (lambda: F.pixel_unshuffle(X[2], 2), ValueError, "multiples of"),
    "deal": (lambda: F.channel_shuffle(X[2], 3), ValueError, "groups=3"),
    "factor": (lambda: F.pixel_shuffle(X[2], 2.0), TypeError, "must be an integer"),
    "patch": (lambda: F.unfold(X[2], 9), ValueError, r"unfold: .*beyond.*\(2, 4, 5, 4\)"),
    "stride": (lambda: F.unfold(X[2], 2, stride=0), ValueError, "stride must be at least 1"),
    "columns": (lambda: F.fold(X[1], (5, 4), 2), ValueError, r"12 patches of \(2, 2\)"),
    "norm": (lambda: F.lp_pool1d(X[1], 0, 2), ValueError, "norm_type must be above 0"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_bad_input_is_refused_by_name(name):
    call, error, text = REFUSED[name]
    with pytest.raises(error, match=text):
        call()


RANK = {"linear": 1, "bilinear": 2, "trilinear": 3, "bicubic": 2}
HOW = [{"size": s} for s in (7, 3, 1)] + [{"scale_factor": f} for f in (2, 1.7, 0.6)]
CALLS = [
    ("interpolate", rank, {"mode": mode, **how})
    for mode in ("nearest", "nearest-exact", "area")
    for rank in (1, 2, 3)
    for how in HOW
]
CALLS += [
    ("interpolate", rank, {"mode": mode, "align_corners": corners, **how})
    for mode, rank in RANK.items()
    for how in HOW
    for corners in (False, True)
]
CALLS += [
    ("interpolate", 2, {"mode": mode, "antialias": True, "size": size, "align_corners": corners})
    for mode in ("bilinear", "bicubic")
    for size in ((3, 2), (9, 7), (2, 9))
    for corners in (False, True)
]
CALLS += [
    ("interpolate", 2, {"scale_factor": 1.7, "mode": "bilinear", "recompute_scale_factor": True})
]
CALLS += [
    ("pad", rank, {"pad": pad[: 2 * rank], "mode": mode})
    for mode in ("constant", "reflect", "replicate", "circular")
    for pad in ((1, 2, 3, 0, 1, 1), (0, 3, -1, 2, 2, -1))
    for rank in (1, 2, 3)
]
CALLS += [("pad", 2, {"pad": (1, 2, 0, 1, 2, 2), "value": 3.5})]
CALLS += [
    ("unfold", 2, {"kernel_size": (3, 2), "dilation": d, "padding": p, "stride": s})
    for d, p, s in itertools.product((1, 2), (0, (2, 1)), (1, (2, 3)))
]
CALLS += [("pixel_shuffle", 2, {"upscale_factor": 2}), ("channel_shuffle", 3, {"groups": 2})]
CALLS += [
    (f"lp_pool{rank}d", rank, {"norm_type": 2.0, "kernel_size": 2, "stride": s, "ceil_mode": ceil})
    for rank in (1, 2, 3)
    for s in (None, 1)
    for ceil in (False, True)
]


def same(ours, theirs, x, how):
    """Outputs and gradients of two functions."""
    torch = pytest.importorskip("torch", reason="the comparison needs torch")
    v, t = [Value(a) for a in x], [torch.tensor(a, requires_grad=True) for a in x]
    y, z = ours(*v, **how), theirs(*t, **how)
    np.testing.assert_allclose(y.data, z.detach().numpy(), atol=1e-10, rtol=1e-7)
    np.sum(y**3).backward()
    (z**3).sum().backward()
    for a, b in zip(v, t, strict=True):
        grad = np.zeros(a.shape) if a.grad is None else a.grad
        np.testing.assert_allclose(grad, b.grad.numpy(), atol=1e-7, rtol=1e-7)


@pytest.mark.torch
@pytest.mark.parametrize(("name", "rank", "how"), CALLS)
def test_values_and_gradients_are_torchs(name, rank, how):
    torch = pytest.importorskip("torch", reason="the comparison needs torch")
    theirs = getattr(torch.nn.functional, name, None) or getattr(torch, name)
    same(getattr(F, name), theirs, [X[rank]], how)


@pytest.mark.torch
@pytest.mark.parametrize("how", [{"padding": 1}, {"stride": 2, "dilation": (1, 2)}])
def test_folding_is_torchs(how):
    torch = pytest.importorskip("torch", reason="the comparison needs torch")
    columns = F.unfold(X[2], 2, **how)
    how = {"output_size": (5, 4), "kernel_size": 2, **how}
    same(F.fold, torch.nn.functional.fold, [columns], how)


@pytest.mark.torch
@pytest.mark.parametrize("rank", [2, 3])
@pytest.mark.parametrize("mode", ["bilinear", "nearest", "bicubic"])
@pytest.mark.parametrize("padding", ["zeros", "border", "reflection"])
@pytest.mark.parametrize("corners", [False, True])
def test_sampling_is_torchs(rank, mode, padding, corners):
    torch = pytest.importorskip("torch", reason="the comparison needs torch")
    if mode == "bicubic" and rank == 3:
        pytest.skip("PyTorch has no cubic sampling of volumes")
    grid = RNG.uniform(-2.5, 2.5, (2, *(3, 4, 2)[:rank], rank))
    how = {"mode": mode, "padding_mode": padding, "align_corners": corners}
    same(F.grid_sample, torch.nn.functional.grid_sample, [X[rank], grid], how)


@pytest.mark.torch
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("rank", [2, 3])
@pytest.mark.parametrize("padding", ["zeros", "border", "reflection"])
@pytest.mark.parametrize("corners", [False, True])
def test_a_spatial_transformer_starts_as_torchs(rank, padding, corners, dtype):
    # at the identity each point is on a pixel, where the slope jumps
    torch = pytest.importorskip("torch", reason="the comparison needs torch")
    theta = np.eye(rank, rank + 1, dtype=dtype)[None]
    for n in range(2, 8):
        x = RNG.normal(size=(1, 2, *[n, n + 1, n + 2][:rank])).astype(dtype)
        t = torch.tensor(theta, requires_grad=True)
        their_grid = torch.nn.functional.affine_grid(t, x.shape, align_corners=corners)
        z = torch.nn.functional.grid_sample(
            torch.tensor(x), their_grid, padding_mode=padding, align_corners=corners
        )
        (z**3).sum().backward()
        v = Value(theta)
        grid = F.affine_grid(v, x.shape, corners)
        np.testing.assert_array_equal(grid.data, their_grid.detach().numpy())
        np.sum(F.grid_sample(x, grid, "bilinear", padding, corners) ** 3).backward()
        np.testing.assert_allclose(v.grad, t.grad.numpy(), rtol=1e-4, atol=1e-4)


@pytest.mark.torch
@pytest.mark.parametrize("rank", [2, 3])
@pytest.mark.parametrize("corners", [False, True])
def test_affine_grids_are_torchs(rank, corners):
    torch = pytest.importorskip("torch", reason="the comparison needs torch")
    theta = RNG.normal(size=(2, rank, rank + 1))
    how = {"size": [2, 3, 4, 2, 5][: rank + 2], "align_corners": corners}
    same(F.affine_grid, torch.nn.functional.affine_grid, [theta], how)
