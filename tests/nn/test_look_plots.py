from __future__ import annotations

import io
import sys

import numpy as np
import pytest

import nn
from nn import look

pytest.importorskip("matplotlib", reason="needs matplotlib")

GATES = {name: np.random.default_rng(0).random((1, 70, 2, 9)) for name in ("forget", "c", "h")}
IMAGES = np.random.default_rng(1).random((3, 1, 8, 8))
FILTERS = np.random.default_rng(2).normal(size=(19, 5, 5))
FIGURES = {
    "maps": lambda: look.show_maps(FILTERS, titles=range(19)),
    "attribution": lambda: look.show_attribution(IMAGES, IMAGES - 0.5, titles=["three", "1", 4]),
    "adversarial": lambda: look.show_adversarial(IMAGES, IMAGES + 0.1, before="314", after="159"),
    "gates": lambda: look.show_gates(GATES, ["a", " ", "\n", "b", "c"] * 14, sample=1),
    "words": lambda: look.show_gates(GATES, ["a", "long", "word"] * 23 + ["end"]),
    "attention": lambda: look.show_attention(IMAGES[:, 0], "abcdefgh", ["long", "words"] * 4),
    "many": lambda: look.show_attention(np.ones((90, 90)) / 90, ["token"] * 90),
    "norms": lambda: look.show_gradient_norms({"LSTM": 0.5 ** np.arange(99.0), "RNN": np.zeros(9)}),
}  # fmt: skip


@pytest.mark.parametrize("name", FIGURES)
def test_no_two_words_of_a_figure_overlap(name, monkeypatch):
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.text import Text

    figure = FIGURES[name]()
    drawn, draw = [], Text.draw
    monkeypatch.setattr(Text, "draw", lambda text, *args: (drawn.append(text), draw(text, *args)))
    FigureCanvasAgg(figure).draw()
    words = {id(t): t for t in drawn if t.get_visible() and t.get_text().strip()}.values()
    boxes = [(t.get_text(), t.get_window_extent()) for t in words]
    boxes = [(text, box.x0, box.x1, box.y0, box.y1) for text, box in boxes if box.width > 0]
    assert len(boxes) > 3
    for k, (a, *p) in enumerate(boxes):
        for b, *q in boxes[:k]:
            apart = p[1] <= q[0] + 1 or q[1] <= p[0] + 1 or p[3] <= q[2] + 1 or q[3] <= p[2] + 1
            assert apart, f"{a!r} lies on {b!r}"
        assert p[0] >= -1
        assert p[1] <= figure.bbox.width + 1


def test_a_figure_can_be_saved():
    buffer = io.BytesIO()
    FIGURES["gates"]().savefig(buffer, format="png")
    assert buffer.getvalue().startswith(b"\x89PNG")


def test_axes_are_named_and_show_what_was_given():
    figure = look.show_gates(GATES, sample=1)
    np.testing.assert_array_equal(figure.axes[0].images[0].get_array(), GATES["forget"][0, :, 1].T)
    assert figure.axes[0].get_ylabel() == "unit"
    assert figure.axes[2].get_xlabel() == "step"
    lines = look.show_gradient_norms({"a": [1.0, 0.0, 4.0]}, title="t").axes[0]
    assert lines.get_title() == "t"
    np.testing.assert_array_equal(lines.lines[0].get_ydata(), [1, np.nan, 4])


def test_colour_images_and_strongest_channels_are_shown():
    x = np.random.default_rng(0).random((1, 3, 4, 4))
    parts = np.zeros((1, 3, 4, 4))
    parts[0, 1, 2, 2], parts[0, 2, 2, 2] = -5, 3
    figure = look.show_attribution(x, parts)
    assert figure.axes[0].images[0].get_array().shape == (4, 4, 3)
    assert figure.axes[1].images[0].get_array()[2, 2] == -5


@pytest.mark.parametrize(
    "call",
    [
        lambda: look.show_maps(np.ones((2, 3))),
        lambda: look.show_maps(np.ones((2, 3, 3)), titles=["one"]),
        lambda: look.show_attribution(IMAGES, np.ones((3, 4, 4))),
        lambda: look.show_attribution(np.ones((1, 2, 4, 4)), np.ones((1, 4, 4))),
        lambda: look.show_adversarial(IMAGES, IMAGES[:2]),
        lambda: look.show_adversarial(IMAGES, IMAGES, before=[1]),
        lambda: look.show_gates(GATES, "short"),
        lambda: look.show_attention(np.ones((2, 3, 3)), "ab"),
    ],
)
def test_what_does_not_fit_is_refused(call):
    with pytest.raises(ValueError, match=r"show_\w+: "):
        call()


def test_without_matplotlib_the_error_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(ImportError, match=r"show_maps needs matplotlib.*glassgrad\[plot\]"):
        look.show_maps(nn.look.filters(nn.Conv2d(1, 2, 3))[:, 0])
