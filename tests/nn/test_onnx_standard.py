"""ONNX's own node tests: numbers, refusals by name, and gradients."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pytest

from autograd import Value
from nn.onnx import Unsupported, load

onnx = pytest.importorskip("onnx", reason="nn.onnx reads files with the package onnx")

with warnings.catch_warnings():  # the suite computes with infinities, and warns of it
    warnings.simplefilter("ignore")
    from onnx.backend.test.loader import load_model_tests

    CASES = {case.name: case for case in load_model_tests(kind="node")}

REFUSED = {
    "test_image_decoder": "ImageDecoder",
    "test_tfidfvectorizer": "TfIdfVectorizer",
    "test_string_split": "StringSplit",
    "test_string_concat": "StringConcat",
    "test_strnormalizer": "StringNormalizer",
    "test_regex_full_match": "RegexFullMatch",
    "test_ai_onnx_ml": "ai.onnx.ml::",
    "test_momentum": "ai.onnx.preview.training::Momentum",
    "test_nesterov_momentum": "ai.onnx.preview.training::Momentum",
    "test_adagrad": "ai.onnx.preview.training::Adagrad",
    "test_adam": "ai.onnx.preview.training::Adam",
}
"""Beginnings of names -> what the refusal names: texts, images, trees, and training."""

REFUSED_ALONE = {
    "test_flexattention_score_mod", "test_flexattention_prob_mod",
    "test_flexattention_causal_mask", "test_flexattention_soft_cap",
    "test_flexattention_relative_positional", "test_training_dropout",
    "test_training_dropout_mask", "test_training_dropout_default",
    "test_training_dropout_default_mask",
}  # fmt: skip

RANDOM = [name for name in CASES if name.startswith("test_bernoulli")]
"""Only shapes and types can be compared."""


def refusal(name):
    """What the refusal of a case names; None where it is to run."""
    if name in REFUSED_ALONE:
        return "FlexAttention|Dropout in training mode"
    return next((text for begin, text in REFUSED.items() if name.startswith(begin)), None)


SUPPORTED = [name for name in CASES if refusal(name) is None]


def given(x):
    """What the suite's message holds: an array, a list of them, or None."""
    if isinstance(x, onnx.TensorProto):
        return np.asarray(onnx.numpy_helper.to_array(x))
    if isinstance(x, onnx.SequenceProto):
        return [np.asarray(part) for part in onnx.numpy_helper.to_list(x)]
    if isinstance(x, onnx.OptionalProto):
        return given(onnx.numpy_helper.to_optional(x))
    if isinstance(x, list):
        return [given(part) for part in x]
    return None if x is None else np.asarray(x)


def written(case, tmp_path):
    path = tmp_path / "case.onnx"
    path.write_bytes(case.model.SerializeToString())
    return path


def tracked(x):
    return Value(x) if isinstance(x, np.ndarray) and x.dtype.name in FLOATS else x


FLOATS = ("float16", "float32", "float64")
ROUNDED = {"bfloat16": 2.0**-5, "float16": 2.0**-9}


def assert_same(y, expected):
    if isinstance(expected, list):
        assert isinstance(y, list)
        assert len(y) == len(expected)
        for part, other in zip(y, expected, strict=True):
            assert_same(part, other)
        return
    if expected is None:
        assert y is None
        return
    y = np.asarray(y.data if isinstance(y, Value) else y)
    assert y.dtype == expected.dtype
    assert y.shape == expected.shape
    if "float" in y.dtype.name:
        close = ROUNDED.get(y.dtype.name, 1e-3)
        y, expected = y.astype(np.float64), expected.astype(np.float64)
        np.testing.assert_allclose(y, expected, rtol=close, atol=1e-6)
    else:
        np.testing.assert_array_equal(y, expected)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("name", [name for name in SUPPORTED if name not in RANDOM])
def test_a_case_of_the_standard_has_the_expected_numbers(name, tmp_path):
    case = CASES[name]
    model = load(written(case, tmp_path))
    for inputs, outputs in case.data_sets:
        found = model(*[tracked(given(x)) for x in inputs])
        found = found if isinstance(found, tuple) else (found,)
        for y, expected in zip(found, outputs, strict=True):
            assert_same(y, given(expected))


@pytest.mark.parametrize("name", [name for name in CASES if refusal(name)])
def test_what_is_not_supported_is_refused_by_name(name, tmp_path):
    case = CASES[name]
    with pytest.raises(Unsupported, match=refusal(name)):
        load(written(case, tmp_path))(*[given(x) for x in case.data_sets[0][0]])


@pytest.mark.parametrize("name", RANDOM)
def test_random_numbers_have_the_expected_shape_and_type(name, tmp_path):
    case = CASES[name]
    y = load(written(case, tmp_path))(*[given(x) for x in case.data_sets[0][0]])
    expected = given(case.data_sets[0][1][0])
    assert (y.shape, y.dtype) == (expected.shape, expected.dtype)
    assert set(np.unique(y)) <= {0, 1}


def test_most_of_the_suite_is_supported():
    assert len(SUPPORTED) > 0.96 * len(CASES) > 1000


# Whole models: those that PyTorch's exporter once wrote, and well-known networks

DATA = Path(onnx.__file__).parent / "backend/test/data"
MODELS = sorted(DATA.glob("*/test_*/model.onnx"))
UNSUPPORTED = {"test_gradient": "Gradient", "test_strnorm": "StringNormalizer"}


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("path", MODELS, ids=lambda path: path.parent.name)
def test_a_model_of_the_standard_has_the_expected_numbers(path):
    text = next((t for n, t in UNSUPPORTED.items() if path.parent.name.startswith(n)), None)
    if text:
        with pytest.raises(Unsupported, match=text):
            load(path)
        return
    model = load(path)
    for folder in path.parent.glob("test_data_set_*"):
        inputs, outputs = (
            [given(onnx.TensorProto.FromString(p.read_bytes())) for p in sorted(folder.glob(n))]
            for n in ("input_*.pb", "output_*.pb")
        )
        found = model(*map(tracked, inputs[: len(model.inputs)]))
        found = found if isinstance(found, tuple) else (found,)
        for y, expected in zip(found, outputs, strict=True):
            assert_same(y, expected)


@pytest.mark.parametrize("path", sorted(DATA.glob("light/*.onnx")), ids=lambda path: path.stem)
def test_a_well_known_network_runs_and_has_a_gradient(path, rng):
    model = load(path)
    (t,) = model.graph.inputs
    x = Value(rng.random([n if isinstance(n, int) and n else 1 for n in t.shape], np.float32))
    y = model(x)
    assert y.shape[:2] == (1, 1000)
    np.sum(y).backward()
    assert np.isfinite(x.grad).all()


# Gradients

FLAT = {  # ops that are flat wherever they have a slope, and those of places and truth values
    "ArgMax", "ArgMin", "Bernoulli", "BitCast", "Ceil", "ConvInteger", "DequantizeLinear",
    "DynamicQuantizeLinear", "EyeLike", "Floor", "Greater", "GreaterOrEqual", "Hardmax", "IsInf",
    "IsNaN", "Less", "LessOrEqual", "MatMulInteger", "MelWeightMatrix", "NonMaxSuppression",
    "NonZero", "OptionalHasElement", "QLinearConv", "QLinearMatMul", "QuantizeLinear", "Range",
    "Round", "SequenceMap", "Shape", "Sign", "Size", "SplitToSequence", "Unique",
}  # fmt: skip
IN_SINGLE = ("LinearAttention", "CausalConvWithState", "RMSNormalization", "FlexAttention")
"""The standard computes them in float32 whatever comes."""


WHOLE = (
    "INT4", "INT2", "FLOAT4", "FLOAT8", "BFLOAT16", "bfloat16", "pow_types_int", "empty_set",
    "zero_size", "allowzero", "onehot_without", "loop11",
)  # fmt: skip
"""Parts of names of cases whose results are whole numbers, narrow types, or empty."""


def differentiable(name):
    case = CASES[name]
    nodes = case.model.graph.node
    return (
        len(nodes) == 1
        and nodes[0].op_type not in FLAT
        and not name.endswith("_expanded")
        and not any(part in name for part in WHOLE)
        and any(
            isinstance(x, np.ndarray) and x.dtype.name in FLOATS
            for x in map(given, case.data_sets[0][0])
        )
    )


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("name", [name for name in SUPPORTED if differentiable(name)])
def test_a_gradient_is_that_of_differences(name, tmp_path, rng):
    from nn.onnx.module import SETTINGS

    case = CASES[name]
    op = case.model.graph.node[0].op_type
    model = load(written(case, tmp_path), dtype=np.float64)
    inputs = [given(x) for x in case.data_sets[0][0]]
    inputs = [
        x.astype(np.float64) if isinstance(x, np.ndarray) and x.dtype.name in FLOATS else x
        for x in inputs
    ]
    names = list(case.model.graph.node[0].input)
    settings = {
        model.inputs.index(names[i]) for i in SETTINGS.get(op, ()) if i < len(names) and names[i]
    }
    chosen = [
        i
        for i, x in enumerate(inputs)
        if isinstance(x, np.ndarray) and x.dtype == np.float64 and i not in settings and x.size
    ]
    if op in ("Pow", "Log", "Sqrt", "Acosh", "ReduceLogSum"):  # of positive numbers only
        inputs = [np.abs(x) + 1.1 if i in chosen else x for i, x in enumerate(inputs)]
    for i in chosen:  # away from ties and corners
        inputs[i] = inputs[i] + 0.013 * rng.standard_normal(inputs[i].shape)
    ways = {i: rng.standard_normal(inputs[i].shape) for i in chosen}

    def outputs(step, wrap=lambda x: x):
        moved = [wrap(x + step * ways[i]) if i in chosen else x for i, x in enumerate(inputs)]
        found = model(*moved)
        return moved, found if isinstance(found, tuple) else (found,)

    moved, found = outputs(0, Value)
    live = [k for k, y in enumerate(found) if isinstance(y, Value) and y.requires_grad]
    assert live
    weights = {k: rng.standard_normal(found[k].shape) for k in live}
    if not all(np.isfinite(found[k].data).all() for k in live):
        pytest.skip("its numbers are infinite")
    sum(np.sum(found[k] * weights[k]) for k in live).backward()
    slope = sum(np.sum(moved[i].grad * ways[i]) for i in chosen if moved[i].grad is not None)

    def total(step):
        return sum(np.sum(np.asarray(outputs(step)[1][k]) * weights[k]) for k in live)

    single = op in IN_SINGLE or "softmax_precision" in name
    steps = (1e-1, 1e-2, 1e-3) if single else (1e-4, 1e-5, 1e-6, 1e-7)
    expected = [(total(h) - total(-h)) / (2 * h) for h in steps]
    error = min(abs(slope - e) for e in expected) / max(1.0, abs(slope))
    assert error < (1e-2 if single else 1e-5)
