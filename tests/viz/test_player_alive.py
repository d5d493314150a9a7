"""The player alive: values are changed in the page, and it computes what the engine computes."""

from __future__ import annotations

import numpy as np
import pytest

import nn
from autograd import Op, Value, play
from autograd.viz.player.play import page as page_of
from nn.functional import relu


class Alive:
    """A page, and what it shows of its values."""

    def __init__(self, page):
        self.page, self.find = page, page.locator

    def box(self, title):
        return self.find(".box").filter(has=self.page.get_by_text(title, exact=True)).first

    def number(self, title, line):
        """The number on a line of a box: 1 is its value, 2 its gradient."""
        return number(self.box(title).locator("text").nth(line).text_content())

    def edit(self, name):
        self.find("#leaf").select_option(label=name)

    def type(self, text):
        self.find("#typed").fill(str(text))

    def drag(self, target, by):
        at = target.bounding_box()
        x, y = at["x"] + at["width"] / 2, at["y"] + at["height"] / 2
        self.page.mouse.move(x, y)
        self.page.mouse.down()
        self.page.mouse.move(x + by, y, steps=4)
        self.page.mouse.up()


def number(text):
    return float(text.replace("∂", "").replace("−", "-").replace("≈", "").split()[-1])


@pytest.fixture
def visit(tab, tmp_path):
    def visit(value, **context):
        return Alive(tab(play(value).save(tmp_path / "page.html").as_uri(), **context))

    return visit


def named(value, name):
    value.name = name
    return value


def neuron(a=2.0, b=-3.0, c=6.5):
    leaves = [Value(a, name="a"), Value(b, name="b"), Value(c, name="c")]
    h = named(np.tanh(leaves[0] * leaves[1] + leaves[2]), "h")
    return named((h - 0.5) ** 2, "loss"), leaves


def affine(rng, **changes):
    """Softmax regression on four samples; `changes` are elements of its weight."""
    x = rng.normal(size=(4, 3))
    w, b = Value(rng.normal(size=(3, 2)), name="w"), Value(np.zeros(2), name="b")
    for place, element in changes.items():
        w.data[tuple(map(int, place[1:]))] = element
    z = x @ w + b
    p = np.exp(z) / np.sum(np.exp(z), axis=1, keepdims=True)
    return named(-np.mean(np.log(p[:, 0])), "loss"), (w, b)


def test_a_typed_value_is_computed_through_the_graph_forward_and_backward(visit):
    page = visit(neuron()[0])
    page.edit("b")
    page.type(-2.75)
    loss, leaves = neuron(b=-2.75)
    loss.backward()
    assert page.number("loss = x²", 1) == pytest.approx(loss.item(), rel=1e-3)
    for leaf in leaves:
        assert page.number(leaf.name, 2) == pytest.approx(leaf.grad.item(), rel=1e-2)


def test_a_box_is_dragged_sideways(visit):
    page = visit(neuron()[0])
    page.drag(page.box("b"), 60)
    b = number(page.find("#typed").input_value())
    assert b > -3
    assert page.number("b", 1) == pytest.approx(b, rel=1e-3)
    assert page.number("h = tanh", 1) == pytest.approx(np.tanh(2 * b + 6.5), rel=1e-3)
    assert page.find("#leaf option:checked").inner_text() == "b"


def test_arrow_keys_change_a_value_and_leave_time_alone(visit):
    page = visit(neuron()[0])
    before = page.find("#count").inner_text()
    page.find("#drag").focus()
    page.page.keyboard.press("ArrowRight")
    assert number(page.find("#typed").input_value()) > 2
    page.box("c").focus()
    page.page.keyboard.press("ArrowUp")
    assert page.number("c", 1) > 6.5
    assert page.find("#count").inner_text() == before


def test_each_element_of_a_small_array_has_a_cell(visit, rng):
    page = visit(affine(rng)[0])
    page.edit("w")
    assert page.find(".cell").count() == 6
    page.find(".cell").nth(3).focus()  # w[1, 1]
    page.type(-1.25)
    loss, (w, b) = affine(np.random.default_rng(0), w11=-1.25)
    loss.backward()
    assert page.number("loss = −", 1) == pytest.approx(loss.item(), rel=1e-3)
    assert page.number("w", 2) == pytest.approx(np.sqrt(np.mean(w.grad**2)), rel=1e-2)
    assert page.number("b", 2) == pytest.approx(np.sqrt(np.mean(b.grad**2)), rel=1e-2)
    page.drag(page.find(".cell").nth(3), 30)
    assert number(page.find(".cell").nth(3).inner_text()) > -1.25


def test_a_page_whose_values_were_changed_says_so_until_they_are_back(visit):
    page = visit(neuron()[0])
    before = page.find("#graph").text_content()
    assert not page.find("#changed").is_visible()
    page.type(9)
    assert "not the recording" in page.find("#changed").inner_text()
    assert page.find(".box.altered").count() == 1
    page.find("#restore").click()
    assert not page.find("#changed").is_visible()
    assert page.find("#graph").text_content() == before


def test_the_numbers_of_a_formula_follow(visit):
    page = visit(neuron()[0])
    page.edit("b")
    page.type(-0.25)
    page.page.keyboard.press("Escape")
    page.find("#first").click()
    page.find("#next").click()
    page.page.locator("h1").click()
    while "Forward: ×" not in page.find("#now").inner_text():
        page.find("#next").click()
    text = "".join(page.find("#now .formula").nth(1).text_content().split())
    assert text == "=2·(−0.25)"
    assert "= −0.5" in page.find("#now").inner_text()


def test_a_nudge_shows_the_predicted_and_the_real_change(visit):
    page = visit(neuron()[0])
    page.edit("c")
    page.find("#amount").fill("0.1")
    predicted, real = (number(t) for t in page.find("#changes dd").all_inner_texts())
    loss, (_, _, c) = neuron()
    before = loss.item()
    loss.backward()
    assert predicted == pytest.approx(0.1 * c.grad.item(), rel=1e-3)
    assert real == pytest.approx(neuron(c=6.6)[0].item() - before, rel=1e-3)
    assert "curvature" in page.find("#reason").inner_text()


def test_a_nudge_over_a_kink_names_the_op(visit):
    w = Value(-0.02, name="w")
    page = visit(relu(w) * 3.0)
    page.find("#amount").fill("0.1")
    predicted, real = (number(t) for t in page.find("#changes dd").all_inner_texts())
    assert (predicted, real) == pytest.approx((0, 0.24))
    assert "kink" in page.find("#reason").inner_text()
    assert "relu" in page.find("#reason").inner_text()


def test_a_nudge_along_a_straight_line_agrees(visit):
    page = visit(Value(2.0, name="w") * 3.0)
    assert "agree" in page.find("#reason").inner_text()


def test_steps_of_gradient_descent_are_those_of_sgd(visit, rng):
    loss, leaves = affine(rng)
    page = visit(loss)
    first = loss.item()
    optimizer = nn.optim.SGD(leaves, lr=0.1)
    page.find("#rate").fill("-1")
    for k in range(20):
        w, b = leaves
        page.find("#one").click()
        optimizer.zero_grad()
        loss.backward(retain_graph=True)
        optimizer.step()
        x = np.random.default_rng(0).normal(size=(4, 3))
        z = x @ w + b
        p = np.exp(z) / np.sum(np.exp(z), axis=1, keepdims=True)
        loss = -np.mean(np.log(p[:, 0]))
        if k == 0:
            before, after = page.find("#remark").inner_text().partition("loss ")[2].split(" → ")
            assert float(before) == pytest.approx(first, rel=1e-3)
            assert float(after) == pytest.approx(loss.item(), rel=1e-3)
    page.edit("w")
    for k, element in enumerate(leaves[0].data.ravel()):
        page.find(".cell").nth(k).focus()
        assert number(page.find("#typed").input_value()) == pytest.approx(element, abs=1e-5)


def test_the_next_step_of_a_leaf_is_written_with_its_numbers(visit):
    page = visit(neuron()[0])
    page.edit("c")
    page.find("#rate").fill("-1")
    loss, (_, _, c) = neuron()
    loss.backward()
    text = page.find("#coming").inner_text()
    assert text.startswith("next: c ← 6.5 − 0.1 · ")
    assert number(text) == pytest.approx(6.5 - 0.1 * c.grad.item(), rel=1e-3)
    page.find("#one").click()
    assert page.number("c", 1) == number(text)


def test_training_lowers_the_loss_until_it_is_paused(visit):
    page = visit(neuron()[0])
    page.find("#train").click()
    page.page.wait_for_function("document.querySelectorAll('#curve svg').length > 0")
    page.find("#train").click()
    said = page.find("#remark").inner_text()
    assert number(said.rpartition("→ ")[2]) < neuron()[0].item()
    page.page.wait_for_timeout(100)
    assert page.find("#remark").inner_text() == said
    first = f"from {neuron()[0].item():.4g}"
    assert first in page.find("#curve svg").get_attribute("aria-label")


def test_a_leaf_that_is_held_stays(visit):
    page = visit(neuron()[0])
    page.edit("b")
    page.find("#still").check()
    page.find("#one").click()
    assert page.number("b", 1) == -3
    assert page.number("a", 1) != 2
    assert "every leaf but b" in page.find("#rule").inner_text()


def test_a_loss_that_is_no_longer_finite_is_said(visit):
    w = Value(3.0, name="w")
    page = visit(np.exp(w**2))
    page.find("#rate").fill("1")
    page.find("#train").click()
    page.page.wait_for_function("remark.textContent.includes('no longer finite')")
    page.find("#undo").click()
    assert page.number("w", 1) == 3


def test_what_cannot_be_recomputed_says_why_and_its_controls_are_disabled(visit):
    def table(a):
        return np.array([float(x) ** 2 for x in a.tolist()])

    square = Op(table, "t({a})", lambda g, y, a: 2 * g * a, name="table")
    square.listed = False
    page = visit(np.sum(square(Value([1.0, 2.0], name="w"))))
    assert "table" in page.find("#why").inner_text()
    assert page.find("#one").is_disabled()
    assert page.find("#typed").is_disabled()
    assert not page.find("#changed").is_visible()


def test_a_page_that_is_a_recording_only_offers_nothing_to_change(tab, tmp_path):
    recording = {key: x for key, x in play(neuron()[0]).data.items() if key != "live"}
    path = tmp_path / "page.html"
    path.write_text(page_of("recording", recording, ""), encoding="utf-8")
    page = Alive(tab(path.as_uri()))
    assert not page.find("#alive").is_visible()
    page.find("#back").click()


def test_ids_are_unique(visit):
    ids = visit(neuron()[0]).find("[id]").evaluate_all("all => all.map(e => e.id)")
    assert len(ids) == len(set(ids))


def test_it_is_alive_in_the_frame_of_a_notebook(tab, tmp_path):
    path = tmp_path / "notebook.html"
    path.write_text(f"<!doctype html><meta charset=utf-8>{play(neuron()[0])._repr_html_()}")
    page = Alive(tab(path.as_uri()))
    inside = page.page.frame_locator("iframe")
    inside.locator("#typed").fill("3")
    inside.locator("#one").click()
    assert "step 1" in inside.locator("#remark").inner_text()


def test_a_box_is_dragged_by_touch_alone_sideways(visit):
    page = visit(neuron()[0], viewport={"width": 800, "height": 900}, has_touch=True)
    box = page.box("b")
    at = box.bounding_box()
    x, y = at["x"] + 10, at["y"] + 10
    send = page.page.context.new_cdp_session(page.page).send
    send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [{"x": x, "y": y}]})
    for dx in (10, 20, 40):
        points = [{"x": x + dx, "y": y}]
        send("Input.dispatchTouchEvent", {"type": "touchMove", "touchPoints": points})
    send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    assert page.number("b", 1) > -3


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_on_a_phone_nothing_overflows_and_targets_are_large(visit, rng, scheme):
    page = visit(affine(rng)[0], viewport={"width": 360, "height": 740}, color_scheme=scheme)
    page.type(2)
    assert page.page.evaluate("document.documentElement.scrollWidth") <= 360
    targets = "#alive button, #alive select, #alive input[type=number], .cell, #changed button"
    small = page.find(targets).evaluate_all(
        "all => all.filter(e => e.checkVisibility() && e.getBoundingClientRect().height < 44)"
        ".map(e => e.id || e.className)"
    )
    assert not small
