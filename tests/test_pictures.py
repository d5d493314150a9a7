"""The README's pictures show what the code makes today."""

from __future__ import annotations

import re
import runpy
from pathlib import Path
from xml.etree import ElementTree

import pytest

ROOT = Path(__file__).parents[1]
IMAGES = ROOT / "notebooks" / "images"
PICTURES = runpy.run_path(str(IMAGES / "pictures.py"))["PICTURES"]
_NUMBER = re.compile(r"−?\d+(?:\.\d+)?(?:e−?\d+)?")


def texts(svg):
    """The texts of a drawing with numbers left out, and the numbers."""
    tree = ElementTree.fromstring(svg)
    found = [t.text or "" for t in tree.iter("{http://www.w3.org/2000/svg}text")]
    numbers = [float(n.replace("−", "-")) for text in found for n in _NUMBER.findall(text)]
    return [_NUMBER.sub("#", text) for text in found], numbers


@pytest.mark.parametrize("name", PICTURES)
def test_a_picture_shows_what_the_code_makes_today(name):
    pytest.importorskip("sklearn")
    words, numbers = texts((IMAGES / name).read_text("utf-8"))
    words_today, numbers_today = texts(PICTURES[name]())
    assert words_today == words, "run notebooks/images/pictures.py"
    assert numbers_today == pytest.approx(numbers, rel=2e-2, abs=1e-3)


def test_every_picture_of_the_readme_is_there_and_every_svg_is_made():
    shown = re.findall(
        r"!\[[^\]]+\]\(notebooks/images/([\w.]+)\)", (ROOT / "README.md").read_text()
    )
    assert {name for name in shown if name.endswith(".svg")} == set(PICTURES)
    assert all((IMAGES / name).is_file() for name in shown)
