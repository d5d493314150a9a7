"""The player's data: events, contributions, groups and views."""

from __future__ import annotations

import json

import numpy as np
import pytest

import autograd
import nn
from autograd import Value, play
from autograd.viz.player.digest import digest
from autograd.viz.player.groups import Groups
from autograd.viz.player.story import Story
from autograd.viz.player.views import views


def lstm_loss(steps=12):
    autograd.seed(0)
    model = nn.Sequential(nn.Linear(3, 4), nn.Tanh())
    cell = nn.LSTM(4, 5)
    y, _ = cell(model(np.ones((steps, 2, 3), np.float32)))
    return np.sum(np.square(y))


def test_contributions_add_up_to_the_gradient():
    x = Value([1.0, -2.0], name="x")
    loss = np.sum(np.tanh(x) * x + np.exp(x))
    story = Story(loss)
    loss.backward()
    k = story.index[id(x)]
    parts = [p for e in story.events for p in e.inputs if p.get("from") == k]
    assert len(parts) == 3
    assert parts[0]["sum"] == pytest.approx(np.sqrt(np.mean(np.square(x.grad))), rel=1e-5)
    assert story.events[k].gradient["low"] == pytest.approx(x.grad.min(), rel=1e-5)


def test_numbers_are_written_into_the_formulas_of_scalars():
    a, b = Value(2.0, name="a"), Value(-3.0, name="b")
    event = Story(a * b).events[-1]
    assert "2" in event.numbers
    assert "-3" in event.numbers
    assert event.inputs[0]["local"] == -3.0


def test_opened_kernels_get_the_kernels_gradients():
    loss = lstm_loss()
    story = Story(loss)
    loss.backward()
    for k, node in enumerate(story.nodes):
        if isinstance(node, nn.Parameter):
            rms = np.sqrt(np.mean(np.square(node.grad)))
            assert story.events[k].gradient["rms"] == pytest.approx(rms, rel=1e-3)


def test_an_lstm_unfolds_in_time_with_a_strip():
    groups = Groups(Story(lstm_loss()))
    titles = [g.title for g in groups.all]
    assert "LSTM" in titles
    assert [title for title in titles if title.startswith("step ")] == [
        "step × 12",
        *(f"step {t} of 12" for t in range(1, 13)),
    ]
    opened = next(g for g in groups.all if g.strips)
    assert all(len(opened.strips[state]) == 12 for state in ("c", "h"))
    assert all(norm > 0 for norms in opened.strips.values() for norm in norms)


def test_every_event_is_in_one_view_and_every_edge_joins_boxes():
    groups = Groups(Story(lstm_loss()))
    found = views(groups)
    own = [k for v in found for kind, k in v.items[: len(v.items) - v.outside] if kind == "e"]
    assert sorted(own) == list(range(len(groups.of)))
    for view in found:
        assert all(0 <= a < len(view.items) and 0 <= b < len(view.items) for a, b in view.edges)


def test_five_thousand_nodes_make_a_page_of_at_most_five_megabytes():
    rng = np.random.default_rng(0)
    values = [Value(np.ones(3))]
    for _ in range(3200):
        u, v = values[-1 - rng.integers(min(len(values), 5))], values[-1]
        values.append([lambda: u + v, lambda: u * v * 0.1, lambda: np.tanh(v)][rng.integers(3)]())  # noqa: B023
    page = play(np.sum(values[-1]))
    assert len(page.story.events) > 4000
    assert len(page.html().encode()) < 5e6
    assert max(len(g["items"]) for g in page.data["groups"]) < 130


def test_a_digest_is_small_and_true():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(40, 50))
    found = digest(x)
    assert len(found["map"]) == 12
    assert len(found["map"][0]) == 12
    assert found["mean"] == pytest.approx(x.mean(), rel=1e-4)
    assert found["rms"] == pytest.approx(np.sqrt((x**2).mean()), rel=1e-4)
    assert len(json.dumps(found)) < 500


@pytest.mark.parametrize("shape", [(24, 24), (3, 24, 24), (500,)])
def test_a_map_of_means_or_of_extremes_keeps_the_signal(shape):
    rng = np.random.default_rng(0)
    smooth = np.cumsum(np.full(shape, 0.01), axis=-1)
    assert digest(smooth)["by"] == "mean"
    noise = rng.normal(size=shape)
    found = digest(noise)
    assert found["by"] == "largest"
    extreme = noise.flat[np.abs(noise).argmax()]
    assert ("0" if extreme < 0 else "y") in "".join(found["map"])


def test_facets_are_the_matrices_with_the_largest_elements():
    x = np.zeros((12, 3, 8))
    x[11], x[5, 1, 1] = 1.0, np.nan
    assert [11] in digest(x)["facets"]
    assert len(digest(x)["map"]) == 3 * len(digest(x)["facets"])


def test_nan_and_infinity_are_counted_and_the_page_is_json():
    x = Value([1.0, np.nan, np.inf])
    page = play(np.sum(x * 2.0))
    assert page.data["events"][0]["value"]["odd"] == 2
    json.loads(json.dumps(page.data, allow_nan=False))


def test_playing_changes_nothing_and_a_released_graph_is_refused():
    x = Value(2.0)
    y = x * x
    play(y).html()
    assert x.grad is None
    y.backward()
    with pytest.raises(RuntimeError, match="released"):
        play(y)


def test_a_page_can_be_written_after_backward():
    autograd.seed(0)
    layer = nn.RNN(2, 3)
    loss = np.sum(layer(np.ones((5, 1, 2), np.float32))[0])
    page = play(loss)
    loss.backward()
    assert "still picture" in page.html()
    assert [len(s) for g in page.data["groups"] for s in g["strips"].values()] == [5]


def test_a_graph_with_a_leaf_written_to_since_is_refused():
    w = Value([2.0, 3.0], name="w")
    y = np.sum(w * w)
    w.data = w.data * 10
    with pytest.raises(RuntimeError, match="w was written to after"):
        play(y)


def test_what_is_no_value_is_refused():
    with pytest.raises(TypeError, match="takes a Value"):
        play(np.ones(3))


def test_the_page_is_written_whole_to_html_only(tmp_path):
    page = play(Value(1.0) * 2)
    with pytest.raises(ValueError, match="must end in"):
        page.save(tmp_path / "page.txt")
    assert page.save(tmp_path / "page.html").read_text("utf-8") == page.html()
    assert "srcdoc" in page._repr_html_()


@pytest.mark.parametrize(
    ("exponent", "sign"), [(2, "x²"), (-3.0, "x⁻³"), (0.5, "√x"), (-1, "1/x"), (1.7, "xⁿ")]
)
def test_the_sign_of_a_power_tells_an_exponent_that_is_a_number(exponent, sign):
    data = play(Value(2.0, name="a") ** exponent).data
    assert data["events"][-1]["title"] == sign
    assert len(data["groups"][0]["items"]) == (3 if sign == "xⁿ" else 2)
    assert data["events"][1]["value"]["number"] == exponent


def test_an_exponent_that_has_a_name_keeps_its_box():
    a, n = Value(2.0, name="a"), Value(3.0, name="n")
    assert len(play(a**n).data["groups"][0]["items"]) == 3
