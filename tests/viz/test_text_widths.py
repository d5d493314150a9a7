"""Texts of a picture keep their widths in any font."""

from __future__ import annotations

import re

import pytest

from autograd import Value, draw
from autograd.viz.metrics import squeezed, width


def test_digits_are_556_thousandths_wide():
    assert width("0000", 1000) == 4 * 556


def test_bold_is_wider():
    assert width("bias", 10, bold=True) > width("bias", 10)


def test_a_text_with_an_unknown_character_is_left_as_it_is():
    text = '<text font-family="Arial" font-size="10.00">ȳ · x</text>'
    assert squeezed(text) == text


def test_entities_count_as_one_character():
    text = '<text font-family="Arial" font-size="10.00">a &lt; b</text>'
    wide = float(re.search(r'textLength="([\d.]+)"', squeezed(text))[1])
    assert wide == pytest.approx(width("a < b", 10), abs=0.1)


def test_numbers_in_a_drawing_carry_their_width():
    svg = draw(Value(2.0, name="a") * Value(-3.5, name="b")).svg()
    assert svg.count("textLength") >= 4
