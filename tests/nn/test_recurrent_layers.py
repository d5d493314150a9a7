from __future__ import annotations

import math
import re

import numpy as np
import pytest

import autograd
import nn
from nn.utils import rnn

RNG = np.random.default_rng(0)
X = RNG.normal(size=(5, 3, 4)).astype(np.float32)  # (T, B, I)
KINDS = {"RNN": 1, "LSTM": 4, "GRU": 3}


class CharLSTM(nn.Module):
    """Letters to the logits of the letters after them."""

    def __init__(self):
        self.table = nn.Embedding(12, 8, rng=0)
        self.lstm = nn.LSTM(8, 16, batch_first=True, rng=1)
        self.head = nn.Linear(16, 12, rng=2)

    def forward(self, letters):
        y, _ = self.lstm(self.table(letters))  # (B, T, 16)
        return self.head(y)


def states_of(kind, layer, batch=(3,), seed=1):
    rng = np.random.default_rng(seed)
    count = layer.num_layers * (1 + layer.bidirectional)
    widths = (layer.proj_size or layer.hidden_size, layer.hidden_size)
    several = [rng.normal(size=(count, *batch, width)).astype(np.float32) for width in widths]
    return tuple(several) if kind == "LSTM" else several[0]


def flat(result):
    """The output and the last states in one list."""
    y, last = result
    return [y, *(last if isinstance(last, tuple) else (last,))]


@pytest.mark.trains
def test_a_char_lstm_lowers_its_loss():
    net, text = CharLSTM(), np.random.default_rng(0).integers(0, 12, (4, 9))
    optimizer, losses = nn.optim.Adam(net.parameters(), lr=0.02), []
    for _ in range(8):
        logits = net(text[:, :-1]).reshape(-1, 12)
        loss = nn.functional.cross_entropy(logits, text[:, 1:].ravel())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[1] < losses[0]
    assert losses[-1] < 0.9 * losses[0]


@pytest.mark.parametrize(("kind", "gates"), KINDS.items())
def test_state_dict_keys_are_pytorchs(kind, gates):
    layer = getattr(nn, kind)(4, 6, num_layers=2, bidirectional=True)
    shapes = {k: v.shape for k, v in layer.state_dict().items()}
    assert list(shapes)[:5] == [
        "weight_ih_l0",
        "weight_hh_l0",
        "bias_ih_l0",
        "bias_hh_l0",
        "weight_ih_l0_reverse",
    ]
    assert len(shapes) == 16
    assert shapes["weight_ih_l1_reverse"] == (gates * 6, 12)
    assert shapes["bias_hh_l1"] == (gates * 6,)


@pytest.mark.parametrize("kind", KINDS)
def test_starts_uniform_within_one_over_the_root_of_the_state(kind):
    for p in getattr(nn, kind)(64, 64, rng=0).parameters():
        assert p.dtype == np.float32
        assert abs(p.data).max() <= 1 / 8
        np.testing.assert_allclose(p.data.std(), 1 / 8 / math.sqrt(3), rtol=0.3)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("batch_first", [False, True])
def test_one_sequence_needs_no_batch(kind, batch_first):
    layer = getattr(nn, kind)(4, 6, num_layers=2, batch_first=batch_first)
    single = flat(layer(X[:, 0], states_of(kind, layer, ())))
    state = states_of(kind, layer, ())
    state = tuple(s[:, None] for s in state) if kind == "LSTM" else state[:, None]
    both = flat(layer(np.swapaxes(X[:, :1], 0, 1) if batch_first else X[:, :1], state))
    for one, many in zip(single, both, strict=True):
        np.testing.assert_allclose(one.data, many.data.reshape(one.shape), atol=1e-6)
    assert single[0].shape == (5, 6)
    assert single[1].shape == (2, 6)


@pytest.mark.parametrize("kind", KINDS)
def test_what_comes_after_a_length_is_not_read(kind):
    layer, poisoned = getattr(nn, kind)(4, 6, bidirectional=True), X.copy()
    poisoned[3:, 1] = np.nan
    parts = flat(layer(poisoned, lengths=[5, 3, 5]))
    alone = flat(layer(X[:3, 1:2]))
    np.testing.assert_allclose(parts[0].data[:3, 1], alone[0].data[:, 0], atol=1e-6)
    assert not parts[0].data[3:, 1].any()
    np.testing.assert_allclose(parts[1].data[:, 1], alone[1].data[:, 0], atol=1e-6)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("batch_first", [False, True])
def test_a_packed_sequence_gives_what_its_lengths_do(kind, batch_first):
    layer = getattr(nn, kind)(4, 6, num_layers=2, bidirectional=True, batch_first=batch_first)
    x, lengths = np.swapaxes(X, 0, 1) if batch_first else X, [2, 5, 3]
    packed = rnn.pack_padded_sequence(x, lengths, batch_first, enforce_sorted=False)
    y, last = layer(packed)
    padded, _ = rnn.pad_packed_sequence(y, batch_first)
    expected = flat(layer(x, lengths=lengths))
    for a, b in zip(flat((padded, last)), expected, strict=True):
        np.testing.assert_array_equal(a.data, b.data)


@pytest.mark.parametrize("kind", KINDS)
def test_the_input_size_may_come_with_the_first_input(kind):
    layer = getattr(nn, kind)(None, 6, num_layers=2, bias=False, rng=5)
    assert repr(layer) == f"{kind}(None, 6)"
    layer(rnn.pack_padded_sequence(X, [5, 3, 1]))
    expected = getattr(nn, kind)(4, 6, num_layers=2, bias=False, rng=5)
    for (name, a), (key, b) in zip(
        layer.state_dict().items(), expected.state_dict().items(), strict=True
    ):
        assert name == key
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize(("kind", "more"), [*((k, {}) for k in KINDS), ("LSTM", {"proj_size": 1})])
def test_recurrent_layers_are_differentiated_twice(kind, more):
    layer = getattr(nn, kind)(2, 2, num_layers=2, **more).double()
    x = RNG.normal(size=(2, 1, 2))
    assert autograd.gradcheck(lambda x: layer(x)[0], x)
    assert autograd.gradgradcheck(lambda x: layer(x)[0], x)


def test_a_state_that_is_carried_on_detached_gets_no_gradient():
    layer = nn.GRU(4, 6, rng=0)
    _, h = layer(X)
    carried = h.detach()
    y, _ = layer(X, carried)
    y.sum().backward()
    assert carried.grad is None
    ours = {k: p.grad.copy() for k, p in layer.named_parameters()}
    layer.zero_grad()
    layer(X, h.data)[0].sum().backward()
    for k, p in layer.named_parameters():
        np.testing.assert_array_equal(p.grad, ours[k])


def test_dropout_acts_in_training_between_layers():
    layer = nn.LSTM(4, 6, num_layers=2, dropout=0.5, rng=0)
    first, second = layer(X)[0].data, layer(X)[0].data
    assert not np.array_equal(first, second)
    layer.eval()
    np.testing.assert_array_equal(layer(X)[0].data, layer(X)[0].data)


def test_the_same_seed_gives_the_same_weights_and_dropout():
    a, b = (nn.GRU(4, 6, num_layers=2, dropout=0.5, rng=7) for _ in range(2))
    np.testing.assert_array_equal(a(X)[0].data, b(X)[0].data)


def test_dropout_of_one_layer_is_warned_of():
    for kind in (nn.GRU, nn.RNN):
        with pytest.warns(UserWarning, match="dropout=0.5 acts between layers") as caught:
            kind(4, 6, dropout=0.5)
        assert caught[0].filename == __file__


def test_repr_is_pytorchs():
    assert repr(nn.LSTM(4, 6, proj_size=2)) == "LSTM(4, 6, proj_size=2)"
    layer = nn.LSTM(4, 6, 2, bias=False, batch_first=True, dropout=0.1, bidirectional=True)
    assert repr(layer) == (
        "LSTM(4, 6, num_layers=2, bias=False, batch_first=True, dropout=0.1, bidirectional=True)"
    )


@pytest.mark.parametrize(
    ("error", "text", "make"),
    [
        (ValueError, "GRU: hidden_size", lambda: nn.GRU(4, 0)),
        (ValueError, "LSTM: num_layers", lambda: nn.LSTM(4, 6, 1.5)),
        (ValueError, "RNN: nonlinearity .*'relu'", lambda: nn.RNN(4, 6, nonlinearity="sin")),
        (ValueError, "LSTM: dropout", lambda: nn.LSTM(4, 6, 2, dropout=2)),
        (ValueError, "LSTM: .*(5, 3, 4) must be input_size=3", lambda: nn.LSTM(3, 6)(X)),
        (
            ValueError,
            "x must have three axes, .* got (4,)",
            lambda: nn.GRU(4, 6, batch_first=True)(X[0, 0]),
        ),
        (
            ValueError,
            "hx must have shape .*got (2, 3, 6)",
            lambda: nn.RNN(4, 6)(X, np.zeros((2, 3, 6))),
        ),
        (TypeError, "LSTM: hx must be a pair", lambda: nn.LSTM(4, 6)(X, np.zeros((1, 3, 6)))),
        (
            ValueError,
            "lstm_scan: h0 .*(3, 2).*got (3, 6)",
            lambda: nn.LSTM(4, 6, proj_size=2)(X, [np.zeros((1, 3, 6))] * 2),
        ),
        (ValueError, "LSTM: proj_size=6 must be less", lambda: nn.LSTM(4, 6, proj_size=6)),
        (ValueError, "GRU: proj_size is for nn.LSTM", lambda: nn.GRU(4, 6, proj_size=2)),
        (TypeError, "GRU: dropout must be a number", lambda: nn.GRU(4, 6, 2, dropout="half")),
        (
            ValueError,
            "GRU: input is packed",
            lambda: nn.GRU(4, 6)(rnn.pack_padded_sequence(X, [5, 3, 1]), lengths=[5, 3, 1]),
        ),
        (TypeError, "float32 but x has float64.*x.astype", lambda: nn.RNN(4, 6)(X.astype(float))),
        (ValueError, "lengths must have one number", lambda: nn.RNN(4, 6)(X, lengths=[5, 5])),
    ],
)
def test_errors_name_the_layer_and_the_argument(error, text, make):
    with pytest.raises(error, match=".*".join(map(re.escape, text.split(".*")))):
        make()


def torchs(torch, kind, settings, sizes=(4, 6)):
    """PyTorch's layer and ours with its weights."""
    theirs, ours = (
        getattr(torch.nn, kind)(*sizes, **settings),
        getattr(nn, kind)(*sizes, **settings),
    )
    ours.load_state_dict({k: v.numpy() for k, v in theirs.state_dict().items()})
    return theirs, ours


def same(ours, theirs, atol=1e-5):
    for a, b in zip(flat(ours), flat(theirs), strict=True):
        np.testing.assert_allclose(a.data, b.detach().numpy(), atol=atol)


@pytest.mark.torch
@pytest.mark.filterwarnings("ignore:LSTM with projections is not supported with oneDNN")
@pytest.mark.parametrize(
    ("kind", "bias"),  # torch itself fails on a projection without biases
    [*((kind, bias) for kind in [*KINDS, "RELU"] for bias in (False, True)), ("PROJECTED", True)],
)
@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("how", ["unbatched", "batch_first", "with_state", "lengths", "packed"])
def test_is_what_torch_computes(kind, layers, bidirectional, bias, how):
    torch = pytest.importorskip("torch", reason="the comparison needs torch")
    settings = {"num_layers": layers, "bidirectional": bidirectional, "bias": bias}
    settings["batch_first"] = how == "batch_first"
    settings |= {"RELU": {"nonlinearity": "relu"}, "PROJECTED": {"proj_size": 3}}.get(kind, {})
    kind = {"RELU": "RNN", "PROJECTED": "LSTM"}.get(kind, kind)
    theirs, ours = torchs(torch, kind, settings)
    x = {"unbatched": X[:, 0], "batch_first": np.swapaxes(X, 0, 1)}.get(how, X).copy()
    v, t = autograd.Value(x), torch.tensor(x, requires_grad=True)
    state = tensors = None
    if how != "batch_first":
        state = states_of(kind, ours, () if how == "unbatched" else (3,))
        pair = isinstance(state, tuple)
        tensors = tuple(map(torch.tensor, state)) if pair else torch.tensor(state)
    lengths = [2, 5, 3] if how in ("lengths", "packed") else None
    if lengths:
        pack = torch.nn.utils.rnn.pack_padded_sequence
        y, last = theirs(pack(t, torch.tensor(lengths), enforce_sorted=False), tensors)
        other = flat((torch.nn.utils.rnn.pad_packed_sequence(y)[0], last))
    else:
        other = flat(theirs(t, tensors))
    if how == "packed":
        y, last = ours(rnn.pack_padded_sequence(v, lengths, enforce_sorted=False), state)
        padded, n = rnn.pad_packed_sequence(y)
        assert n.tolist() == lengths
        mine = flat((padded, last))
    else:
        mine = flat(ours(v, state, lengths=lengths))
    for a, b in zip(mine, other, strict=True):
        assert a.shape == b.shape
        np.testing.assert_allclose(a.data, b.detach().numpy(), atol=1e-5)
    sum(np.sum(a**3) for a in mine).backward()
    sum((b**3).sum() for b in other).backward()
    np.testing.assert_allclose(v.grad, t.grad.numpy(), rtol=1e-3, atol=1e-4)
    for name, p in theirs.named_parameters():
        np.testing.assert_allclose(getattr(ours, name).grad, p.grad.numpy(), rtol=1e-3, atol=1e-4)


@pytest.mark.torch
@pytest.mark.parametrize("kind", KINDS)
def test_weights_start_as_torchs_do(kind):
    torch = pytest.importorskip("torch", reason="the comparison needs torch")
    settings = {"num_layers": 2, "bidirectional": True}
    theirs = getattr(torch.nn, kind)(20, 30, **settings)
    ours = getattr(nn, kind)(20, 30, **settings, rng=0)
    state = ours.state_dict()
    assert list(state) == list(theirs.state_dict())
    drawn = [[], []]
    for name, p in theirs.state_dict().items():
        assert state[name].shape == tuple(p.shape)
        drawn[0].append(state[name].ravel())
        drawn[1].append(p.numpy().ravel())
    a, b = (np.quantile(np.concatenate(ws), np.linspace(0, 1, 6)) for ws in drawn)
    np.testing.assert_allclose(a, b, atol=0.05 * abs(b).max())


class TorchCharLSTM:
    """The net of `CharLSTM`, in PyTorch, with the state carried on."""

    def __init__(self, torch, net):
        self.table, self.lstm = torch.nn.Embedding(12, 8), torch.nn.LSTM(8, 16, batch_first=True)
        self.head = torch.nn.Linear(16, 12)
        for mine, theirs in ((net.table, self.table), (net.lstm, self.lstm), (net.head, self.head)):
            weights = {k: torch.tensor(w) for k, w in mine.state_dict().items()}
            theirs.load_state_dict(weights)

    def parameters(self):
        return [p for part in (self.table, self.lstm, self.head) for p in part.parameters()]


@pytest.mark.torch
def test_truncated_backpropagation_with_carried_state_is_torchs():
    torch = pytest.importorskip("torch", reason="the comparison needs torch")
    net = CharLSTM()
    other = TorchCharLSTM(torch, net)
    ours = nn.optim.SGD(net.parameters(), lr=0.5)
    theirs = torch.optim.SGD(other.parameters(), lr=0.5)
    text = np.random.default_rng(3).integers(0, 12, (2, 41))
    state = carried = None
    for start in range(0, 40, 8):
        seen, wanted = text[:, start : start + 8], text[:, start + 1 : start + 9]
        state = None if state is None else tuple(s.detach() for s in state)
        y, state = net.lstm(net.table(seen), state)
        loss = nn.functional.cross_entropy(net.head(y).reshape(-1, 12), wanted.ravel())
        ours.zero_grad()
        loss.backward()
        ours.step()

        carried = None if carried is None else tuple(s.detach() for s in carried)
        y, carried = other.lstm(other.table(torch.tensor(seen)), carried)
        target = torch.nn.functional.cross_entropy(
            other.head(y).reshape(-1, 12), torch.tensor(wanted.ravel())
        )
        theirs.zero_grad()
        target.backward()
        theirs.step()
        np.testing.assert_allclose(loss.item(), target.item(), rtol=1e-5)
    for a, b in zip(net.parameters(), other.parameters(), strict=True):
        np.testing.assert_allclose(a.data, b.detach().numpy(), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("cell", ["RNN", "LSTM", "GRU"])
@pytest.mark.parametrize("shape", [(2, 50_000, 1), (50_000, 2, 1)])
def test_gradients_of_biases_add_up_over_many_rows(cell, shape):
    found = []
    for dtype in (np.float32, np.float64):
        layer = getattr(nn, cell)(1, 1, rng=0).to(dtype)
        y, _ = layer(np.full(shape, 0.1, dtype))
        biases = [layer.bias_ih_l0, layer.bias_hh_l0]
        found.append(autograd.grad(y, biases, np.full(y.shape, 0.1, dtype)))
    for a, b in zip(*found, strict=True):
        np.testing.assert_allclose(a, b, rtol=2e-5, atol=1e-5 * abs(b).max())
