"""The player's groups: their results, and repetitions shown as one box."""

from __future__ import annotations

import numpy as np
import pytest

import autograd
import nn
from autograd import play


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
