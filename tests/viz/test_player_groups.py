"""The player's groups: their results, and repetitions shown as one box."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

import autograd
import nn
from autograd import Value, play
from nn.functional import cross_entropy, sigmoid


def lstm_loss(steps=12):
    autograd.seed(0)
    y, _ = nn.LSTM(4, 5)(np.ones((steps, 2, 4), np.float32))
    return np.sum(np.square(y))


def named(data, title):
    return next(g for g in data["groups"] if g["title"] == title)


def test_the_result_of_a_group_is_what_is_used_outside():
    autograd.seed(0)
    model = nn.Sequential(*[nn.Sequential(nn.Linear(4, 4), nn.Tanh()) for _ in range(20)])
    loss = np.sum(np.square(model(np.ones((2, 4), np.float32))))
    page = play(loss)
    data, story = page.data, page.story
    inner = named(data, "3: Sequential")
    result = story.nodes[inner["out"]]
    assert result.op.name == "tanh"
    assert inner["ops"] == 2
    loss.backward(retain_graph=True)
    assert data["events"][inner["out"]]["gradient"]["rms"] == pytest.approx(
        np.sqrt(np.mean(np.square(result.grad))), rel=1e-4
    )
    assert data["groups"][0]["out"] == len(data["events"]) - 1
    assert data["groups"][0]["ops"] == 42


def test_the_result_of_a_step_is_its_last_state():
    page = play(lstm_loss())
    for t in range(1, 13):
        step = named(page.data, f"step {t} of 12")
        assert page.story.trace.made(page.story.nodes[step["out"]]).op.name == "multiply"


def test_repetitions_are_listed_by_the_box_that_stands_for_them():
    data = play(lstm_loss()).data
    box = named(data, "step × 12")
    titles = [data["groups"][g]["title"] for g in box["repeat"]["of"]]
    assert titles == [f"step {t} of 12" for t in range(1, 13)]
    assert box["out"] == data["groups"][box["repeat"]["of"][-1]]["out"]


def test_views_of_equal_form_share_a_layout():
    data = play(lstm_loss()).data
    steps = [named(data, f"step {t} of 12") for t in range(3, 11)]
    assert len({(step["wide"], step["tall"]) for step in steps}) == 1


def cell_loop(kind, steps=7):
    """A hand-written loop over a cell: its loss, and the states after each step."""
    autograd.seed(0)
    cell, head = kind(3, 4), nn.Linear(4, 2)
    states = {"h": []} if kind is not nn.LSTMCell else {"c": [], "h": []}
    state = None
    for x in np.random.default_rng(0).normal(size=(steps, 2, 3)).astype(np.float32):
        state = cell(x, state)
        h, c = state if kind is nn.LSTMCell else (state, None)
        states["h"].append(h)
        if c is not None:
            states["c"].append(c)
    return cross_entropy(head(h), np.array([0, 1])), states


def strips_of(loss, kind):
    data = play(loss).data
    box = named(data, f"{kind.__name__} × 7")
    sizes = {
        name: [data["events"][k]["value"]["rms"] for k in events]
        for name, events in box["states"].items()
    }
    return box["strips"], sizes


@pytest.mark.parametrize("kind", [nn.GRUCell, nn.RNNCell])
def test_a_loop_over_a_cell_has_a_strip_of_its_state(kind):
    loss, states = cell_loop(kind)
    strips, sizes = strips_of(loss, kind)
    loss.backward(retain_graph=True)
    assert strips == {"h": pytest.approx([np.linalg.norm(h.grad) for h in states["h"]], rel=1e-4)}
    truth = [np.sqrt(np.mean(h.data**2)) for h in states["h"]]
    assert sizes == {"h": pytest.approx(truth, rel=1e-4)}


def test_a_loop_over_an_lstm_cell_has_strips_of_h_and_c():
    loss, states = cell_loop(nn.LSTMCell)
    strips, sizes = strips_of(loss, nn.LSTMCell)
    assert list(strips) == ["c", "h"]
    loss.backward(retain_graph=True)
    truth = [np.linalg.norm(h.grad) for h in states["h"]]
    assert strips["h"] == pytest.approx(truth, rel=1e-4)
    # c also acts through h, within its step: the slope of o tanh c
    slopes = []
    for h, c in zip(states["h"], states["c"], strict=True):
        own = h.grad * h.data / np.tanh(c.data) * (1 - np.tanh(c.data) ** 2)
        slopes.append(np.linalg.norm(own if c.grad is None else own + c.grad))
    assert strips["c"] == pytest.approx(slopes, rel=1e-3)
    assert len(sizes["c"]) == 7


def below(data, group):
    """A group and all that are within it."""
    found = [group]
    for g in group["groups"]:
        found += below(data, data["groups"][g])
    return found


GATES = {
    nn.LSTM: ["input gate i", "forget gate f", "cell candidate g", "output gate o"],
    nn.LSTMCell: ["input gate i", "forget gate f", "cell candidate g", "output gate o"],
    nn.GRU: ["reset gate r", "update gate z", "candidate n"],
    nn.GRUCell: ["reset gate r", "update gate z", "candidate n"],
    nn.RNN: [],
}


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("kind", GATES)
def test_gates_are_named_in_every_step(kind, bias):
    autograd.seed(0)
    layer, x = kind(3, 4, bias=bias), np.ones((5, 2, 3), np.float32)
    if kind in (nn.LSTMCell, nn.GRUCell):
        state = None
        for x_t in x:
            state = layer(x_t, state)
        loss = np.sum(np.square(state[0] if kind is nn.LSTMCell else state))
    else:
        loss = np.sum(np.square(layer(x)[0]))
    data = play(loss).data
    (box,) = [g for g in data["groups"] if "repeat" in g]
    assert len(box["repeat"]["of"]) == 5
    for k in box["repeat"]["of"]:
        step = data["groups"][k]
        titles = [data["groups"][g]["title"] for g in step["groups"]]
        assert titles == GATES[kind]
        inside = {k for k, g in enumerate(data["of"]) if data["groups"][g] in below(data, step)}
        states = {data["events"][e].get("title") for e in inside} & {"c", "h"}
        assert states == ({"c", "h"} if "forget gate f" in GATES[kind] else {"h"})


@pytest.mark.parametrize("kind", [nn.LSTM, nn.GRU, nn.RNN])
def test_no_zero_is_added_in_a_gate(kind):
    autograd.seed(0)
    y, _ = kind(3, 4, bias=False)(np.ones((3, 2, 3), np.float32))
    events = play(np.sum(y)).data["events"]
    zeros = [e for e in events if (e["value"] or {}).get("number") == 0 and e["kind"] == "constant"]
    assert not zeros


def test_a_gate_keeps_the_ops_that_make_it_and_its_weights_beside_them():
    autograd.seed(0)
    y, _ = nn.GRU(3, 4)(np.ones((4, 2, 3), np.float32))
    data = play(np.sum(y)).data
    gate = named(data, "reset gate r")
    boxes = [data["events"][k] for kind, k in gate["items"] if kind == "e"]
    assert {"W_xr", "W_hr", "b_xr", "b_hr", "r"} <= {e.get("title") for e in boxes}
    assert gate["ops"] == 6


def transformer(layers):
    autograd.seed(0)
    model = nn.TransformerEncoder(nn.TransformerEncoderLayer(8, 2, 16, dropout=0.0), layers)
    return np.sum(np.square(model(np.ones((2, 3, 8), np.float32))))


def test_the_layers_of_a_transformer_are_one_box():
    data = play(transformer(5)).data
    box = named(data, "TransformerEncoderLayer × 5")
    titles = [data["groups"][g]["title"] for g in box["repeat"]["of"]]
    assert titles == [f"layers.{k}: TransformerEncoderLayer" for k in range(5)]
    assert box["ops"] == sum(data["groups"][g]["ops"] for g in box["repeat"]["of"])
    (norms,) = box["strips"].values()
    assert len(norms) == 5


def test_repetitions_keep_their_own_values():
    page = play(transformer(3))
    box = named(page.data, "TransformerEncoderLayer × 3")
    results = [page.data["groups"][g]["out"] for g in box["repeat"]["of"]]
    values = [page.data["events"][k]["value"] for k in results]
    truth = [page.story.nodes[k]._data for k in results]
    assert [v["low"] for v in values] == pytest.approx([t.min() for t in truth], rel=1e-5)
    assert len({v["high"] for v in values}) == 3


def test_what_differs_is_not_folded():
    autograd.seed(0)
    sizes = [4, 5, 6, 7, 8, 9, 10]
    model = nn.Sequential(*[nn.Linear(a, b) for a, b in pairwise(sizes)])
    data = play(np.sum(model(np.ones((2, 4), np.float32)))).data
    assert not any("repeat" in g for g in data["groups"])


def test_equal_ops_wired_in_another_way_are_no_repetition():
    rng = np.random.default_rng(0)
    values = [Value(1.0, name="x"), Value(2.0, name="y")]
    for _ in range(60):
        u, v = (values[k] for k in rng.integers(len(values), size=2))
        values.append(u * v)
        values.append(values[-1] + values[rng.integers(len(values))])
    data = play(values[-1]).data
    assert not any("repeat" in g for g in data["groups"])


def test_branches_that_repeat_without_a_chain_stay_apart():
    autograd.seed(0)
    x = np.ones((2, 4), np.float32)
    heads = [nn.Sequential(nn.Linear(4, 4), nn.Tanh(), nn.Linear(4, 2)) for _ in range(5)]
    data = play(np.sum(np.stack([head(x) for head in heads]))).data
    assert not any("repeat" in g for g in data["groups"])


def test_a_leaf_that_all_repetitions_use_lies_outside_of_them():
    loss, _ = cell_loop(nn.LSTMCell)
    data = play(loss).data
    shared = [k for k, e in enumerate(data["events"]) if "weight_hh" in e.get("title", "")]
    assert [data["of"][k] for k in shared] == [0]


def test_nothing_is_directly_in_a_box_of_repetitions():
    data = play(cell_loop(nn.GRUCell)[0]).data
    assert not any("repeat" in data["groups"][g] for g in data["of"])


def test_a_group_counts_its_parameters():
    autograd.seed(0)
    model = nn.Sequential(*[nn.Sequential(nn.Linear(4, 4), nn.Tanh()) for _ in range(20)])
    data = play(np.sum(model(np.ones((2, 4), np.float32)))).data
    assert named(data, "3: Sequential")["parameters"] == 20
    assert data["groups"][0]["parameters"] == 400
    assert named(data, "3: Sequential")["module"] == "3: Sequential"


def test_a_module_of_one_op_is_that_op():
    autograd.seed(0)
    model = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.Flatten())
    data = play(np.sum(model(np.ones((2, 1, 5, 5), np.float32)))).data
    titles = {g["title"] for g in data["groups"]}
    assert "BatchNorm2d" in titles
    assert not {"Conv2d", "Flatten"} & titles
    assert {"Conv2d", "Flatten"} <= {e.get("title") for e in data["events"]}


def test_a_long_chain_opens_folded_and_every_view_is_small():
    v = Value(np.ones(2), name="x")
    for _ in range(1500):
        v = np.tanh(v * 1.01 + 0.1)
    data = play(np.sum(v)).data
    shown = [g for g in data["groups"] if "repeat" not in g]
    assert max(len(g["items"]) for g in shown) <= 80
    assert len(named(data, "step × 1500")["repeat"]["of"]) == 1500


def test_a_long_graph_without_repetition_is_cut_again_and_again():
    rng, v = np.random.default_rng(0), Value(np.ones(2), name="x")
    ops = (np.sin, np.tanh, np.cos, np.arctan)
    for k in rng.integers(4, size=4000):
        v = ops[k](v)
    data = play(v).data
    assert max(len(g["items"]) for g in data["groups"]) <= 80
    assert data["groups"][0]["ops"] == 4000


@pytest.mark.parametrize("kind", [nn.LSTM, nn.GRU, nn.RNN])
@pytest.mark.parametrize("steps", [2, 3, 7])
def test_all_steps_are_counted_also_where_sequences_end(kind, steps):
    autograd.seed(0)
    lengths = [steps, max(steps - 2, 1)]
    y, _ = kind(3, 4)(np.ones((steps, 2, 3), np.float32), lengths=lengths)
    data = play(np.sum(np.square(y))).data
    box = named(data, f"step × {steps}")
    assert len(box["repeat"]["of"]) == steps
    assert all(len(norms) == steps for norms in box["strips"].values())
    assert all(n > 0 for norms in box["strips"].values() for n in norms)


def test_a_recurrent_layer_with_frozen_weights_has_its_steps():
    autograd.seed(0)
    layer = nn.GRU(3, 4)
    layer.requires_grad_(False)
    y, _ = layer(Value(np.ones((4, 2, 3), np.float32), name="x"))
    assert len(named(play(np.sum(y)).data, "step × 4")["strips"]["h"]) == 4


def test_layers_and_directions_of_a_recurrent_module_are_told_apart():
    autograd.seed(0)
    y, _ = nn.LSTM(3, 4, num_layers=2, bidirectional=True)(np.ones((3, 2, 3), np.float32))
    titles = {g["title"] for g in play(np.sum(y)).data["groups"]}
    layers = ["LSTM, layer 1", "LSTM, layer 2"]
    assert titles >= {*layers, *(f"{layer}, backwards" for layer in layers)}


def test_a_hand_written_lstm_has_strips_of_h_and_c():
    rng = np.random.default_rng(0)
    w, u = Value(rng.normal(size=(3, 8)), name="w"), Value(rng.normal(size=(2, 8)), name="u")
    h = c = np.zeros((1, 2))
    states = []
    for x in rng.normal(size=(6, 1, 3)):
        i, f, g, o = np.split(x @ w + h @ u, 4, axis=1)
        c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
        h = sigmoid(o) * np.tanh(c)
        h.name, c.name = "h", "c"
        states.append((h, c))
    loss = np.sum(np.square(h))
    strips = named(play(loss).data, "step × 6")["strips"]
    loss.backward(retain_graph=True)
    for at, name in enumerate("hc"):
        truth = [np.linalg.norm(state[at].grad) for state in states]
        assert strips[name] == pytest.approx(truth, rel=1e-5)


def test_layers_of_cells_are_repeated_each_by_itself():
    autograd.seed(0)
    cells = [nn.GRUCell(4, 4) for _ in range(3)]
    states = [None] * 3
    for x in np.ones((5, 2, 4), np.float32):
        for k, cell in enumerate(cells):
            states[k] = x = cell(x, states[k])
    data = play(np.sum(states[-1])).data
    boxes = [g for g in data["groups"] if "repeat" in g]
    assert [g["title"] for g in boxes] == ["GRUCell × 5"] * 3
    assert [len(g["strips"]["h"]) for g in boxes] == [5] * 3


def first_view(value):
    data = play(value).data
    return [
        data["groups"][k]["title"] if sort == "g" else data["events"][k].get("title", "")
        for sort, k in data["groups"][0]["items"]
    ]


def encoder(layers):
    autograd.seed(0)
    layer = nn.TransformerEncoderLayer(8, 2, 16, dropout=0.0)
    return np.mean(nn.TransformerEncoder(layer, layers)(np.ones((2, 4, 8), np.float32)))


def test_a_model_that_is_one_module_opens_as_what_is_in_it():
    assert first_view(encoder(6)) == ["TransformerEncoderLayer × 6", "mean"]
    model = nn.models.GPT(11, block_size=4, n_layer=3, n_head=2, n_embd=8)
    shown = first_view(np.sum(np.square(model(np.arange(8).reshape(2, 4)))))
    assert {"wte: Embedding", "Block × 3", "ln_f: LayerNorm", "sum"} <= set(shown)
    assert len(shown) <= 20


def test_of_modules_of_one_class_none_is_opened_alone():
    layers = [f"layers.{i}: TransformerEncoderLayer" for i in range(2)]
    assert first_view(encoder(2)) == [*layers, "mean"]


def test_a_loop_stays_folded_in_the_first_view():
    assert first_view(lstm_loss()) == ["LSTM", "x²", "sum"]
