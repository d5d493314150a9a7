"""Recurrent layers: fused scans against their references and PyTorch, stacks, your own cells."""

from __future__ import annotations

import importlib
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from autograd import Value, grad, gru, gru_scan, lstm, lstm_scan, rnn, rnn_scan, scan

OPS = {"rnn": (rnn_scan, 1, 1), "lstm": (lstm_scan, 4, 2), "gru": (gru_scan, 3, 1)}
STACKS = {"rnn": rnn, "lstm": lstm, "gru": gru}
KINDS = pytest.mark.parametrize("kind", OPS)


class Layer:
    """One op on random inputs; P projects the outputs of an LSTM."""

    def __init__(
        self, kind, T, B, D, H, dtype=np.float64, state=True, bias=True, seed=0, P=None, **static
    ):
        self.rng = np.random.default_rng(seed)
        self.op, k, n = OPS[kind]
        self.static = static
        states = [(B, P or H), (B, H)][:n] if state else [None] * n
        shapes = [(T, B, D), *states, (k * H, D), (k * H, P or H)]
        shapes += [(k * H,) if bias else None] * 2
        shapes += [(P, H)] if P else []
        self.inputs = [
            None if s is None else self.rng.normal(scale=0.7, size=s).astype(dtype) for s in shapes
        ]

    def run(self, function, unused=(), order=1):
        """Outputs, and gradients of a weighted sum of those that are used."""
        leaves = [None if a is None else Value(a) for a in self.inputs]
        ys = function(*leaves, **self.static)
        rng = np.random.default_rng(1)
        weights = [rng.normal(size=y.shape).astype(y.dtype) for y in ys]
        total = sum(
            np.sum(y * w)
            for i, (y, w) in enumerate(zip(ys, weights, strict=True))
            if i not in unused
        )
        wanted = [v for v in leaves if v is not None]
        found = grad(total, wanted, create_graph=order > 1, allow_unused=True)
        if order > 1:
            found = grad(sum(np.sum(g * g) for g in found), wanted, allow_unused=True)
        return [y.data for y in ys], [
            np.zeros(v.shape, v.dtype) if g is None else g
            for v, g in zip(wanted, found, strict=True)
        ]

    def check(self, rtol=1e-9, **how):
        ys, gs = self.run(self.op, **how)
        expected_ys, expected_gs = self.run(self.op.reference, **how)
        for a, b in zip([*ys, *gs], [*expected_ys, *expected_gs], strict=True):
            assert a.shape == b.shape
            assert a.dtype == b.dtype
            np.testing.assert_allclose(a, b, rtol=rtol, atol=rtol * (1 + np.abs(b).max(initial=0)))


CASES = {
    "usual": {"T": 5, "B": 4, "D": 3, "H": 6},
    "one_step": {"T": 1, "B": 3, "D": 2, "H": 4},
    "one_sequence": {"T": 6, "B": 1, "D": 3, "H": 5},
    "two_sequences": {"T": 4, "B": 2, "D": 1, "H": 9},
    "one_unit": {"T": 4, "B": 3, "D": 2, "H": 1},
    "one_of_all": {"T": 1, "B": 1, "D": 1, "H": 1},
    "odd": {"T": 3, "B": 13, "D": 7, "H": 17},
    "wide": {"T": 2, "B": 3, "D": 40, "H": 35},
    "long": {"T": 70, "B": 1, "D": 2, "H": 3},
    "without_biases": {"T": 4, "B": 3, "D": 2, "H": 5, "bias": False},
    "from_zeros": {"T": 4, "B": 3, "D": 2, "H": 5, "state": False},
    "reverse": {"T": 5, "B": 3, "D": 2, "H": 4, "reverse": True},
    "lengths": {"T": 5, "B": 6, "D": 3, "H": 4, "lengths": [3, 0, 5, 3, 1, 5]},
    "lengths_reverse": {
        "T": 5,
        "B": 6,
        "D": 3,
        "H": 4,
        "lengths": [3, 0, 5, 3, 1, 5],
        "reverse": True,
    },
    "full_lengths": {"T": 3, "B": 2, "D": 3, "H": 4, "lengths": [3, 3]},
    "no_lengths_at_all": {"T": 3, "B": 2, "D": 3, "H": 4, "lengths": [0, 0], "reverse": True},
    "shorter_than_t": {"T": 6, "B": 9, "D": 2, "H": 3, "lengths": [2, 1, 2, 2, 1, 0, 2, 2, 1]},
}
SHAPES = pytest.mark.parametrize("case", CASES.values(), ids=CASES)


@KINDS
@SHAPES
def test_the_kernel_computes_what_the_reference_says(kind, case):
    Layer(kind, **case).check()


@KINDS
@SHAPES
def test_the_kernel_in_float32_is_close_to_the_reference(kind, case):
    Layer(kind, **case, dtype=np.float32).check(rtol=1e-4)


@KINDS
@pytest.mark.parametrize("name", ["usual", "one_of_all", "lengths_reverse", "without_biases"])
def test_second_derivatives_of_the_op_are_those_of_the_reference(kind, name):
    Layer(kind, **CASES[name]).check(order=2)


@KINDS
@pytest.mark.parametrize("seed", range(12))
def test_random_shapes_and_lengths_agree_with_the_reference(kind, seed):
    rng = np.random.default_rng(seed)
    T, B, D, H = rng.integers(1, (9, 20, 24, 24))
    lengths = rng.integers(0, T + 1, B) if seed % 3 else None
    Layer(kind, T, B, D, H, seed=seed, lengths=lengths, reverse=bool(seed % 2)).check()


PROJECTED = {
    "usual": {"T": 5, "B": 4, "D": 3, "H": 6, "P": 2},
    "one_sequence": {"T": 6, "B": 1, "D": 3, "H": 5, "P": 4},
    "one_number": {"T": 3, "B": 13, "D": 7, "H": 17, "P": 1},
    "wider_than_h": {"T": 3, "B": 3, "D": 2, "H": 4, "P": 37, "bias": False},
    "lengths_reverse": {
        "T": 5, "B": 6, "D": 3, "H": 4, "P": 3, "lengths": [3, 0, 5, 3, 1, 5], "reverse": True,
    },
    "from_zeros": {"T": 4, "B": 3, "D": 2, "H": 5, "P": 3, "state": False},
    "no_steps_at_all": {"T": 2, "B": 2, "D": 2, "H": 5, "P": 3, "lengths": [0, 0]},
}  # fmt: skip


@pytest.mark.parametrize("name", PROJECTED)
def test_projected_lstms_agree_with_their_reference(name):
    Layer("lstm", **PROJECTED[name]).check()
    Layer("lstm", **PROJECTED[name]).check(unused={0})


def test_second_derivatives_of_a_projected_lstm_are_those_of_the_reference():
    Layer("lstm", 3, 2, 2, 4, P=3, lengths=[3, 1]).check(order=2)


def test_relu_layers_agree_with_their_reference():
    Layer("rnn", 6, 5, 4, 7, nonlinearity="relu", lengths=[6, 2, 0, 5, 3]).check()


@KINDS
@pytest.mark.parametrize("used", [0, 1])
def test_outputs_that_nobody_uses_cost_no_gradient(kind, used):
    unused = {0, 1, 2} - {used}
    Layer(kind, 5, 4, 3, 6, lengths=[5, 2, 0, 4]).check(unused=unused)


def test_the_last_cell_state_alone_gives_gradients():
    Layer("lstm", 4, 3, 2, 5).check(unused={0, 1})


@KINDS
def test_only_gradients_that_are_asked_for_are_computed(kind):
    layer = Layer(kind, 4, 3, 2, 5)
    _, everything = layer.run(layer.op)
    for i in range(len(layer.inputs)):
        leaf = Value(layer.inputs[i])
        ys = layer.op(*layer.inputs[:i], leaf, *layer.inputs[i + 1 :])
        rng = np.random.default_rng(1)
        total = sum(np.sum(y * rng.normal(size=y.shape)) for y in ys)
        np.testing.assert_allclose(grad(total, leaf), everything[i], rtol=1e-12, atol=1e-14)


@KINDS
@pytest.mark.parametrize("reverse", [False, True])
def test_what_stands_in_the_padding_does_not_matter(kind, reverse):
    lengths = np.array([3, 0, 5, 2])
    layer = Layer(kind, 5, 4, 3, 6, lengths=lengths, reverse=reverse)
    expected = layer.run(layer.op)
    layer.inputs[0][np.arange(5)[:, None] >= lengths] = np.nan
    for function in (layer.op, layer.op.reference):
        for a, b in zip(layer.run(function), expected, strict=True):
            for p, q in zip(a, b, strict=True):
                np.testing.assert_allclose(p, q, rtol=1e-9, atol=1e-12)


@KINDS
def test_after_its_length_a_sequence_keeps_its_state_and_gives_zeros(kind):
    layer = Layer(kind, 5, 3, 3, 4, lengths=[2, 0, 5])
    y, h, *_ = (part.data for part in layer.op(*map(Value, layer.inputs), **layer.static))
    assert not y[2:, 0].any()
    assert not y[:, 1].any()
    np.testing.assert_array_equal(h[0], y[1, 0])
    np.testing.assert_array_equal(h[1], layer.inputs[1][1])
    np.testing.assert_array_equal(h[2], y[4, 2])


@KINDS
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_nan_passes_through_its_own_sequence_only(kind, dtype):
    layer = Layer(kind, 4, 3, 2, 5, dtype=dtype)
    layer.inputs[0][1, 1, 0] = np.nan
    y = layer.op(*map(Value, layer.inputs))[0].data
    assert np.isnan(y[1:, 1]).all()
    assert np.isfinite(np.delete(y, 1, axis=1)).all()
    assert np.isfinite(y[0]).all()


@KINDS
def test_saturated_gates_stay_finite(kind):
    layer = Layer(kind, 3, 2, 2, 4, dtype=np.float32)
    layer.inputs[0] *= 1e6
    ys, gs = layer.run(layer.op)
    assert all(np.isfinite(a).all() for a in (*ys, *gs))


@KINDS
def test_the_order_of_memory_does_not_matter(kind):
    layer = Layer(kind, 4, 3, 2, 5)
    expected = layer.run(layer.op)
    layer.inputs = [np.asfortranarray(a) for a in layer.inputs]
    for a, b in zip(layer.run(layer.op), expected, strict=True):
        for p, q in zip(a, b, strict=True):
            np.testing.assert_array_equal(p, q)


@KINDS
def test_read_only_arrays_do_not_compile_the_kernels_anew(kind):
    from autograd.ops.recurrent import kernel_steps

    kernels = importlib.import_module(f"autograd.ops.recurrent.kernel_{kind}")
    layer = Layer(kind, 4, 3, 2, 5)
    layer.run(layer.op)
    kernels = [getattr(kernels, f"{kind}_{way}") for way in ("forward", "backward")]
    kernels.append(kernel_steps.pack)
    before = [len(k.signatures) for k in kernels]
    for a in layer.inputs:
        a.flags.writeable = False
    leaf = Value(layer.inputs[0].copy())
    layer.op(leaf, *layer.inputs[1:])[0].backward(np.broadcast_to(1.0, (4, 3, 5)))
    assert [len(k.signatures) for k in kernels] == before


REFUSED = {
    "two_axes": ({0: np.zeros((3, 2))}, {}, ValueError, r"x must have shape \(T, B, I\)"),
    "no_steps": ({0: np.zeros((0, 2, 3))}, {}, ValueError, "at least one step"),
    "features": ({0: np.zeros((5, 2, 4))}, {}, ValueError, r"w_ih must have shape \(\d+, 4\)"),
    "batch": ({1: np.zeros((3, 4))}, {}, ValueError, r"h0 must have shape \(2, 4\)"),
    "w_hh": ({-3: np.zeros((9, 4))}, {}, ValueError, "w_hh must have shape"),
    "b_ih": ({-2: np.zeros(3)}, {}, ValueError, "b_ih must have shape"),
    "b_hh": ({-1: np.zeros((4, 4))}, {}, ValueError, "b_hh must have shape"),
    "mixed": ({-3: np.float32}, {}, TypeError, "w_hh has dtype float32 but x has float64"),
    "half": ({}, {}, TypeError, "float32 or float64"),
    "too_long": ({}, {"lengths": [2, 6]}, ValueError, "lengths must lie between 0 and 5"),
    "negative": ({}, {"lengths": [2, -1]}, ValueError, "got -1"),
    "not_lengths": ({}, {"lengths": [True, False]}, TypeError, "lengths must be integers"),
    "fractions": ({}, {"lengths": [2.0, 1.0]}, TypeError, "lengths must be integers"),
    "how_many": ({}, {"lengths": [2, 1, 1]}, ValueError, "one number a sequence"),
    "one_length": ({}, {"lengths": 2}, ValueError, "one number a sequence"),
}


@KINDS
@pytest.mark.parametrize("name", REFUSED)
def test_what_does_not_fit_is_refused_by_name(kind, name):
    changes, static, error, message = REFUSED[name]
    layer = Layer(kind, 5, 2, 3, 4)
    for i, new in changes.items():
        layer.inputs[i] = layer.inputs[i].astype(new) if isinstance(new, type) else new
    if name == "half":
        layer.inputs = [a.astype(np.float16) for a in layer.inputs]
    for function in (layer.op, layer.op.reference):
        with pytest.raises(error, match=message):
            function(*map(Value, layer.inputs), **static)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({7: np.zeros((3, 5))}, r"w_hh must have shape \(4H, P\) for w_hr \(P, H\) = \(3, 5\)"),
        ({7: np.zeros(4)}, r"w_hr must have shape \(P, H\), got \(4,\)"),
        ({7: np.zeros((0, 4))}, r"w_hr must have shape \(P, H\), got \(0, 4\)"),
        ({1: np.zeros((2, 4))}, r"h0 must have shape \(2, 3\)"),
        ({2: np.zeros((2, 3))}, r"c0 must have shape \(2, 4\)"),
    ],
)
def test_a_projection_that_does_not_fit_is_refused_by_name(changes, message):
    layer = Layer("lstm", 5, 2, 3, 4, P=3)
    for i, new in changes.items():
        layer.inputs[i] = new
    for function in (layer.op, layer.op.reference):
        with pytest.raises(ValueError, match=message):
            function(*map(Value, layer.inputs))


def test_an_unknown_nonlinearity_is_refused():
    layer = Layer("rnn", 2, 2, 2, 2)
    with pytest.raises(ValueError, match="'tanh' or 'relu', got 'gelu'"):
        rnn_scan(*map(Value, layer.inputs), nonlinearity="gelu")


def stack_of(kind, layers, directions, D, H, seed=0, dtype=np.float64):
    """Random weights of a stack, in PyTorch's order."""
    k, rng = OPS[kind][1], np.random.default_rng(seed)
    shapes = [
        [(k * H, D if i < directions else H * directions), (k * H, H), (k * H,), (k * H,)]
        for i in range(layers * directions)
    ]
    return [[rng.normal(scale=0.5, size=s).astype(dtype) for s in layer] for layer in shapes]


@KINDS
def test_a_stack_is_its_scans_one_after_the_other(kind):
    weights = stack_of(kind, 2, 2, 3, 4)
    x = np.random.default_rng(1).normal(size=(5, 2, 3))
    y, last = STACKS[kind](x, weights, bidirectional=True, lengths=[5, 3])
    op, _, n = OPS[kind]
    expected, states = x, []
    for i in (0, 2):
        parts = [
            op(expected, *[None] * n, *weights[i + k], lengths=[5, 3], reverse=bool(k))
            for k in (0, 1)
        ]
        expected = np.concatenate([p[0] for p in parts], axis=2)
        states += [p[1] for p in parts]
    np.testing.assert_array_equal(y, expected)
    np.testing.assert_array_equal(last[0] if kind == "lstm" else last, states)


@KINDS
def test_batch_first_swaps_the_first_two_axes_of_x_and_y(kind):
    weights = stack_of(kind, 1, 1, 3, 4)
    x = np.random.default_rng(1).normal(size=(5, 2, 3))
    y, _ = STACKS[kind](x, weights)
    z, _ = STACKS[kind](x.swapaxes(0, 1), weights, batch_first=True)
    np.testing.assert_array_equal(z, y.swapaxes(0, 1))


@KINDS
@pytest.mark.parametrize("batch_first", [False, True])
def test_one_sequence_needs_no_batch_axis(kind, batch_first):
    weights, rng = stack_of(kind, 2, 2, 3, 4), np.random.default_rng(1)
    x, h = rng.normal(size=(5, 3)), rng.normal(size=(4, 4))
    pair = kind == "lstm"
    run = STACKS[kind]
    y, last = run(x, weights, (h, h) if pair else h, bidirectional=True, batch_first=batch_first)
    state = h[:, None]
    z, after = run(x[:, None], weights, (state, state) if pair else state, bidirectional=True)
    np.testing.assert_array_equal(y, z[:, 0])
    for a, b in zip(last if pair else [last], after if pair else [after], strict=True):
        assert a.shape == (4, 4)
        np.testing.assert_array_equal(a, b[:, 0])


def test_dropout_acts_between_layers_only_and_by_the_generator():
    weights = stack_of("gru", 2, 1, 3, 4)
    x = np.random.default_rng(1).normal(size=(5, 2, 3))
    a, b, c = (gru(x, weights, dropout=0.5, rng=seed)[0] for seed in (0, 0, 1))
    np.testing.assert_array_equal(a, b)
    assert (a != c).any()
    np.testing.assert_array_equal(
        gru(x, weights[:1], dropout=0.5, rng=0)[0], gru(x, weights[:1])[0]
    )


def test_a_stack_refuses_weights_states_and_dropout_that_do_not_fit():
    x, weights = np.zeros((5, 2, 3)), stack_of("gru", 1, 1, 3, 4)
    with pytest.raises(ValueError, match="one tuple for each layer and direction"):
        gru(x, weights, bidirectional=True)
    with pytest.raises(ValueError, match="dropout must be between 0 and 1"):
        gru(x, weights, dropout=1.5)
    with pytest.raises(ValueError, match=r"hx must have shape .*\(1, 2, 'H'\), got \(2, 2, 4\)"):
        gru(x, weights, np.zeros((2, 2, 4)))
    with pytest.raises(ValueError, match="three axes"):
        gru(x[0, 0], weights)
    with pytest.raises(ValueError, match=r"weights\[0\] must hold .*got 3"):
        gru(x, [weights[0][:3]])
    with pytest.raises(TypeError, match=r"lstm: hx must be a pair"):
        lstm(x, stack_of("lstm", 1, 1, 3, 4), np.zeros((1, 2, 4)))


def test_a_cell_of_your_own_runs_and_is_differentiated():
    w = Value(0.5)

    def cell(x, total):
        total = total * w + x
        return total, total

    xs = np.arange(1.0, 4.0).reshape(3, 1)
    ys, last = scan(cell, xs, np.zeros(1))
    np.testing.assert_allclose(ys.data.ravel(), [1, 2.5, 4.25])
    assert grad(np.sum(last), w) == 2 * 0.5 * 1 + 2


def test_a_cell_may_have_several_states_and_an_output_of_its_own():
    def cell(x, state):
        count, total = state
        count, total = count + 1, total + x
        return total / count, (count, total)

    xs = Value(np.arange(6.0).reshape(3, 2))
    lengths = np.array([3, 2])
    ys, (count, total) = scan(cell, xs, (np.zeros(2), np.zeros(2)), lengths=lengths)
    np.testing.assert_allclose(ys.data, [[0, 1], [1, 2], [2, 0]])
    np.testing.assert_allclose(count, [3, 2])
    np.testing.assert_allclose(total.data, [6, 4])


def test_scan_refuses_an_empty_sequence_and_wrong_lengths():
    def cell(x, state):
        return x, state

    with pytest.raises(ValueError, match="at least one step"):
        scan(cell, np.zeros((0, 2)), None)
    with pytest.raises(TypeError, match="lengths must be integers"):
        scan(cell, np.zeros((3, 2)), np.zeros(2), lengths=[1.0, 2.0])
    with pytest.raises(TypeError, match="lengths need the state before the first step"):
        scan(cell, np.zeros((3, 2)), None, lengths=[1, 2])
    with pytest.raises(ValueError, match=r"xs must be \(T, B, ...\)"):
        scan(cell, np.zeros(3), 0.0, lengths=[1, 2])


def test_scan_refuses_a_cell_that_returns_an_array_instead_of_a_pair():
    with pytest.raises(TypeError, match=r"must return a pair \(y, state\), got Value"):
        scan(lambda x, h: h + x, Value(np.zeros((3, 2))), np.zeros(2))


def test_a_long_sequence_does_not_recurse():
    layer = Layer("rnn", 3000, 1, 1, 2)
    layer.check(rtol=1e-7)


torch_only = pytest.mark.torch


@pytest.fixture(scope="module")
def torch():
    return pytest.importorskip("torch", reason="PyTorch is not installed")


@torch_only
@KINDS
@pytest.mark.parametrize("lengths", [None, [3, 5, 1, 4]])
def test_stacks_compute_what_pytorch_does(kind, lengths, torch):
    weights = stack_of(kind, 2, 2, 3, 4)
    x = np.random.default_rng(1).normal(size=(5, 4, 3))
    module = getattr(torch.nn, kind.upper())(3, 4, 2, bidirectional=True).double()
    parameters = list(module.parameters())
    for p, w in zip(parameters, [a for layer in weights for a in layer], strict=True):
        p.data.copy_(torch.from_numpy(w))
    tx = torch.from_numpy(x).requires_grad_()
    given = tx
    if lengths is not None:
        pack = torch.nn.utils.rnn.pack_padded_sequence
        given = pack(tx, torch.tensor(lengths), enforce_sorted=False)
    ty, last = module(given)
    if lengths is not None:
        ty, _ = torch.nn.utils.rnn.pad_packed_sequence(ty, total_length=5)
    states = list(last) if kind == "lstm" else [last]
    sum((s * s).sum() for s in (ty, *states)).backward()

    v = Value(x)
    leaves = [[Value(a) for a in layer] for layer in weights]
    y, last = STACKS[kind](v, leaves, bidirectional=True, lengths=lengths)
    ours = list(last) if kind == "lstm" else [last]
    sum(np.sum(s * s) for s in (y, *ours)).backward()
    for a, b in zip([y, *ours], [ty, *states], strict=True):
        np.testing.assert_allclose(a.data, b.detach().numpy(), rtol=1e-9, atol=1e-12)
    flat = [a for layer in leaves for a in layer]
    for a, b in zip([v, *flat], [tx, *parameters], strict=True):
        np.testing.assert_allclose(a.grad, b.grad.numpy(), rtol=1e-8, atol=1e-11)


@KINDS
@pytest.mark.parametrize("size", [{"B": 0}, {"D": 0}])
def test_an_empty_batch_and_inputs_of_no_features_work(kind, size):
    Layer(kind, **{"T": 3, "B": 2, "D": 2, "H": 3, **size}).check()


def test_layers_called_from_several_python_threads_compute_what_one_does():
    def work(seed):
        rng = np.random.default_rng(seed)
        found = []
        for kind in OPS:
            T, B, D, H = rng.integers(1, (6, 20, 9, 20))
            layer = Layer(kind, T, B, D, H, seed=seed, lengths=rng.integers(0, T + 1, B))
            ys, gs = layer.run(layer.op)
            found += [a.tobytes() for a in (*ys, *gs)]
        return found

    expected = [work(seed) for seed in range(40)]
    with ThreadPoolExecutor(4) as threads:
        assert list(threads.map(work, range(40))) == expected


def test_scan_takes_its_input_apart_once_not_at_each_step():
    x = Value(np.ones((6, 2, 3)))
    ys, _ = scan(lambda x, h: (x + h, x + h), x, np.zeros((2, 3)))
    todo, readers = [ys], set()
    while todo:
        v = todo.pop()
        for before in v.inputs if v.op else ():
            if before is x:
                readers.add(v)
            elif isinstance(before, Value):
                todo.append(before)
    assert [v.op.name for v in readers] == ["unstack"]
