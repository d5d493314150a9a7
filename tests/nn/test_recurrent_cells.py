"""RNNCell, LSTMCell and GRUCell: PyTorch's names and numbers, and cells of one's own."""

from __future__ import annotations

import re

import numpy as np
import pytest

import autograd
import nn

X = np.random.default_rng(0).normal(size=(5, 3, 4)).astype(np.float32)  # (T, B, I)
KINDS = {"RNN": 1, "LSTM": 4, "GRU": 3}


def flat(state):
    return list(state) if isinstance(state, tuple) else [state]


@pytest.mark.parametrize(("kind", "gates"), KINDS.items())
def test_parameters_have_pytorchs_names_and_shapes(kind, gates):
    cell = getattr(nn, f"{kind}Cell")(4, 6)
    shapes = {k: v.shape for k, v in cell.state_dict().items()}
    assert shapes == {
        "weight_ih": (gates * 6, 4),
        "weight_hh": (gates * 6, 6),
        "bias_ih": (gates * 6,),
        "bias_hh": (gates * 6,),
    }
    without = getattr(nn, f"{kind}Cell")(4, 6, bias=False)
    assert list(without.state_dict()) == ["weight_ih", "weight_hh"]
    assert repr(without) == f"{kind}Cell(4, 6, bias=False)"


@pytest.mark.parametrize("kind", KINDS)
def test_steps_one_after_the_other_are_the_layer(kind):
    layer, cell = getattr(nn, kind)(4, 6), getattr(nn, f"{kind}Cell")(4, 6)
    cell.load_state_dict({k.removesuffix("_l0"): v for k, v in layer.state_dict().items()})
    state, ys = None, []
    for x in X:
        state = cell(x, state)
        ys.append(flat(state)[0])
    y, last = layer(X)
    np.testing.assert_allclose(np.stack([h.data for h in ys]), y.data, atol=1e-6)
    for a, b in zip(flat(state), flat(last), strict=True):
        np.testing.assert_allclose(a.data, b.data[0], atol=1e-6)
    np.sum(np.stack(ys) ** 2).backward()
    np.sum(y**2).backward()
    for name, p in cell.named_parameters():
        np.testing.assert_allclose(p.grad, getattr(layer, f"{name}_l0").grad, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("kind", KINDS)
def test_one_input_needs_no_batch(kind):
    cell = getattr(nn, f"{kind}Cell")(4, 6)
    state = cell(X[1], cell(X[0]))
    single = cell(X[1, 0], cell(X[0, 0]))
    for a, b in zip(flat(single), flat(state), strict=True):
        assert a.shape == (6,)
        np.testing.assert_allclose(a.data, b.data[0], atol=1e-6)


@pytest.mark.parametrize("kind", KINDS)
def test_the_input_size_may_come_with_the_first_input(kind):
    cell = getattr(nn, f"{kind}Cell")(None, 6, rng=1)
    cell(X[0])
    expected = getattr(nn, f"{kind}Cell")(4, 6, rng=1)
    np.testing.assert_array_equal(cell.weight_ih.data, expected.weight_ih.data)


@pytest.mark.parametrize(
    ("error", "text", "make"),
    [
        (ValueError, "GRUCell: hidden_size must be an integer >= 1", lambda: nn.GRUCell(4, 0)),
        (ValueError, "RNNCell: nonlinearity", lambda: nn.RNNCell(4, 6, nonlinearity="sin")),
        (ValueError, "LSTMCell: input must be (B, I)", lambda: nn.LSTMCell(4, 6)(X)),
        (ValueError, "GRUCell: input must be .*input_size=3", lambda: nn.GRUCell(3, 6)(X[0])),
        (ValueError, "rnn_scan: h0 .*(3, 6)", lambda: nn.RNNCell(4, 6)(X[0], np.zeros((2, 6)))),
        (TypeError, "LSTMCell: hx must be a pair", lambda: nn.LSTMCell(4, 6)(X[0], X[0])),
        (TypeError, "GRUCell: input is int64", lambda: nn.GRUCell(4, 6)(np.ones((2, 4), int))),
        (TypeError, "h0 has dtype float64", lambda: nn.GRUCell(4, 6)(X[0], np.zeros((3, 6)))),
    ],
)
def test_errors_name_the_cell_and_the_argument(error, text, make):
    with pytest.raises(error, match=".*".join(map(re.escape, text.split(".*")))):
        make()


class MinimalGate(nn.Module):
    """A cell of one's own: one gate that forgets and takes in (Zhou et al., 2016)."""

    def __init__(self, inputs, units, rng):
        self.forget = nn.Linear(inputs + units, units, rng=rng)
        self.new = nn.Linear(inputs + units, units, rng=rng)

    def forward(self, x, h):
        f = autograd.ops.sigmoid(self.forget(np.concatenate([x, h], axis=-1)))
        h = (1 - f) * h + f * np.tanh(self.new(np.concatenate([x, f * h], axis=-1)))
        return h, h


def test_a_module_of_ones_own_runs_over_time_and_learns_to_remember():
    rng = np.random.default_rng(0)
    cell, head = MinimalGate(3, 12, rng), nn.Linear(12, 1, rng=rng)
    optimizer = nn.optim.Adam([*cell.parameters(), *head.parameters()], lr=0.03)
    lengths = np.array([6, 3, 1, 4, 6, 2, 5, 3])
    losses = []
    xs = rng.normal(size=(6, 8, 3)).astype(np.float32)
    for _ in range(40):
        _, last = autograd.scan(cell, xs, np.zeros((8, 12), np.float32), lengths=lengths)
        loss = nn.functional.mse_loss(head(last)[:, 0], np.tanh(xs[0, :, 0]))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.2 * losses[0]


def test_what_stands_in_the_padding_of_a_cell_of_ones_own_does_not_matter():
    cell, lengths = MinimalGate(4, 6, np.random.default_rng(0)), np.array([2, 5, 0])
    start, poisoned = np.zeros((3, 6), np.float32), X.copy()
    poisoned[np.arange(5)[:, None] >= lengths] = np.nan
    for reverse in (False, True):
        found = []
        for xs in (X, poisoned):
            v = autograd.Value(xs)
            ys, last = autograd.scan(cell, v, start, lengths=lengths, reverse=reverse)
            (ys.sum() + last.sum()).backward()
            found.append((ys.data, last.data, v.grad))
        for a, b in zip(*found, strict=True):
            np.testing.assert_array_equal(a, b)
        assert not found[0][2][2:, 0].any()


@pytest.mark.torch
@pytest.mark.parametrize("kind", [*KINDS, "RELU"])
@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("with_state", [False, True])
@pytest.mark.parametrize("batch", [(), (3,)])
def test_cells_are_what_torch_computes(kind, bias, with_state, batch):
    torch = pytest.importorskip("torch", reason="the comparison needs torch")
    more = {"nonlinearity": "relu"} if kind == "RELU" else {}
    name = "RNNCell" if kind == "RELU" else f"{kind}Cell"
    theirs, ours = (getattr(m, name)(4, 6, bias=bias, **more) for m in (torch.nn, nn))
    ours.load_state_dict({k: v.numpy() for k, v in theirs.state_dict().items()})
    x = X[0] if batch else X[0, 0]
    v, t = autograd.Value(x), torch.tensor(x, requires_grad=True)
    state = tensors = None
    if with_state:
        rng = np.random.default_rng(1)
        several = [rng.normal(size=(*batch, 6)).astype(np.float32) for _ in range(2)]
        several = several if kind == "LSTM" else several[:1]
        state, tensors = tuple(several), tuple(map(torch.tensor, several))
        if kind != "LSTM":
            state, tensors = state[0], tensors[0]
    mine, other = flat(ours(v, state)), flat(theirs(t, tensors))
    for a, b in zip(mine, other, strict=True):
        assert a.shape == b.shape
        np.testing.assert_allclose(a.data, b.detach().numpy(), atol=1e-6)
    sum(np.sum(a**3) for a in mine).backward()
    sum((b**3).sum() for b in other).backward()
    np.testing.assert_allclose(v.grad, t.grad.numpy(), rtol=1e-4, atol=1e-6)
    for key, p in theirs.named_parameters():
        np.testing.assert_allclose(getattr(ours, key).grad, p.grad.numpy(), rtol=1e-4, atol=1e-6)
