"""Saving Modules as ONNX files: onnx checks them, onnxruntime agrees, and they load again."""

from __future__ import annotations

import collections

import numpy as np
import pytest

import autograd
import nn
from autograd import Value

onnx = pytest.importorskip("onnx", reason="nn.onnx writes files with the package onnx")
ort = pytest.importorskip("onnxruntime", reason="the comparison needs onnxruntime")

RNG = np.random.default_rng(0)
ACTIVATIONS = [
    "CELU", "ELU", "GELU", "Hardshrink", "Hardsigmoid", "Hardswish", "Hardtanh", "LeakyReLU",
    "LogSigmoid", "Mish", "PReLU", "ReLU", "ReLU6", "RReLU", "SELU", "Sigmoid", "SiLU", "Softplus",
    "Softshrink", "Softsign", "Tanh", "Tanhshrink",
]  # fmt: skip


def floats(*shape):
    return RNG.standard_normal(shape).astype(np.float32)


def tokens(n, *shape):
    return RNG.integers(0, n, shape)


class Function(nn.Module):
    def __init__(self, function):
        self.function = function

    def forward(self, x):
        return self.function(x)


MODELS = {
    "MLP": (lambda: nn.models.MLP(4, 8, 3), [floats(2, 4)]),
    "LeNet5": (nn.models.LeNet5, [floats(2, 1, 28, 28)]),
    "ResNet-20": (nn.models.resnet20, [floats(2, 3, 32, 32)]),
    "ResNet of bottlenecks": (
        lambda: nn.models.ResNet((1, 1), 5, width=4, block=nn.models.Bottleneck, stem=7),
        [floats(2, 3, 32, 32)],
    ),
    "VGG": (
        lambda: nn.models.VGG(11, 5, batch_norm=True, width=4, hidden=8), [floats(2, 3, 32, 32)],
    ),
    "MobileNetV2": (lambda: nn.models.MobileNetV2(5, 0.1), [floats(2, 3, 32, 32)]),
    "MobileNetV3": (lambda: nn.models.MobileNetV3("small", 5, 0.1), [floats(2, 3, 32, 32)]),
    "LSTM": (lambda: nn.LSTM(3, 5, 2), [floats(4, 2, 3)]),
    "GRU, both ways": (
        lambda: nn.GRU(3, 5, bidirectional=True, batch_first=True), [floats(2, 4, 3)],
    ),
    "RNN": (lambda: nn.RNN(3, 5, nonlinearity="relu"), [floats(4, 2, 3)]),
    "Transformer encoder": (
        lambda: nn.TransformerEncoder(nn.TransformerEncoderLayer(8, 2, 16, batch_first=True), 2),
        [floats(2, 5, 8)],
    ),
    "Transformer": (
        lambda: nn.Transformer(8, 2, 1, 1, 16, batch_first=True),
        [floats(2, 5, 8), floats(2, 4, 8)],
    ),
    "GPT": (
        lambda: nn.models.GPT(11, block_size=8, n_layer=2, n_head=2, n_embd=8), [tokens(11, 2, 6)],
    ),
    "BERT": (
        lambda: nn.models.BERT(11, 8, 2, 2, 16, max_length=8), [tokens(11, 2, 6)],
    ),
    "BERT with a mask": (
        lambda: nn.models.BERT(11, 8, 2, 2, 16, max_length=8),
        [tokens(11, 2, 6), np.array([[1, 1, 1, 1, 0, 0], [1, 1, 1, 1, 1, 1]])],
    ),
    "VAE": (lambda: nn.models.VAE(6, 8, 2), [floats(3, 6)]),
    "UNet": (lambda: nn.models.UNet(1, 2, 4, 2), [floats(2, 1, 8, 8)]),
    "ViT": (lambda: nn.models.ViT(8, 4, 1, 2, 8, 16, num_classes=3), [floats(2, 3, 8, 8)]),
    "CharLM": (lambda: nn.models.CharLM(11, 8), [tokens(11, 2, 5)]),
}  # fmt: skip

IMAGES = {1: floats(2, 4, 9), 2: floats(2, 4, 8, 8), 3: floats(2, 2, 4, 5, 4)}
LAYERS = {name: (getattr(nn, name), [floats(2, 4)]) for name in ACTIVATIONS}
for d, images in IMAGES.items():
    C = images.shape[1]
    LAYERS |= {
        f"BatchNorm{d}d": (lambda d=d, C=C: getattr(nn, f"BatchNorm{d}d")(C), [images]),
        f"InstanceNorm{d}d": (
            lambda d=d, C=C: getattr(nn, f"InstanceNorm{d}d")(C, affine=True), [images],
        ),
        f"Conv{d}d": (
            lambda d=d, C=C: getattr(nn, f"Conv{d}d")(C, 4, 3, stride=2, padding=1, groups=2),
            [images],
        ),
        f"ConvTranspose{d}d": (
            lambda d=d, C=C: getattr(nn, f"ConvTranspose{d}d")(C, 4, 3, 2, 1, 1), [images],
        ),
        f"MaxPool{d}d": (
            lambda d=d: getattr(nn, f"MaxPool{d}d")(3, 2, 1, ceil_mode=True), [images],
        ),
        f"AvgPool{d}d": (
            lambda d=d: getattr(nn, f"AvgPool{d}d")(3, 2, 1, ceil_mode=True), [images],
        ),
        f"AdaptiveAvgPool{d}d": (lambda d=d: getattr(nn, f"AdaptiveAvgPool{d}d")(3), [images]),
        f"AdaptiveMaxPool{d}d": (lambda d=d: getattr(nn, f"AdaptiveMaxPool{d}d")(3), [images]),
        f"CircularPad{d}d": (lambda d=d: getattr(nn, f"CircularPad{d}d")(1), [images]),
        f"ConstantPad{d}d": (lambda d=d: getattr(nn, f"ConstantPad{d}d")(1, 2.0), [images]),
        f"ReflectionPad{d}d": (lambda d=d: getattr(nn, f"ReflectionPad{d}d")(1), [images]),
        f"ReplicationPad{d}d": (lambda d=d: getattr(nn, f"ReplicationPad{d}d")(1), [images]),
    }  # fmt: skip
LAYERS |= {
    "Bilinear": (lambda: nn.Bilinear(4, 3, 2), [floats(2, 4), floats(2, 3)]),
    "ChannelShuffle": (lambda: nn.ChannelShuffle(2), [IMAGES[2]]),
    "CosineSimilarity": (nn.CosineSimilarity, [floats(2, 4), floats(2, 4)]),
    "Embedding": (lambda: nn.Embedding(11, 4), [tokens(11, 2, 5)]),
    "EmbeddingBag": (lambda: nn.EmbeddingBag(11, 4), [tokens(11, 2, 5)]),
    "Fold": (lambda: nn.Fold((4, 5), 2), [floats(2, 12, 12)]),
    "GLU": (nn.GLU, [floats(2, 4)]),
    "GRUCell": (lambda: nn.GRUCell(3, 4), [floats(2, 3)]),
    "GroupNorm": (lambda: nn.GroupNorm(2, 4), [IMAGES[2]]),
    "LSTMCell": (lambda: nn.LSTMCell(3, 4), [floats(2, 3)]),
    "LayerNorm": (lambda: nn.LayerNorm(4), [floats(2, 3, 4)]),
    "Linear": (lambda: nn.Linear(4, 3), [floats(2, 5, 4)]),
    "LocalResponseNorm": (lambda: nn.LocalResponseNorm(3), [IMAGES[2]]),
    "LogSoftmax": (lambda: nn.LogSoftmax(-1), [floats(2, 4)]),
    "MultiheadAttention": (
        lambda: nn.MultiheadAttention(8, 2, batch_first=True), [floats(2, 5, 8)] * 3,
    ),
    "PairwiseDistance": (nn.PairwiseDistance, [floats(2, 4), floats(2, 4)]),
    "PixelShuffle": (lambda: nn.PixelShuffle(2), [IMAGES[2]]),
    "PixelUnshuffle": (lambda: nn.PixelUnshuffle(2), [IMAGES[2]]),
    "PositionalEmbedding": (lambda: nn.PositionalEmbedding(8), [floats(2, 5, 8)]),
    "PositionalEncoding": (lambda: nn.PositionalEncoding(8), [floats(2, 5, 8)]),
    "RMSNorm": (lambda: nn.RMSNorm(4), [floats(2, 4)]),
    "RNNCell": (lambda: nn.RNNCell(3, 4), [floats(2, 3)]),
    "Softmin": (lambda: nn.Softmin(-1), [floats(2, 4)]),
    "Softmax2d": (nn.Softmax2d, [IMAGES[2]]),
    "Unflatten": (lambda: nn.Unflatten(1, (2, 2)), [floats(2, 4)]),
    "Unfold": (lambda: nn.Unfold(3), [IMAGES[2]]),
    "Upsample": (lambda: nn.Upsample(scale_factor=2), [IMAGES[2]]),
    "Upsample, bicubic": (lambda: nn.Upsample(scale_factor=2, mode="bicubic"), [IMAGES[2]]),
    "UpsamplingBilinear2d": (lambda: nn.UpsamplingBilinear2d(scale_factor=2), [IMAGES[2]]),
}  # fmt: skip
FUNCTIONS = {
    "a matrix norm": lambda x: np.linalg.norm(x),
    "broadcasting to the batch": lambda x: np.broadcast_to(x[:, None], (x.shape[0], 3, 4)),
    "clip": lambda x: np.clip(x, -1, 1),
    "cumsum": lambda x: np.cumsum(x, 1),
    "division by the size of the batch": lambda x: np.sum(x) / x.shape[0],
    "einsum": lambda x: np.einsum("ij,kj->ik", x, x),
    "every other column": lambda x: x[:, ::2],
    "flip": lambda x: np.flip(x, 1),
    "columns by their indices": lambda x: x[:, [0, 2]],
    "index with a new axis": lambda x: x[:, None, 1:],
    "log1p": lambda x: np.log1p(x * x),
    "maximum": lambda x: np.maximum(x, 0.1),
    "mean over the batch": lambda x: x - np.mean(x, axis=0),
    "power": lambda x: np.abs(x) ** 1.5,
    "repeat": lambda x: np.repeat(x, 2, 1),
    "reshape of the batch": lambda x: np.reshape(x, (x.shape[0] * 2, 2)),
    "roll": lambda x: np.roll(x, 1, 1),
    "sort": lambda x: np.sort(x, axis=1),
    "split": lambda x: np.split(x, 2, axis=1),
    "stack": lambda x: np.stack([x, x * 2], 1),
    "std": lambda x: np.std(x, axis=1, ddof=1, keepdims=True),
    "swapaxes": lambda x: np.swapaxes(x, 0, 1),
    "the last row": lambda x: x[-1],
    "all rows but the last": lambda x: x[:-1],
    "tile": lambda x: np.tile(x, (1, 2)),
    "tril": lambda x: np.tril(x),
    "var": lambda x: np.var(x, axis=1),
}


def flat(y):
    if isinstance(y, (tuple, list)):
        return [part for x in y for part in flat(x)]
    return [] if y is None else [y.data if isinstance(y, Value) else np.asarray(y)]


def scaled(ys):
    return max(1.0, *(float(np.abs(y).max(initial=0)) for y in ys))


def assert_runs_as(model, path, *inputs, rtol=2e-5):
    """onnxruntime and the model as it is loaded again have the numbers of the model."""
    model.eval()
    expected = flat(model(*inputs))
    session = ort.InferenceSession(path, providers=["CPUExecutionProvider"])
    names = [i.name for i in session.get_inputs()]
    theirs = session.run(None, dict(zip(names, inputs, strict=True)))
    again = flat(nn.onnx.load(path)(*inputs))
    atol = rtol * scaled(expected)
    for y, a, b in zip(expected, theirs, again, strict=True):
        assert y.shape == a.shape == b.shape
        np.testing.assert_allclose(a, y, rtol=rtol, atol=atol)
        np.testing.assert_allclose(b, y, rtol=rtol, atol=atol)


def wider(x):
    """The same input with three times as many rows."""
    return np.concatenate([x, x[::-1], x])


def saved(model, tmp_path, *inputs, **how):
    path = tmp_path / "model.onnx"
    nn.onnx.save(model, path, *inputs, **how)
    return path


ALL = {**MODELS, **LAYERS}


@pytest.mark.filterwarnings("ignore:a constant of shape")
@pytest.mark.parametrize("name", ALL)
def test_a_model_is_saved_for_every_size_of_the_batch(name, tmp_path):
    make, inputs = ALL[name]
    model = make()
    path = saved(model, tmp_path, *inputs)
    assert_runs_as(model, path, *inputs)
    assert_runs_as(model, path, *map(wider, inputs))


@pytest.mark.parametrize("name", FUNCTIONS)
def test_array_functions_are_saved_for_every_size_of_the_batch(name, tmp_path):
    model, x = Function(FUNCTIONS[name]), floats(2, 4)
    path = saved(model, tmp_path, x)
    assert_runs_as(model, path, x)
    assert_runs_as(model, path, wider(x))


@pytest.mark.parametrize("name", [n for n, (_, xs) in MODELS.items() if xs[0].dtype.kind == "f"])
def test_gradients_of_a_model_loaded_again_are_the_models(name, tmp_path, rng):
    make, inputs = MODELS[name]
    model = make().to(np.float64).eval()  # in float32, rounding may switch a ReLU
    inputs = [x.astype(np.float64) for x in inputs]
    again = nn.onnx.load(saved(model, tmp_path, *inputs))

    def gradient(m):
        xs = [Value(x) for x in inputs]
        y = m(*xs)
        while isinstance(y, tuple):
            y = y[0]
        y.backward(np.cos(np.arange(y.size)).reshape(y.shape))
        return [x.grad for x in xs]

    for g, expected in zip(gradient(again), gradient(model), strict=True):
        scale = np.abs(expected).max()
        np.testing.assert_allclose(g, expected, rtol=1e-4, atol=1e-5 * scale)


@pytest.mark.parametrize(
    ("name", "ops"),
    [
        ("LSTM", {"LSTM": 2}),
        ("GRU, both ways", {"GRU": 2}),
        ("Transformer encoder", {"Attention": 2, "LayerNormalization": 4}),
        ("GPT", {"Gather": 1, "Attention": 2, "Gelu": 2}),
        ("LeNet5", {"Conv": 2, "MaxPool": 2, "Gemm": 3}),
        ("ResNet-20", {"BatchNormalization": 21}),
    ],
)
def test_layers_are_written_as_onnxs_own_ops(name, ops, tmp_path):
    make, inputs = MODELS[name]
    graph = onnx.load(saved(make(), tmp_path, *inputs)).graph
    count = collections.Counter(node.op_type for node in graph.node)
    assert {op: count[op] for op in ops} == ops


def test_a_kernel_without_a_counterpart_is_written_as_its_reference(tmp_path):
    model = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True).eval()
    x = floats(2, 5, 8)
    path = saved(model, tmp_path, x, opset=20)
    ops = {node.op_type for node in onnx.load(path).graph.node}
    assert "Attention" not in ops
    assert "Softmax" in ops
    assert_runs_as(model, path, wider(x))


def test_parameters_keep_their_paths_and_modules_their_places(tmp_path):
    model = nn.Sequential(
        nn.Conv2d(1, 2, 3), nn.ReLU(), nn.Sequential(nn.Flatten(), nn.Linear(8, 3))
    )
    again = nn.onnx.load(saved(model, tmp_path, floats(1, 1, 4, 4)))
    assert set(again.state_dict()) == set(model.state_dict())
    again.load_state_dict(model.state_dict())
    x = floats(1, 1, 4, 4)
    h = again.get_submodule("0")(x)
    np.testing.assert_allclose(h.data, model[0](x).data, rtol=1e-6)


def test_several_axes_can_be_free(tmp_path):
    model = nn.models.GPT(11, block_size=16, n_layer=1, n_head=2, n_embd=8)
    path = saved(model, tmp_path, tokens(11, 2, 6), axes={"tokens": {0: "N", 1: "T"}})
    for shape in ((2, 6), (1, 3), (5, 16)):
        assert_runs_as(model, path, tokens(11, *shape))


def test_an_lstm_with_projections_is_written_step_by_step(tmp_path):
    model, x = nn.LSTM(3, 4, proj_size=2), floats(4, 2, 3)
    path = saved(model, tmp_path, x, axes={"input": {1: "N"}})
    assert_runs_as(model, path, floats(4, 7, 3))


def test_all_sizes_can_be_fixed(tmp_path):
    path = saved(nn.Linear(3, 2), tmp_path, floats(2, 3), axes={})
    assert [d.dim_value for d in onnx.load(path).graph.input[0].type.tensor_type.shape.dim] == [
        2,
        3,
    ]


def test_outputs_have_names(tmp_path):
    model = Function(lambda x: {"twice": x * 2, "half": x / 2})
    again = nn.onnx.load(saved(model, tmp_path, floats(2, 3)))
    assert again.outputs == ("twice", "half")
    np.testing.assert_array_equal(again(np.float32([[1]]))["half"].data, [[0.5]])


def test_the_model_is_left_as_it_was(tmp_path):
    model = nn.Sequential(nn.Linear(3, 3), nn.Dropout(0.5))
    model[0].bias.requires_grad = False
    model[1].eval()
    path = saved(model, tmp_path, floats(2, 3))
    assert (model.training, model[0].training, model[1].training) == (True, True, False)
    assert not model[0].bias.requires_grad
    assert model[0].weight.grad is None
    assert_runs_as(model, path, floats(4, 3))


# What a file can't say is refused


def refusal(function, x, tmp_path, **how):
    with pytest.raises(NotImplementedError) as caught:
        saved(Function(function), tmp_path, x, **how)
    assert not (tmp_path / "model.onnx").exists()
    return str(caught.value)


def test_what_numpy_makes_of_an_input_unseen_is_refused(tmp_path):
    for how in ({}, {"axes": {}}):
        text = refusal(lambda x: np.where(x.data > 0.1, x, 0.1), floats(2, 4), tmp_path, **how)
        assert "made it of an input, unseen" in text


def test_a_graph_that_depends_on_the_size_is_refused(tmp_path):
    assert "depends on its input" in refusal(
        lambda x: sum(x[i] for i in range(x.shape[0])) * 1, floats(2, 4), tmp_path
    )


def test_a_branch_that_an_input_chooses_is_refused(tmp_path):
    class Model(nn.Module):
        def forward(self, x, rate):
            return np.tanh(x) if rate == 16000 else np.exp(x)

    with pytest.raises(NotImplementedError, match="depends on its input"):
        saved(Model(), tmp_path, floats(2, 4), np.array(16000), axes={})


def test_a_weight_that_an_input_chooses_is_refused(tmp_path):
    class Model(nn.Module):
        def __init__(self):
            self.experts = nn.ModuleList([nn.Linear(4, 4), nn.Linear(4, 4)])

        def forward(self, x, which):
            return self.experts[int(which)](x)

    with pytest.raises(NotImplementedError, match="depends on its input"):
        saved(Model(), tmp_path, floats(2, 4), np.array(1), axes={})


def test_indices_that_are_all_the_same_are_still_an_input(tmp_path):
    model = nn.Embedding(5, 3)
    path = saved(model, tmp_path, np.zeros((2, 4), np.int64))
    assert_runs_as(model, path, tokens(5, 3, 4))


def test_an_op_without_a_counterpart_is_refused_by_name(tmp_path):
    text = refusal(lambda x: autograd.lgamma(x), floats(2, 4), tmp_path)
    assert "lgamma: there is no ONNX op for it" in text


def test_a_condition_that_was_the_same_everywhere_is_warned_of(tmp_path):
    model = Function(lambda x: np.where(x.data > -100, x, 0))
    with pytest.warns(UserWarning, match="was True everywhere"):
        saved(model, tmp_path, floats(2, 4))


@pytest.mark.parametrize(
    ("how", "text"),
    [
        ({"opset": 9}, "18 to 23"),
        ({"axes": {"y": {0: "N"}}}, "no input 'y'"),
        ({"axes": {"x": {5: "N"}}}, "no axis 5"),
    ],
)
def test_arguments_that_do_not_fit_are_refused(how, text, tmp_path):
    with pytest.raises(ValueError, match=text):
        saved(Function(lambda x: x * 2), tmp_path, floats(2, 4), **how)
