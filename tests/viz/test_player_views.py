"""The player's views in a browser: text large enough on any screen, groups and repetitions."""

from __future__ import annotations

import numpy as np
import pytest

import autograd
import nn
from autograd import Value
from nn.functional import cross_entropy


def x(*shape):
    return np.random.default_rng(0).normal(size=shape).astype(np.float32)


def convolutions():
    return cross_entropy(nn.models.LeNet5()(x(2, 1, 28, 28)), np.arange(2))


def transformer():
    model = nn.models.GPT(11, block_size=4, n_layer=3, n_head=2, n_embd=8)
    return np.sum(np.square(model(np.arange(8).reshape(2, 4))))


def speller():
    return np.sum(np.square(nn.LSTM(3, 4)(x(6, 1, 3))[0]))


def chain(steps=900):
    v = Value(np.ones(2), name="x")
    for _ in range(steps):
        v = np.tanh(v * 1.01 + 0.1)
    return np.sum(v)


SMALLEST = """() => {
  const graph = document.getElementById("graph");
  const zoom = graph.getBoundingClientRect().width / graph.viewBox.baseVal.width;
  const size = (t) => parseFloat(getComputedStyle(t).fontSize);
  return Math.min(...[...graph.querySelectorAll("text")].map(size)) * zoom;
}"""
SIDEWAYS = """() => {
  const area = document.getElementById("scroll");
  return Math.max(area.scrollWidth - area.clientWidth,
                  document.documentElement.scrollWidth - innerWidth);
}"""


@pytest.mark.parametrize("size", [(1600, 900), (1280, 720), (360, 740)])
@pytest.mark.parametrize("make", [convolutions, transformer, speller])
def test_text_is_readable_at_fit_in_every_view(visit, make, size):
    autograd.seed(0)
    width, height = size
    page = visit(make(), viewport={"width": width, "height": height}, reduced_motion="reduce")
    for g in range(page.page.evaluate("JSON.parse(data.textContent).groups.length")):
        page.page.evaluate(f"location.hash = 'g{g}s0'")
        page.page.wait_for_timeout(20)
        assert page.page.evaluate(SMALLEST) >= 11
        if width != 1280:
            assert page.page.evaluate(SIDEWAYS) <= 0


def test_a_narrow_window_gets_the_layout_that_flows_down(visit):
    autograd.seed(0)
    page = visit(convolutions())
    wide = page.page.evaluate("graph.viewBox.baseVal.width / graph.viewBox.baseVal.height")
    page.page.set_viewport_size({"width": 400, "height": 800})
    page.page.wait_for_function("graph.viewBox.baseVal.width < 350", timeout=5000)
    tall = page.page.evaluate("graph.viewBox.baseVal.width / graph.viewBox.baseVal.height")
    assert wide > 1 > tall


def test_hovering_over_a_group_tells_of_the_group(visit):
    autograd.seed(0)
    model = nn.Sequential(nn.Linear(4, 3), nn.BatchNorm1d(3))
    loss = np.sum(np.square(model(x(6, 4))))
    page = visit(loss)
    page.page.locator(".box.group").first.hover()
    text = page.text("#node")
    assert text.startswith("BatchNorm1d")
    assert "parameters 6" in " ".join(text.split())
    assert "(6, 3) float32" in text
    loss.backward(retain_graph=True)
    normed = loss.inputs[0].inputs[0]
    slope = np.sqrt(np.mean(normed.grad**2))
    assert f"{slope:.4g}" in text.partition("gradient")[2]
    page.page.locator(".box.leaf").first.hover()
    assert not page.text("#node").startswith("BatchNorm1d")


def test_focusing_a_group_tells_how_many_repetitions_it_has(visit):
    page = visit(chain(50))
    page.page.locator(".box.group").first.focus()
    text = " ".join(page.text("#node").split())
    assert text.startswith("step × 50")
    assert "steps 50 ops 150" in text


def test_repetitions_are_chosen_by_keyboard(visit):
    page = visit(chain(50))
    page.page.locator(".box.group").first.focus()
    page.press("Enter")
    page.page.locator("#which").focus()
    page.press("End")
    assert page.text("#crumbs [aria-current]") == "step 50 of 50"
    page.press("ArrowLeft")
    assert page.text("#crumbs [aria-current]") == "step 49 of 50"
    page.press("Escape")
    assert page.text("#crumbs") == "the whole graph"


def test_many_bars_are_put_together_and_say_their_range(visit):
    loss = chain(900)
    page = visit(loss)
    assert page.page.evaluate(SIDEWAYS) <= 0
    bars = page.page.locator("#strip .gradient span")
    assert bars.count() == 200
    titles = bars.evaluate_all("bars => bars.map(b => b.title)")
    assert titles[0].startswith("after steps 1 to 4: ‖∂L/∂h‖ = ")
    assert titles[-1].startswith("after steps 896 to 900:")
    loss.backward(retain_graph=True)
    state = loss.inputs[0]
    norms = []
    for _ in range(5):
        norms.append(np.linalg.norm(state.grad))
        state = state.inputs[0].inputs[0].inputs[0]
    low, high = (float(n) for n in titles[-1].rpartition("= ")[2].split(" … "))
    assert (low, high) == pytest.approx((min(norms), max(norms)), rel=1e-3)


def test_a_page_of_thousands_of_nodes_opens_folded(visit):
    page = visit(chain(2500))
    assert page.page.locator(".box").count() <= 80
    assert page.page.evaluate(SIDEWAYS) <= 0
    page.page.locator(".box.group").first.focus()
    page.press("Enter")
    assert page.page.locator(".box").count() <= 80


def test_the_full_name_is_told_where_a_box_shortens_it(visit):
    autograd.seed(0)
    w = Value(x(3, 3), name="a_rather_long_name_of_a_weight")
    page = visit(np.sum(np.tanh(x(2, 3)) @ w))
    box = page.page.locator(".box.leaf").first
    assert "…" in box.locator(".title").text_content()
    assert "weight" in box.locator("title").text_content()
    box.hover()
    assert page.text("#node h2").endswith("of_a_weight")
