"""autograd.viz.dot, render and drawing: from a picture to SVG, PNG and files."""

from __future__ import annotations

import subprocess
import sys
import xml.etree.ElementTree as ET

import numpy as np
import pytest

import autograd
from autograd import Value, draw
from autograd.viz import render

HOSTILE = ['<script>"&\n\\N{x}', "</table>]]>--><b>", "\\N\\G\\E\\L", "&amp;", "a\x00b\x1b", "%1"]


@pytest.fixture
def product():
    return Value(2.0, name="a") * Value([1.0, -3.0], name="b")


def texts(svg):
    root = ET.fromstring(svg)
    assert not [e for e in root.iter() if e.tag.endswith("script")]
    return ["".join(e.itertext()) for e in root.iter() if e.tag.endswith("}text")]


def test_the_svg_is_xml_with_every_name_in_it(product):
    assert {"a", "b"} <= set(texts(draw(product).svg()))


@pytest.mark.parametrize("name", HOSTILE)
def test_any_name_appears_as_it_is(name):
    a = Value(2.0, name=name)
    shown = name.replace("\n", r"\n").replace("\x00", r"\x00").replace("\x1b", r"\x1b")
    assert shown in texts(draw(np.sin(a) * a, gradients=True, formulas=True).svg())


@pytest.mark.parametrize("name", HOSTILE)
def test_any_name_is_harmless_in_a_formula(name):
    assert texts(draw(Value(2.0) * Value(3.0, name=name), formulas=True).svg())


def test_the_background_is_white_also_on_a_dark_page(product):
    assert "bgcolor=white" in draw(product).dot


def test_a_gradient_is_coloured_and_explained(product):
    shown = " ".join(texts(draw(product, gradients=True).svg()))
    assert "grad [2, 2]" in shown
    assert "gradient (rms)" in shown


def test_no_gradient_is_said_and_not_shown_as_zero():
    y = np.where(Value(1.0, name="c"), Value(2.0), Value(3.0, requires_grad=False))
    shown = " ".join(texts(draw(y, gradients=True).svg()))
    assert "no gradient" in shown
    assert "grad 0" not in shown


def test_formulas_stand_on_the_arrows(product):
    assert "ȳ · b" in " ".join(
        t.replace("\xa0", " ") for t in texts(draw(product, formulas=True).svg())
    )


def test_the_same_graph_gives_the_same_bytes(product):
    assert draw(product, formulas=True).svg() == draw(product, formulas=True).svg()


@pytest.mark.parametrize(
    ("suffix", "start"), [("svg", b"<svg"), ("png", b"\x89PNG"), ("dot", b"digraph")]
)
def test_save_writes_by_suffix_and_returns_the_path(product, tmp_path, suffix, start):
    path = draw(product).save(tmp_path / f"graph.{suffix}")
    assert path.read_bytes().startswith(start)
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


def test_another_suffix_is_refused_with_the_three(product, tmp_path):
    with pytest.raises(ValueError, match=r"\.svg, \.png or \.dot"):
        draw(product).save(tmp_path / "graph.pdf")
    assert list(tmp_path.iterdir()) == []


def test_a_notebook_gets_an_svg(product):
    bundle = draw(product)._repr_mimebundle_()
    assert bundle["image/svg+xml"].startswith("<svg")
    assert bundle["text/plain"] == repr(draw(product))


def test_a_wrong_direction_is_refused(product):
    with pytest.raises(ValueError, match="direction"):
        draw(product, direction="up")


@pytest.mark.parametrize("direction", ["LR", "TB", "RL", "BT"])
def test_every_direction_draws(product, direction):
    assert draw(product, direction=direction).svg()


def test_no_program_on_the_path_is_needed(product, monkeypatch):
    monkeypatch.setenv("PATH", "")
    assert draw(product).svg().startswith("<svg")


def test_without_any_graphviz_the_error_says_what_to_install(product, monkeypatch, tmp_path):
    monkeypatch.setattr(render, "programs", list)
    with pytest.raises(RuntimeError, match="pip install graphviz-pure"):
        draw(product).svg()
    assert draw(product).save(tmp_path / "x.dot").exists()


def test_a_program_that_fails_makes_way_for_the_next(product, monkeypatch, tmp_path):
    broken = tmp_path / "dot"
    broken.write_text("#!/bin/sh\nexit 3\n")
    broken.chmod(0o755)
    good = render.programs()
    monkeypatch.setattr(render, "programs", lambda: [str(broken), str(tmp_path / "none"), *good])
    assert draw(product).svg().startswith("<svg")


def test_import_autograd_imports_no_drawing_library():
    code = (
        "import sys, autograd; "
        "print([m for m in ('graphviz', 'numba', 'rich', 'jinja2') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_draw_is_public():
    assert autograd.draw is draw
