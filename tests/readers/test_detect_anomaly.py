"""detect_anomaly: the first op that makes a NaN or infinity is named."""

from __future__ import annotations

import sys

import numpy as np
import pytest

import autograd
import nn
from autograd import Value, detect_anomaly
from autograd.readers.detect_anomaly import AnomalyError


def found(function):
    with pytest.raises(AnomalyError) as caught, detect_anomaly():
        function()
    return caught.value


def test_the_op_that_makes_an_infinity_is_named_with_its_input_and_line():
    x = Value([1.0, 0.0], name="x")
    error = found(lambda: np.sum(np.log(x)))
    assert "log made 1 infinity of 2 elements from ordinary numbers" in str(error)
    assert "a = x (2,) float64, 0 to 1" in str(error)
    assert "error = found(lambda: np.sum(np.log(x)))" in str(error)
    assert error.direction == "forward"
    np.testing.assert_array_equal(error.inputs[0], [1.0, 0.0])


def test_the_backward_pass_of_an_op_is_named():
    x = Value([4.0, 0.0], name="x")
    error = found(lambda: np.sum(np.sqrt(x) * 3).backward())
    assert "The backward pass of sqrt made 1 infinity of 2 elements" in str(error)
    assert error.direction == "backward"
    assert x.grad is None, "it is found before any gradient is written"


def test_grad_is_watched_as_backward_is():
    x = Value(0.0)
    assert "sqrt" in str(found(lambda: autograd.grad(np.sqrt(x), x)))


def test_the_modules_around_the_op_are_named():
    class Root(nn.Module):
        def forward(self, x):
            return np.sqrt(x)

    class Net(nn.Module):
        def __init__(self):
            self.inner = Root()

        def forward(self, x):
            return self.inner(x * 0.0)

    x = Value([1.0])
    assert "module: Net > inner: Root" in str(found(lambda: np.sum(Net()(x)).backward()))


def test_a_nan_that_comes_in_is_named_with_its_leaf():
    x = Value([np.nan, 1.0], name="measured")
    assert "multiply was given 1 NaN of 2 elements by measured" in str(found(lambda: x * 2))


def test_a_nan_made_of_infinities_is_an_anomaly():
    x = Value([1.0, 2.0])
    masked = np.array([-np.inf, -np.inf])
    assert "softmax" in str(found(lambda: autograd.ops.softmax(x + masked)))


def test_an_infinity_that_goes_in_is_none():
    x = Value([1.0, 2.0])
    with detect_anomaly():
        y = autograd.ops.softmax(np.where(np.array([True, False]), x, -np.inf))
        np.sum(y * np.array([1.0, 2.0])).backward()
    np.testing.assert_allclose(x.grad, 0, atol=1e-15)


def test_a_branch_that_where_leaves_out_is_no_anomaly_backwards():
    x = Value([0.0, 4.0])
    with detect_anomaly():
        np.sum(np.where(x.data > 0, np.sqrt(x), 0.0)).backward()
    np.testing.assert_array_equal(x.grad, [0.0, 0.25])


def test_healthy_training_is_left_alone():
    net = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2))
    optimizer = nn.optim.Adam(net.parameters())
    x = np.ones((5, 3), np.float32)
    with detect_anomaly():
        for _ in range(3):
            loss = nn.functional.cross_entropy(net(x), np.zeros(5, int))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    assert sys.getprofile() is None


def test_the_drawing_shows_the_op():
    x = Value([1.0, 0.0], name="x")
    assert "log" in found(lambda: np.log(x * 1.0)).drawing().dot


def test_a_misfit_of_shapes_tells_who_made_the_inputs():
    def misfit():
        h = np.tanh(Value(np.ones((2, 3))))
        return h @ np.ones((4, 4))

    with pytest.raises(ValueError, match="matmul") as caught, detect_anomaly():
        misfit()
    assert "was made by tanh" in caught.value.__notes__[0]
    assert "h = np.tanh(" in caught.value.__notes__[0]


def test_another_profiler_is_not_pushed_aside():
    sys.setprofile(lambda *_: None)
    try:
        with pytest.raises(RuntimeError, match="profiling hook is taken"), detect_anomaly():
            pass
    finally:
        sys.setprofile(None)
