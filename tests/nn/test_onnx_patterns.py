"""What loading makes of a graph: fused ops for patterns, constants, shapes once; numbers stay."""

from __future__ import annotations

import collections
import os
from pathlib import Path

import numpy as np
import pytest

import autograd
import nn
from autograd import Value

onnx = pytest.importorskip("onnx", reason="nn.onnx reads files with the package onnx")

from onnx import TensorProto, helper, numpy_helper  # noqa: E402


class Builder:
    """Builds a graph of one input x: ``b("Mul", x, 2.0)`` adds a node and names its result."""

    def __init__(self):
        self.nodes, self.constants = [], []

    def __call__(self, op, *inputs, **attributes):
        names = [x if isinstance(x, str) else self.constant(x) for x in inputs]
        name = f"t{len(self.nodes)}"
        self.nodes.append(helper.make_node(op, names, [name], **attributes))
        return name

    def constant(self, x, name=None):
        name = name or f"c{len(self.constants)}"
        array = np.asarray(x, np.int64 if np.asarray(x).dtype.kind == "i" else np.float32)
        self.constants.append(numpy_helper.from_array(array, name))
        return name

    def saved(self, path, result, shape):
        kind = TensorProto.FLOAT
        graph = helper.make_graph(
            self.nodes, "g", [helper.make_tensor_value_info("x", kind, shape)],
            [helper.make_tensor_value_info(result, kind, None)], self.constants,
        )  # fmt: skip
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
        path.write_bytes(model.SerializeToString())
        return path


def gelu(b, x):
    turn = b("Erf", b("Div", x, np.float32(np.sqrt(2))))
    return b("Mul", b("Mul", x, b("Add", turn, 1.0)), 0.5)


def gelu_of_products(b, x):
    turn = b("Erf", b("Mul", x, np.float32(np.sqrt(0.5))))
    return b("Mul", 0.5, b("Mul", b("Add", 1.0, turn), x))


def tanh_gelu(b, x):
    inner = b("Add", x, b("Mul", b("Pow", x, 3.0), 0.044715))
    turn = b("Tanh", b("Mul", inner, np.float32(np.sqrt(2 / np.pi))))
    return b("Mul", b("Mul", 0.5, x), b("Add", turn, 1.0))


def hardswish(b, x):
    return b("Div", b("Mul", x, b("Clip", b("Add", x, 3.0), 0.0, 6.0)), 6.0)


def hardswish_of_hardsigmoid(b, x):
    return b("Mul", b("HardSigmoid", x, alpha=1 / 6, beta=0.5), x)


def swish(b, x):
    return b("Mul", x, b("Sigmoid", x))


def layer_norm(b, x):
    away = b("Sub", x, b("ReduceMean", x, axes=[-1]))
    var = b("ReduceMean", b("Pow", away, 2.0), axes=[-1])
    scaled = b("Div", away, b("Sqrt", b("Add", var, 1e-5)))
    return b("Add", b("Mul", scaled, np.arange(1.0, 5.0)), np.arange(4.0))


def rms_norm(b, x):
    root = b("Sqrt", b("Add", b("ReduceMean", b("Pow", x, 2.0), axes=[-1]), 1e-6))
    return b("Mul", np.arange(1.0, 5.0), b("Mul", x, b("Reciprocal", root)))


def linear(b, x):
    return b("Add", b("MatMul", x, np.linspace(-1, 1, 12).reshape(4, 3)), [0.5, 1.0, 2.0])


def attention(b, x):
    q, k, v = (b("Mul", x, factor) for factor in (1.0, -0.5, 2.0))
    scores = b("MatMul", q, b("Transpose", k, perm=[0, 2, 1]))
    weights = b("Softmax", b("Add", b("Mul", scores, 0.5), np.eye(3)), axis=-1)
    return b("MatMul", weights, v)


def attention_of_heads(b, x):
    q, k, v = (b("Reshape", b("Mul", x, factor), [0, 3, 2, 2]) for factor in (1.0, -0.5, 2.0))
    q, v = (b("Transpose", h, perm=[0, 2, 1, 3]) for h in (q, v))
    scores = b("MatMul", b("Mul", q, 0.7), b("Transpose", k, perm=[0, 2, 3, 1]))
    return b("MatMul", b("Softmax", scores, axis=3), v)


WRITTEN_OUT = {
    attention_of_heads: "Attention",
    gelu: "Gelu", gelu_of_products: "Gelu", tanh_gelu: "Gelu", hardswish: "HardSwish",
    hardswish_of_hardsigmoid: "HardSwish", swish: "Swish", layer_norm: "LayerNormalization",
    rms_norm: "RMSNormalization", linear: "Linear", attention: "Attention",
}  # fmt: skip


def ops(model):
    return collections.Counter(node.op for node in model.graph.nodes)


def assert_same(a, b, *inputs):
    """Two models have the same numbers and input gradients."""
    first, second = ([Value(x) for x in inputs] for _ in range(2))
    y, z = a(*first), b(*second)
    np.testing.assert_allclose(z.data, y.data, rtol=2e-5, atol=2e-6)
    g = np.cos(np.arange(y.size, dtype=np.float32)).reshape(y.shape)
    y.backward(g)
    z.backward(g)
    for v, w in zip(first, second, strict=True):
        np.testing.assert_allclose(w.grad, v.grad, rtol=2e-4, atol=2e-5)


@pytest.mark.parametrize("write", WRITTEN_OUT, ids=lambda f: f.__name__)
def test_what_is_written_out_becomes_one_op_with_the_same_numbers(write, tmp_path, rng):
    b = Builder()
    path = b.saved(tmp_path / "m.onnx", write(b, "x"), ["N", 3, 4])
    model = nn.onnx.load(path)
    assert ops(model)[WRITTEN_OUT[write]] == 1
    if write not in (attention, attention_of_heads):
        assert len(model.graph.nodes) == 1
    x = rng.standard_normal((2, 3, 4)).astype(np.float32)
    assert_same(nn.onnx.load(path, simplify=False), model, x)


def test_a_pattern_whose_inside_others_read_is_let_be(tmp_path, rng):
    b = Builder()
    s = b("Sigmoid", "x")
    path = b.saved(tmp_path / "m.onnx", b("Add", b("Mul", "x", s), s), ["N", 4])
    assert "Swish" not in ops(nn.onnx.load(path))


def test_almost_a_pattern_is_let_be(tmp_path):
    b = Builder()
    path = b.saved(
        tmp_path / "m.onnx", b("Div", b("Mul", "x", b("Clip", b("Add", "x", 3.0), 0.0, 5.0)), 6.0),
        ["N", 4],
    )  # fmt: skip
    assert "HardSwish" not in ops(nn.onnx.load(path))


def conv_with(b, rng, *, then):
    C = 4
    h = b("Conv", "x", rng.standard_normal((C, 3, 3, 3)), rng.standard_normal(C))
    if then == "BatchNormalization":
        mean, var = rng.standard_normal(C), rng.random(C) + 0.5
        return b(then, h, rng.standard_normal(C), rng.standard_normal(C), mean, var, epsilon=1e-3)
    return b("Add", b("Mul", h, rng.standard_normal((1, C, 1, 1))), rng.standard_normal((C, 1, 1)))


@pytest.mark.parametrize("then", ["BatchNormalization", "Mul and Add"])
def test_a_convolution_absorbs_what_follows_channel_by_channel(then, tmp_path, rng):
    b = Builder()
    path = b.saved(tmp_path / "m.onnx", conv_with(b, rng, then=then), ["N", 3, 6, 6])
    model = nn.onnx.load(path)
    assert ops(model) == {"Conv": 1}
    x = rng.standard_normal((2, 3, 6, 6)).astype(np.float32)
    assert_same(nn.onnx.load(path, simplify=False), model, x)


def test_a_weight_that_two_convolutions_share_is_let_be(tmp_path, rng):
    b = Builder()
    w = b.constant(rng.standard_normal((3, 3, 1, 1)))
    h = b("Mul", b("Conv", "x", w), rng.standard_normal((1, 3, 1, 1)))
    path = b.saved(tmp_path / "m.onnx", b("Conv", h, w), ["N", 3, 2, 2])
    model = nn.onnx.load(path)
    assert ops(model) == {"Conv": 2, "Mul": 1}
    x = rng.standard_normal((1, 3, 2, 2)).astype(np.float32)
    assert_same(nn.onnx.load(path, simplify=False), model, x)


def test_what_no_input_takes_part_in_is_computed_once(tmp_path):
    b = Builder()
    shape = b("Concat", b("Sub", [3], [1]), b("Mul", [-1], [1]), axis=0)
    path = b.saved(tmp_path / "m.onnx", b("Reshape", "x", shape), ["N", 4])
    assert ops(nn.onnx.load(path)) == {"Reshape": 1}


def flattened(b):
    """x (N, A, B) to (N, A B), by the arithmetic of shapes that exporters write."""
    shape = b("Shape", "x")
    n = b("Unsqueeze", b("Gather", shape, 0), [0])
    rest = b("ReduceProd", b("Slice", shape, [1], [3]), keepdims=1)
    return b("Relu", b("Reshape", "x", b("Concat", n, rest, axis=0)))


def test_the_arithmetic_of_shapes_is_done_once_for_each_shape(tmp_path, rng, monkeypatch):
    b = Builder()
    model = nn.onnx.load(b.saved(tmp_path / "m.onnx", flattened(b), ["N", "A", "B"]))
    runs = collections.Counter()
    run = type(model.graph.nodes[0]).run

    def counted(node, *inputs, **around):
        runs[node.op] += 1
        return run(node, *inputs, **around)

    monkeypatch.setattr(type(model.graph.nodes[0]), "run", counted)
    for shape in ((2, 3, 4), (2, 3, 4), (5, 2, 2), (2, 3, 4)):
        x = rng.standard_normal(shape).astype(np.float32)
        np.testing.assert_array_equal(model(x), np.maximum(x.reshape(shape[0], -1), 0))
    assert runs["Shape"] == runs["Concat"] == 2
    assert runs["Reshape"] == runs["Relu"] == 4


def test_small_integers_that_are_data_are_not_remembered_for_others(tmp_path):
    nodes = [
        helper.make_node("Gather", ["table", "i"], ["rows"]),
        helper.make_node("Shape", ["rows"], ["s"]),
        helper.make_node("Cast", ["s"], ["f"], to=TensorProto.FLOAT),
        helper.make_node("ReduceSum", ["f"], ["n"]),
        helper.make_node("Add", ["rows", "n"], ["y"]),
    ]
    graph = helper.make_graph(
        nodes, "g", [helper.make_tensor_value_info("i", TensorProto.INT64, [None])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        [numpy_helper.from_array(np.arange(10, dtype=np.float32), "table")],
    )  # fmt: skip
    path = tmp_path / "m.onnx"
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    path.write_bytes(model.SerializeToString())
    model = nn.onnx.load(path)
    for i in ([1, 2], [3, 4], [1, 2], [5]):
        np.testing.assert_array_equal(model(np.array(i)).data, np.float32(i) + len(i))


def test_without_recording_an_output_is_a_value_all_the_same(tmp_path, rng):
    b = Builder()
    model = nn.onnx.load(b.saved(tmp_path / "m.onnx", linear(b, "x"), ["N", 3, 4]))
    x = rng.standard_normal((2, 3, 4)).astype(np.float32)
    with autograd.no_grad():
        y = model(x)
    assert isinstance(y, Value)
    assert not y.requires_grad
    np.testing.assert_allclose(y.data, model(x).data, rtol=1e-6)


# Files of other people: a folder of them, unpacked from packages

FOLDER = os.environ.get("GLASSGRAD_ONNX_FILES")
SIZES = {  # part of a file's name -> an input's shape
    "pnet": (1, 30, 30, 3), "rnet": (2, 24, 24, 3), "onet": (2, 48, 48, 3),
    "det_small": (1, 3, 64, 64), "v4_det": (1, 3, 64, 64), "rec": (1, 3, 48, 96),
    "cls": (1, 3, 48, 192), "common_det": (1, 3, 416, 416), "common.onnx": (1, 1, 64, 80),
    "common_old": (1, 1, 64, 80),
    "320n": (1, 3, 320, 320), "nsfw": (1, 224, 224, 3), "sequence": (5, 576),
}  # fmt: skip
QUANTIZED = {"common_old.onnx"}  # no gradient
FILES = sorted(Path(FOLDER).rglob("*.onnx")) if FOLDER else []


def example(t, path, rng):
    """Numbers for an input of a real file."""
    shape = tuple(n if isinstance(n, int) and n > 0 else 1 for n in t.shape or ())
    if t.name == "sr":
        return np.array(16000)
    if t.name == "input" and "silero" in str(path):
        shape = SIZES["sequence"] if "sequence" in path.name else (1, 576)
    elif t.dtype is not None and t.dtype.kind == "f" and "silero" not in str(path):
        shape = next((s for part, s in SIZES.items() if part in path.name), shape)
    if "tashkeel" in str(path):
        shape = (1,) if "len" in t.name else (1, 20)
        return np.full(shape, 20) if "len" in t.name else rng.integers(1, 10, shape).astype(t.dtype)
    if "nakdimon" in path.name:
        return rng.integers(1, 20, (1, 30)).astype(t.dtype)
    if "magika" in str(path):
        return rng.integers(0, 256, (1, 2048)).astype(t.dtype)
    return (0.3 * rng.standard_normal(shape)).astype(t.dtype)


needs_files = pytest.mark.skipif(
    not FILES, reason="GLASSGRAD_ONNX_FILES names no folder with ONNX files of packages"
)


@needs_files
@pytest.mark.parametrize("path", FILES, ids=lambda p: p.name)
def test_a_real_file_has_the_numbers_of_onnxruntime(path, rng):
    ort = pytest.importorskip("onnxruntime", reason="the comparison needs onnxruntime")
    model = nn.onnx.load(path)
    given = {t.name: example(t, path, rng) for t in model.graph.inputs}
    session = ort.InferenceSession(path, providers=["CPUExecutionProvider"])
    found = model(**given)
    found = found if isinstance(found, tuple) else (found,)
    for y, expected in zip(found, session.run(None, given), strict=True):
        y = y.data if isinstance(y, Value) else y
        scale = max(float(np.abs(expected).max()), 1e-6)
        np.testing.assert_allclose(y, expected, rtol=1e-4, atol=3e-4 * scale + 1e-6)


@needs_files
@pytest.mark.parametrize(
    "path",
    [p for p in FILES if p.name not in QUANTIZED and p.stat().st_size < 12e6],
    ids=lambda p: p.name,
)
def test_a_gradient_of_a_real_file_is_that_of_differences(path, rng):
    model = nn.onnx.load(path, dtype=np.float64)
    given = {t.name: example(t, path, rng) for t in model.graph.inputs}
    live = [name for name, x in given.items() if x.dtype.kind == "f"]
    if not live or "nakdimon" in path.name:
        pytest.skip("its inputs are whole numbers")
    ways = {name: rng.standard_normal(given[name].shape) for name in live}
    inputs = {name: Value(x) if name in live else x for name, x in given.items()}

    def total(outputs):
        found = outputs if isinstance(outputs, tuple) else (outputs,)
        floats = [y for y in found if y.dtype.kind == "f"]
        return sum(np.sum(y * np.cos(np.arange(y.size)).reshape(y.shape)) for y in floats)

    total(model(**inputs)).backward()
    slope = sum(np.sum(inputs[n].grad * ways[n]) for n in live if inputs[n].grad is not None)

    def moved(h):
        with autograd.no_grad():
            found = total(
                model(**{n: x + h * ways[n] if n in live else x for n, x in given.items()})
            )
        return float(found.data if isinstance(found, Value) else found)

    errors = [abs((moved(h) - moved(-h)) / (2 * h) - slope) for h in (1e-5, 1e-6, 1e-7)]
    assert min(errors) < 1e-5 * max(1.0, abs(slope))
