"""Teaching with the player: hidden numbers, the quiz, the worksheet."""

from __future__ import annotations

import numpy as np
import pytest

import nn
from autograd import Value, play

relu = nn.functional.relu


def neuron():
    values = {"x1": 2.0, "w1": -3.0, "x2": 0.5, "w2": 1.0, "b": 6.0}
    x1, w1, x2, w2, b = (Value(v, name=name) for name, v in values.items())
    loss = np.tanh(x1 * w1 + x2 * w2 + b)
    loss.name = "loss"
    return loss, {x.name: x for x in (x1, w1, x2, w2, b)}


def twice():
    a, b = Value(2.0, name="a"), Value(-3.0, name="b")
    y = a * b + a**2
    y.name = "y"
    return y, {"a": a, "b": b}


def dead():
    x, w = Value(2.0, name="x"), Value(-1.5, name="w")
    y = relu(x * w)
    y.name = "y"
    return y, {"x": x, "w": w}


def matrix():
    w = Value(np.array([[1.0, 2.0], [3.0, -1.0]]), name="W")
    y = np.sum((w @ np.array([1.0, -2.0])) ** 2)
    y.name = "y"
    return y, {"W": w}


def answers(page):
    """Every question in turn with the answer that the page says after it is skipped."""
    found = []
    while page.locator("#answer").count():
        question = page.locator("#quiz h2").inner_text()
        page.get_by_role("button", name="skip").click()
        found.append(
            (
                question,
                page.locator("#feedback b").inner_text(),
                page.locator("#feedback").inner_text(),
            )
        )
        page.locator("#further").click()
    return found


@pytest.mark.parametrize("make", [neuron, twice, dead, matrix])
def test_every_answer_is_the_engines_gradient(page_of, make):
    y, leaves = make()
    page = page_of(y, "#quiz")
    shown = answers(page)
    y.backward()
    asked = 0
    for question, text, _ in shown:
        symbol, value = text.removeprefix("Skipped. ").split(" = ")
        assert question == f"What is {symbol}?"
        name, _, index = symbol.rpartition("∂")[2].partition("[")
        if name in leaves:
            at = tuple(int(n) for n in index.rstrip("]").split(",")) if index else ()
            assert number(value) == pytest.approx(leaves[name].grad[at], rel=1e-3)
            asked += 1
    assert asked == len(leaves)


def number(text):
    return float(text.replace("−", "-"))


def test_a_right_answer_shows_the_step_and_counts(page_of):
    y, _ = twice()
    page = page_of(y)
    page.keyboard.press("q")
    assert page.evaluate("document.activeElement.id") == "answer"
    page.keyboard.type("1")
    page.keyboard.press("Enter")
    assert page.locator("#feedback b").inner_text().startswith("Right.")
    assert "1 × 1 = 1" in page.locator("#feedback").inner_text()
    page.keyboard.press("Enter")
    assert "1 right" in page.locator("#quiz").inner_text()


def test_a_sum_of_contributions_is_asked_as_one(page_of):
    y, _ = twice()
    page = page_of(y, "#quiz")
    while "∂y/∂a?" not in page.locator("#quiz h2").inner_text():
        page.get_by_role("button", name="skip").click()
        page.locator("#further").click()
    page.locator("#answer").fill("4")
    page.keyboard.press("Enter")
    assert "one of 2 contributions" in page.locator("#feedback").inner_text()
    page.locator("#answer").fill("-1")
    page.keyboard.press("Enter")
    assert "the sign is not" in page.locator("#feedback").inner_text()
    page.locator("#answer").fill("2/2")
    page.keyboard.press("Enter")
    assert "4 + (−3) = 1" in page.locator("#feedback").inner_text()
    assert "Right, at try 3" in page.locator("#feedback").inner_text()


@pytest.mark.parametrize(
    ("text", "right"),
    [
        ("-3", True),
        ("−3", True),
        ("-2.98", True),
        ("-6/2", True),
        ("-3,0", True),
        ("-3.1", False),
        ("0", False),
        ("3", False),
    ],
)
def test_the_tolerance_is_what_it_is_said_to_be(page_of, text, right):
    x = Value(2.0, name="x")
    y = x * -3.0
    y.name = "y"
    page = page_of(y, "#quiz")
    assert "within 1 %" in page.locator("#tolerance").inner_text()
    page.locator("#answer").fill(text)
    page.keyboard.press("Enter")
    assert page.locator("#feedback b").inner_text().startswith("Right") == right


def test_what_is_no_number_is_said_and_not_counted(page_of):
    page = page_of(twice()[0], "#quiz")
    for text in ("", "abc", "1/2/3", "2 3"):
        page.locator("#answer").fill(text)
        page.keyboard.press("Enter")
        assert "Enter a number" in page.locator("#feedback").inner_text()
    page.locator("#answer").fill("1")
    page.keyboard.press("Enter")
    assert "Right." in page.locator("#feedback").inner_text()


def test_a_zero_must_be_zero(page_of):
    page = page_of(dead()[0], "#quiz")
    page.locator("#answer").fill("0.001")
    page.keyboard.press("Enter")
    assert "Not yet" in page.locator("#feedback").inner_text()
    page.locator("#answer").fill("0")
    page.keyboard.press("Enter")
    assert "1 × 0 = 0" in page.locator("#feedback").inner_text()


def test_a_hint_is_the_formula_and_no_number(page_of):
    page = page_of(neuron()[0], "#quiz")
    page.get_by_role("button", name="hint").click()
    assert page.locator("#feedback math").count() == 1
    assert page.evaluate("document.activeElement.id") == "answer"


def test_nothing_on_the_page_tells_what_is_asked(page_of):
    y, leaves = neuron()
    page = page_of(y, "#quiz")
    boxes = page.locator(".box").all_text_contents() + page.locator(".box").evaluate_all(
        "all => all.map(b => b.getAttribute('aria-label'))"
    )
    texts = page.locator(".box .grad").all_text_contents()
    assert set(texts) == {"∂ ?", "∂ +1"}
    y.backward()
    told = " ".join([*boxes, page.locator("aside").inner_text()])
    for x in leaves.values():
        assert f"∂ {x.grad:.3g}".replace("-", "−") not in told
    page.locator(".box.leaf").first.focus()
    assert page.locator(".why").count() == 0
    assert "range" not in page.locator("#node").inner_text()
    page.keyboard.press("Escape")


def test_the_quiz_ends_with_its_score_and_the_numbers_come_back(page_of):
    page = page_of(twice()[0], "#quiz")
    answers(page)
    assert "0 of" in page.locator("#quiz h2").inner_text()
    assert (
        "5 skipped" in page.locator("#quiz").inner_text()
        or "skipped" in page.locator("#quiz").inner_text()
    )
    page.get_by_role("button", name="end").click()
    assert not page.locator("#quiz").is_visible()
    assert "?" not in "".join(page.locator(".box .grad").all_text_contents())
    assert "&quiz" not in page.url


@pytest.mark.parametrize("way", ["click", "Enter"])
def test_hidden_numbers_are_revealed_one_by_one(page_of, way):
    y, leaves = neuron()
    page = page_of(y)
    page.locator("#hide").select_option("gradients")
    assert page.url.endswith("&hide=gradients")
    box = page.locator(".box.leaf").filter(has=page.get_by_text("w1", exact=True))
    assert box.locator(".grad").text_content() == "∂ ?"
    box.click() if way == "click" else (box.focus(), page.keyboard.press("Enter"))
    y.backward()
    assert number(box.locator(".grad").text_content().removeprefix("∂ ")) == pytest.approx(
        leaves["w1"].grad, rel=1e-2
    )
    assert (
        page.locator(".box.leaf")
        .filter(has=page.get_by_text("w2", exact=True))
        .locator(".grad")
        .text_content()
        == "∂ ?"
    )
    page.locator("#hide").select_option("nothing")
    assert "?" not in "".join(page.locator(".box text").all_text_contents())


def test_hidden_values_leave_those_of_leaves(page_of):
    page = page_of(neuron()[0], "#hide=values")
    assert page.locator("#hide").input_value() == "values"
    ops = page.locator(".box.op .value").all_text_contents()
    assert set(ops) == {"?"}
    assert "?" not in "".join(page.locator(".box.leaf .value").all_text_contents())
    assert "loss = ?" in page.locator("#now h2").inner_text()


def test_stepping_tells_nothing_that_is_hidden(page_of):
    page = page_of(neuron()[0], "#hide=all")
    page.keyboard.press("Home")
    for _ in range(int(page.locator("#slider").get_attribute("max"))):
        page.keyboard.press("ArrowRight")
        sums = "".join(page.locator("#now .sum").all_text_contents())
        assert not any(c.isdigit() for c in sums), sums
        assert page.locator("#tokens").evaluate("e => getComputedStyle(e).display") == "none"


def test_an_address_with_a_step_keeps_the_mode(page_of):
    page = page_of(neuron()[0], "#g0s3&hide=all")
    assert page.locator("#count").inner_text().startswith("3 /")
    assert page.url.endswith("#g0s3&hide=all")
    page.keyboard.press("ArrowRight")
    assert page.url.endswith("#g0s4&hide=all")


def test_the_worksheet_has_blanks_formulas_and_answers_apart(page_of):
    y, leaves = neuron()
    page = page_of(y, "#worksheet")
    assert not page.locator("main").is_visible()
    sheet = page.locator("#worksheet")
    tasks, solved = sheet.locator("ol").first, sheet.locator(".answers ol")
    assert tasks.locator("> li").count() == solved.locator("> li").count() >= len(leaves)
    assert tasks.locator("math").count() >= len(leaves)
    assert tasks.locator(".blank").count() >= 3 * len(leaves)
    y.backward()
    shown = dict(t.split(" = ") for t in solved.locator("li").all_inner_texts())
    for name, x in leaves.items():
        assert number(shown[f"∂loss/∂{name}"]) == pytest.approx(x.grad, rel=1e-3)
    picture = sheet.locator("svg").text_content()
    assert "∂ ____" in picture
    assert f"{leaves['w1'].grad:.3g}" not in picture
    sheet.get_by_role("button", name="back").click()
    assert page.locator("main").is_visible()
    assert "&worksheet" not in page.url


def test_printing_prints_the_worksheet(page_of):
    page = page_of(neuron()[0])
    page.evaluate("window.dispatchEvent(new Event('beforeprint'))")
    page.emulate_media(media="print")
    assert page.locator("#worksheet").is_visible()
    assert not page.locator("main").is_visible()
    assert not page.locator("#worksheet button").first.is_visible()
    assert len(page.pdf()) > 10_000
    page.emulate_media(media="screen")
    assert page.locator("main").is_visible()
    assert "____" not in page.locator("#graph").text_content()


def test_a_graph_without_small_numbers_has_nothing_to_ask(page_of):
    y = np.sum(Value(np.ones((20, 20)), name="x") ** 2)
    page = page_of(y, "#quiz")
    assert "Nothing to ask" in page.locator("#quiz h2").inner_text()


def test_a_notebooks_frame_has_the_quiz_too(tab, tmp_path):
    (tmp_path / "page.html").write_text(play(twice()[0])._repr_html_(), "utf-8")
    page = tab((tmp_path / "page.html").as_uri())
    inside = page.frame_locator("iframe")
    inside.get_by_role("button", name="quiz").click()
    inside.locator("#answer").fill("1")
    inside.locator("#answer").press("Enter")
    assert "Right." in inside.locator("#feedback").inner_text()


@pytest.mark.parametrize(("width", "scheme"), [(1600, "light"), (360, "dark")])
@pytest.mark.parametrize("address", ["#quiz", "#worksheet", "#hide=all"])
def test_axe_finds_nothing_to_blame(page_of, axe, width, scheme, address):
    page = page_of(
        twice()[0], address, viewport={"width": width, "height": 740}, color_scheme=scheme
    )
    assert axe(page) == []
    if address == "#quiz":
        page.locator("#answer").fill("1")
        page.keyboard.press("Enter")
        assert axe(page) == []
        if width == 360:
            wide = page.evaluate("[document.documentElement.scrollWidth, window.innerWidth]")
            assert wide[0] <= wide[1]
            high = page.locator("#quiz button").evaluate_all(
                "all => all.map(b => b.getBoundingClientRect().height)"
            )
            assert min(high) >= 44
