"""compare: the first place where two runs diverge."""

from __future__ import annotations

import copy

import numpy as np
import pytest

import autograd
import nn
from autograd import KernelOp, Value, compare

X = np.linspace(-1, 1, 12).reshape(4, 3)


def net(dtype=np.float32):
    autograd.seed(0)
    return nn.Sequential(nn.Linear(3, 5), nn.Tanh(), nn.Linear(5, 2)).to(dtype)


def loss(model, dtype=np.float32, x=X):
    return nn.functional.cross_entropy(model(x.astype(dtype)), np.array([0, 1, 0, 1]))


def test_the_same_model_in_two_dtypes_agrees():
    model = net()
    other = copy.deepcopy(model).double()
    found = compare(loss(model), loss(other, np.float64))
    assert found.first is None
    assert found.by == "node"
    assert any(point.label.startswith("gradient of") for point in found.points)


def test_a_changed_weight_is_the_first_place():
    model, other = net(), net()
    other.load_state_dict({**model.state_dict(), "2.bias": np.ones(2, np.float32)})
    first = compare(loss(model), loss(other)).first
    assert first.label == "2.bias"
    assert "2.bias" in str(compare(loss(model), loss(other)))


def test_another_input_is_the_first_place():
    model = net()
    first = compare(loss(model), loss(model, x=X + 1)).first
    assert "input of 0: Linear" in first.label


def test_models_of_other_ops_are_matched_by_layer():
    class Twin(nn.Module):
        """nn.Linear written out."""

        def __init__(self, layer):
            self.weight, self.bias = layer.weight, layer.bias

        def forward(self, x):
            return x @ self.weight.T + self.bias

    model = net()
    other = nn.Sequential(Twin(model[0]), nn.Tanh(), Twin(model[2]))
    found = compare(np.sum(model(X.astype(np.float32))), np.sum(other(X.astype(np.float32))))
    assert found.by == "layer"
    assert found.first is None
    assert {point.label for point in found.points} == {"0", "1", "2", "the whole"}


def test_arrays_recorded_elsewhere_are_matched_by_path():
    model = net()
    y = model(X.astype(np.float32))
    h = np.tanh(model[0](X.astype(np.float32)).data)
    assert compare(y, {"1": h, "2": y.data}).first is None
    found = compare(y, {"1": h + 0.5, "2": y.data, "3": h})
    assert found.first.label == "1"
    assert "3" in found.unmatched


def test_each_call_of_a_shared_layer_is_a_place():
    layer = nn.Linear(3, 3)
    model = nn.Sequential(layer, nn.Tanh(), layer)
    y = model(X.astype(np.float32))
    labels = [point.label for point in compare(y, {"0": [np.zeros((4, 3))] * 2}).points]
    assert labels == ["0, call 1", "0, call 2"]


def test_kernels_are_compared_with_their_references():
    rnn = nn.LSTM(3, 4, batch_first=True)
    y, _ = rnn(X.astype(np.float32)[None])
    found = compare(np.sum(np.square(y)))
    assert found.by == "kernel"
    assert found.first is None
    assert any("gradient of" in point.label for point in found.points)


def test_a_kernel_that_is_wrong_is_named(op_table):
    def forward(a):
        return np.tanh(a) * 1.01, None

    def joint(g, needs, y, saved, a):
        return [g * (1 - np.tanh(a) ** 2)]

    tex = r"\tanh {a}"
    wrong = KernelOp(forward, tex, joint, reference=np.tanh, arity=1, name="my_tanh")
    assert "my_tanh" in compare(np.sum(wrong(Value([0.5, 1.0])))).first.label


def test_a_nan_on_one_side_is_apart():
    a = Value([1.0, 2.0])
    found = compare(np.sum(a * np.array([1.0, np.nan])), np.sum(a * np.array([1.0, 2.0])))
    assert found.first.difference == np.inf


def test_what_cannot_be_compared_is_refused():
    x = Value(1.0)
    with pytest.raises(ValueError, match="nothing in common"):
        compare(np.sin(x), np.cos(x))
    with pytest.raises(TypeError, match="a must be a Value"):
        compare(1.0, x)
    with pytest.raises(TypeError, match="b must be"):
        compare(x, 3.0)
