"""The data in the page's file: small, and the page has all of it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import autograd
import nn
from autograd import Value, play
from autograd.viz.player import play as module
from nn.functional import cross_entropy

READ = Path(module.__file__).with_name("data.js").read_text() + "\nreturn [events, layouts];"


def scalars(ops=7700, leaves=600):
    """A random graph of single numbers, without any structure."""
    rng = np.random.default_rng(0)
    values = [Value(float(x), name=f"x{i}") for i, x in enumerate(rng.normal(size=leaves))]
    for _ in range(ops):
        a, b = values[rng.integers(len(values))], values[-1 - rng.integers(200)]
        kinds = [lambda: a + b, lambda: a * b, lambda: np.tanh(a), lambda: a - b]  # noqa: B023
        values.append(kinds[rng.integers(4)]())
    return sum((np.tanh(v) for v in values[-400:]), Value(0.0))


def network():
    autograd.seed(0)
    model = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2))
    return cross_entropy(model(np.ones((2, 3), np.float32)), np.arange(2))


def states():
    autograd.seed(0)
    y, (_, c) = nn.LSTM(3, 2)(np.ones((2, 1, 3), np.float32))
    return np.sum(y) + np.sum(c)


def overflow():
    a, b = Value(np.inf, name="a"), Value(1e-3, name="b")
    return a * b + np.tanh(a) * b


@pytest.fixture(scope="module")
def large():
    return play(scalars())


def test_a_large_graph_without_structure_makes_a_small_page(large):
    assert len(large.story.events) > 5000
    assert len(large.html().encode()) < 3e6


def test_no_view_of_a_large_graph_is_crowded_with_leaves(large):
    assert max(len(g["items"]) - g["outside"] for g in large.data["groups"]) <= 80


def test_the_first_view_of_a_large_graph_has_a_layout_for_phones(large):
    assert large.data["groups"][0]["wide"] != large.data["groups"][0]["tall"]
    assert all(g["tall"] >= 0 for g in large.data["groups"] if "repeat" not in g)


@pytest.mark.parametrize("make", [network, states, overflow])
def test_the_page_puts_back_all_that_its_file_leaves_out(visit, make, tmp_path):
    player = play(make())
    page = visit(player.save(tmp_path / "page.html"))
    events, layouts = page.page.evaluate(f"new Function({READ!r})()")
    given = player.data
    for found, event in zip(events, given["events"], strict=True):
        assert found.pop("tracked") == event.get("tracked", False)
        assert found == {k: x for k, x in event.items() if k != "tracked"}
    for found, at in zip(layouts, given["layouts"], strict=True):
        assert found["paths"] == at["paths"]
        assert found["boxes"] == [list(box) for box in at["boxes"]]
