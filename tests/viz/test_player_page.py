"""The player in a real browser: stepping, folding, keyboard, search, small screens, odd names."""

from __future__ import annotations

import numpy as np
import pytest

import autograd
import nn
import nn.functional as F
from autograd import Value, play


class Page:
    """A page that notes errors and requests."""

    def __init__(self, browser, path, **context):
        self.context = browser.new_context(
            **{"viewport": {"width": 1600, "height": 900}, **context}
        )
        self.page = self.context.new_page()
        self.errors, self.requests = [], []
        self.page.on("console", lambda m: self.errors.append(m.text) if m.type == "error" else None)
        self.page.on("pageerror", lambda e: self.errors.append(str(e)))
        self.page.on("request", lambda r: self.requests.append(r.url))
        self.page.goto(f"file://{path}")

    def text(self, selector, has_text=None):
        """The text of an element; of SVG text, piece by piece."""
        found = self.page.locator(selector, has_text=has_text).first
        return found.evaluate(
            "e => e.tagName === 'g' ? [...e.querySelectorAll('text')].map(t => t.textContent)"
            ".join(' ') : e.innerText"
        )

    def press(self, *keys):
        for key in keys:
            self.page.keyboard.press(key)

    def close(self):
        self.context.close()
        assert not self.errors
        network = [r for r in self.requests if not r.startswith(("file:", "data:"))]
        assert not network


@pytest.fixture
def visit(browser, tmp_path):
    opened = []

    def visit(value, **context):
        path = play(value).save(tmp_path / "page.html")
        opened.append(Page(browser, path, **context))
        return opened[-1]

    yield visit
    for page in opened:
        page.close()


def neuron():
    a, b = Value(2.0, name="a"), Value(-3.0, name="b")
    return np.tanh(a * b + a)


def speller():
    autograd.seed(0)
    lstm = nn.LSTM(3, 4)
    y, _ = lstm(np.ones((9, 1, 3), np.float32))
    return np.sum(np.square(y))


def test_stepping_to_the_end_and_back(visit):
    page = visit(neuron())
    assert "Before the first step" in page.text("#now")
    assert page.page.locator(".box.unreached").count() == 5
    page.press("End")
    assert page.page.locator(".box.unreached").count() == 0
    assert "∂" in page.text(".box.leaf")
    assert "not yet" not in page.page.locator("#graph").text_content()
    page.press("Home")
    assert page.page.locator(".box.unreached").count() == 5
    assert "not yet" in page.text(".box.op")


def test_a_gradient_not_yet_reached_is_never_shown_as_zero(visit):
    page = visit(neuron())
    page.press(*["ArrowRight"] * 5)
    assert page.text("#count") == "5 / 8"
    assert "∂ not yet" in page.text(".box.leaf", "b")
    page.press("ArrowRight")
    assert "Backward: tanh" in page.text("#now")


def test_contributions_of_two_users_add_up_on_the_page(visit):
    page = visit(neuron())
    page.press("End", "ArrowLeft")
    assert "(1/2)" in page.text(".box.leaf", "a")
    page.press("ArrowRight")
    assert "contribution 2 of 2; they add up" in page.text("#now")
    a, b = Value(2.0), Value(-3.0)
    y = np.tanh(a * b + a)
    y.backward()
    shown = page.text(".box.leaf", "a").split("∂")[1].strip().replace("−", "-")
    assert float(shown) == pytest.approx(a.grad.item(), rel=2e-3)


def test_local_derivatives_are_shown_with_their_numbers(visit):
    page = visit(neuron())
    page.press("End")
    text = page.text("#now")
    assert "× −3 =" in text
    assert page.page.locator("#now math").count() >= 2


def test_an_lstm_unfolds_in_time_by_keyboard_alone(visit):
    page = visit(speller())

    def enter(title):
        page.page.locator(".box.group", has_text=title).first.focus()
        page.press("Enter")

    enter("LSTM")
    enter("LSTM")
    assert page.page.locator("#strip span").count() == 2 * 9
    assert "‖∂L/∂h‖" in page.text("#strip")
    assert "‖∂L/∂c‖" in page.text("#strip")
    enter("step 3 of")
    assert "step 3 of" in page.text("#crumbs")
    assert page.page.locator(".box", has_text="sigmoid").count() == 3
    page.press("End")
    assert "∂" in page.text(".box.op")
    page.press("Escape", "Escape", "Escape")
    assert page.text("#crumbs") == "the whole graph"
    assert "LSTM" in page.page.evaluate("document.activeElement.getAttribute('aria-label')")


def unrolled(layer, x):
    """The states after each step of a one-layer RNN or LSTM, written with the engine's own ops."""
    w, u = layer.weight_ih_l0, layer.weight_hh_l0
    h = c = np.zeros((x.shape[1], layer.hidden_size), np.float32)
    states = {"h": [], "c": []}
    for x_t in x:
        a = x_t @ w.T + layer.bias_ih_l0 + (h @ u.T + layer.bias_hh_l0)
        if isinstance(layer, nn.RNN):
            h = np.tanh(a)
        else:
            i, f, g, o = np.split(a, 4, axis=1)
            c = F.sigmoid(f) * c + F.sigmoid(i) * np.tanh(g)
            h = F.sigmoid(o) * np.tanh(c)
            states["c"].append(c)
        states["h"].append(h)
    return states


@pytest.mark.parametrize("kind", [nn.RNN, nn.LSTM])
def test_the_strip_over_time_has_the_gradient_of_every_state(visit, kind):
    autograd.seed(0)
    layer, x = kind(5, 8), np.random.default_rng(0).normal(size=(12, 3, 5)).astype(np.float32)
    page = visit(np.sum(layer(x)[0][-1]))
    while "step" not in page.page.locator(".box.group").first.text_content():
        page.page.locator(".box.group").first.focus()
        page.press("Enter")
    steps = page.page.locator(".box.group .title").all_text_contents()
    assert sorted(steps) == sorted(f"step {t} of 12" for t in range(1, 13))
    shown = page.page.locator("#strip span").evaluate_all("bars => bars.map(b => b.title)")
    states = unrolled(layer, x)
    np.sum(states["h"][-1]).backward(retain_graph=True)
    for name, values in states.items():
        own = [text for text in shown if f"‖∂L/∂{name}‖" in text]
        numbers = [float(text.rpartition("= ")[2].replace("−", "-")) for text in own]
        truth = [np.linalg.norm(v.grad) for v in values]
        assert numbers == pytest.approx(truth, rel=1e-3)
        assert all(f"after step {t + 1}:" in text for t, text in enumerate(own))


def test_hovering_shows_shape_statistics_and_a_heat_map(visit):
    w = Value(np.linspace(-1, 1, 12).reshape(3, 4), name="w")
    page = visit(np.sum(np.square(w)))
    page.press("End")
    page.page.locator(".box.leaf").first.hover()
    text = page.text("#node")
    assert "(3, 4) float64" in text
    assert "−1 … 1" in text
    assert page.page.locator("#node figure svg").count() >= 2


def test_the_line_of_the_source_is_shown(visit):
    with autograd.source_lines():
        y = Value(2.0) * 3.0
    page = visit(y)
    page.press("End")
    page.page.locator(".box.op").first.focus()
    assert "y = Value(2.0) * 3.0" in page.text("#node code")


def test_search_finds_a_node_and_goes_there(visit):
    page = visit(speller())
    page.press("/")
    page.page.keyboard.type("weight_hh")
    assert "weight_hh_l0" in page.text("#hits")
    page.press("Enter")
    assert "weight_hh_l0" in page.text("#node h2")
    page.press("/")
    page.page.keyboard.type("nowhere")
    assert "no match" in page.text("#hits")


def test_play_runs_and_stops(visit):
    page = visit(neuron())
    page.page.clock.install()
    page.press("Space")
    page.page.clock.run_for(10_000)
    assert page.text("#count") == "8 / 8"
    assert "play" in page.text("#play")


@pytest.mark.parametrize("width", [360, 1600])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_is_usable_on_any_screen(visit, width, scheme):
    page = visit(neuron(), viewport={"width": width, "height": 740}, color_scheme=scheme)
    page.press("End")
    size = page.page.evaluate("[document.documentElement.scrollWidth, window.innerWidth]")
    assert size[0] <= size[1], "the page scrolls sideways"
    light = page.page.evaluate(
        "getComputedStyle(document.body).backgroundColor.match(/\\d+/g).map(Number)[0]"
    )
    assert (light > 128) == (scheme == "light")
    assert page.page.locator("#slider").is_visible()


def test_hostile_names_are_shown_as_they_are(visit):
    name = "<script>alert(1)</script>\"&'</svg>\u2028"
    x = Value(2.0, name=name)
    y = x * 3.0
    y.name = "<img src=x onerror=alert(2)>"
    page = visit(y)
    page.press("End")
    assert page.page.locator("img").count() == 0
    assert "<script>" in page.text(".box.leaf")
    assert "<img" in page.text("h1")
