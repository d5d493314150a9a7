"""Padding, unpooling, resizing and reshaping layers, beside PyTorch's."""

from __future__ import annotations

import numpy as np
import pytest

import nn
from autograd import Value, gradcheck
from nn import functional

RNG = np.random.default_rng(0)
X = {rank: RNG.normal(size=(2, 4, 6, 5, 7)[: rank + 2]) for rank in (1, 2, 3)}
CASES = [
    (f"ZeroPad{r}d", r, {"padding": p}) for r in (1, 2, 3) for p in (1, (0, -1, 2)[:1] * 2 * r)
]
CASES += [(f"ConstantPad{r}d", r, {"padding": 2, "value": 1.5}) for r in (1, 2, 3)]
CASES += [
    (f"{kind}Pad{r}d", r, {"padding": padding})
    for kind in ("Reflection", "Replication", "Circular")
    for r in (1, 2, 3)
    for padding in (1, (2, 0, 1, 3, 0, 1)[: 2 * r])
]
CASES += [
    (f"LPPool{r}d", r, {"norm_type": 2, "kernel_size": 2, **more})
    for r in (1, 2, 3)
    for more in ({}, {"stride": 1}, {"ceil_mode": True})
]
CASES += [
    ("Upsample", 1, {"scale_factor": 2}),
    ("Upsample", 2, {"size": (7, 3), "mode": "bilinear"}),
    ("Upsample", 3, {"scale_factor": (2, 1.5, 0.5), "mode": "trilinear", "align_corners": True}),
    ("UpsamplingNearest2d", 2, {"scale_factor": 2}),
    ("UpsamplingBilinear2d", 2, {"size": (3, 8)}),
    ("PixelShuffle", 2, {"upscale_factor": 2}),
    ("ChannelShuffle", 2, {"groups": 2}),
    ("Unfold", 2, {"kernel_size": (2, 3), "padding": 1}),
    ("Flatten", 3, {"start_dim": 2}),
    ("Unflatten", 2, {"dim": 1, "unflattened_size": (2, -1)}),
]


@pytest.mark.torch
@pytest.mark.parametrize(("name", "rank", "settings"), CASES)
def test_is_what_torch_computes(name, rank, settings):
    torch = pytest.importorskip("torch", reason="the comparison needs torch")
    ours, theirs = getattr(nn, name)(**settings), getattr(torch.nn, name)(**settings)
    v, t = Value(X[rank]), torch.tensor(X[rank], requires_grad=True)
    y, z = ours(v), theirs(t)
    np.testing.assert_allclose(y.data, z.detach().numpy(), atol=1e-12)
    np.sum(y**3).backward()
    (z**3).sum().backward()
    np.testing.assert_allclose(v.grad, t.grad.numpy(), atol=1e-12)
    assert repr(ours) == repr(theirs)


@pytest.mark.torch
@pytest.mark.parametrize("rank", [1, 2, 3])
def test_unpooling_is_torchs(rank):
    torch = pytest.importorskip("torch", reason="the comparison needs torch")
    x, name = X[rank], f"MaxUnpool{rank}d"
    y, indices = getattr(nn, f"MaxPool{rank}d")(2, return_indices=True)(x)
    ours, theirs = getattr(nn, name)(2), getattr(torch.nn, name)(2)
    for size in (None, x.shape) if rank == 1 else (x.shape,):  # of odd axes a row was left out
        expected = theirs(torch.tensor(y), torch.tensor(indices), size).numpy()
        np.testing.assert_array_equal(ours(y, indices, size), expected)
    assert repr(ours) == repr(theirs)


def test_folding_undoes_unfolding_without_overlap():
    columns = nn.Unfold(2, stride=2)(X[2][..., :4])
    np.testing.assert_array_equal(nn.Fold((6, 4), 2, stride=2)(columns), X[2][..., :4])


def test_unflattening_undoes_flattening():
    flat = nn.Flatten()(X[3])
    np.testing.assert_array_equal(nn.Unflatten(1, X[3].shape[1:])(flat), X[3])
    np.testing.assert_array_equal(nn.Unflatten(-1, (-1, *X[3].shape[2:]))(flat), X[3])


@pytest.mark.parametrize("kind", ["Reflection", "Replication", "Circular"])
def test_margins_are_differentiated(kind):
    assert gradcheck(getattr(nn, f"{kind}Pad2d")((1, 2, 0, 1)), X[2][:1, :1, :3, :4])


def test_a_layer_in_a_network_is_drawn_as_one_box():
    y = nn.Sequential(nn.ZeroPad2d(1), nn.PixelShuffle(2))(Value(X[2]))
    assert y.shape == (2, 1, 16, 14)


@pytest.mark.parametrize(
    ("error", "text", "make"),
    [
        (ValueError, "ZeroPad2d: padding=.* 3 entries for 4", lambda: nn.ZeroPad2d((1, 2, 3))),
        (TypeError, "ReflectionPad1d: padding", lambda: nn.ReflectionPad1d(1.5)),
        (ValueError, r"at most 5 .*\(2, 4, 6\)", lambda: nn.ReflectionPad1d(6)(X[1])),
        (ValueError, "two entries for each axis", lambda: nn.CircularPad3d(1)(X[1])),
        (ValueError, "MaxUnpool2d: stride must be at least 1", lambda: nn.MaxUnpool2d(2, 0)),
        (TypeError, "Unflatten: dim and sizes", lambda: nn.Unflatten(1, (2.0, 2))),
        (ValueError, "-1 at most", lambda: nn.Unflatten(1, (-1, -1))),
        (ValueError, r"axis 1 of .* into \(3, 2\)", lambda: nn.Unflatten(1, (3, 2))(X[1])),
        (ValueError, "no axis of", lambda: nn.Unflatten(3, (3, 2))(X[1])),
        (ValueError, "either size or scale_factor", lambda: nn.Upsample()(X[1])),
    ],
)
def test_errors_name_the_layer_and_the_argument(error, text, make):
    with pytest.raises(error, match=text):
        make()


def test_functions_and_layers_agree():
    np.testing.assert_array_equal(
        nn.PixelUnshuffle(2)(X[2][:, :, :4, :4]), functional.pixel_unshuffle(X[2][:, :, :4, :4], 2)
    )
