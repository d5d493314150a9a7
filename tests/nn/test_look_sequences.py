from __future__ import annotations

import numpy as np
import pytest

import autograd
import nn
from autograd.readers.lint.lint import lint
from nn import look

T, B, I, H = 6, 3, 2, 4  # noqa: E741 - the sizes of the formulas


@pytest.fixture
def x(rng):
    return rng.normal(size=(T, B, I)).astype(np.float32)


def sigmoid(a):
    return 1 / (1 + np.exp(-a))


def by_hand(layer, x):
    """The gates of an LSTM of one layer, from its weights."""
    w, u, b, c0 = (p.data for p in layer.all_weights[0])
    h, c, steps = np.zeros((x.shape[1], H), np.float32), 0.0, []
    for row in x:
        i, f, g, o = np.split(row @ w.T + b + h @ u.T + c0, 4, axis=1)
        i, f, g, o = sigmoid(i), sigmoid(f), np.tanh(g), sigmoid(o)
        c = f * c + i * g
        h = o * np.tanh(c)
        steps.append((i, f, g, o, c, h))
    names = ("input", "forget", "cell", "output", "c", "h")
    return dict(zip(names, map(np.stack, zip(*steps, strict=True)), strict=True))


def test_the_gates_of_an_lstm_are_those_of_its_weights(x):
    layer = nn.LSTM(I, H, rng=0)
    gates = look.gate_activations(layer, x)
    for name, wanted in by_hand(layer, x).items():
        np.testing.assert_allclose(gates[name][0], wanted, rtol=1e-4, atol=1e-6, err_msg=name)


def test_the_gates_of_a_gru_fulfil_its_equation(x):
    layer = nn.GRU(I, H, rng=0)
    gates = {name: a[0] for name, a in look.gate_activations(layer, x).items()}
    w, u, b, c = (p.data for p in layer.all_weights[0])
    before = np.concatenate([np.zeros((1, B, H)), gates["h"][:-1]])
    from_x, from_h = np.split(x @ w.T + b, 3, axis=2), np.split(before @ u.T + c, 3, axis=2)
    np.testing.assert_allclose(gates["reset"], sigmoid(from_x[0] + from_h[0]), atol=1e-5)
    np.testing.assert_allclose(gates["update"], sigmoid(from_x[1] + from_h[1]), atol=1e-5)
    new = np.tanh(from_x[2] + gates["reset"] * from_h[2])
    np.testing.assert_allclose(gates["new"], new, atol=1e-5)
    h = (1 - gates["update"]) * new + gates["update"] * before
    np.testing.assert_allclose(gates["h"], h, atol=1e-5)


@pytest.mark.parametrize("kind", [nn.LSTM, nn.GRU, nn.RNN])
def test_layers_and_directions_are_in_the_order_of_h_n(kind, x):
    layer = kind(I, H, num_layers=2, bidirectional=True, rng=0)
    gates, (y, _) = look.gate_activations(layer, x), layer(x)
    assert {a.shape for a in gates.values()} == {(4, T, B, H)}
    np.testing.assert_allclose(gates["h"][2], y.data[..., :H], rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(gates["h"][3], y.data[..., H:], rtol=1e-5, atol=1e-6)


def test_gates_are_0_beyond_the_length_of_a_sequence(x):
    layer, lengths = nn.LSTM(I, H, rng=0), [6, 2, 4]
    gates, whole = look.gate_activations(layer, (x, None, lengths)), by_hand(layer, x)
    for name, found in gates.items():
        for k, n in enumerate(lengths):
            np.testing.assert_allclose(found[0, :n, k], whole[name][:n, k], rtol=1e-4, atol=1e-6)
            assert not found[0, n:, k].any()


def test_gates_of_packed_projected_and_single_sequences(x):
    layer = nn.LSTM(I, H, proj_size=2, rng=0)
    gates = look.gate_activations(layer, x)
    assert gates["h"].shape == (1, T, B, 2)
    np.testing.assert_allclose(gates["h"][0], layer(x)[0].data, rtol=1e-5)
    plain = nn.GRU(I, H, batch_first=True, rng=0)
    single = look.gate_activations(plain, x[:, 0])
    assert single["reset"].shape == (1, T, H)
    packed = nn.utils.rnn.pack_padded_sequence(np.swapaxes(x, 0, 1), [6, 4, 2], batch_first=True)
    there = look.gate_activations(plain, packed)
    np.testing.assert_allclose(there["reset"][0, :, 0], single["reset"][0], rtol=1e-5)


class Reader(nn.Module):
    """Reads characters, and says what comes next."""

    def __init__(self):
        self.embed = nn.Embedding(5, I, rng=0)
        self.first, self.second = nn.GRU(I, H, rng=1), nn.LSTM(H, H, rng=2)
        self.out = nn.Linear(H, 5, rng=3)

    def forward(self, tokens):
        return self.out(self.second(self.first(self.embed(tokens))[0])[0])


def test_one_of_several_layers_is_chosen_by_path():
    model, tokens = Reader(), np.array([[0, 1], [2, 3], [4, 0]])
    gates = look.gate_activations(model, tokens, "second")
    after = model.first(model.embed(tokens))[0]
    wanted = look.gate_activations(model.second, after.data)
    for name, found in gates.items():
        np.testing.assert_allclose(found, wanted[name], rtol=1e-5)
    assert set(look.gate_activations(model, tokens, model.first)) == {"reset", "update", "new", "h"}


def test_gates_that_cannot_be_told_are_refused():
    tokens = np.array([[0, 1]])
    with pytest.raises(ValueError, match="2 recurrent layers; choose one of 'first', 'second'"):
        look.gate_activations(Reader(), tokens)
    with pytest.raises(TypeError, match=r"nn\.LSTM"):
        look.gate_activations(Reader(), tokens, "embed")
    with pytest.raises(ValueError, match="frozen"):
        look.gate_activations(Reader().requires_grad_(False), tokens, "first")
    with pytest.raises(ValueError, match="0 recurrent layers"):
        look.gate_activations(nn.Linear(2, 2), np.ones((1, 2)))


def test_frozen_layers_are_looked_into_where_the_input_holds_floats(x):
    free, frozen = nn.LSTM(I, H, rng=0), nn.LSTM(I, H, rng=0).requires_grad_(False)
    wanted = look.gate_activations(free, x)
    for name, found in look.gate_activations(frozen, x).items():
        np.testing.assert_array_equal(found, wanted[name])


def test_attention_maps_are_the_softmax_of_queries_and_keys(rng):
    layer = nn.MultiheadAttention(6, 2, batch_first=True, rng=0)

    class Net(nn.Module):
        def __init__(self, need):
            self.attend, self.need = layer, need

        def forward(self, x):
            return self.attend(x, x, x, need_weights=self.need)[0]

    x = rng.normal(size=(2, 5, 6)).astype(np.float32)
    _, wanted = layer(x, x, x, average_attn_weights=False)
    for need in (False, True):
        ((name, found),) = look.attention_maps(Net(need), x).items()
        assert name.startswith("attend")
        np.testing.assert_allclose(found, wanted.data, rtol=1e-4, atol=1e-6)


def test_every_layer_of_a_transformer_has_its_map(rng):
    block = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True, rng=0)
    model = nn.TransformerEncoder(block, 2)
    maps = look.attention_maps(model, rng.normal(size=(3, 4, 8)).astype(np.float32))
    assert [m.shape for m in maps.values()] == [(3, 2, 4, 4)] * 2
    assert [name.split(".")[:2] for name in maps] == [["layers", "0"], ["layers", "1"]]
    for found in maps.values():
        np.testing.assert_allclose(found.sum(-1), 1, rtol=1e-5)


def test_a_model_without_attention_is_refused():
    with pytest.raises(ValueError, match="no attention"):
        look.attention_maps(nn.Linear(2, 2), np.ones((1, 2)))


def test_norms_over_time_are_the_gradients_of_the_states(rng):
    w, u = (autograd.Value(rng.normal(size=s)) for s in ((H, I), (H, H)))
    x = rng.normal(size=(T, B, I))
    y, _ = autograd.rnn(x, [(w, u)])
    norms = look.gradient_norms_over_time(np.sum(y[-1] ** 2))
    h, states = np.zeros((B, H)), []
    for row in x:
        h = np.tanh(row @ w.T + h @ u.T)
        states.append(h)
    wanted = autograd.grad(np.sum(h**2), states)
    (found,) = norms.values()
    np.testing.assert_allclose(found, [np.linalg.norm(g) for g in wanted])


def test_norms_of_an_lstm_are_those_of_h_and_c(rng):
    layer = nn.LSTM(I, H, rng=0).double()
    x = rng.normal(size=(T, B, I))
    y, (h, c) = layer(x)
    of_layer = np.sum(y[2] * h[0]) + np.sum(c)
    (found,) = look.gradient_norms_over_time(of_layer).values()
    apart = look.gradient_norms_over_time(of_layer, apart=True)
    w, u, b, b2 = layer.all_weights[0]
    h, c, states = np.zeros((B, H)), np.zeros((B, H)), []
    for row in x:
        i, f, g, o = np.split(row @ w.T + b + h @ u.T + b2, 4, axis=1)
        c = nn.functional.sigmoid(f) * c + nn.functional.sigmoid(i) * np.tanh(g)
        h = nn.functional.sigmoid(o) * np.tanh(c)
        states.append((h, c))
    loss = np.sum(states[2][0] * h) + np.sum(c)
    flat = autograd.grad(loss, [s for pair in states for s in pair])
    wanted = [np.hypot(*map(np.linalg.norm, flat[2 * t : 2 * t + 2])) for t in range(T)]
    np.testing.assert_allclose(found, wanted, rtol=1e-10)
    for name, k in (("LSTM, h", 0), ("LSTM, c", 1)):
        alone = [np.linalg.norm(g) for g in flat[k::2]]
        np.testing.assert_allclose(apart[name], alone, rtol=1e-10)


def test_states_of_a_loop_have_their_names_or_numbers(rng):
    w, h, c = autograd.Value(rng.normal(size=(H, H))), np.ones(H), np.ones(H)
    for _ in range(12):
        c = np.tanh(w @ h) * c
        h = c + h
    norms = look.gradient_norms_over_time(np.sum(h * c), apart=True)
    assert list(norms) == ["loop, state 1", "loop, state 2"]


def test_each_layer_and_direction_has_its_norms_in_the_order_it_ran(x):
    layer = nn.GRU(I, H, num_layers=2, bidirectional=True, rng=0)
    y, _ = layer(x)
    norms = look.gradient_norms_over_time(np.sum(y[0]))
    assert list(norms) == ["GRU", "GRU (2)", "GRU (3)", "GRU (4)"]
    assert [len(line) for line in norms.values()] == [T] * 4
    forward, backward = list(norms.values())[2:]
    assert forward[0] > 0
    assert not forward[1:].any()  # the loss looks at the first output only
    assert np.all(backward > 0)
    assert np.all(np.diff(backward) > 0)


@pytest.mark.parametrize(("kind", "unit"), [(nn.RNN, nn.RNNCell), (nn.LSTM, nn.LSTMCell)])
def test_a_loop_of_cells_has_the_norms_of_the_layer(kind, unit, x):
    layer, cell, state = kind(I, H, rng=0), unit(I, H), None
    for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh"):
        getattr(cell, name).data[:] = getattr(layer, f"{name}_l0").data
    for row in x:
        state = cell(row, state)
    (whole,) = look.gradient_norms_over_time(np.sum(layer(x)[0][-1])).values()
    last = state[0] if kind is nn.LSTM else state
    ((name, found),) = look.gradient_norms_over_time(np.sum(last)).items()
    assert name == unit.__name__
    np.testing.assert_allclose(found, whole, rtol=1e-4)


def test_two_calls_on_two_sequences_stay_two_lines(x):
    layer = nn.RNN(I, H, rng=0)
    norms = look.gradient_norms_over_time(np.sum(layer(x)[1]) + np.sum(layer(x[:4])[1]))
    assert sorted(map(len, norms.values())) == [4, T]


def test_a_layer_that_goes_on_from_its_state_is_one_line(x):
    layer = nn.GRU(I, H, rng=0)
    _, h = layer(x[:2])
    (found,) = look.gradient_norms_over_time(np.sum(layer(x[2:], h)[1])).values()
    (whole,) = look.gradient_norms_over_time(np.sum(layer(x)[1])).values()
    np.testing.assert_allclose(found, whole, rtol=1e-4)


def test_a_loop_of_own_ops_is_found(rng):
    w, h = autograd.Value(rng.normal(size=(H, H))), autograd.Value(rng.normal(size=H))
    states = []
    for _ in range(12):
        h = np.tanh(w @ h)
        states.append(h)
    norms = look.gradient_norms_over_time(np.sum(h))["loop"]
    wanted = [np.linalg.norm(g) for g in autograd.grad(np.sum(h), states)]
    first = next(k for k in range(3) if np.allclose(wanted[k : k + len(norms)], norms))
    assert len(norms) >= 10
    assert first <= 1


def test_norms_tell_what_lint_tells(rng):
    layer = nn.RNN(I, H, rng=0)
    layer.weight_hh_l0.data *= 0.3
    loss = np.sum(layer(rng.normal(size=(40, B, I)).astype(np.float32))[1])
    (norms,) = look.gradient_norms_over_time(loss).values()
    (finding,) = [f for f in lint(loss, layer) if "over time" in f.check]
    assert finding.check == "vanishing gradients over time"
    factor = float(finding.saw.split("factor of ")[1].split()[0])
    assert factor == pytest.approx((norms[1] / norms[-2]) ** (1 / 37), rel=0.05)


def test_a_loss_without_a_loop_is_refused():
    with pytest.raises(ValueError, match="no loop"):
        look.gradient_norms_over_time(np.sum(autograd.Value(np.ones(3)) ** 2))
    with pytest.raises(TypeError, match="float"):
        look.gradient_norms_over_time(1.0)


def test_a_sequence_of_one_step_has_one_norm(x):
    _, h = nn.RNN(I, H, rng=0)(x[:1])
    (found,) = look.gradient_norms_over_time(np.sum(h)).values()
    np.testing.assert_allclose(found, [np.sqrt(B * H)], rtol=1e-6)
