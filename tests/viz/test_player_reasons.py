"""Why a gradient is what it is, in the page: sentences, lit paths and the chain rule."""

from __future__ import annotations

import numpy as np
import pytest

import autograd
import nn
from autograd import Value, explain, grad, play, why

F = nn.functional


def select(page, title):
    page.locator(".box").filter(has=page.get_by_text(title, exact=True)).first.focus()


def dead_neuron():
    x, w, b = Value(1.0, name="x"), Value(-2.0, name="w"), Value(0.5, name="b")
    loss = (F.relu(w * x + b) - 1.0) ** 2
    loss.name = "loss"
    return loss


def two_ways():
    a, b = Value(2.0, name="a"), Value(-3.0, name="b")
    y = a * b + a**2
    y.name = "y"
    return y


def network():
    autograd.seed(0)
    model = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2))
    x = np.random.default_rng(0).normal(size=(5, 3)).astype(np.float32)
    loss = F.cross_entropy(model(x), np.arange(5) % 2)
    loss.name = "loss"
    return loss, model


def leaf(y, name):
    (found,) = {
        id(x): x for v in graph(y) for x in v.inputs if getattr(x, "name", "") == name
    }.values()
    return found


def graph(y):
    found, stack = [], [y]
    while stack:
        v = stack.pop()
        found.append(v)
        stack += [x for x in v.inputs if isinstance(x, Value) and x.op]
    return found


@pytest.mark.parametrize("make", [dead_neuron, two_ways])
def test_a_selected_leaf_says_what_why_says(page_of, make):
    y = make()
    page = page_of(y)
    for name in ("w", "a"):
        if page.locator(".box .title").filter(has_text=name).count():
            select(page, name)
            x = leaf(y, name)
            assert page.locator(".said").inner_text() == why(y, x).sentence


def test_every_parameter_of_a_network_says_what_why_says(page_of):
    loss, model = network()
    page = page_of(loss)
    for name, parameter in model.named_parameters():
        select(page, name)
        assert page.locator(".said").inner_text() == why(loss, parameter).sentence


def test_the_path_is_lit_with_its_factors_and_what_stops_it(page_of):
    page = page_of(dead_neuron())
    select(page, "w")
    page.keyboard.press("w")
    lit = page.locator(".box.onpath .title").all_text_contents()
    assert sorted(lit) == sorted(["w", "×", "+", "relu", "−", "loss = x²"])
    assert page.locator(".edge.onpath").count() == 5
    assert page.locator(".factor").all_text_contents() == ["×1", "×1", "×0", "×1", "×−2"]
    assert page.locator(".box.stops .title").all_text_contents() == ["relu"]
    page.keyboard.press("w")
    assert page.locator(".onpath, .factor, .stops").count() == 0


def test_factors_on_the_arrows_multiply_to_the_contribution(page_of):
    y = two_ways()
    a = leaf(y, "a")
    page = page_of(y)
    select(page, "a")
    rows = page.locator(".paths > li > button")
    table = explain(y, a).table()
    assert rows.count() == len(table) == 2
    for k, row in enumerate(table):
        rows.nth(k).click()
        product = np.prod([number(t) for t in page.locator(".factor").all_text_contents()])
        assert product == row["contribution"] == number(rows.nth(k).locator("b").inner_text())
        assert f"{100 * row['share']:.0f} %".replace("-", "−") in rows.nth(k).inner_text()


def number(text):
    return float(text.strip("×").replace("−", "-").split()[-1])


def test_equal_paths_are_told_apart(page_of):
    a = Value(3.0, name="a")
    page = page_of(a * a)
    select(page, "a")
    texts = page.locator(".paths button").all_inner_texts()
    assert any("multiply (left)" in t for t in texts)
    assert any("multiply (right)" in t for t in texts)


def test_gains_of_a_network_multiply_to_the_norm(page_of):
    loss, model = network()
    page = page_of(loss)
    select(page, "0.weight")
    page.locator("#showpath").click()
    gains = [number(t) for t in page.locator(".chip small").all_inner_texts()]
    norm = np.linalg.norm(grad(loss, model[0].weight))
    assert np.prod(gains) == pytest.approx(norm, rel=5e-3)
    assert page.evaluate("document.activeElement.id") == "showpath"


def test_a_path_through_an_opened_kernel_lights_what_is_in_it(page_of):
    loss, _ = network()
    page = page_of(loss)
    select(page, "0.weight")
    page.keyboard.press("w")
    group = page.locator(".box.group.onpath")
    assert "cross_entropy" in group.first.text_content()
    group.first.focus()
    page.keyboard.press("Enter")
    assert page.locator(".box.onpath").count() > 2


def test_a_path_that_leaves_the_open_group_opens_the_one_around_it(page_of):
    autograd.seed(0)
    layer, head = nn.LSTM(3, 4), nn.Linear(4, 2)
    y, _ = layer(np.ones((5, 1, 3), np.float32))
    page = page_of(np.mean(np.square(head(y[-1]))))
    page.keyboard.press("/")
    page.keyboard.type("weight_ih_l0")
    page.keyboard.press("Enter")
    assert "∂L/∂LSTM.weight_ih_l0" in page.locator(".said").inner_text()
    page.keyboard.press("w")
    assert page.locator("#crumbs").inner_text() == "the whole graph"
    assert page.locator(".box.onpath").count() >= 4


def test_the_chain_rule_ends_in_the_engines_gradient(page_of):
    y = dead_neuron()
    w = leaf(y, "w")
    page = page_of(y)
    select(page, "w")
    page.keyboard.press("d")
    rows = page.locator("#derivation tr")
    expected = explain(y, w).derivation()
    assert rows.count() == len(expected.lines)
    beneath = page.locator("#derivation munder > munder ~ *").all_text_contents()
    assert [number(t) for t in beneath] == [f.number for f in expected.factors[0]]
    assert "0" in rows.last.inner_text()
    assert "which is the engine's gradient" in rows.last.inner_text()
    page.keyboard.press("Escape")
    assert not page.locator("#derivation").is_visible()
    assert page.evaluate("document.activeElement.classList.contains('box')")


def test_what_is_not_known_yet_has_no_reason_yet(page_of):
    page = page_of(dead_neuron())
    page.keyboard.press("Home")
    page.keyboard.press("ArrowRight")
    select(page, "w")
    assert page.locator(".why").count() == 0


def test_a_detached_array_says_whose_numbers_it_has(page_of):
    w = Value(np.arange(3.0) + 1, name="w")
    page = page_of(np.sum(w * w.detach()))
    page.locator(".box.constant").first.focus()
    assert "The numbers of w, detached" in page.locator(".said").inner_text()


def test_nan_names_its_origin(page_of):
    x = Value(0.0, name="x")
    with np.errstate(all="ignore"):
        y = np.sqrt(x) * 0.0
    y.name = "y"
    page = page_of(y)
    select(page, "x")
    assert page.locator(".said").inner_text() == why(y, x).sentence
    page.keyboard.press("w")
    assert page.locator(".box.stops").count() >= 1


def test_changed_values_are_told_from_those_that_the_reason_is_about(page_of):
    page = page_of(dead_neuron())
    select(page, "w")
    assert "as they were recorded" not in page.locator(".why").inner_text()
    page.locator("#typed").fill("3")
    page.keyboard.press("Enter")
    assert "as they were recorded" in page.locator(".why").inner_text()


def test_a_large_graph_says_where_its_reasons_are(page_of):
    x = Value(0.5, name="x")
    y = x
    for _ in range(6000):
        y = y + 1e-3
    page = page_of(y)
    page.keyboard.press("/")
    page.keyboard.type("x")
    page.locator("#hits button").get_by_text("x — ", exact=False).last.click()
    assert "autograd.why" in page.locator("#node").inner_text()


def test_a_page_without_gradients_has_no_reasons():
    x = Value(2.0, requires_grad=False)
    assert play(x * 1.0).data["reasons"]["why"] == {}


def test_several_results_and_empty_arrays_have_reasons():
    x = Value(np.arange(6.0).reshape(2, 3), name="x")
    a, b = np.split(x, 2)
    data = play(np.sum(a * b)).data
    assert any("∂L/∂x" in r["said"] for r in data["reasons"]["why"].values())
    play(np.sum(Value(np.zeros((0, 3)), name="none"))).html()


@pytest.mark.parametrize(("width", "scheme"), [(1600, "light"), (360, "dark")])
def test_texts_of_a_reason_can_be_read(page_of, width, scheme, contrasts):
    page = page_of(two_ways(), viewport={"width": width, "height": 740}, color_scheme=scheme)
    select(page, "a")
    page.keyboard.press("w")
    ratios = [ratio for ratio, _ in contrasts(page, ".why, #quiz")]
    assert len(ratios) > 8
    assert min(ratios) >= 4.5
    sizes = page.locator(".why *").evaluate_all(
        "all => all.map(e => parseFloat(getComputedStyle(e).fontSize))"
    )
    assert min(sizes) >= 11
    wide = page.evaluate("[document.documentElement.scrollWidth, window.innerWidth]")
    assert wide[0] <= wide[1]
    high = page.locator(".why button").evaluate_all(
        "all => all.map(b => b.getBoundingClientRect().height)"
    )
    assert min(high) >= (44 if width == 360 else 24)
