"""Where the boxes of a view lie: in layers, wrapped into bands, and downward for phones."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

import autograd
import nn
from autograd import Value, play
from autograd.viz.player.layers import Spread, layered, positions, ranks
from autograd.viz.player.layout import LEAST, STAGE
from nn.functional import binary_cross_entropy_with_logits, cross_entropy

PHONE = 320
"""Room for a graph in a window of 360 pixels."""


def x(*shape):
    return np.random.default_rng(0).normal(size=shape).astype(np.float32)


def neuron():
    a, b = Value(2.0, name="a"), Value(-3.0, name="b")
    return np.tanh(a * b + a)


def convolutions():
    model = nn.models.LeNet5()
    return cross_entropy(model(x(2, 1, 28, 28)), np.arange(2))


def variational():
    encoder, mean, spread, decoder = (nn.Linear(*n) for n in [(9, 6), (6, 2), (6, 2), (2, 9)])
    h = np.tanh(encoder(x(4, 9)))
    mu, log_variance = mean(h), spread(h)
    z = mu + np.exp(0.5 * log_variance) * x(4, 2)
    data = np.abs(x(4, 9)) % 1
    likelihood = binary_cross_entropy_with_logits(decoder(z), data, reduction="sum")
    return likelihood - 0.5 * np.sum(1 + log_variance - mu**2 - np.exp(log_variance))


def attention():
    return np.sum(np.square(nn.TransformerEncoderLayer(8, 2, 16, dropout=0.0)(x(2, 4, 8))))


def transformer():
    model = nn.models.GPT(11, block_size=4, n_layer=3, n_head=2, n_embd=8)
    ids = np.arange(8).reshape(2, 4)
    return np.sum(np.square(model(ids)))


def residual():
    return cross_entropy(nn.models.resnet20()(x(2, 3, 8, 8)), np.arange(2))


MODELS = [neuron, convolutions, variational, attention, transformer, residual]


@pytest.fixture(scope="module", params=MODELS, ids=lambda make: make.__name__)
def data(request):
    autograd.seed(0)
    return play(request.param()).data


def layouts(data, kind):
    found = [(g, data["layouts"][g[kind]]) for g in data["groups"] if g[kind] >= 0]
    assert found
    return found


@pytest.mark.parametrize("kind", ["wide", "tall"])
def test_no_box_lies_on_another(data, kind):
    for _, at in layouts(data, kind):
        for (x1, y1, w1, h1), (x2, y2, w2, h2) in combinations(at["boxes"], 2):
            assert abs(x1 - x2) >= (w1 + w2) / 2 or abs(y1 - y2) >= (h1 + h2) / 2


@pytest.mark.parametrize("kind", ["wide", "tall"])
def test_boxes_and_arrows_lie_in_the_picture(data, kind):
    for _, at in layouts(data, kind):
        for cx, cy, w, h in at["boxes"]:
            assert -1 <= cx - w / 2 <= cx + w / 2 <= at["width"] + 1
            assert -1 <= cy - h / 2 <= cy + h / 2 <= at["height"] + 1
        for path in at["paths"]:
            assert len(path) % 6 == 2
            assert all(-2 <= px <= at["width"] + 2 for px in path[::6])
            assert all(-2 <= py <= at["height"] + 2 for py in path[1::6])


@pytest.mark.parametrize("kind", ["wide", "tall"])
def test_arrows_begin_and_end_at_their_boxes(data, kind):
    for group, at in layouts(data, kind):
        for ends, path in zip(group["edges"], at["paths"], strict=True):
            for k, point in zip(ends, (path[:2], path[-2:]), strict=True):
                cx, cy, w, h = at["boxes"][k]
                off = max(abs(point[0] - cx) - w / 2, abs(point[1] - cy) - h / 2)
                assert abs(off) <= 2


def test_a_wide_layout_fits_a_window_with_readable_text(data):
    for _, at in layouts(data, "wide"):
        assert min(STAGE[0] / at["width"], STAGE[1] / at["height"]) >= LEAST


def test_a_tall_layout_needs_no_scrolling_sideways_on_a_phone(data):
    assert all((at["width"] + 8) * LEAST <= PHONE for _, at in layouts(data, "tall"))


def test_a_chain_wraps_into_bands_every_other_one_backwards():
    v = Value(np.ones(3), name="x")
    for k in np.random.default_rng(0).integers(3, size=40):
        v = (np.sin, np.exp, np.tanh)[k](v)
    group, at = layouts(play(v).data, "wide")[0]
    assert len(group["items"]) > 30
    rows = {y for _, y, *_ in at["boxes"]}
    assert 2 < len(rows) < 8
    signs = {np.sign(at["boxes"][b][0] - at["boxes"][a][0]) for a, b in group["edges"]}
    assert signs >= {-1, 1}


def test_weights_lie_above_and_below_their_op():
    data = play(convolutions()).data
    group, at = layouts(data, "wide")[0]
    titles = [
        data["events"][k].get("title", "") if kind == "e" else "" for kind, k in group["items"]
    ]
    found = 0
    for (a, b), path in zip(group["edges"], at["paths"], strict=True):
        if titles[a].endswith(("weight", "bias")):
            found += 1
            assert at["boxes"][a][0] == at["boxes"][b][0]
            assert len(path) == 8
    assert found == 10


def test_layers_are_no_wider_than_the_room_and_go_forward():
    spreads = [Spread(30, 30)] * 9
    edges = [(0, k) for k in range(1, 8)] + [(k, 8) for k in range(1, 8)]
    found = ranks(spreads, edges, 200, 10)
    assert all(found[a] < found[b] for a, b in edges)
    assert max(found.count(at) for at in found) <= 2


def test_a_circle_of_groups_is_laid_out():
    found = ranks([Spread(5, 5)] * 3, [(0, 1), (1, 2), (2, 1)], 100, 10)
    assert found[0] < found[1]
    graph = layered([Spread(5, 5)] * 3, [(0, 1), (1, 2), (2, 1)], found)
    assert len(positions(graph, 0, len(graph.layers), 10)) == 3


def test_a_line_that_passes_layers_is_straight():
    edges = [(0, 1), (1, 2), (2, 3), (3, 4), (0, 4)]
    spreads = [Spread(20, 20)] * 5
    graph = layered(spreads, edges, ranks(spreads, edges, 500, 10))
    across = positions(graph, 0, 5, 10)
    assert len({across[k] for k in graph.lines[-1][1:-1]}) == 1
    assert len({across[k] for k in range(1, 4)}) == 1
