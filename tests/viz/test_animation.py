"""Moving pictures: their numbers are the engine's, and they move without script."""

from __future__ import annotations

import io
import re
import sys
from xml.etree import ElementTree

import numpy as np
import pytest

import autograd
import nn
from autograd import Value, play
from autograd.viz.player.animation.colors import palettes
from autograd.viz.player.animation.shapes import along, sampled
from nn.functional import cross_entropy

SVG = "{http://www.w3.org/2000/svg}"


def neuron():
    a, b = Value(2.0, name="a"), Value(-3.0, name="b")
    loss = np.tanh(a * b + a)
    loss.name = "loss"
    return loss


def network():
    autograd.seed(0)
    model = nn.Sequential(nn.Linear(6, 4), nn.ReLU(), nn.Linear(4, 3))
    x = np.random.default_rng(0).normal(size=(5, 6)).astype(np.float32)
    return cross_entropy(model(x), np.arange(5) % 3), model


def texts(svg):
    """All texts, and of those that are shown at times the class that times them."""
    tree = ElementTree.fromstring(svg)
    parents = {child: parent for parent in tree.iter() for child in parent}
    return [
        (t.text, parents[t].get("class") if parents[t].tag == f"{SVG}g" else None)
        for t in tree.iter(f"{SVG}text")
    ]


def words(animation):
    return " ".join(text for text, _ in texts(animation.svg()) if text)


def number(text):
    return float(text.replace("−", "-"))


def test_every_gradient_of_the_finished_picture_is_the_engines():
    loss, model = network()
    scenes = play(loss).animation().scenes
    looks = scenes.all[-1].looks
    shown = {scenes.title(i): look for i, look in enumerate(looks)}
    loss.backward()
    for name, parameter in model.named_parameters():
        assert number(shown[name].gradient.removeprefix("∂ ")) == pytest.approx(
            np.sqrt(np.mean(np.square(parameter.grad))), rel=1e-2
        )
        assert number(shown[name].value.removeprefix("rms ")) == pytest.approx(
            np.sqrt(np.mean(np.square(parameter.data))), rel=6e-2
        )


def test_a_step_says_its_formula_with_its_numbers():
    scenes = play(neuron()).animation().scenes
    heading, says = scenes.all[1].heading, scenes.all[1].says
    assert heading == "Forward: +"
    assert says[0].endswith("= −6 + 2 = −4")
    last = scenes.all[-1]
    assert last.heading == "Backward: ×"
    assert "× (−3) =" in last.says[0]


def test_gradients_arrive_one_by_one_and_add_up():
    scenes = play(neuron()).animation().scenes
    titles = [scenes.title(i) for i in range(len(scenes.items))]
    seen = [scene.looks[titles.index("a")].gradient for scene in scenes.all]
    assert seen[:4] == [""] * 4
    assert seen[-2].endswith("(1/2)")
    loss = neuron()
    a = loss.inputs[0].inputs[1]
    loss.backward()
    assert number(seen[-1].removeprefix("∂ ")) == pytest.approx(a.grad, rel=1e-2)


def test_what_runs_back_along_an_arrow_is_the_contribution():
    scenes = play(neuron()).animation().scenes
    tanh = next(s for s in scenes.all if s.heading == "Backward: loss = tanh")
    (flow,) = tanh.edges
    assert flow.size == pytest.approx(1 - np.tanh(-4.0) ** 2, rel=1e-5)
    assert number(flow.text) == pytest.approx(flow.size, rel=1e-2)
    times = scenes.all[-1]
    a, b = Value(2.0), Value(-3.0)
    np.tanh(a * b + a).backward()
    assert [flow.sign for flow in times.edges] == [-1, 1]  # to a, times b; to b, times a
    assert b.grad > 0


def test_a_group_shows_its_result_and_its_gradient():
    loss, _ = network()
    scenes = play(loss).animation().scenes
    look = next(scenes.all[-1].looks[i] for i, (kind, _) in enumerate(scenes.items) if kind == "g")
    assert number(look.value) == pytest.approx(loss.item(), rel=1e-3)
    assert look.gradient == "∂ 1"


def test_a_view_inside_begins_with_what_it_is_computed_from():
    loss, _ = network()
    scenes = play(loss).animation("cross_entropy").scenes
    outside = range(len(scenes.items) - scenes.view.outside, len(scenes.items))
    assert any(scenes.before[i].known for i in outside)
    assert all(scenes.kind(i).endswith("outside") for i in outside)
    assert all(look.known for look in scenes.after)


def test_the_picture_has_no_script_and_refers_to_nothing():
    svg = play(network()[0]).animation().svg()
    assert "<script" not in svg
    assert "href" not in svg
    assert not re.search(r"\bon\w+=", svg)
    assert set(re.findall(r"https?://[^\"' )]+", svg)) == {"http://www.w3.org/2000/svg"}


def test_no_text_is_below_11_pixels():
    svg = play(network()[0]).animation().svg()
    sizes = [float(s) for s in re.findall(r"font(?:-size)?: ?([\d.]+)px", svg)]
    assert min(sizes) >= 11


@pytest.mark.parametrize("palette", palettes(), ids=["light", "dark"])
def test_ink_on_every_shade_has_a_contrast_of_four_and_a_half(palette):
    from autograd.viz.player.animation.colors import shaded

    def light(color):
        parts = [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        r, g, b = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
        return 0.2126 * r + 0.7152 * g + 0.0722 * b

    shades = re.findall(r"\.h[pm]?\d+\{fill:(#\w{6})\}", shaded(palette, ()))
    assert len(shades) > 30
    for shade in shades:
        low, high = sorted((light(shade), light(palette["ink"])))
        assert (high + 0.05) / (low + 0.05) >= 4.5


def test_steps_and_seconds_are_as_chosen():
    player = play(neuron())
    whole, part = player.animation(), player.animation(steps=(2, 5), seconds=0.5)
    assert "1/6" in words(whole)
    assert "6/6" in words(whole)
    assert re.findall(r"(\d)/6", words(part)) == ["3", "4", "5"]
    assert " 2.50s linear" in part.svg()  # three steps, and two at rest


def test_a_view_is_chosen_by_its_title():
    loss, _ = network()
    player = play(loss)
    assert "log_softmax" in words(player.animation("cross_entropy")) or "exp" in words(
        player.animation("cross_entropy")
    )
    with pytest.raises(ValueError, match=r"no group 'encoder'; the groups are 'cross_entropy'"):
        player.animation("encoder")


@pytest.mark.parametrize("steps", [(0, 0), (-1, 2), (3, 2), (0, 99)])
def test_steps_that_do_not_exist_are_refused(steps):
    with pytest.raises(ValueError, match="0 ≤ first < last ≤ 6"):
        play(neuron()).animation(steps=steps)


@pytest.mark.parametrize("seconds", [0, -1, float("nan"), float("inf")])
def test_a_step_takes_a_sensible_time(seconds):
    with pytest.raises(ValueError, match=r"seconds must be from 0\.1 to 60"):
        play(neuron()).animation(seconds=seconds)


def test_save_tells_a_page_from_a_picture(tmp_path):
    player = play(neuron())
    assert player.save(tmp_path / "a.svg", seconds=0.5).read_text().startswith("<svg")
    assert player.save(tmp_path / "a.html").read_text().startswith("<!doctype html>")
    with pytest.raises(TypeError, match="a page has no seconds="):
        player.save(tmp_path / "b.html", seconds=0.5)
    with pytest.raises(ValueError, match=r"must end in \.html \(the page\), \.svg or \.gif"):
        player.save(tmp_path / "a.mp4")


def test_hostile_names_are_shown_as_they_are():
    x = Value(2.0, name="<script>\"&'</svg>")
    animation = play(x * 3.0, title="</style><b>").animation()
    assert "<script>\"&'</svg>" in words(animation)
    assert "</style><b>" in words(animation)
    assert len(list(ElementTree.fromstring(animation.svg()).iter(f"{SVG}svg"))) == 1


@pytest.mark.parametrize(
    "make",
    [
        lambda: Value(1.0, name="alone"),
        lambda: np.sum(Value(np.zeros((0, 3)), name="empty")),
        lambda: Value(np.nan, name="x") * 2.0,
        lambda: np.sum(Value(np.full((3, 3), np.inf)) * 0.0),
        lambda: np.sum(Value(np.ones((2, 3, 4, 5)), name="x") ** 2),
        lambda: Value(2.0, requires_grad=False) * 3.0,
    ],
    ids=["leaf", "empty", "nan", "inf", "four axes", "constant"],
)
def test_odd_graphs_can_be_drawn(make):
    with np.errstate(all="ignore"):
        y = make()
    ElementTree.fromstring(play(y).animation().svg())


def test_a_route_is_gone_along_from_end_to_end():
    route = sampled([(0, 0), (10, 0), (20, 10), (20, 20)])
    assert along(route, 0) == (0, 0)
    assert along(route, 1) == pytest.approx((20, 20))
    xs = [along(route, k / 10)[0] for k in range(11)]
    assert xs == sorted(xs)


@pytest.fixture
def frame(tab, tmp_path):
    """Show an SVG as README files do: in an img element, which runs no script."""

    def frame(svg, **context):
        (tmp_path / "story.svg").write_text(svg, "utf-8")
        (tmp_path / "page.html").write_text('<body style="margin:0"><img src="story.svg">', "utf-8")
        context = {"viewport": {"width": 1000, "height": 700}, **context}
        return tab((tmp_path / "page.html").as_uri(), **context)

    return frame


def screens(page, count):
    """Different looks of the page, one after the other."""
    found = [page.screenshot()]
    for _ in range(60):
        page.wait_for_timeout(100)
        now = page.screenshot()
        if now != found[-1]:
            found.append(now)
        if len(found) >= count:
            break
    return found


def test_it_moves_in_an_img_element(frame):
    page = frame(play(neuron()).animation(seconds=0.3).svg())
    assert len(screens(page, 4)) == 4


def test_it_stands_finished_for_readers_who_want_less_motion(tab, tmp_path):
    (tmp_path / "story.svg").write_text(play(neuron()).animation(seconds=0.1).svg(), "utf-8")
    address = (tmp_path / "story.svg").as_uri()
    page = tab(address, reduced_motion="reduce")  # which img elements would not see
    first = page.screenshot()
    page.wait_for_timeout(300)
    assert page.screenshot() == first
    shown = page.locator("text").evaluate_all(
        "all => all.filter(t => t.checkVisibility({opacityProperty: true})).map(t => t.textContent)"
    )
    assert {"a", "b", "loss = tanh", "−4", "∂ 1"} <= set(shown)
    assert not any("/2)" in text or text.startswith(("1/6", "Forward")) for text in shown)


def test_arrows_turn_in_the_backward_pass():
    svg = play(neuron()).animation().svg()
    tree = ElementTree.fromstring(svg)
    ahead = {p.get("d") for p in tree.iter(f"{SVG}path") if p.get("class") == "tip"}
    back = {p.get("d") for p in tree.iter(f"{SVG}path") if p.get("class", "").startswith("back")}
    tips = lambda paths: {re.match(r"M([\d.]+),([\d.]+)", d).groups() for d in paths}  # noqa: E731
    assert len(ahead) == len(back) == 5
    assert not tips(ahead) & tips(back)


def test_a_gif_has_the_frames_and_lasts_as_long_as_the_svg():
    image = pytest.importorskip("PIL.Image")
    pytest.importorskip("resvg_py")
    animation = play(neuron()).animation(seconds=0.5)
    picture = image.open(io.BytesIO(animation.gif()))
    assert picture.size == (animation.width, animation.height)
    lasted = 0
    for k in range(picture.n_frames):
        picture.seek(k)
        lasted += picture.info["duration"]
    assert lasted == (6 + 2) * 500
    picture.seek(0)
    assert len(set(picture.convert("RGB").resize((60, 40)).get_flattened_data())) > 8


@pytest.mark.parametrize("package", ["PIL", "resvg_py"])
def test_without_what_a_gif_needs_the_message_says_what_to_install(package, monkeypatch):
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(RuntimeError, match=r'pip install "glassgrad\[gif\]"'):
        play(neuron()).animation().gif()
