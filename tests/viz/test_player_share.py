"""Sharing from the player: pictures, links and texts, on a page by itself and in a notebook."""

from __future__ import annotations

import io
from xml.etree import ElementTree

import numpy as np
import pytest

from autograd import Value, play

SVG = "{http://www.w3.org/2000/svg}"


def neuron():
    a, b = Value(2.0, name="a"), Value(-3.0, name="b")
    return np.tanh(a * b + a)


@pytest.fixture
def opened(tab, tmp_path):
    """Open the neuron's page by itself, or as a notebook shows it: the page, and its frame."""

    def opened(notebook=False, **settings):
        player = play(neuron(), title="A neuron")
        path = tmp_path / "page.html"
        path.write_text(player._repr_html_() if notebook else player.html(), "utf-8")
        expected = "Permissions policy violation: The Clipboard API" if notebook else ()
        settings = {"viewport": {"width": 1400, "height": 900}, **settings}
        page = tab(path.as_uri(), expected=expected, accept_downloads=True, **settings)
        page.set_default_timeout(10_000)
        frame = page.frames[-1]
        frame.wait_for_selector(".box")
        frame.locator("#share summary").click()
        return page, frame

    return opened


def saved(tab, frame, name):
    with tab.expect_download() as download:
        frame.get_by_role("button", name=name).click()
    return download.value


@pytest.mark.parametrize("notebook", [False, True])
def test_the_picture_in_view_is_saved_as_an_svg_that_stands_alone(opened, notebook, tmp_path):
    tab, frame = opened(notebook)
    download = saved(tab, frame, "save picture as SVG")
    assert download.suggested_filename.startswith("A-neuron-")
    download.save_as(tmp_path / "picture.svg")
    text = (tmp_path / "picture.svg").read_text("utf-8")
    tree = ElementTree.fromstring(text)
    texts = {t.text for t in tree.iter(f"{SVG}text")}
    shown = frame.locator("#graph text").evaluate_all("all => all.map(t => t.textContent)")
    assert {t for t in shown if t} <= texts
    assert not any(word in text for word in ("var(", "color(", "class=", "<script"))
    fills = frame.locator(".box rect").evaluate_all("all => all.map(r => getComputedStyle(r).fill)")
    written = [r.get("style") for r in tree.iter(f"{SVG}rect")]
    assert len(written) >= len(fills) + 1
    assert "fill:rgb" in "".join(filter(None, written))


def test_the_picture_in_view_is_saved_as_a_png(opened):
    image = pytest.importorskip("PIL.Image")
    tab, frame = opened()
    download = saved(tab, frame, "save picture as PNG")
    picture = image.open(io.BytesIO(download.path().read_bytes()))
    box = frame.locator("#graph").evaluate("g => g.viewBox.baseVal.width")
    assert picture.width >= 2 * box
    assert len(picture.convert("RGB").getcolors(1 << 24)) > 50


def test_the_link_leads_to_the_same_view_and_step(opened):
    tab, _ = opened(permissions=["clipboard-read", "clipboard-write"])
    tab.keyboard.press("Escape")
    tab.keyboard.press("Home")
    for _ in range(3):
        tab.keyboard.press("ArrowRight")
    was = tab.locator("#now h2").inner_text(), tab.locator("#count").inner_text()
    tab.locator("#share summary").click()
    tab.get_by_role("button", name="copy link to this step").click()
    tab.get_by_text("Copied the link.").wait_for()
    link = tab.evaluate("navigator.clipboard.readText()")
    tab.goto("about:blank")
    tab.goto(link)
    assert (tab.locator("#now h2").inner_text(), tab.locator("#count").inner_text()) == was


def test_a_step_is_copied_as_text_with_its_formula_and_numbers(opened):
    tab, _ = opened(permissions=["clipboard-read", "clipboard-write"])
    tab.keyboard.press("Escape")
    tab.keyboard.press("End")
    for _ in range(10):
        if tab.locator("#now h2").inner_text().startswith("Backward: tanh"):
            break
        tab.keyboard.press("ArrowLeft")
    tab.locator("#share summary").click()
    tab.get_by_role("button", name="copy this step as text").click()
    tab.get_by_text("Copied the step.").wait_for()
    text = tab.evaluate("navigator.clipboard.readText()")
    assert text.startswith("A neuron\nBackward: tanh")
    assert "y²" in text
    local = 1 - np.tanh(-4.0) ** 2
    assert f"= {local:.4g}" in text or f"{local:.4g}" in text.replace("−", "-")


def test_the_description_says_what_the_picture_shows(opened):
    tab, _ = opened(permissions=["clipboard-read", "clipboard-write"])
    tab.get_by_role("button", name="copy description").click()
    tab.get_by_text("Copied the description.").wait_for()
    text = tab.evaluate("navigator.clipboard.readText()")
    assert text.startswith("Graph of A neuron: 3 ops, 2 leaves.")
    assert "−0.9993" in text


def test_in_a_notebooks_frame_texts_are_copied_or_shown(opened):
    _, frame = opened(notebook=True)
    frame.get_by_role("button", name="copy description").click()
    said = frame.locator("#shared")
    frame.locator("#shared:not(:empty)").wait_for()
    field = frame.locator("#shared textarea")
    assert "Copied the description." in said.inner_text() or "Graph of" in field.input_value()
    frame.get_by_role("button", name="copy link").click()
    assert "has no address" in said.inner_text()


def test_without_any_clipboard_the_text_is_there_to_be_copied(opened):
    _, frame = opened(notebook=True)
    frame.evaluate("document.execCommand = () => false")
    frame.get_by_role("button", name="copy description").click()
    frame.get_by_text("Copy the description from here").wait_for()
    assert frame.locator("#shared textarea").input_value().startswith("Graph of A neuron")


def test_the_menu_is_used_and_left_by_keyboard(opened):
    tab, _ = opened()
    assert tab.locator("#share").evaluate("d => d.open")
    before = tab.locator("#count").inner_text()
    tab.keyboard.press("Tab")
    tab.keyboard.press("ArrowLeft")  # a key of the page
    assert tab.locator("#count").inner_text() == before
    tab.keyboard.press("Escape")
    assert not tab.locator("#share").evaluate("d => d.open")
    assert tab.evaluate("document.activeElement.tagName") == "SUMMARY"


def test_the_open_menu_is_accessible_on_any_screen(opened, axe):
    for scheme in ("light", "dark"):
        tab, _ = opened(color_scheme=scheme)
        assert axe(tab) == []
        tab.set_viewport_size({"width": 360, "height": 740})
        assert axe(tab) == []
        box = tab.locator("#share > div").bounding_box()
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= 360
