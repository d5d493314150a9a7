from __future__ import annotations

import math
import re

import numpy as np
import pytest

import autograd
import nn

RNG = np.random.default_rng(0)
X = RNG.normal(size=(5, 3, 4)).astype(np.float32)  # (T, B, I)
KINDS = {"RNN": 1, "LSTM": 4, "GRU": 3}
SETTINGS = [
    {},
    {"num_layers": 2, "bidirectional": True},
    {"bias": False, "bidirectional": True},
    {"num_layers": 3, "batch_first": True},
]
CASES = [(kind, settings) for kind in KINDS for settings in SETTINGS]
CASES += [("RNN", {"nonlinearity": "relu"})]


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
    several = [
        rng.normal(size=(count, *batch, layer.hidden_size)).astype(np.float32) for _ in range(2)
    ]
    return tuple(several) if kind == "LSTM" else several[0]


def flat(result):
    """The output and the last states in one list."""
    y, last = result
    return [y, *(last if isinstance(last, tuple) else (last,))]


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
def test_recurrent_layers_are_differentiated(kind):
    layer = getattr(nn, kind)(2, 2, num_layers=2).double()
    assert autograd.gradcheck(lambda x: layer(x)[0], RNG.normal(size=(2, 1, 2)))


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
        (ValueError, "GRU: input .* (B, T, I)", lambda: nn.GRU(4, 6, batch_first=True)(X[0, 0])),
        (ValueError, "RNN: h0 .*(1, 3, 6)", lambda: nn.RNN(4, 6)(X, np.zeros((2, 3, 6)))),
        (TypeError, "LSTM: h0 must be a pair", lambda: nn.LSTM(4, 6)(X, np.zeros((1, 3, 6)))),
        (TypeError, "RNN: input is float64.*astype", lambda: nn.RNN(4, 6)(X.astype(float))),
        (ValueError, "lengths must have one number", lambda: nn.RNN(4, 6)(X, lengths=[5, 5])),
    ],
)
def test_errors_name_the_layer_and_the_argument(error, text, make):
    with pytest.raises(error, match=".*".join(map(re.escape, text.split(".*")))):
        make()


@pytest.mark.torch
@pytest.mark.parametrize(("kind", "settings"), CASES)
@pytest.mark.parametrize("with_state", [False, True])
def test_is_what_torch_computes(kind, settings, with_state):
    torch = pytest.importorskip("torch", reason="the comparison needs torch")
    theirs, ours = getattr(torch.nn, kind)(4, 6, **settings), getattr(nn, kind)(4, 6, **settings)
    ours.load_state_dict({k: v.numpy() for k, v in theirs.state_dict().items()})
    x = np.swapaxes(X, 0, 1).copy() if settings.get("batch_first") else X
    v, t = autograd.Value(x), torch.tensor(x, requires_grad=True)
    state = states_of(kind, ours) if with_state else None
    tensors = None
    if with_state:
        tensors = (
            tuple(map(torch.tensor, state)) if isinstance(state, tuple) else torch.tensor(state)
        )
    mine, other = flat(ours(v, state)), flat(theirs(t, tensors))
    for a, b in zip(mine, other, strict=True):
        np.testing.assert_allclose(a.data, b.detach().numpy(), atol=1e-5)
    sum(np.sum(a**3) for a in mine).backward()
    sum((b**3).sum() for b in other).backward()
    np.testing.assert_allclose(v.grad, t.grad.numpy(), atol=1e-4)
    for name, p in theirs.named_parameters():
        np.testing.assert_allclose(getattr(ours, name).grad, p.grad.numpy(), rtol=1e-4, atol=1e-4)


@pytest.mark.torch
@pytest.mark.parametrize("kind", KINDS)
def test_lengths_are_torchs_packed_sequences(kind):
    torch = pytest.importorskip("torch", reason="the comparison needs torch")
    settings = {"num_layers": 2, "bidirectional": True}
    theirs, ours = getattr(torch.nn, kind)(4, 6, **settings), getattr(nn, kind)(4, 6, **settings)
    ours.load_state_dict({k: v.numpy() for k, v in theirs.state_dict().items()})
    lengths = [2, 5, 3]
    rnn = torch.nn.utils.rnn
    packed = rnn.pack_padded_sequence(torch.tensor(X), lengths, enforce_sorted=False)
    y, last = theirs(packed)
    other = flat((rnn.pad_packed_sequence(y)[0], last))
    for a, b in zip(flat(ours(X, lengths=lengths)), other, strict=True):
        np.testing.assert_allclose(a.data, b.detach().numpy(), atol=1e-5)
