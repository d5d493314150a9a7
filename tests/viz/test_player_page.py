"""The player in a real browser: stepping, folding, keyboard, search, small screens, odd names."""

from __future__ import annotations

import pathlib

import numpy as np
import pytest

import autograd
import nn
from autograd import Value, play
from nn.functional import cross_entropy, relu, sigmoid


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
    page.press("Home")
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
    page.press("Home", *["ArrowRight"] * 3)
    assert page.text("#count") == "3 / 6"
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
    assert page.page.locator("#strip .gradient span").count() == 2 * 9
    assert "‖∂L/∂h‖" in page.text("#strip")
    assert "‖∂L/∂c‖" in page.text("#strip")
    enter("step × 9")
    page.page.locator("#which").focus()
    page.press("ArrowRight", "ArrowRight")
    assert "step 3 of 9" in page.text("#crumbs")
    assert page.page.locator(".box", has_text=" gate ").count() == 3
    page.press("End")
    assert "∂" in page.text(".box.op")
    page.press("Escape", "Escape")
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
            c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
            h = sigmoid(o) * np.tanh(c)
            states["c"].append(c)
        states["h"].append(h)
    return states


@pytest.mark.parametrize("kind", [nn.RNN, nn.LSTM])
def test_the_strip_over_time_has_the_gradient_of_every_state(visit, kind):
    autograd.seed(0)
    layer, x = kind(5, 8), np.random.default_rng(0).normal(size=(12, 3, 5)).astype(np.float32)
    page = visit(np.sum(layer(x)[0][-1]))
    for _ in range(3):
        if "step" not in page.text(".box.group"):
            page.page.locator(".box.group").first.focus()
            page.press("Enter")
    page.page.locator(".box.group", has_text="step × 12").focus()
    page.press("Enter")
    steps = []
    for _ in range(12):
        steps.append(page.text("#crumbs [aria-current]"))
        if len(steps) < 12:
            page.page.get_by_label("next repetition").click()
    assert steps == [f"step {t} of 12" for t in range(1, 13)]
    shown = page.page.locator("#strip .gradient span").evaluate_all(
        "bars => bars.map(b => b.title)"
    )
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


def test_a_page_opens_finished_and_plays_from_the_start(visit):
    loss = neuron()
    loss.name = "loss"
    page = visit(loss)
    assert page.page.locator(".box.unreached, .box.active").count() == 0
    assert f"loss = {loss.data:.4g}".replace("-", "−") in page.text("#now")
    shown = page.text(".box.leaf", "b").partition("∂")[2].replace("−", "-")
    b = loss.inputs[0].inputs[0].inputs[1]
    loss.backward()
    assert float(shown) == pytest.approx(b.grad, rel=1e-2)
    page.page.clock.install()
    page.press("Space")
    assert page.text("#count") == "0 / 6"


def test_the_formula_of_a_broadcast_input_sums_over_the_batch(visit):
    rng = np.random.default_rng(0)
    w, b = Value(rng.normal(size=(3, 2)), name="w"), Value(np.zeros(2), name="b")
    loss = np.sum((rng.normal(size=(8, 3)) @ w + b) ** 2)
    page = visit(loss)
    page.step_to("Backward: +")
    term = page.page.locator(".term", has_text="to b:")
    assert "".join(term.locator("math").text_content().split()) == "∑0y¯"
    loss.backward()
    shown = float(term.locator(".sum").inner_text().rpartition(" ")[2])
    assert shown == pytest.approx(np.sqrt(np.mean(b.grad**2)), rel=1e-3)


def test_single_numbers_are_no_root_mean_squares(visit):
    b = Value(np.array([0.5]), name="b")
    loss = np.sum((np.arange(4.0)[:, None] + b) ** 2)
    page = visit(loss)
    page.step_to("Backward: +")
    assert "contribution 16" in page.text(".term", "to b:")
    loss.backward()
    assert b.grad == 16


def test_addends_of_a_sum_are_shown(visit):
    a, b = Value(2.0, name="a"), Value(-3.0, name="b")
    page = visit(a * b + a**2)
    page.press("Home", "End")
    assert "they add up: 4 + (−3) = 1" in page.text("#now")


def test_letters_of_nameless_inputs_are_no_names_of_others(visit):
    a, b = Value(2.0, name="a"), Value(-3.0, name="b")
    page = visit(a * b + a**2)
    page.press("Home", *["ArrowRight"] * 3)
    text = page.text("#now")
    assert "Forward: +" in text
    assert "a, the result" not in text
    assert "b, the result" not in text
    assert "= −6 + 4" in " ".join(text.split()) or "−6+4" in "".join(text.split()).replace("-", "−")


def test_behind_a_dead_relu_the_local_derivative_is_shown(visit):
    x, w = Value(2.0, name="x"), Value(-1.5, name="w")
    page = visit(relu(x * w))
    page.press("Home", "End")
    assert "0 × −1.5 = 0" in page.text(".term", "to x:")


def test_an_infinite_slope_is_shown_and_a_branch_not_taken_is_said(visit):
    x = Value(0.0, name="x")
    with np.errstate(divide="ignore"):
        y = np.sqrt(x)
    page = visit(y)
    page.press("End")
    assert "1 × ∞ = ∞" in page.text(".term")
    page = visit(np.where(x > 1, y, 0.5 * x))
    page.step_to("Backward: √")
    assert "0 × ∞ = 0: no branch that was taken" in page.text(".term")


def test_what_rounding_left_is_not_shown_as_a_gradient(visit):
    autograd.seed(0)
    model = nn.Sequential(nn.Linear(5, 4), nn.BatchNorm1d(4), nn.Linear(4, 3))
    x = np.random.default_rng(0).normal(size=(32, 5)).astype(np.float32)
    page = visit(cross_entropy(model(x), np.arange(32) % 3))
    assert page.text(".box.leaf", "0.bias").endswith("∂ ≈ 0")
    assert "∂ 0." in page.text(".box.leaf", "2.bias")


def test_weights_have_paths_and_single_ops_their_modules_name(visit):
    model = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2))
    page = visit(np.sum(model(np.ones((2, 3), np.float32))))
    titles = page.page.locator(".box .title").all_text_contents()
    assert {"0.weight", "2.bias", "Linear", "ReLU"} <= set(titles)


def test_the_op_stands_beside_the_users_name(visit):
    loss = neuron()
    loss.name = "loss"
    assert "loss = tanh" in visit(loss).page.locator(".box .title").all_text_contents()


CONTRAST = """() => {
  const channels = (text) => {
    const m = text.match(/[\\d.]+(e-?\\d+)?/g).map(Number).slice(0, 3);
    return text.startsWith("color(") ? m : m.map((x) => x / 255);
  };
  const linear = (x) => (x <= 0.04045 ? x / 12.92 : ((x + 0.055) / 1.055) ** 2.4);
  const light = (text) => {
    const [r, g, b] = channels(text).map(linear);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const ratio = (...colors) => {
    const [dark, bright] = colors.map(light).sort((a, b) => a - b);
    return (bright + 0.05) / (dark + 0.05);
  };
  const found = [];
  document.querySelectorAll(".box").forEach((g) => {
    const back = getComputedStyle(g.querySelector("rect")).fill;
    const opacity = +getComputedStyle(g).opacity;
    for (const t of g.querySelectorAll("text"))
      if (t.textContent)
        found.push([t.textContent, ratio(getComputedStyle(t).fill, back), opacity]);
  });
  document.querySelectorAll("header *, aside *, footer *, #strip *").forEach((e) => {
    const written = [...e.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim());
    if (!written || !e.checkVisibility()) return;
    let at = e;
    const back = () => getComputedStyle(at).backgroundColor;
    while (back() === "rgba(0, 0, 0, 0)") at = at.parentElement;
    found.push([e.textContent, ratio(getComputedStyle(e).color, back()), 1]);
  });
  return found;
}"""


def shaded():
    """A graph whose gradients take every shade, with one that is NaN and one that is noise."""
    x, w = Value(np.array([1.0, np.inf]), name="x"), Value(1e-6, name="w")
    parts = [Value(10.0**-k, name=f"p{k}") for k in range(7)]
    total = sum(p * 10.0 ** (k - 3) for k, p in enumerate(parts))
    with np.errstate(invalid="ignore"):
        return np.sum(x * 0.0 * w) + total


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("make", [neuron, shaded, speller])
def test_every_text_has_a_contrast_of_four_and_a_half(visit, scheme, make):
    page = visit(make(), color_scheme=scheme, reduced_motion="reduce")
    for keys in ((), ("Home",), ("ArrowRight",) * 3, ("End",), ("ArrowLeft",) * 2):
        page.press(*keys)
        found = page.page.evaluate(CONTRAST)
        assert len(found) > 20
        assert [(t, r, o) for t, r, o in found if r < 4.5 or o < 1] == []


@pytest.mark.parametrize("keys", [(), ("Home",)])
def test_the_legend_explains_what_is_on_the_page(visit, keys):
    page = visit(neuron())
    page.press(*keys)
    text = page.text("#legend")
    for word in ("leaf", "result of an op", "not computed yet", "∂", "ȳ", "size of the gradient"):
        assert word in text
    assert "NaN" not in text


def test_without_javascript_there_is_a_still_picture(visit):
    page = visit(neuron(), java_script_enabled=False)
    texts = page.page.locator("noscript svg text").all_text_contents()
    assert {"a", "b"} <= set(texts)
    assert any("grad" in text for text in texts)


def test_the_address_holds_view_and_step(visit):
    page = visit(speller())
    page.page.locator(".box.group").first.focus()
    page.press("Enter", "Home", "ArrowRight", "ArrowRight")
    address = page.page.url
    assert address.endswith("s2")
    where = page.text("#crumbs"), page.text("#count")
    page.page.goto("about:blank")
    page.page.goto(address)
    assert (page.text("#crumbs"), page.text("#count")) == where


def test_the_focus_stays_in_the_graph(visit):
    page = visit(speller())
    page.page.locator(".box.group").first.focus()
    for key in ("Enter", "Escape", " "):
        page.press(key)
        assert page.page.evaluate("document.activeElement.classList.contains('box')")
    assert page.text("#crumbs") != "the whole graph"


def test_names_in_formulas_stand_apart(visit):
    w = Value(np.ones((2, 3)), name="weight")
    page = visit(np.sum(np.tanh(np.ones((4, 3)) @ w.T)))
    page.step_to("Forward: tanh")
    math = page.page.locator("#now math").first
    assert math.locator("mi:text-is('tanh') + mspace").count() == 1


@pytest.mark.parametrize(("width", "scheme"), [(1600, "light"), (360, "dark")])
@pytest.mark.parametrize("make", [neuron, speller])
def test_axe_finds_nothing_to_blame(visit, axe, make, width, scheme):
    page = visit(make(), viewport={"width": width, "height": 740}, color_scheme=scheme)
    for keys in ((), ("Home", "ArrowRight"), ("End",), ("Tab",) * 9 + ("Enter",)):
        page.press(*keys)
        assert axe(page.page) == []


def test_a_notebooks_frame_works_without_an_address(visit, tmp_path):
    (tmp_path / "notebook.html").write_text(play(neuron())._repr_html_(), "utf-8")
    page = visit(tmp_path / "notebook.html")
    inside = page.page.frame_locator("iframe")
    inside.locator("#back").click()
    assert inside.locator("#count").inner_text() == "5 / 6"


def test_a_zoom_stays_when_the_window_changes_and_the_wheel_zooms(visit):
    page = visit(neuron())
    wide = lambda: page.page.evaluate("document.getElementById('graph').clientWidth")  # noqa: E731
    page.page.locator("#larger").click()
    zoomed = wide()
    page.page.set_viewport_size({"width": 900, "height": 700})
    assert wide() == zoomed
    page.page.mouse.move(300, 300)
    page.page.keyboard.down("Control")
    page.page.mouse.wheel(0, -300)
    page.page.wait_for_function(
        f"document.getElementById('graph').clientWidth > {zoomed}", timeout=5000
    )
    page.page.keyboard.up("Control")
    page.page.locator("#fit").click()
    assert wide() < zoomed


def test_maps_of_signed_data_show_the_signal(visit):
    signs = np.where(np.arange(24)[:, None] % 2, -1.0, 1.0) * np.ones(24)
    page = visit(np.sum(Value(signs, name="w") * 2.0))
    page.page.locator(".box.leaf").first.hover()
    assert "largest of each block" in page.text("#node figcaption")
    fills = page.page.locator("#node figure svg rect").evaluate_all(
        "cells => cells.map(c => c.style.fill)"
    )
    assert "100%" in fills[0]


def test_an_image_batch_is_shown_as_pictures(visit):
    images = np.zeros((8, 2, 6, 6))
    images[3, 1, 2:4, 2:4] = 1.0
    page = visit(np.sum(Value(images, name="x") ** 2))
    page.page.locator(".box.leaf").first.hover()
    figure = page.page.locator("#node figure").first
    assert "[3, 1]" in figure.inner_text()
    cells = figure.locator("svg[aria-label*='[3, 1]'] rect").evaluate_all(
        "cells => cells.map(c => !c.style.fill.includes(' 0%'))"
    )
    assert np.array_equal(np.reshape(cells, (6, 6)), images[3, 1] > 0)


def test_the_line_of_the_source_is_shown(visit):
    with autograd.source_lines():
        y = Value(2.0) * 3.0
    page = visit(y)
    page.press("End")
    page.page.locator(".box.op").first.focus()
    assert "y = Value(2.0) * 3.0" in page.text("#node code")
    assert page.text("#node code").startswith("test_player_page.py:")
    assert str(pathlib.Path(__file__).parent) not in page.page.content()


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
    assert page.text("#count") == "6 / 6"
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


@pytest.mark.parametrize("width", [320, 360, 600, 760])
def test_on_a_phone_the_search_and_its_hits_are_not_covered(visit, width):
    page = visit(neuron(), viewport={"width": width, "height": 740}).page
    search, zoom = (page.locator(x).bounding_box() for x in ("#query", "#zoom"))
    assert search["x"] + search["width"] <= zoom["x"]
    assert zoom["y"] >= 0
    page.fill("#query", "b")
    page.locator("#hits button").first.click(timeout=3000)
