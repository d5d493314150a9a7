"""compare: the first place where two runs diverge."""

from __future__ import annotations

import copy

import numpy as np
import pytest

import autograd
import nn
from autograd import KernelOp, Value, compare

X = np.linspace(-1, 1, 12).reshape(4, 3)


def net(dtype=np.float32):
    autograd.seed(0)
    return nn.Sequential(nn.Linear(3, 5), nn.Tanh(), nn.Linear(5, 2)).to(dtype)


def loss(model, dtype=np.float32, x=X):
    return nn.functional.cross_entropy(model(x.astype(dtype)), np.array([0, 1, 0, 1]))


def test_the_same_model_in_two_dtypes_agrees():
    model = net()
    other = copy.deepcopy(model).double()
    found = compare(loss(model), loss(other, np.float64))
    assert found.first is None
    assert found.by == "node"
    assert any(point.label.startswith("gradient of") for point in found.points)


def test_a_changed_weight_is_the_first_place():
    model, other = net(), net()
    other.load_state_dict({**model.state_dict(), "2.bias": np.ones(2, np.float32)})
    first = compare(loss(model), loss(other)).first
    assert first.label == "2.bias"
    assert "2.bias" in str(compare(loss(model), loss(other)))


def test_another_input_is_the_first_place():
    model = net()
    first = compare(loss(model), loss(model, x=X + 1)).first
    assert "input of 0: Linear" in first.label


def test_models_of_other_ops_are_matched_by_layer():
    class Twin(nn.Module):
        """nn.Linear written out."""

        def __init__(self, layer):
            self.weight, self.bias = layer.weight, layer.bias

        def forward(self, x):
            return x @ self.weight.T + self.bias

    model = net()
    other = nn.Sequential(Twin(model[0]), nn.Tanh(), Twin(model[2]))
    found = compare(np.sum(model(X.astype(np.float32))), np.sum(other(X.astype(np.float32))))
    assert found.by == "layer"
    assert found.first is None
    assert {point.label for point in found.points} == {"0", "1", "2", "the whole"}


def test_arrays_recorded_elsewhere_are_matched_by_path():
    model = net()
    y = model(X.astype(np.float32))
    h = np.tanh(model[0](X.astype(np.float32)).data)
    assert compare(y, {"1": h, "2": y.data}).first is None
    found = compare(y, {"1": h + 0.5, "2": y.data, "3": h})
    assert found.first.label == "1"
    assert "3" in found.unmatched


def test_each_call_of_a_shared_layer_is_a_place():
    layer = nn.Linear(3, 3)
    model = nn.Sequential(layer, nn.Tanh(), layer)
    y = model(X.astype(np.float32))
    labels = [point.label for point in compare(y, {"0": [np.zeros((4, 3))] * 2}).points]
    assert labels == ["0, call 1", "0, call 2"]


def test_kernels_are_compared_with_their_references():
    rnn = nn.LSTM(3, 4, batch_first=True)
    y, _ = rnn(X.astype(np.float32)[None])
    found = compare(np.sum(np.square(y)))
    assert found.by == "kernel"
    assert found.first is None
    assert any("gradient of" in point.label for point in found.points)


def test_a_kernel_that_is_wrong_is_named(op_table):
    def forward(a):
        return np.tanh(a) * 1.01, None

    def joint(g, needs, y, saved, a):
        return [g * (1 - np.tanh(a) ** 2)]

    tex = r"\tanh {a}"
    wrong = KernelOp(forward, tex, joint, reference=np.tanh, arity=1, name="my_tanh")
    assert "my_tanh" in compare(np.sum(wrong(Value([0.5, 1.0])))).first.label


def test_a_nan_on_one_side_is_apart():
    a = Value([1.0, 2.0])
    found = compare(np.sum(a * np.array([1.0, np.nan])), np.sum(a * np.array([1.0, 2.0])))
    assert found.first.difference == np.inf


def test_what_cannot_be_compared_is_refused():
    x = Value(1.0)
    with pytest.raises(ValueError, match="nothing in common"):
        compare(np.sin(x), np.cos(x))
    with pytest.raises(TypeError, match="a must be a Value"):
        compare(1.0, x)
    with pytest.raises(TypeError, match="b must be"):
        compare(x, 3.0)


def changed(shape=(20, 20), at=(7, 9), by=1e-2):
    a, b = Value(np.zeros(shape), name="A"), Value(np.zeros(shape), name="A")
    b.data[at] = by
    return compare(np.sum(np.exp(a)), np.sum(np.exp(b)))


def test_the_index_and_the_number_of_differing_elements_are_given():
    found = changed()
    assert found.first.index == (7, 9)
    assert found.first.count == 1
    assert "1 of 400 elements differ, most at [7, 9]: a = 0, b = 0.01" in str(found)


def test_only_the_elements_around_the_largest_difference_are_printed():
    lines = str(changed()).splitlines()
    middle = next(line for line in lines if "0.01" in line and "|" in line)
    a, b, away = (part.split() for part in middle.split("|"))
    assert (a, b, away) == (["0", "0", "0"], ["0", "0.01", "0"], ["0", "0.01", "0"])


@pytest.mark.parametrize("by", [1e-3, 1e-6, 1e-9, 1e-11])
def test_two_numbers_that_differ_never_look_the_same(by):
    a, b = Value(np.ones(3), name="A"), Value(np.array([1.0, 1.0 + by, 1.0]), name="A")
    text = str(compare(np.sum(a), np.sum(b)))
    left, right = text.split("a = ")[1].split(" (")[0].split(", b = ")
    assert left != right


def test_elements_that_differ_by_rounding_are_not_counted():
    a, b = Value([1.0, 2.0], name="A"), Value([1.0 + 1e-15, 3.0], name="A")
    assert compare(np.sum(a), np.sum(b)).first.count == 1


def test_nans_at_the_same_index_are_equal_and_others_are_not():
    a, b = Value([np.nan, 1.0, 2.0], name="A"), Value([np.nan, np.nan, 2.0], name="A")
    first = compare(np.sum(a), np.sum(b)).first
    assert (first.index, first.count) == ((1,), 1)


def test_arrays_of_other_shapes_have_no_index():
    first = compare(np.sum(Value(np.ones(3))), np.sum(Value(np.ones(4)))).first
    assert (first.index, first.count) == (None, None)
    assert "a (3,), b (4,)" in str(compare(np.sum(Value(np.ones(3))), np.sum(Value(np.ones(4)))))


def two_models():
    model, other = net(), net()
    other.load_state_dict(model.state_dict())
    other[2].weight.data[1, 3] += 0.25
    return compare(loss(model), loss(other)), model, other


@pytest.fixture
def opened(tab, tmp_path):
    def opened(found, **context):
        return tab(found.save(tmp_path / "diff.html").as_uri(), "file:", **context)

    return opened


def test_the_page_opens_at_the_first_place_with_the_numbers_of_both_runs(opened):
    found, model, other = two_models()
    page = opened(found)
    assert page.inner_text("#place h2") == "2.weight"
    assert "1 of 10 elements differ, most at [1, 3]" in page.inner_text("#place")
    marked = page.locator("#place td.mark").all_inner_texts()
    shown = [float(text.replace("−", "-")) for text in marked]
    a, b = model[2].weight.data[1, 3], other[2].weight.data[1, 3]
    assert shown == pytest.approx([a, b, b - a], rel=1e-3)
    assert page.locator("#graph .node.first").count() == 1
    assert "2.weight" in page.locator("#graph .node.first").text_content()


def test_every_place_of_the_page_has_the_comparisons_difference(opened):
    found, *_ = two_models()
    rows = opened(found).locator("#places button").all()
    assert len(rows) == len(found.points)
    for row, point in zip(rows, found.points, strict=True):
        label, difference = row.inner_text().split("\n")[0], row.locator(".number").inner_text()
        assert label == point.label
        shown = difference.replace("−", "-").replace("∞", "inf")
        assert float(shown) == pytest.approx(point.difference, rel=0.06)
        assert ("apart" in (row.get_attribute("class") or "")) == point.apart


def test_the_keyboard_opens_a_box_of_the_graph(opened):
    found, *_ = two_models()
    page = opened(found)
    box = page.locator("#graph .node", has_text="1: Tanh")
    box.focus()
    page.keyboard.press("Enter")
    assert "1: Tanh" in page.inner_text("#place h2")
    assert "chosen" in box.get_attribute("class")


@pytest.mark.parametrize("width", [360, 1600])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_fits_and_its_text_can_be_read(opened, width, scheme):
    found, *_ = two_models()
    page = opened(found, viewport={"width": width, "height": 800}, color_scheme=scheme)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.evaluate(CONTRAST) >= 4.5


CONTRAST = """() => {
  const light = (color) => {
    const [r, g, b] = color.match(/[\\d.]+/g).slice(0, 3).map((c) => c / 255)
      .map((c) => (c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const ratio = (a, b) => {
    const [low, high] = [light(a), light(b)].sort((x, y) => x - y);
    return (high + 0.05) / (low + 0.05);
  };
  const behind = (e) => {
    for (; e; e = e.parentElement) {
      const color = getComputedStyle(e).backgroundColor;
      if (!/, 0\\)|transparent/.test(color)) return color;
    }
  };
  const found = [];
  for (const e of document.querySelectorAll("main *")) {
    if (e.closest("svg")) {
      if (e.tagName === "text") {
        const shape = e.closest(".node").querySelector("path, polygon");
        found.push(ratio(getComputedStyle(e).fill, getComputedStyle(shape).fill));
      }
    } else if (e.tagName !== "NOSCRIPT"
      && [...e.childNodes].some((n) => n.nodeType === 3 && n.data.trim())) {
      found.push(ratio(getComputedStyle(e).color, behind(e)));
    }
  }
  return Math.min(...found);
}"""


def test_a_page_of_layers_or_kernels_can_be_saved(opened):
    model = net()
    y = model(X.astype(np.float32))
    layers = opened(compare(y, {"2": y.data + 1}))
    assert layers.inner_text("h1") == "Two runs, layer by layer"
    rnn = nn.LSTM(3, 4, batch_first=True)
    out, _ = rnn(X.astype(np.float32)[None])
    kernels = opened(compare(np.sum(np.square(out))))
    assert "agree" in kernels.inner_text(".headline")


def test_a_long_run_is_shown_around_its_first_difference(opened):
    def chain(start):
        x = Value(start, name="x")
        y = x
        for k in range(400):
            y = y + (1e-3 if k == 300 and start > 1 else 0.0)
        return y

    a = chain(1.0)
    b = chain(1.0 + 1e-16)
    assert compare(a, b).first is None
    page = opened(compare(a, chain(1.5)))
    assert "places are listed" in page.inner_text("main")


def test_arrays_of_many_axes_show_the_slice_with_the_largest_difference(opened):
    page = opened(changed((2, 3, 40, 50), (1, 2, 33, 4)))
    assert "The slice [1, 2, :, :]" in page.inner_text("#place")
    assert page.locator("#place .map-plus").count() == 2 * 1  # of b and of the difference


def test_markup_in_names_is_text(opened):
    a, b = (Value(np.ones(3), name='<img src=x onerror="alert(1)">\\n') for _ in range(2))
    b.data[1] = 2
    page = opened(compare(np.sum(a), np.sum(b)))
    assert page.locator("img").count() == 0


def test_the_page_is_saved_as_html_only(tmp_path):
    with pytest.raises(ValueError, match=r"must end in \.html"):
        changed().save(tmp_path / "diff.txt")


def test_a_number_that_is_used_twice_is_compared_at_each_use():
    def run(second):
        x = Value(3.0, name="x")
        return x * 2.0 + x * second

    first = compare(run(2.0), run(2.5)).first
    assert first.label == "an input of multiply"
    assert (first.a, first.b) == (2.0, 2.5)
