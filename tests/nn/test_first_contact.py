"""What a newcomer from PyTorch or Keras types first: it works, or the error says what to write."""

from __future__ import annotations

import re

import numpy as np
import pytest

import autograd
import nn
from autograd import Value
from nn import functional as F  # noqa: N812 - as PyTorch users write it

X = np.random.default_rng(0).normal(size=(4, 3)).astype(np.float32)


def test_set_grad_enabled_switches_at_once_in_a_block_and_as_a_decorator():
    with autograd.set_grad_enabled(False):
        assert not (Value(2.0) * 3).requires_grad
        with autograd.set_grad_enabled(True):
            assert (Value(2.0) * 3).requires_grad
        assert not (Value(2.0) * 3).requires_grad
    assert (Value(2.0) * 3).requires_grad
    autograd.set_grad_enabled(False)
    try:
        assert not (Value(2.0) * 3).requires_grad
    finally:
        autograd.set_grad_enabled(True)

    @autograd.set_grad_enabled(False)
    def product():
        return Value(2.0) * 3

    assert (Value(2.0) * 3).requires_grad
    assert not product().requires_grad
    assert not product().requires_grad
    with pytest.raises(TypeError, match=r"mode must be a bool, not 1"):
        autograd.set_grad_enabled(1)


def test_pytorchs_place_for_clipping_and_sequences_is_there():
    from nn.utils.rnn import pad_sequence

    assert pad_sequence is nn.utils.rnn.pad_sequence
    assert set(nn.utils.rnn.__all__) == {
        n for n, x in vars(nn.utils.rnn).items() if getattr(x, "__module__", "") == "nn.utils.rnn"
        and not n.startswith("_")
    } - {"repacked"}  # fmt: skip


def test_parameters_go_into_a_vector_and_back():
    a, b = nn.Linear(3, 2), nn.Linear(3, 2)
    vector = nn.utils.parameters_to_vector(a.parameters())
    assert vector.requires_grad
    nn.utils.vector_to_parameters(vector, b.parameters())
    np.testing.assert_array_equal(b(X).data, a(X).data)
    with pytest.raises(ValueError, match=r"vec has shape \(9,\), the parameters need \(8,\)"):
        nn.utils.vector_to_parameters(np.ones(9), b.parameters())
    np.testing.assert_array_equal(b(X).data, a(X).data)
    with pytest.raises(ValueError, match="got no parameters"):
        nn.utils.parameters_to_vector([])


def test_init_writes_into_a_parameters_data_too():
    layer = nn.Linear(3, 2)
    nn.init.normal_(layer.weight.data, 0.0, 0.02)
    nn.init.constant_(layer.bias.data, 3.0)
    assert np.abs(layer.weight.data).max() < 0.2
    assert layer.bias.data.tolist() == [3.0, 3.0]
    with pytest.raises(TypeError, match="holds int64"):
        nn.init.ones_(np.zeros(3, np.int64))


def test_the_cpu_is_a_device_and_there_is_no_other():
    layer = nn.Linear(3, 2)
    assert layer.to("cpu") is layer
    for device in ("cuda", "cuda:0", "mps"):
        with pytest.raises(ValueError, match="no other device than the CPU"):
            layer.to(device)


def test_a_loader_takes_pytorchs_settings_for_other_machines():
    data = (np.arange(6), np.arange(6))
    plain = nn.data.DataLoader(data, 4)
    pinned = nn.data.DataLoader(data, 4, pin_memory=True, persistent_workers=True)
    for a, b in zip(plain, pinned, strict=True):
        np.testing.assert_array_equal(a, b)


def test_evaluate_and_predict_take_keras_verbose():
    model = nn.Sequential(nn.Linear(3, 1))
    model.compile("sgd", "mean_squared_error", ["mean_absolute_error"])
    model.fit(X, X[:, 0], epochs=1, verbose=0)
    loss, error = model.evaluate(X, X[:, 0], verbose=0)
    outputs = model.predict(X, verbose=0)[:, 0]
    np.testing.assert_allclose(loss, np.mean((outputs - X[:, 0]) ** 2), rtol=1e-5)
    np.testing.assert_allclose(error, np.mean(np.abs(outputs - X[:, 0])), rtol=1e-5)


def plain_list():
    class Net(nn.Module):
        def __init__(self):
            self.layers = [nn.Linear(3, 3)]

    nn.optim.SGD(Net().parameters(), lr=0.1)


def used_up():
    parameters = nn.Linear(3, 3).parameters()
    list(parameters)
    nn.optim.Adam(parameters)


LAYER = nn.Linear(3, 3)
MISTAKES = {
    "a list in Sequential": (
        lambda: nn.Sequential([nn.Linear(3, 3), nn.ReLU()]),
        r"entry 0 must be a Module, not list. Unpack the list: Sequential\(\*layers\)",
    ),
    "a class in Sequential": (
        lambda: nn.Sequential(LAYER, nn.ReLU),
        r"entry 1 must be a Module, not ReLU. Make one: ReLU\(\)",
    ),
    "a function in Sequential": (lambda: nn.Sequential(LAYER, F.relu), r"not relu.*nn\.ReLU\(\)"),
    "an activation made of its input": (
        lambda: nn.ReLU(LAYER(X)),
        r"ReLU\(inplace\): takes settings, not the input.*nn\.ReLU\(\)\(x\)",
    ),
    "a loss made of outputs": (
        lambda: nn.CrossEntropyLoss(LAYER(X), np.zeros(4, int)),
        r"nn\.CrossEntropyLoss\(\)\(input, target\)",
    ),
    "a loss without weights made of outputs": (
        lambda: nn.MSELoss(LAYER(X)),
        r"nn\.MSELoss\(\)\(input, target\)",
    ),
    "an optimizer of a module": (lambda: nn.optim.SGD(LAYER, lr=0.1), r"pass module\.parameters"),
    "modules in a plain list": (plain_list, r"SGD: got no parameters.*nn\.ModuleList"),
    "parameters gone through before": (used_up, r"Adam: got no parameters.*only once"),
    "save with the path first": (
        lambda: nn.save("model.pt", LAYER),
        r"save\(state, path\): path must be a path, not Linear; the state comes first",
    ),
    "a custom Function": (lambda: autograd.Function, r"no attribute 'Function'.*autograd\.Op\("),
    "a tensor": (lambda: autograd.tensor([1.0]), r"autograd\.Value"),
    "float64 data": (lambda: LAYER(X.astype(np.float64)), r"float64, the weight float32.*astype"),
    "integers": (lambda: LAYER(np.ones((2, 3), int)), r"int64, the weight float32.*astype"),
    "a list": (lambda: LAYER([[1.0, 2.0, 3.0]]), r"float64, the weight float32.*astype"),
    "a wrong size": (lambda: LAYER(X[:, :2]), r"linear: the last axis of input \(4, 2\) must be 3"),
    "(N,) against (N, 1)": (
        lambda: F.mse_loss(LAYER(X)[:, :1], X[:, 0]),
        r"mse_loss: input has shape \(4, 1\), target \(4,\).*squeeze\(-1\)",
    ),
    "labels as floats": (
        lambda: F.cross_entropy(LAYER(X), np.zeros(4)),
        r"cross_entropy: float targets.*target\.astype\(np\.int64\)",
    ),
    "one-hot labels as integers": (
        lambda: F.cross_entropy(LAYER(X), np.eye(3, dtype=int)[[0, 1, 2, 0]]),
        r"target must have one class index per row, shape \(4,\) for logits \(4, 3\)",
    ),
    "labels in a column": (
        lambda: F.cross_entropy(LAYER(X), np.zeros((4, 1), int)),
        r"got \(4, 1\). Use target\.ravel\(\)",
    ),
    "backward of an array": (lambda: LAYER(X).backward(), r"shape \(4, 3\).*v\.sum\(\)"),
    "an array of a tracked Value": (lambda: np.array(LAYER(X)), r"Write v\.data"),
    "an unknown dtype": (lambda: Value([1.0]).astype("torch.float32"), r"astype:.*torch\.float32"),
    "dim for axis": (lambda: Value(X).sum(dim=1), r"sum: the argument 'dim'.*takes a, axis"),
}  # fmt: skip


@pytest.mark.parametrize("name", MISTAKES)
def test_a_beginners_mistake_is_named_with_its_cure(name):
    call, text = MISTAKES[name]
    with pytest.raises((TypeError, ValueError, AttributeError), match=re.compile(text, re.S)):
        call()


def test_a_second_backward_says_what_to_do():
    loss = LAYER(X).sum()
    loss.backward()
    with pytest.raises(RuntimeError, match=r"sum was released.*retain_graph=True"):
        loss.backward()


def test_one_hot_targets_of_another_width_are_refused_by_their_shape():
    model = nn.Sequential(nn.Linear(3, 8), nn.Softmax(dim=1))
    model.compile("sgd", "categorical_crossentropy")
    with pytest.raises(ValueError, match=r"target has shape \(4, 3\), the outputs \(4, 8\)"):
        model.fit(X, np.eye(3)[[0, 1, 2, 0]], verbose=0)
