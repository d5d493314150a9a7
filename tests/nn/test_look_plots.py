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
BOXES = {
    "truth": [{"boxes": [[1, 1, 7, 7]], "labels": [3]}] * 3,
    "found": [{"boxes": [[0, 1, 4, 6]], "labels": [3], "scores": [0.875]}, *[{"boxes": []}] * 2],
}
FIGURES = {
    "maps": lambda: look.show_maps(FILTERS, titles=range(19)),
    "attribution": lambda: look.show_attribution(IMAGES, IMAGES - 0.5, titles=["three", "1", 4]),
    "adversarial": lambda: look.show_adversarial(IMAGES, IMAGES + 0.1, before="314", after="159"),
    "gates": lambda: look.show_gates(GATES, ["a", " ", "\n", "b", "c"] * 14, sample=1),
    "words": lambda: look.show_gates(GATES, ["a", "long", "word"] * 23 + ["end"]),
    "attention": lambda: look.show_attention(IMAGES[:, 0], "abcdefgh", ["long", "words"] * 4),
    "many": lambda: look.show_attention(np.ones((90, 90)) / 90, ["token"] * 90),
    "norms": lambda: look.show_gradient_norms({"LSTM": 0.5 ** np.arange(99.0), "RNN": np.zeros(9)}),
    "images": lambda: look.show_images(FILTERS, titles=["7, not 1", "shoe,\nnot boot", *"5" * 17]),
    "rows": lambda: look.show_images({"image": IMAGES, "longer name": IMAGES - 0.5}, titles="abc"),
    "boxes": lambda: look.show_boxes(IMAGES, BOXES),
    "curves": lambda: look.show_curves({"SGD": [3, 2, 1], "Adam": ([1, 3], [2, 1])}, xlabel="x"),
    "bars": lambda: look.show_bars({"greedy": 12.5, "beam of 3": 11.9}, xlabel="error rate, %"),
    "confusion": lambda: look.show_confusion(np.arange(100).reshape(10, 10) ** 2, "abcdefghij"),
    "text": lambda: look.show_text("def f(x):\n    return x\n", np.arange(23.0), name="memory"),
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


def test_each_row_of_images_has_its_own_scale_and_names():
    figure = look.show_images({"image": IMAGES, "change": IMAGES - 0.5}, titles="abc")
    above, below = figure.axes[0], figure.axes[3]
    assert (above.get_ylabel(), below.get_ylabel()) == ("image", "change")
    assert [axes.get_title() for axes in figure.axes] == ["a", "b", "c", "", "", ""]
    assert above.images[0].get_clim() == (0, IMAGES.max())
    assert below.images[0].get_clim() == (-abs(IMAGES - 0.5).max(), abs(IMAGES - 0.5).max())


def test_images_that_are_no_mapping_are_broken_into_rows():
    figure = look.show_images(IMAGES[:, 0], columns=2)
    assert [axes.axison for axes in figure.axes] == [True, True, True, False]


def test_several_runs_are_drawn_as_their_median_and_quartiles():
    runs = np.array([[0.0, 4.0], [1.0, 5.0], [10.0, 6.0]])
    axes = look.show_curves({"runs": ([10, 20], runs)}, levels={"chance": 2}).axes[0]
    np.testing.assert_array_equal(axes.lines[0].get_xydata(), [[10, 1], [20, 5]])
    band = axes.collections[0].get_paths()[0].get_extents()
    assert (band.y0, band.y1) == (0.5, 5.5)
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["runs", "chance"]


def test_curves_and_bars_are_drawn_into_given_axes():
    from matplotlib.figure import Figure

    left, right = Figure().subplots(1, 2)
    assert look.show_curves({"": [1, 2]}, axes=left, yscale="log") is left.figure
    assert left.get_yscale() == "log"
    assert left.get_legend() is None
    look.show_bars({"a": 1, "b": 2}, axes=right, captions=["one", "two"])
    assert [text.get_text() for text in right.texts] == ["one", "two"]


def test_a_few_points_on_a_logarithmic_axis_are_its_ticks():
    axes = look.show_curves({"": ([1, 3, 30], [1, 2, 3])}, xscale="log").axes[0]
    assert [text.get_text() for text in axes.get_xticklabels()] == ["1", "3", "30"]
    assert axes.get_xticks(minor=True).size == 0


def test_boxes_are_drawn_where_they_are():
    figure = look.show_boxes(IMAGES, BOXES)
    (box,) = figure.axes[0].patches
    assert box.get_bbox().bounds == (1, 1, 6, 6)
    assert [text.get_text() for text in figure.axes[3].texts] == ["3 88%"]
    assert [axes.get_ylabel() for axes in figure.axes] == ["truth", "", "", "found", "", ""]


def test_characters_stand_on_the_colours_of_their_values():
    axes = look.show_text("ab\nc", [1.0, 2.0, 9.0, 3.0]).axes[0]
    np.testing.assert_array_equal(axes.images[0].get_array().filled(0), [[1, 2], [3, 0]])
    assert [(t.get_text(), t.get_position()) for t in axes.texts][-1] == ("c", (0, 1))


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
        lambda: look.show_images(np.ones((2, 3))),
        lambda: look.show_images(IMAGES, titles="ab"),
        lambda: look.show_images({"a": IMAGES, "b": IMAGES[:2]}),
        lambda: look.show_boxes(IMAGES, {"truth": []}),
        lambda: look.show_curves({"a": ([1, 2], [1, 2, 3])}),
        lambda: look.show_bars({"a": 1}, captions="ab"),
        lambda: look.show_confusion(np.ones((2, 3))),
        lambda: look.show_confusion(np.ones((2, 2)), "abc"),
        lambda: look.show_text("abc", [1.0]),
    ],
)
def test_what_does_not_fit_is_refused(call):
    with pytest.raises(ValueError, match=r"show_\w+: "):
        call()


def test_without_matplotlib_the_error_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(ImportError, match=r"show_maps needs matplotlib.*glassgrad\[plot\]"):
        look.show_maps(nn.look.filters(nn.Conv2d(1, 2, 3))[:, 0])


@pytest.mark.parametrize(("dtype", "scale"), [(np.uint8, 255), (np.uint16, 65535), (np.float32, 1)])
def test_colours_of_every_type_are_shown_as_they_are(dtype, scale):
    colours = np.array([0, 51, 255], np.float64).reshape(1, 3, 1, 1) / 255
    figure = look.show_images((colours * scale).round(6).astype(dtype))
    np.testing.assert_allclose(figure.axes[0].images[0].get_array().ravel(), [0, 0.2, 1], atol=1e-6)


def test_normalized_colours_are_scaled_not_cut_off():
    figure = look.show_images(np.array([-2.0, 0.0, 2.0]).reshape(1, 3, 1, 1))
    assert figure.axes[0].images[0].get_array().ravel().tolist() == [0, 0.5, 1]


def test_what_an_attack_took_from_bytes_is_negative():
    before = np.full((1, 1, 2, 2), 10, np.uint8)
    figure = look.show_adversarial(before, before - 3)
    assert (figure.axes[1].images[0].get_array() == -3).all()


def test_a_pixel_that_is_nan_does_not_hide_the_others():
    image = np.array([[[np.nan, 2.0], [1.0, 0.0]]])
    drawn = look.show_images(image).axes[0].images[0]
    assert drawn.get_clim() == (0, 2)
