from __future__ import annotations

import math

import numpy as np
import pytest

import nn
from nn import init


@pytest.fixture
def weight():
    return nn.Parameter(np.zeros((300, 200)))


def test_kaiming_uniform_has_its_bound(weight):
    init.kaiming_uniform_(weight, nonlinearity="relu", generator=0)
    bound = math.sqrt(6 / 200)
    assert 0.99 * bound < abs(weight.data).max() <= bound


def test_kaiming_normal_has_its_deviation(weight):
    init.kaiming_normal_(weight, mode="fan_out", nonlinearity="relu", generator=0)
    np.testing.assert_allclose(weight.data.std(), math.sqrt(2 / 300), rtol=0.02)


def test_xavier_has_its_bound_and_deviation(weight):
    init.xavier_uniform_(weight, gain=2.0, generator=0)
    assert abs(weight.data).max() <= 2 * math.sqrt(6 / 500)
    np.testing.assert_allclose(weight.data.std(), 2 * math.sqrt(2 / 500), rtol=0.02)
    init.xavier_normal_(weight, generator=0)
    np.testing.assert_allclose(weight.data.std(), math.sqrt(2 / 500), rtol=0.02)


def test_constants_fill(weight):
    assert (init.ones_(weight).data == 1).all()
    assert (init.zeros_(weight).data == 0).all()
    assert (init.constant_(weight, 3).data == 3).all()


def test_initializing_is_noticed_by_the_graph(weight):
    y = np.sum(np.square(weight))
    init.normal_(weight)
    with pytest.raises(RuntimeError, match="written to"):
        y.backward()


def test_gain_of_leaky_relu_depends_on_its_slope():
    assert init.calculate_gain("leaky_relu", math.sqrt(5)) == pytest.approx(math.sqrt(1 / 3))
    with pytest.raises(ValueError, match="swish"):
        init.calculate_gain("swish")


def test_a_vector_has_no_fans():
    with pytest.raises(ValueError, match=r"\(3,\)"):
        init.kaiming_uniform_(nn.Parameter(np.zeros(3)))


def test_mode_is_checked(weight):
    with pytest.raises(ValueError, match="fan_in"):
        init.kaiming_uniform_(weight, mode="fan")


def test_trunc_normal_keeps_within_and_has_the_moments(weight):
    init.trunc_normal_(weight, 1.0, 2.0, -1.0, 3.0, generator=0)
    assert -1 <= weight.data.min() < -0.9
    assert 2.9 < weight.data.max() <= 3
    np.testing.assert_allclose(weight.data.mean(), 1, atol=0.02)
    # variance of a standard normal cut at ±1: 1 − 2 φ(1) / (2 Φ(1) − 1)
    np.testing.assert_allclose(weight.data.var(), 4 * 0.291125, rtol=0.02)


def test_trunc_normal_reaches_into_the_tail(weight):
    init.trunc_normal_(weight, 0.0, 1.0, 4.0, math.inf, generator=0)
    assert weight.data.min() >= 4
    np.testing.assert_allclose(weight.data.mean(), 4.2256, rtol=0.01)  # φ(4) / (1 − Φ(4))
    for a, b in ((1, 1), (9, 10)):
        with pytest.raises(ValueError, match="interval"):
            init.trunc_normal_(weight, a=a, b=b)


@pytest.mark.parametrize("shape", [(8, 3), (3, 8), (4, 2, 3, 3)])
def test_orthogonal_keeps_lengths(shape):
    w = init.orthogonal_(nn.Parameter(np.zeros(shape)), 2.0, generator=0).data
    w = w.reshape(len(w), -1)
    product = w @ w.T if len(w) <= w.shape[1] else w.T @ w
    np.testing.assert_allclose(product, 4 * np.eye(len(product)), atol=1e-5)


@pytest.mark.parametrize("rank", [1, 2, 3])
def test_dirac_hands_channels_through(rank):
    conv = (nn.Conv1d, nn.Conv2d, nn.Conv3d)[rank - 1](4, 4, 3, padding=1, groups=2, bias=False)
    init.dirac_(conv.weight, groups=2)
    x = np.random.default_rng(0).normal(size=(1, 4, 5, 4, 3)[: rank + 2]).astype(np.float32)
    np.testing.assert_array_equal(conv(x).data, x)


def test_sparse_zeroes_a_share_of_each_column(weight):
    init.sparse_(weight, 0.25, std=2.0, generator=0)
    assert ((weight.data == 0).sum(0) == 75).all()
    np.testing.assert_allclose(weight.data[weight.data != 0].std(), 2, rtol=0.02)


@pytest.mark.parametrize(
    "call",
    [
        lambda: init.eye_(nn.Parameter(np.zeros(3))),
        lambda: init.dirac_(nn.Parameter(np.zeros((3, 3)))),
        lambda: init.dirac_(nn.Parameter(np.zeros((3, 3, 3))), groups=2),
        lambda: init.orthogonal_(nn.Parameter(np.zeros(3))),
        lambda: init.sparse_(nn.Parameter(np.zeros((3, 3))), 2),
        lambda: init.sparse_(nn.Parameter(np.zeros((3, 3, 3))), 0.5),
    ],
)
def test_shapes_and_shares_are_checked(call):
    with pytest.raises(ValueError, match="_: "):
        call()


def test_a_generator_and_a_seed_are_the_same(weight):
    a = init.normal_(weight, generator=3).data.copy()
    np.testing.assert_array_equal(a, init.normal_(weight, generator=np.random.default_rng(3)).data)


@pytest.mark.parametrize(
    "fill",
    [
        init.uniform_,
        init.normal_,
        init.trunc_normal_,
        init.kaiming_uniform_,
        init.kaiming_normal_,
        init.xavier_uniform_,
        init.xavier_normal_,
        init.orthogonal_,
        lambda w, **rng: init.sparse_(w, 0.1, **rng),
    ],
)
def test_generator_and_rng_are_two_names_for_one_argument(fill):
    a, b = (fill(nn.Parameter(np.zeros((3, 4))), **{name: 5}) for name in ("generator", "rng"))
    np.testing.assert_array_equal(a.data, b.data)
    with pytest.raises(TypeError, match="two names for the same argument"):
        fill(a, generator=5, rng=5)


@pytest.mark.parametrize("param", [True, "0.1"])
def test_the_slope_of_a_gain_is_a_number(param):
    with pytest.raises(TypeError, match=f"param must be a number, got {param!r}"):
        nn.init.calculate_gain("leaky_relu", param)
