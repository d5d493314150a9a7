"""Parametrizations: weight and spectral normalization, orthogonal weights, and one's own."""

from __future__ import annotations

import copy
import pickle
import warnings

import numpy as np
import pytest

import autograd
import nn
from autograd import Value
from nn.utils import parametrizations, parametrize

RNG = np.random.default_rng(0)


@pytest.fixture(autouse=True)
def same_start():
    """Layers start alike, and so do the samples, whichever tests run."""
    global RNG
    RNG = np.random.default_rng(0)
    autograd.seed(0)


def real(*shape):
    return RNG.normal(size=shape).astype(np.float32)


class Symmetric(nn.Module):
    def forward(self, x):
        return np.triu(x) + np.triu(x, 1).T

    def right_inverse(self, a):
        return np.triu(a)


class Double(nn.Module):
    def forward(self, x):
        return 2 * x


class RankOne(nn.Module):
    def forward(self, x, y):
        return np.expand_dims(x, -1) @ np.expand_dims(y, -2)

    def right_inverse(self, z):
        u, s, vt = np.linalg.svd(z.data, full_matrices=False)
        return u[:, 0] * np.sqrt(s[0]), vt[0] * np.sqrt(s[0])


# One's own


def test_a_parametrized_weight_is_computed_from_its_original():
    layer = nn.Linear(3, 3)
    original = layer.weight
    before = original.data.copy()
    assert parametrize.register_parametrization(layer, "weight", Symmetric()) is layer
    np.testing.assert_array_equal(layer.weight.data, np.triu(before) + np.triu(before, 1).T)
    assert layer.parametrizations.weight.original is original
    assert [name for name, _ in layer.named_parameters()] == [
        "bias",
        "parametrizations.weight.original",
    ]


def test_its_gradient_goes_through_the_parametrization():
    layer = parametrize.register_parametrization(nn.Linear(2, 2, bias=False), "weight", Double())
    np.sum(layer(np.array([[1, 3]], np.float32))).backward()
    np.testing.assert_array_equal(layer.parametrizations.weight.original.grad, [[2, 6], [2, 6]])


def test_a_sequence_of_originals_is_numbered():
    layer = parametrize.register_parametrization(nn.Linear(4, 3), "weight", RankOne())
    assert [name for name, _ in layer.named_parameters()] == [
        "bias",
        "parametrizations.weight.original0",
        "parametrizations.weight.original1",
    ]
    assert np.linalg.matrix_rank(layer.weight.data) == 1


def test_parametrizations_are_applied_in_the_order_of_registering():
    layer = nn.Linear(2, 2)
    before = layer.weight.data.copy()
    parametrize.register_parametrization(layer, "weight", Symmetric())
    parametrize.register_parametrization(layer, "weight", Double())
    expected = 2 * (np.triu(before) + np.triu(before, 1).T)
    np.testing.assert_allclose(layer.weight.data, expected)
    assert len(layer.parametrizations.weight) == 2


def test_assigning_goes_through_the_right_inverse():
    layer = parametrize.register_parametrization(nn.Linear(2, 2), "weight", Symmetric())
    original = layer.parametrizations.weight.original
    layer.weight = np.array([[1, 2], [2, 5]], np.float32)
    assert layer.parametrizations.weight.original is original
    np.testing.assert_array_equal(original.data, [[1, 2], [0, 5]])
    np.testing.assert_array_equal(layer.weight.data, [[1, 2], [2, 5]])


def test_assigning_without_a_right_inverse_is_refused():
    layer = parametrize.register_parametrization(nn.Linear(2, 2), "weight", Double())
    with pytest.raises(RuntimeError, match="Double defines no right_inverse"):
        layer.weight = np.ones((2, 2), np.float32)


def test_writing_into_the_computed_weight_is_refused_even_without_recording():
    layer = parametrize.register_parametrization(nn.Linear(2, 2), "weight", Double())
    with autograd.no_grad(), pytest.raises(TypeError, match=r"computed.*parametrize"):
        nn.init.ones_(layer.weight)
    with pytest.raises(TypeError, match="result of multiply"):
        layer.weight.data = np.ones((2, 2))
    with pytest.raises(ValueError, match="read-only"):
        layer.weight.data[0] = 1


def test_writing_into_a_weight_computed_from_frozen_parameters_is_refused():
    layer = nn.utils.weight_norm(nn.Linear(2, 2)).requires_grad_(False)
    with pytest.raises(TypeError, match="would be lost"):
        layer.weight.data = np.ones((2, 2))
    with pytest.raises(ValueError, match="read-only"):
        layer.weight.data[0] = 1
    with pytest.raises(ValueError, match="initialized before that"):
        nn.init.ones_(layer.weight.data)
    assert not layer(np.ones((1, 2), np.float32)).requires_grad


def test_a_buffer_can_be_parametrized():
    norm = parametrize.register_parametrization(nn.BatchNorm1d(2), "running_var", Double())
    assert "parametrizations.running_var.original" in norm.state_dict()
    np.testing.assert_array_equal(norm.running_var, [2, 2])
    parametrize.remove_parametrizations(norm, "running_var")
    np.testing.assert_array_equal(norm.state_dict()["running_var"], [2, 2])


@pytest.mark.parametrize(
    ("forward", "kind", "text"),
    [
        (lambda self, x: x[0], ValueError, r"made \(2,\) float32 of \(2, 2\) float32"),
        (lambda self, x: x.astype(np.float64), ValueError, "unsafe=True"),
        (lambda self, x: None, TypeError, "must return a Value, not NoneType"),
    ],
)
def test_a_parametrization_that_does_not_fit_is_refused_and_nothing_changes(forward, kind, text):
    layer = nn.Linear(2, 2)
    before = layer.state_dict()
    odd = type("Odd", (nn.Module,), {"forward": forward, "right_inverse": lambda self, x: x * 0})
    with pytest.raises(kind, match=text):
        parametrize.register_parametrization(layer, "weight", odd())
    assert type(layer) is nn.Linear
    assert not parametrize.is_parametrized(layer)
    np.testing.assert_array_equal(layer.weight.data, before["weight"])


def test_names_and_kinds_that_do_not_fit_are_refused():
    layer = nn.Linear(2, 2, bias=False)
    with pytest.raises(ValueError, match="'bias' of Linear is no parameter or buffer; it has weig"):
        parametrize.register_parametrization(layer, "bias", Double())
    with pytest.raises(TypeError, match="must be a Module with forward"):
        parametrize.register_parametrization(layer, "weight", np.triu)
    with pytest.raises(RuntimeError, match="no parameters yet"):
        parametrize.register_parametrization(nn.Linear(None, 2), "weight", Double())
    with pytest.raises(ValueError, match="no parametrization of 'weight'"):
        parametrize.remove_parametrizations(layer, "weight")


@pytest.mark.parametrize("leave", [True, False])
def test_removing_leaves_the_same_parameter(leave):
    layer = nn.Linear(2, 2)
    weight, before = layer.weight, layer.weight.data.copy()
    parametrize.register_parametrization(layer, "weight", Double())
    parametrize.remove_parametrizations(layer, "weight", leave_parametrized=leave)
    assert type(layer) is nn.Linear
    assert layer.weight is weight
    assert "parametrizations" not in vars(layer)
    np.testing.assert_array_equal(weight.data, before * (2 if leave else 1))


def test_removing_one_of_several_originals_needs_its_value():
    layer = parametrize.register_parametrization(nn.Linear(2, 2), "weight", RankOne())
    with pytest.raises(ValueError, match="computed from 2 tensors"):
        parametrize.remove_parametrizations(layer, "weight", leave_parametrized=False)
    value = layer.weight.data.copy()
    parametrize.remove_parametrizations(layer, "weight")
    np.testing.assert_array_equal(layer.weight.data, value)
    assert isinstance(layer.weight, nn.Parameter)


def test_a_shallow_copy_keeps_its_parametrization():
    layer = parametrize.register_parametrization(nn.Linear(2, 2), "weight", Double())
    twin = copy.copy(layer)
    value = layer.weight.data.copy()
    parametrize.register_parametrization(twin, "bias", Double())
    parametrize.remove_parametrizations(layer, "weight", leave_parametrized=False)
    np.testing.assert_array_equal(twin.weight.data, value)
    assert type(layer) is nn.Linear


def test_two_tensors_of_a_module_are_independent():
    layer = nn.Linear(2, 2)
    parametrize.register_parametrization(layer, "weight", Double())
    parametrize.register_parametrization(layer, "bias", Double())
    parametrize.remove_parametrizations(layer, "weight")
    assert not parametrize.is_parametrized(layer, "weight")
    assert parametrize.is_parametrized(layer, "bias")
    assert type(layer).__name__ == "ParametrizedLinear"
    assert parametrize.type_before_parametrizations(layer) is nn.Linear


def test_cached_computes_once_and_anew_after_a_write():
    layer, calls = nn.Linear(2, 2), []

    class Counted(nn.Module):
        def forward(self, x):
            calls.append(1)
            return 2 * x

    parametrize.register_parametrization(layer, "weight", Counted())
    calls.clear()
    with parametrize.cached():
        first = layer.weight
        with parametrize.cached():
            assert layer.weight is first
        layer.parametrizations.weight.original.data = np.ones((2, 2))
        np.testing.assert_array_equal(layer.weight.data, 2 * np.ones((2, 2)))
    assert layer.weight is not first
    assert len(calls) == 3


def test_transferring_parametrizes_another_module_alike():
    a = parametrize.register_parametrization(nn.Linear(2, 2), "weight", Symmetric())
    b = parametrize.transfer_parametrizations_and_params(a, nn.Linear(2, 2))
    np.testing.assert_array_equal(a.weight.data, b.weight.data)
    assert a.parametrizations.weight.original is b.parametrizations.weight.original


# Normalized weights in every layer

X1, X2, X3 = real(2, 4, 9), real(2, 4, 6, 5), real(2, 4, 4, 3, 5)
SEQUENCE = real(5, 2, 4)
LAYERS = {
    "Linear": (lambda n: n.Linear(4, 3), "weight", real(5, 4)),
    "Bilinear": (lambda n: n.Bilinear(4, 4, 3), "weight", None),
    "Conv1d": (lambda n: n.Conv1d(4, 6, 3, groups=2), "weight", X1),
    "Conv2d": (lambda n: n.Conv2d(4, 3, (3, 2), padding=1), "weight", X2),
    "Conv3d": (lambda n: n.Conv3d(4, 3, 2), "weight", X3),
    "ConvTranspose1d": (lambda n: n.ConvTranspose1d(4, 3, 3, stride=2), "weight", X1),
    "ConvTranspose2d": (lambda n: n.ConvTranspose2d(4, 6, 3, groups=2), "weight", X2),
    "ConvTranspose3d": (lambda n: n.ConvTranspose3d(4, 3, 2), "weight", X3),
    "Embedding": (lambda n: n.Embedding(7, 4), "weight", np.array([[1, 2], [6, 2]])),
    "RNN": (lambda n: n.RNN(4, 3, num_layers=2), "weight_hh_l0", SEQUENCE),
    "LSTM": (lambda n: n.LSTM(4, 3, bidirectional=True), "weight_hh_l0_reverse", SEQUENCE),
    "GRU": (lambda n: n.GRU(4, 3), "weight_ih_l0", SEQUENCE),
    "LSTMCell": (lambda n: n.LSTMCell(4, 3), "weight_hh", real(2, 4)),
    "GRUCell": (lambda n: n.GRUCell(4, 3), "weight_ih", real(2, 4)),
    "MultiheadAttention": (lambda n: n.MultiheadAttention(4, 2), "in_proj_weight", SEQUENCE),
}
NORMS = {
    "weight_norm": lambda n, layer, name: n.utils.weight_norm(layer, name),
    "weight_norm of the whole": lambda n, layer, name: n.utils.weight_norm(layer, name, None),
    "weight_norm dim 1": lambda n, layer, name: n.utils.weight_norm(layer, name, dim=1),
    "spectral_norm": lambda n, layer, name: n.utils.spectral_norm(layer, name, 2),
    "parametrizations.weight_norm": lambda n, layer, name: n.utils.parametrizations.weight_norm(
        layer, name
    ),
    "parametrizations.spectral_norm": lambda n, layer, name: n.utils.parametrizations.spectral_norm(
        layer, name
    ),
}


def called(layer, x, kind):
    if kind == "Bilinear":
        y = layer(X_PAIR[0], X_PAIR[1])
    elif kind == "MultiheadAttention":
        y = layer(x, x, x)
    else:
        y = layer(x)
    while isinstance(y, tuple):
        y = y[0]
    return y


X_PAIR = real(5, 4), real(5, 4)


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("kind", LAYERS)
def test_a_normalized_layer_is_copied_pickled_and_loaded(kind, norm):
    make, name, x = LAYERS[kind]
    layer = NORMS[norm](nn, make(nn), name)
    optimizer = nn.optim.Adam(layer.parameters(), lr=0.01)
    for _ in range(2):
        optimizer.zero_grad()
        np.sum(np.square(called(layer, x, kind))).backward()
        optimizer.step()
    fresh = NORMS[norm](nn, make(nn), name)
    fresh.load_state_dict(layer.state_dict())
    layer.eval()
    y = called(layer, x, kind).data
    for twin in (copy.deepcopy(layer), pickle.loads(pickle.dumps(layer)), fresh.eval()):
        np.testing.assert_array_equal(called(twin, x, kind).data, y)
        for p in twin.parameters():
            p.data = p.data + 1
        np.testing.assert_array_equal(called(layer, x, kind).data, y)


@pytest.mark.parametrize("norm", ["weight_norm", "spectral_norm"])
def test_a_normalization_is_removed_with_its_keys(norm):
    layer = nn.Conv2d(2, 3, 3)
    before = layer.state_dict().keys()
    NORMS[norm](nn, layer, "weight")
    x = real(1, 2, 5, 5)
    layer(x)
    y = layer.eval()(x).data
    removed = getattr(nn.utils, f"remove_{norm}")(layer)
    assert removed is layer
    assert type(layer) is nn.Conv2d
    assert layer.state_dict().keys() == before
    np.testing.assert_allclose(layer(x).data, y, rtol=1e-6)
    layer.train()(x)
    with pytest.raises(ValueError, match=f"has no {norm}"):
        getattr(nn.utils, f"remove_{norm}")(layer)


def test_the_type_of_a_normalized_layer_is_what_it_was_as_in_pytorch():
    layer = nn.utils.weight_norm(nn.Linear(2, 2))
    nn.utils.spectral_norm(layer, "weight_v")
    assert type(layer) == nn.Linear  # noqa: E721 - how programs ask
    assert nn.Linear == type(layer) == type(nn.utils.weight_norm(nn.Linear(2, 2)))  # noqa: E721
    assert type(layer) in {nn.Linear: 1}
    assert type(layer) != nn.Conv1d  # noqa: E721
    assert repr(layer) == "Linear(in_features=2, out_features=2, bias=True)"
    other = parametrizations.weight_norm(nn.Linear(2, 2))
    assert type(other) != nn.Linear  # noqa: E721


@pytest.mark.parametrize("norm", NORMS)
def test_normalizing_twice_is_refused_or_composed(norm):
    layer = NORMS[norm](nn, nn.Linear(3, 2), "weight")
    if norm.startswith("parametrizations.spectral"):
        NORMS[norm](nn, layer, "weight")
        assert len(layer.parametrizations.weight) == 2
    else:
        with pytest.raises(ValueError, match="computed already"):
            NORMS[norm](nn, layer, "weight")


def test_weight_norm_has_the_norms_that_it_learned():
    layer = nn.utils.weight_norm(nn.Conv2d(2, 3, 3))
    layer.weight_g.data = np.array([1, 2, 3]).reshape(3, 1, 1, 1)
    norms = np.sqrt(np.square(layer.weight.data).sum(axis=(1, 2, 3)))
    np.testing.assert_allclose(norms, [1, 2, 3], rtol=1e-6)


def test_a_normalized_weight_can_be_assigned_to():
    w = real(3, 2)
    for norm in ("weight_norm", "parametrizations.weight_norm"):
        layer = NORMS[norm](nn, nn.Linear(2, 3), "weight")
        layer.weight = w
        np.testing.assert_allclose(layer.weight.data, w, rtol=1e-6)


@pytest.mark.parametrize("norm", NORMS)
def test_what_is_assigned_keeps_shape_and_dtype(norm):
    layer = NORMS[norm](nn, nn.Linear(2, 3), "weight")
    layer.weight = real(3, 2).astype(np.float64)
    assert layer.weight.dtype == np.float32
    with pytest.raises(ValueError, match=r"shape|original of|broadcast"):
        layer.weight = np.ones((4, 2), np.float32)
    assert layer.weight.shape == (3, 2)


@pytest.mark.parametrize("size", [1e-30, 1e30])
def test_weight_norm_of_extreme_weights_is_finite(size):
    layer = nn.utils.weight_norm(nn.Linear(2, 1, bias=False))
    layer.weight = np.full((1, 2), size, np.float32)
    np.testing.assert_allclose(layer.weight.data, size, rtol=1e-6)
    np.sum(layer.weight).backward()
    np.testing.assert_allclose(layer.weight_g.grad, [[2**0.5]], rtol=1e-6)


def test_spectral_norm_of_a_huge_weight_is_finite():
    layer = nn.utils.spectral_norm(nn.Linear(2, 2))
    layer.weight_orig.data = np.full((2, 2), 1e30)
    for _ in range(20):
        layer(np.zeros((1, 2), np.float32))
    np.testing.assert_allclose(layer.weight.data, np.full((2, 2), 0.5), rtol=1e-5)


def test_checkpoints_of_the_older_weight_norm_load_into_the_newer():
    old = nn.Sequential(nn.utils.weight_norm(nn.Linear(3, 2)))
    new = nn.Sequential(parametrizations.weight_norm(nn.Linear(3, 2)))
    assert new.load_state_dict(old.state_dict()) == ([], [])
    np.testing.assert_array_equal(new[0].weight.data, old[0].weight.data)


@pytest.mark.parametrize("norm", ["spectral_norm", "parametrizations.spectral_norm"])
def test_spectral_norm_has_the_largest_singular_value_1(norm):
    layer = NORMS[norm](nn, nn.ConvTranspose2d(3, 4, 3), "weight")
    for _ in range(100):
        layer(real(1, 3, 2, 2))
    matrix = np.moveaxis(layer.eval().weight.data, 1, 0).reshape(4, -1)
    np.testing.assert_allclose(np.linalg.norm(matrix, 2), 1, rtol=1e-5)


@pytest.mark.parametrize("norm", ["spectral_norm", "parametrizations.spectral_norm"])
def test_spectral_norm_keeps_its_vectors_in_eval(norm):
    layer = NORMS[norm](nn, nn.Linear(3, 4), "weight").eval()
    before = layer.state_dict()
    layer(real(1, 3))
    for key, x in layer.state_dict().items():
        np.testing.assert_array_equal(x, before[key])


def test_two_forwards_before_one_backward_keep_their_own_vectors():
    layer = nn.utils.spectral_norm(nn.Linear(3, 4, bias=False))
    x = real(2, 3)
    apart = copy.deepcopy(layer)
    for _ in range(2):
        np.sum(apart(x)).backward()
    (np.sum(layer(x)) + np.sum(layer(x))).backward()
    np.testing.assert_allclose(layer.weight_orig.grad, apart.weight_orig.grad, rtol=1e-5)


def test_spectral_norm_of_a_vector_divides_by_its_norm():
    layer = parametrizations.spectral_norm(nn.Linear(3, 2), "bias")
    np.testing.assert_allclose(np.linalg.norm(layer.bias.data), 1, rtol=1e-6)


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda m: nn.utils.weight_norm(m, dim=2), "dim=2 is no axis of the weight"),
        (lambda m: nn.utils.spectral_norm(m, dim=2), "dim=2 is no axis of the weight"),
        (lambda m: nn.utils.spectral_norm(m, n_power_iterations=0), "integer >= 1, got 0"),
        (lambda m: nn.utils.weight_norm(m, "w"), "'w' of Linear is no parameter or buffer"),
        (lambda m: parametrizations.orthogonal(m, "bias"), "must be a matrix"),
        (lambda m: parametrizations.orthogonal(m, "weight", "exp"), "one of matrix_exp"),
    ],
)
def test_arguments_that_do_not_fit_are_refused(call, text):
    with pytest.raises(ValueError, match=text):
        call(nn.Linear(3, 2))


def test_a_normalized_weight_has_second_derivatives():
    layer = parametrizations.weight_norm(nn.Linear(3, 2).double())
    g, v = layer.parametrizations.weight.originals()
    x = RNG.normal(size=(4, 3))

    def loss(a, b):
        w = b * (a / np.linalg.norm(b, axis=1, keepdims=True))
        return np.sum(np.tanh(x @ w.T))

    mine = autograd.grad(np.sum(np.tanh(x @ layer.weight.T)), v, create_graph=True)
    assert autograd.gradgradcheck(loss, g.data, v.data)
    twin = [Value(g.data), Value(v.data)]
    theirs = autograd.grad(loss(*twin), twin[1], create_graph=True)
    np.testing.assert_allclose(mine.data, theirs.data)
    np.testing.assert_allclose(
        autograd.grad(np.sum(np.square(mine)), v),
        autograd.grad(np.sum(np.square(theirs)), twin[1]),
    )


def test_the_summary_counts_the_originals():
    net = nn.Sequential(nn.utils.weight_norm(nn.Conv1d(2, 3, 3)), nn.ReLU())
    parametrizations.spectral_norm(net[0], "bias")
    assert nn.summary(net, np.zeros((1, 2, 5), np.float32)).rows[0].parameters == 18 + 3 + 3


# Orthogonal weights

MAPS = [("matrix_exp", True), ("cayley", True), ("householder", True), ("householder", False)]
SHAPES = [(4, 4), (5, 3), (3, 5), (2, 4, 3)]


class Matrix(nn.Module):
    def __init__(self, w):
        self.weight = nn.Parameter(w, dtype=w.dtype)

    def forward(self):
        return self.weight


def orthonormal(q):
    tall = q if q.shape[-2] >= q.shape[-1] else np.swapaxes(q, -1, -2)
    return np.swapaxes(tall, -1, -2) @ tall


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("function", "trivialize"), [*MAPS, ("matrix_exp", False)])
@pytest.mark.parametrize("shape", SHAPES)
def test_a_weight_stays_orthogonal_in_training(shape, function, trivialize, dtype):
    layer = Matrix(RNG.normal(size=shape).astype(dtype))
    parametrizations.orthogonal(layer, "weight", function, use_trivialization=trivialize)
    aim = RNG.normal(size=shape).astype(dtype)
    optimizer, losses = nn.optim.SGD(layer.parameters(), lr=0.1, weight_decay=0.01), []
    for _ in range(20):
        optimizer.zero_grad()
        loss = np.sum(np.square(layer() - aim))
        losses.append(loss.item())
        loss.backward()
        optimizer.step()
    assert layer().dtype == dtype
    gram = orthonormal(layer().data)
    eye = np.broadcast_to(np.eye(gram.shape[-1]), gram.shape)
    np.testing.assert_allclose(gram, eye, atol=1e-5 if dtype == np.float32 else 1e-13)
    assert losses[-1] < losses[0]


@pytest.mark.parametrize(("function", "trivialize"), MAPS)
@pytest.mark.parametrize("shape", SHAPES)
def test_an_orthogonal_weight_begins_as_it_is_and_others_are_made_orthogonal(
    shape, function, trivialize
):
    w = RNG.normal(size=shape)
    layer = parametrizations.orthogonal(
        Matrix(w), "weight", function, use_trivialization=trivialize, rng=0
    )
    q = layer().data
    again = parametrizations.orthogonal(
        Matrix(q), "weight", function, use_trivialization=trivialize, rng=0
    )
    np.testing.assert_allclose(again().data, q, atol=1e-12)
    layer.weight = q
    np.testing.assert_allclose(layer().data, q, atol=1e-12)


def test_maps_without_an_inverse_refuse_assignment():
    layer = parametrizations.orthogonal(nn.Linear(3, 3), use_trivialization=False)
    with pytest.raises(NotImplementedError, match="use_trivialization=True"):
        layer.weight = np.eye(3, dtype=np.float32)


@pytest.mark.parametrize("scale", [1e-9, 0.1, 3.0, 50.0])
def test_the_matrix_exponential_is_that_of_the_eigenvalues(scale):
    from nn.utils.orthogonal_maps import matrix_exp

    a = RNG.normal(size=(2, 5, 5)) * scale
    a = a - np.swapaxes(a, -1, -2)
    values, vectors = np.linalg.eig(a)
    expected = (vectors * np.exp(values)[..., None, :]) @ np.linalg.inv(vectors)
    np.testing.assert_allclose(matrix_exp(a), expected.real, atol=1e-12 * max(1, scale))
    np.testing.assert_array_equal(matrix_exp(np.zeros((2, 2))), np.eye(2))


def test_the_maps_have_their_gradients_of_both_orders():
    from nn.utils.orthogonal_maps import cayley, householder, matrix_exp, skew

    for f in (lambda x: matrix_exp(skew(x)), lambda x: cayley(skew(x)), householder):
        x = RNG.normal(size=(4, 3))
        assert autograd.gradcheck(lambda v, f=f: np.sum(np.sin(f(v))), x)
        assert autograd.gradgradcheck(lambda v, f=f: np.sum(np.sin(f(v))), x)


# PyTorch


def theirs():
    torch = pytest.importorskip("torch", reason="the comparison needs torch")
    torch.set_num_threads(1)
    return torch


@pytest.mark.torch
@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("kind", LAYERS)
def test_normalized_layers_give_pytorchs_keys_outputs_and_gradients(kind, norm):
    torch = theirs()
    make, name, x = LAYERS[kind]
    mine = NORMS[norm](nn, make(nn), name)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        other = NORMS[norm](torch.nn, make(torch.nn), name)
    state = mine.state_dict()
    assert list(state) == list(other.state_dict())
    other.load_state_dict({k: torch.from_numpy(v) for k, v in state.items()})
    if kind in ("RNN", "GRU", "LSTM", "MultiheadAttention"):  # PyTorch reads theirs several times
        mine.eval()
        other.eval()
    for _ in range(2):
        np.sum(np.sin(called(mine, x, kind))).backward()
        if kind == "Bilinear":
            y = other(*map(torch.from_numpy, X_PAIR))
        else:
            y = called(other, torch.from_numpy(x), kind)
        y.sin().sum().backward()
    for (key, p), (_, q) in zip(mine.named_parameters(), other.named_parameters(), strict=True):
        scale = float(q.grad.abs().max()) + 1e-3
        np.testing.assert_allclose(
            p.grad, q.grad.numpy(), rtol=1e-3, atol=1e-4 * scale, err_msg=key
        )
    for key, buffer in other.state_dict().items():
        np.testing.assert_allclose(mine.state_dict()[key], buffer.numpy(), rtol=1e-4, atol=1e-5)


@pytest.mark.torch
@pytest.mark.parametrize(
    ("function", "trivialize"), [*MAPS, ("matrix_exp", False), ("cayley", False)]
)
@pytest.mark.parametrize("shape", SHAPES)
def test_orthogonal_weights_are_pytorchs(shape, function, trivialize):
    torch = theirs()
    w = RNG.normal(size=shape)
    mine = parametrizations.orthogonal(Matrix(w), "weight", function, use_trivialization=trivialize)
    module = torch.nn.Module()
    module.weight = torch.nn.Parameter(torch.from_numpy(w.copy()))
    other = torch.nn.utils.parametrizations.orthogonal(
        module, "weight", function, use_trivialization=trivialize
    )
    assert list(mine.state_dict()) == list(other.state_dict())
    square = shape[-1] == shape[-2]
    if square or not trivialize:  # else the base is completed at random
        for key, x in other.state_dict().items():
            np.testing.assert_allclose(mine.state_dict()[key], x.numpy(), atol=1e-12)
    x = mine.parametrizations.weight.original
    x.data = x.data + 0.3 * np.tril(RNG.normal(size=shape), -1)
    other.load_state_dict({k: torch.from_numpy(v) for k, v in mine.state_dict().items()})
    aim = RNG.normal(size=shape)
    np.testing.assert_allclose(mine.weight.data, other.weight.detach().numpy(), atol=1e-12)
    np.sum(np.square(mine.weight - aim)).backward()
    (other.weight - torch.from_numpy(aim)).square().sum().backward()
    theirs_grad = other.parametrizations.weight.original.grad.numpy()
    np.testing.assert_allclose(x.grad, theirs_grad, atol=1e-11)


@pytest.mark.torch
def test_a_parametrization_of_ones_own_gives_pytorchs_state_dict():
    torch = theirs()

    class Skewed(torch.nn.Module):
        def forward(self, x):
            return x.triu() + x.triu(1).mT

        def right_inverse(self, a):
            return a.triu()

    mine, other = nn.Linear(3, 3), torch.nn.Linear(3, 3)
    other.load_state_dict({k: torch.from_numpy(v) for k, v in mine.state_dict().items()})
    parametrize.register_parametrization(mine, "weight", Symmetric())
    torch.nn.utils.parametrize.register_parametrization(other, "weight", Skewed())
    for (key, a), (name, b) in zip(
        mine.state_dict().items(), other.state_dict().items(), strict=True
    ):
        assert key == name
        np.testing.assert_array_equal(a, b.numpy())
    assert type(mine).__name__ == type(other).__name__
