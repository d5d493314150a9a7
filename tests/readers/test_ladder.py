"""ladder: a tensor node as rows, scalars and elementary ops, all equal."""

import re

import numpy as np
import pytest

import autograd
import nn
from autograd import SequenceOp, Value
from autograd.op import ROWS
from autograd.readers.ladder import rules
from autograd.viz.trace import Trace


def climb(y, **how):
    found = autograd.ladder(y, **how)
    whole = found.levels[0]
    for level in found.levels:
        np.testing.assert_allclose(level.output, whole.output, rtol=1e-4, atol=1e-6)
        for g, expected in zip(level.gradients, whole.gradients, strict=True):
            np.testing.assert_allclose(g, expected, rtol=1e-4, atol=1e-5)
    return found


def names(found):
    return [level.name for level in found.levels]


def first_sample(op):
    """The op's first sample whose result is tracked and not empty."""
    for args, others in op.samples(np.random.default_rng(3)):
        full = op.bound(args, dict(others))
        if isinstance(op, SequenceOp):
            inputs, static = [Value(x) for x in full[0]], full[1:]
        else:
            inputs = [
                Value(x) if np.asarray(x).dtype.kind == "f" and op.differentiates(i) else x
                for i, x in enumerate(full[: op.arity])
            ]
            static = full[op.arity :]
        y = op.apply(inputs, tuple(static))
        y = y[0] if isinstance(y, (tuple, list)) else y
        if isinstance(y, Value) and y.op is not None and y.size:
            return y
    pytest.skip(f"{op.name} has no tracked sample")


WHOLE = {"inv", "det", "svd", "qr", "cholesky", "solve", "quantile", "median", "nanmean"}
"""Ops among those that NumPy computes as a whole."""


EXPAND = {"matmul", "vecdot", "tensordot", "einsum", "linear", "affine", "softmax", "log_softmax"}
EXPAND |= {"sum", "mean", "var", "std", "prod", "max", "min", "logsumexp", "norm", "cumsum", "sort"}
EXPAND |= {"conv", "conv_bias", "conv_input_grad", "avg_pool", "max_pool", "embedding", "ctc_loss"}
EXPAND |= {"layer_norm", "rms_norm", "group_norm", "batch_norm", "attention", "cross_entropy"}
EXPAND |= {"rnn_scan", "lstm_scan", "gru_scan", "getitem", "reshape", "transpose", "concatenate"}
WHOLE = {"inv", "det", "svd", "qr", "cholesky", "solve"}
"""Ops that NumPy computes as a whole."""


@pytest.mark.parametrize(
    "op", [op for op in ROWS if op.elementwise or op.name in EXPAND], ids=lambda op: op.name
)
def test_elementwise_ops_and_those_of_networks_expand_equally(op):
    found = climb(first_sample(op))
    assert all(level.difference <= found.tolerance for level in found.levels)


@pytest.mark.parametrize(
    "op", [op for op in ROWS if not (op.elementwise or op.name in EXPAND)], ids=lambda op: op.name
)
def test_any_other_op_expands_equally_or_is_refused_by_name(op):
    y = first_sample(op)
    if op.name in WHOLE:
        with pytest.raises(ValueError, match=f"ladder: {op.name} has no form in single numbers"):
            autograd.ladder(y)
        return
    try:
        climb(y)
    except ValueError as error:
        if not str(error).startswith(f"ladder: {op.name} has no form in single numbers"):
            raise


def test_a_product_is_taken_apart_into_rows_and_scalars():
    x = Value([[1.0, 2.0], [3.0, 4.0]], name="x")
    w = Value([[0.5, 1.0, 2.0], [0.25, 0.0, -1.0]])
    found = climb(x @ w)
    assert names(found) == ["tensor", "rows", "scalars"]
    assert [level.nodes for level in found.levels] == [1, 2, 2 * 3 * (2 + 1)]
    assert found.levels[2].ops == ("add", "multiply")
    assert "micrograd" in str(found)


def test_gradients_of_a_product_are_right_at_each_level():
    x, w = Value([[1.0, 2.0], [3.0, 4.0]]), Value([[0.5], [0.25]])
    seed = np.array([[10.0], [100.0]])
    for level in autograd.ladder(x @ w, gradient=seed).levels:
        np.testing.assert_allclose(level.gradients[0], seed @ w.data.T)
        np.testing.assert_allclose(level.gradients[1], x.data.T @ seed)


@pytest.mark.parametrize(
    "make",
    [
        lambda x: autograd.ops.gelu(x),
        lambda x: autograd.ops.softmax(x),
        lambda x: np.mean(x, axis=0),
        lambda x: autograd.ops.conv2d(np.reshape(x, (1, 1, 2, 3)), np.ones((1, 1, 2, 2))),
        lambda x: autograd.ops.cross_entropy(x, np.array([0, 2])),
    ],
)
def test_the_last_level_holds_single_numbers_only(make, rng):
    last = climb(make(Value(rng.standard_normal((2, 3))))).levels[-1]
    trace = Trace(last.roots)
    assert all(v.size == 1 for v in [*trace.order, *trace.leaves.values()])
    assert last.nodes == len(trace.order)


def test_an_lstm_step_opens_into_its_gates(rng):
    lstm = nn.LSTM(2, 2)
    y, _ = lstm(rng.standard_normal((1, 2, 2)).astype(np.float32))
    found = climb(y)
    assert found.op == "lstm_scan"
    assert names(found) == ["tensor", "scalars", "elementary ops"]
    assert "sigmoid" in found.levels[1].ops
    assert "sigmoid" not in found.levels[2].ops
    assert "exp" in found.levels[2].ops


def test_a_layer_is_climbed_under_its_parameters_names(rng):
    layer = nn.Linear(2, 2)
    found = climb(layer(rng.standard_normal((3, 2)).astype(np.float32)))
    assert names(found) == ["tensor", "rows", "scalars"]
    leaves = {v.name for v in Trace(found.levels[2].roots).leaves.values()}
    assert {"weight[0,1]", "bias[1]"} <= leaves
    assert "y[2,1]" in {v.name for v in found.levels[2].roots}


@pytest.mark.parametrize(
    ("make", "split"),
    [
        (lambda x: x * 2 + x, True),
        (lambda x: np.sum(x, axis=1), True),
        (lambda x: np.sum(x, axis=0), False),
        (lambda x: np.transpose(x), False),
        (lambda x: autograd.ops.softmax(x, axis=1), True),
        (lambda x: autograd.ops.softmax(x, axis=0), False),
        (lambda x: np.cumsum(x, axis=0), False),
        (lambda x: np.flip(x, axis=0), False),
    ],
)
def test_rows_are_shown_only_where_they_do_not_mix(make, split, rng):
    found = climb(make(Value(rng.standard_normal((3, 3)))))
    assert ("rows" in names(found)) is split
    if not split:
        assert any("does not split into rows" in note for note in found.notes)


def test_a_single_number_and_a_single_row_have_no_rows():
    x = Value([[1.0, 2.0]])
    assert "single number" in climb(np.sum(x)).notes[0]
    assert "one row" in climb(np.exp(x)).notes[0]


def test_one_value_in_two_places_is_one_leaf():
    x = Value([1.0, 2.0, 3.0], name="x")
    found = climb(x * x, gradient=np.ones(3))
    np.testing.assert_allclose(found.levels[-1].gradients[0], 2 * x.data)
    assert len(found.levels[-1].gradients) == 1
    assert len(Trace(found.levels[-1].roots).leaves) == 3


def test_equal_maxima_share_the_gradient_on_scalars_too():
    x = Value([1.0, 5.0, 5.0, 5.0])
    found = climb(np.max(x))
    np.testing.assert_allclose(found.levels[-1].gradients[0], [0, 1 / 3, 1 / 3, 1 / 3])


def test_moving_numbers_leaves_no_op():
    found = climb(np.reshape(Value(np.arange(4.0)), (2, 2)))
    assert found.levels[-1].nodes == 0
    assert "only moves numbers" in str(found)


def test_float32_stays_float32():
    x = Value(np.ones((2, 2), np.float32))
    found = climb(autograd.ops.sigmoid(x * np.float32(0.5)))
    assert {v.dtype for v in Trace(found.levels[-1].roots).order} == {np.dtype(np.float32)}


def test_levels_that_differ_are_found_out(monkeypatch):
    monkeypatch.setitem(rules.RULES, "mean", lambda a, axis, keepdims: np.sum(a) / (a.size + 1))
    with pytest.raises(RuntimeError, match="mean at the level of scalars differs"):
        autograd.ladder(np.mean(Value([1.0, 2.0])))


def test_gradients_that_differ_are_found_out(monkeypatch):
    def detached(a, axis, keepdims):
        return a[0] + float(a[1].data)

    monkeypatch.setitem(rules.RULES, "mean", lambda *how: detached(*how) / 2)
    with pytest.raises(RuntimeError, match="mean at the level of scalars differs"):
        autograd.ladder(np.mean(Value([1.0, 2.0])))


def test_the_value_and_its_graph_stay_as_they_were(rng):
    x = Value(rng.standard_normal((2, 2)))
    y = np.tanh(x)
    autograd.ladder(y)
    assert x.grad is None
    assert y.name is None
    y.sum().backward()
    np.testing.assert_allclose(x.grad, 1 - y.data**2)


def test_the_page_stands_alone_and_escapes_names(tmp_path):
    x = Value([[1.0, 2.0], [3.0, 4.0]], name='<script>alert(1)</script>"&')
    found = climb(np.exp(x))
    path = found.save(tmp_path / "ladder.html")
    page = path.read_text()
    assert "<script" not in page
    assert not re.search(r"(src|href)=\"(?!data:)", page.replace("xlink:", ""))
    assert page.count("<svg") == len(found.levels)
    assert "<!doctype" not in found._repr_html_()
    with pytest.raises(ValueError, match=r"must end in \.html"):
        found.save(tmp_path / "ladder.svg")


def test_the_page_fits_a_narrow_screen_without_a_sound(browser, tmp_path):
    path = climb(Value([[1.0, 2.0]]) @ Value([[3.0], [4.0]])).save(tmp_path / "ladder.html")
    page = browser.new_page(viewport={"width": 360, "height": 800})
    said, asked = [], []
    page.on("console", lambda message: said.append(message.text))
    page.on("request", lambda request: asked.append(request.url))
    page.goto(path.as_uri())
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    assert page.locator("section svg").count() == 2
    assert not said
    assert not [url for url in asked if not url.startswith(("file:", "data:"))]
    page.close()


def test_refusals_say_why():
    x = Value(np.ones((2, 2)))
    with pytest.raises(TypeError, match="takes a Value"):
        autograd.ladder(np.ones(3))
    with pytest.raises(ValueError, match="a leaf or a constant"):
        autograd.ladder(x)
    with pytest.raises(ValueError, match=r"exp has 1,800 numbers.*more than 500"):
        autograd.ladder(np.exp(Value(np.ones((30, 30)))))
    with pytest.raises(ValueError, match="is empty"):
        autograd.ladder(np.exp(Value(np.ones((0, 3)))))
    with pytest.raises(ValueError, match=r"gradient has shape \(3,\), the value \(2, 2\)"):
        autograd.ladder(np.exp(x), gradient=np.ones(3))
    with pytest.raises(ValueError, match="inv has no form in single numbers"):
        autograd.ladder(np.linalg.inv(x + np.eye(2)))
    y = np.exp(x)
    y.sum().backward()
    with pytest.raises(RuntimeError, match="released"):
        autograd.ladder(y)


@pytest.mark.parametrize("size", [1e-30, 1e-6, 1e6])
def test_a_difference_counts_by_the_size_of_the_numbers(size, monkeypatch):
    x = Value(np.array([1.0, 2.0], np.float32) * np.float32(size))
    climb(np.mean(x))
    monkeypatch.setitem(rules.RULES, "mean", lambda a, axis, keepdims: np.sum(a) / 2.01)
    with pytest.raises(RuntimeError, match="differs"):
        autograd.ladder(np.mean(x))


def test_places_and_choices_in_values_stay_whole():
    table, places = Value([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]), Value(np.array([2, 0]))
    np.testing.assert_array_equal(
        climb(autograd.ops.embedding(places, table)).levels[-1].output, [[5, 6], [1, 2]]
    )
    choice, x = Value(np.array([True, False])), Value([1.0, 2.0])
    found = climb(np.where(choice, x, -x), gradient=np.ones(2))
    np.testing.assert_array_equal(found.levels[-1].gradients[0], [1, 0])


def test_inputs_that_are_not_tracked_take_no_gradient():
    x, w = Value([1.0, 2.0]), Value([3.0, 4.0], requires_grad=False)
    found = climb(x * w)
    assert len(found.levels[-1].gradients) == 1


def test_a_checkpoint_is_refused_by_name():
    y = autograd.checkpoint(lambda v: np.exp(v) * 2, Value([1.0, 2.0]))
    with pytest.raises(ValueError, match="checkpoint stands for a whole function"):
        autograd.ladder(y)
