"""Reports of lint and check: each finding leads to its node in the graph, as it was when found."""

from __future__ import annotations

import numpy as np
import pytest

import autograd
import nn
from autograd import Value, check, lint
from autograd.readers.lint import report
from nn.functional import cross_entropy

RNG = np.random.default_rng(0)
X = RNG.normal(size=(32, 6)).astype(np.float32)
Y = (X[:, 0] > 0).astype(int)


def broken():
    """A ReLU whose units are dead, and a softmax before the loss."""
    layers = [nn.Linear(6, 8, rng=0), nn.ReLU(), nn.Linear(8, 2, rng=1), nn.Softmax(1)]
    layers[0].bias.data[:] = -100.0
    return nn.Sequential(*layers)


def events_of(found):
    """For each finding the event to which it leads."""
    player, places = found._seen.player(found)
    return [None if k is None else player.story.events[k] for k in places]


def test_a_finding_leads_to_the_node_where_it_was_seen():
    model = broken()
    found = lint(cross_entropy(model(X), Y), model)
    seen = {f.check: event.title for f, event in zip(found, events_of(found), strict=True)}
    assert seen["softmax before cross_entropy"] == "Softmax"
    assert seen["dead relu"] == "ReLU"


def test_the_graph_is_shown_as_it_was_when_the_findings_were_made():
    model = broken()
    loss = cross_entropy(model(X), Y)
    found = lint(loss, model)
    value, before = loss.item(), model[2].weight.data.copy()
    loss.backward()
    model[2].weight.data[:] = 0.0
    player, _ = found._seen.player(found)
    (root,) = [e for e in player.story.events if e.root]
    assert root.value["number"] == pytest.approx(value, rel=1e-6)
    weight = player.story.events[player.story.index[id(model[2].weight)]]
    assert weight.value["rms"] == pytest.approx(np.sqrt(np.mean(before**2)), rel=1e-5)
    assert not model[2].weight.data.any()


def test_findings_of_a_training_step_lead_to_their_parameters():
    model = broken()
    optimizer = nn.optim.SGD(model[2].parameters(), lr=0.1)

    def step():
        optimizer.zero_grad()
        cross_entropy(model(X), Y).backward()
        optimizer.step()

    found = lint(step, model)
    (k,) = [i for i, f in enumerate(found) if f.check == "untrained layer"]
    assert events_of(found)[k].title == found[k].where.split(",")[0]


def test_a_finding_of_a_kernel_with_several_outputs_leads_to_one_of_them():
    class Tagger(nn.Module):
        def __init__(self):
            super().__init__()
            self.lstm = nn.LSTM(2, 3)
            self.head = nn.Linear(3, 2, rng=1)

        def forward(self, x):
            return self.head(self.lstm(x)[0][:, -1])

    x = RNG.normal(size=(16, 9, 2)).astype(np.float32)
    autograd.seed(0)
    found = check(Tagger(), (x, (x[:, 0, 0] > 0).astype(int)), cross_entropy)
    (k,) = [i for i, f in enumerate(found) if f.check == "samples are mixed"]
    assert events_of(found)[k] is not None


def test_a_node_of_another_run_is_found_by_its_place():
    model = nn.Sequential(nn.Linear(6, 4, rng=0), nn.Tanh(), nn.Linear(4, 2, rng=1), nn.Softmax(0))
    found = check(model, (X, Y), lambda y, t: cross_entropy(y, t))
    (k,) = [i for i, f in enumerate(found) if f.check == "samples are mixed"]
    assert events_of(found)[k].title == "Softmax"


def test_without_a_finding_there_is_no_graph():
    html = lint(np.mean(np.square(Value(np.ones(3))))).html()
    assert "<iframe" not in html
    assert "No finding" in html


def test_a_graph_too_large_is_left_out(monkeypatch):
    monkeypatch.setattr(report, "MOST", 5)
    model = broken()
    found = lint(cross_entropy(model(X), Y), model)
    assert found
    assert "<iframe" not in found.html()


def test_a_notebook_shows_the_findings_without_scripts():
    model = broken()
    html = lint(cross_entropy(model(X), Y), model)._repr_html_()
    assert "softmax before cross_entropy" in html
    assert "<script" not in html
    assert "<button" not in html


@pytest.fixture
def visit(tab, tmp_path):
    """The page of `check` in the browser, with its player drawn."""

    def visit(found, width=1600, dark=False):
        path = found.save(tmp_path / "check.html")
        assert path.stat().st_size < 4e6
        viewport, scheme = {"width": width, "height": 900}, "dark" if dark else "light"
        allowed = ("file:", "about:")
        page = tab(path.as_uri(), allowed, viewport=viewport, color_scheme=scheme)
        page.frame_locator("iframe").locator(".box.lit").wait_for()
        return page

    return visit


def findings():
    return check(broken(), (X, Y), cross_entropy)


def lit(page):
    box = page.frame_locator("iframe").locator(".box.lit")
    box.wait_for()
    return box.locator(".title").text_content()


def test_the_page_opens_at_the_first_finding_and_follows_the_buttons(visit):
    found = findings()
    page = visit(found)
    titles = [event and event.title for event in events_of(found)]
    assert lit(page) == next(title for title in titles if title)
    buttons = page.get_by_role("button", name="show it in the graph")
    assert buttons.count() == sum(title is not None for title in titles)
    for i, title in enumerate(title for title in titles if title):
        buttons.nth(i).focus()
        page.keyboard.press("Enter")
        page.wait_for_timeout(100)
        assert lit(page) == title
        assert buttons.nth(i).get_attribute("aria-pressed") == "true"


def test_on_a_phone_a_button_leads_to_the_graph_and_back(visit):
    page = visit(findings(), width=360)
    button = page.get_by_role("button", name="show it in the graph").first
    button.click()
    assert page.locator("iframe").bounding_box()["y"] < 900
    back = page.get_by_role("button", name="back to the finding")
    assert back.evaluate("e => e === document.activeElement")
    back.click()
    assert button.evaluate("e => e === document.activeElement")


@pytest.mark.parametrize("width", [360, 1600])
@pytest.mark.parametrize("dark", [False, True])
def test_nothing_overflows_and_buttons_are_large_enough(visit, width, dark):
    page = visit(findings(), width, dark)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    for button in page.get_by_role("button", name="show it in the graph").all():
        assert button.bounding_box()["height"] >= (44 if width == 360 else 24)
