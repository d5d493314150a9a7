"""Reports on streams that do not have all characters."""

from __future__ import annotations

import io
import sys

import numpy as np
import pytest

import autograd
import nn
from autograd.printable import PLAIN, printable


def on(monkeypatch, encoding):
    """Standard output in an encoding, and what goes there."""
    buffer = io.BytesIO()
    stream = io.TextIOWrapper(buffer, encoding=encoding, write_through=True)
    monkeypatch.setattr(sys, "stdout", stream)
    return buffer


def history():
    made = nn.train.History()
    for loss in (1.0, 0.5, 0.25):
        made.append({"loss": loss})
    return made


def explanation():
    x = autograd.Value([1.0, 2.0], name="µ")
    return autograd.explain(np.sum(x * np.exp(x)), x)


def summary():
    return nn.summary(nn.Sequential(nn.Linear(2, 3), nn.ReLU()), np.ones((1, 2), np.float32))


def profiled():
    model = nn.Linear(2, 3)
    return autograd.profile(lambda: np.sum(model(np.ones((4, 2), np.float32))))


REPORTS = [history, explanation, summary, profiled]


@pytest.mark.parametrize("encoding", ["cp1252", "ascii", "latin-1"])
@pytest.mark.parametrize("make", REPORTS, ids=lambda f: f.__name__)
def test_reports_can_be_printed_where_characters_are_missing(make, encoding, monkeypatch):
    report = make()
    buffer = on(monkeypatch, encoding)
    sys.stdout.write(f"{report}\n{report!r}\n")
    assert buffer.getvalue().decode(encoding).strip()


def test_text_is_left_as_it_is_where_all_characters_are_there(monkeypatch):
    on(monkeypatch, "utf-8")
    assert repr(history()) == "History(3 epochs: loss 1 → 0.25)"
    on(monkeypatch, "ascii")
    assert repr(history()) == "History(3 epochs: loss 1 -> 0.25)"


def test_characters_that_the_stream_has_are_kept(monkeypatch):
    on(monkeypatch, "cp1252")
    assert printable("µ → ‖x‖ ▁█ 漢") == "µ -> ||x|| _# ?"


def test_no_standard_output_is_as_good_as_all_characters(monkeypatch):
    monkeypatch.setattr(sys, "stdout", None)
    assert printable("∂") == "∂"


def test_replacements_are_ascii():
    assert all(text.isascii() for text in PLAIN.values())
