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
    init.kaiming_uniform_(weight, nonlinearity="relu", rng=0)
    bound = math.sqrt(6 / 200)
    assert 0.99 * bound < abs(weight.data).max() <= bound


def test_kaiming_normal_has_its_deviation(weight):
    init.kaiming_normal_(weight, mode="fan_out", nonlinearity="relu", rng=0)
    np.testing.assert_allclose(weight.data.std(), math.sqrt(2 / 300), rtol=0.02)


def test_xavier_has_its_bound_and_deviation(weight):
    init.xavier_uniform_(weight, gain=2.0, rng=0)
    assert abs(weight.data).max() <= 2 * math.sqrt(6 / 500)
    np.testing.assert_allclose(weight.data.std(), 2 * math.sqrt(2 / 500), rtol=0.02)
    init.xavier_normal_(weight, rng=0)
    np.testing.assert_allclose(weight.data.std(), math.sqrt(2 / 500), rtol=0.02)


def test_constants_fill(weight):
    assert (init.ones_(weight).data == 1).all()
    assert (init.zeros_(weight).data == 0).all()
    assert (init.constant_(weight, 3).data == 3).all()


def test_initialising_is_noticed_by_the_graph(weight):
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
