"""Layers that drop, gate, embed in bags and compare."""

from __future__ import annotations

import numpy as np
import pytest

import autograd
import nn
from nn import functional as F  # noqa: N812 - PyTorch users' name

X = np.linspace(-2, 2, 24).reshape(2, 3, 4)


@pytest.mark.parametrize(
    ("layer", "shape", "kept"),
    [
        (nn.Dropout1d, (40, 5, 7), 2),
        (nn.Dropout1d, (40, 7), 1),
        (nn.Dropout2d, (40, 5, 3, 2), 2),
        (nn.Dropout2d, (40, 5, 3), 2),
        (nn.Dropout3d, (40, 5, 3, 2, 2), 2),
        (nn.Dropout3d, (40, 3, 2, 2), 1),
    ],
)
def test_channels_are_dropped_whole(layer, shape, kept):
    y = layer(0.5, rng=0)(np.ones(shape, np.float32))
    flat = y.reshape(*shape[:kept], -1)
    assert y.dtype == np.float32
    assert (flat == flat[..., :1]).all()
    assert set(np.unique(y)) == {0, 2}
    np.testing.assert_allclose((y == 0).mean(), 0.5, atol=0.15)


def test_channels_need_axes_of_their_own():
    with pytest.raises(ValueError, match=r"dropout2d: input must be .*got \(2, 3\)"):
        nn.Dropout2d()(np.ones((2, 3)))


@pytest.mark.parametrize("layer", [nn.AlphaDropout, nn.FeatureAlphaDropout])
def test_alpha_dropout_keeps_mean_0_and_variance_1(layer):
    x = np.random.default_rng(0).normal(size=(500, 400))
    y = layer(0.3, rng=1)(x)
    np.testing.assert_allclose([y.mean(), y.var()], [0, 1], atol=0.02)
    assert layer(0.3).eval()(x) is x
    assert not layer(1.0)(x).any()


@pytest.mark.parametrize(
    "layer",
    [
        nn.Dropout, nn.Dropout1d, nn.AlphaDropout, nn.FeatureAlphaDropout,
    ],
)  # fmt: skip
def test_dropping_layers_refuse_integers_and_what_is_no_probability(layer):
    with pytest.raises(TypeError, match=r"astype\(np.float32\)"):
        layer()(np.ones((2, 3), int))
    with pytest.raises(ValueError, match=rf"{layer.__name__}: p is a probability"):
        layer(-0.1)


def test_rrelu_draws_slopes_in_training_and_takes_their_mean_after():
    x = autograd.Value(-np.ones(2000, np.float32))
    layer = nn.RReLU(0.1, 0.5, rng=0)
    y = layer(x)
    assert -0.5 <= y.data.min() < -0.45
    assert -0.15 < y.data.max() <= -0.1
    np.testing.assert_allclose(autograd.grad(np.sum(y), x), -y.data)
    np.testing.assert_allclose(layer.eval()(x).data, -0.3, rtol=1e-6)
    with pytest.raises(ValueError, match="lower"):
        nn.RReLU(0.5, 0.1)


def test_gates_and_thresholds():
    np.testing.assert_allclose(nn.GLU()(X), X[..., :2] / (1 + np.exp(-X[..., 2:])))
    with pytest.raises(ValueError, match="even size"):
        nn.GLU(1)(X)
    np.testing.assert_array_equal(nn.Threshold(0.5, 9.0)(X), np.where(X > 0.5, X, 9))
    np.testing.assert_allclose(nn.Softmin(-1)(X), nn.Softmax(-1)(-X))
    np.testing.assert_allclose(nn.Softmax2d()(X).sum(0), 1)
    with pytest.raises(ValueError, match="Softmax2d"):
        nn.Softmax2d()(X[0])


@pytest.mark.parametrize(
    "f", [nn.GLU(), nn.Threshold(0.3, 1.0), nn.Softmin(1), nn.RReLU().eval(), nn.Softmax2d()]
)
def test_gates_are_differentiated(f):
    assert autograd.gradcheck(f, X)


def test_gumbel_softmax_draws_by_the_probabilities():
    logits = autograd.Value(np.log(np.tile([0.2, 0.3, 0.5], (4000, 1))))
    soft = F.gumbel_softmax(logits, tau=0.7, rng=0)
    hard = F.gumbel_softmax(logits, tau=0.7, hard=True, rng=0)
    np.testing.assert_allclose(np.sum(soft, axis=1).data, 1)
    np.testing.assert_allclose(hard.data.mean(0), [0.2, 0.3, 0.5], atol=0.03)
    np.testing.assert_allclose(
        autograd.grad(np.sum(hard[:, 0]), logits), autograd.grad(np.sum(soft[:, 0]), logits)
    )
    with pytest.raises(ValueError, match="tau"):
        F.gumbel_softmax(logits, tau=0)


def test_one_hot_counts_the_classes_or_takes_their_number():
    np.testing.assert_array_equal(F.one_hot([[1], [0]]), [[[0, 1]], [[1, 0]]])
    assert F.one_hot(np.array([1]), 5).shape == (1, 5)
    with pytest.raises(ValueError, match="class index 3, but num_classes=2"):
        F.one_hot([3], 2)
    with pytest.raises(TypeError, match="integers"):
        F.one_hot([1.0])


def test_bilinear_is_a_form_for_each_output():
    layer = nn.Bilinear(3, 4, 2, rng=0).double()
    a, b = X[:, :, 0], X[:, 0]
    expected = np.einsum("ni,kij,nj->nk", a, layer.weight.data, b) + layer.bias.data
    np.testing.assert_allclose(layer(a, b).data, expected)
    assert autograd.gradcheck(layer, a, b)
    with pytest.raises(ValueError, match=r"bilinear: inputs \(2, 4\) and \(2, 4\)"):
        layer(b, b)


def test_linear_refuses_what_would_change_the_dtype():
    layer = nn.Linear(4, 2)
    for dtype in (np.float64, int, bool):
        with pytest.raises(TypeError, match=r"linear: input is .*astype\(np.float32\)"):
            layer(np.ones((1, 4), dtype))


def test_long_rows_are_shortened_in_the_table():
    table = nn.Embedding(4, 3, max_norm=1.0, norm_type=1.0, rng=0)
    before = table.weight.data.copy()
    table(np.array([1, 1, 2]))
    np.testing.assert_array_equal(table.weight.data[[0, 3]], before[[0, 3]])
    assert (abs(table.weight.data[[1, 2]]).sum(1) <= 1 + 1e-6).all()
    with pytest.raises(ValueError, match="got 4"):
        table(np.array([0, 4]))
    np.testing.assert_array_equal(table.weight.data[0], before[0])
    with pytest.raises(ValueError, match="max_norm must be more than 0"):
        nn.Embedding(4, 3, max_norm=0)


def test_bags_may_be_empty_ragged_or_padded():
    table = nn.EmbeddingBag(5, 2, mode="mean", padding_idx=0, rng=0)
    w = table.weight.data
    y = table(np.array([1, 2, 0, 3, 3]), np.array([0, 3, 3]))
    np.testing.assert_allclose(y.data, [(w[1] + w[2]) / 2, [0, 0], w[3]], rtol=1e-6)


@pytest.mark.parametrize(
    ("error", "text", "make"),
    [
        (ValueError, "sparse", lambda: nn.Embedding(3, 2, sparse=True)),
        (ValueError, "mode must be", lambda: nn.EmbeddingBag(3, 2, mode="min")),
        (ValueError, "offsets", lambda: nn.EmbeddingBag(3, 2)(np.array([1]))),
        (ValueError, "begin with 0", lambda: nn.EmbeddingBag(3, 2)(np.array([1]), [1])),
        (ValueError, "one axis", lambda: nn.EmbeddingBag(3, 2)(np.array([[1]]), [0])),
        (
            ValueError,
            "mode='sum' only",
            lambda: nn.EmbeddingBag(3, 2)(np.ones((1, 1), int), None, [[1.0]]),
        ),
    ],
)
def test_tables_refuse(error, text, make):
    with pytest.raises(error, match=text):
        make()
