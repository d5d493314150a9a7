"""Every layer refuses input and settings that do not fit, and says where it is and what it got."""

from __future__ import annotations

import numpy as np
import pytest

import nn
from nn.parameter import plain

RNG = np.random.default_rng(0)


def real(*shape):
    return RNG.normal(size=shape).astype(np.float32)


# what is done to the first input, all of whose axes are at least 2 long
CHANGES = {
    "three axes more": lambda x: x[None, None, None],
    "no axis": lambda x: x.reshape(-1)[:1].reshape(()),
    "longer axis 1": lambda x: np.concatenate([x, x[:, :1]], 1),
    "longer last axis": lambda x: np.concatenate([x, x[..., :1]], -1),
}
ALL = frozenset(CHANGES)
SIZES = frozenset({"longer axis 1", "longer last axis"})
RANK = frozenset({"three axes more"})
LAST, SECOND, NONE = frozenset({"longer last axis"}), frozenset({"longer axis 1"}), frozenset()

# layer: settings, inputs, and the changes that it takes
ELEMENTWISE = [
    "CELU", "ELU", "GELU", "Hardshrink", "Hardsigmoid", "Hardswish", "Hardtanh", "LeakyReLU",
    "LogSigmoid", "Mish", "ReLU", "ReLU6", "RReLU", "SELU", "SiLU", "Sigmoid", "Softplus",
    "Softshrink", "Softsign", "Tanh", "Tanhshrink", "Dropout", "AlphaDropout",
]  # fmt: skip
LAYERS = {name: ({}, (real(3, 4),), ALL) for name in ELEMENTWISE}
LAYERS |= {name: ({"dim": 1}, (real(3, 4),), SIZES | RANK) for name in ("Softmax", "Softmin")}
LAYERS |= {
    "LogSoftmax": ({"dim": 1}, (real(3, 4),), SIZES | RANK),
    "GLU": ({}, (real(3, 4),), RANK),
    "Softmax2d": ({}, (real(2, 3, 4, 5),), SIZES),
    "Threshold": ({"threshold": 0.1, "value": 2.0}, (real(3, 4),), ALL),
    "PReLU": ({"num_parameters": 4}, (real(3, 4),), NONE),
    "FeatureAlphaDropout": ({}, (real(2, 4, 5),), SIZES | RANK),
    "Linear": ({"in_features": 4, "out_features": 3}, (real(2, 4),), RANK),
    "Bilinear": (
        {"in1_features": 4, "in2_features": 3, "out_features": 2},
        (real(5, 4), real(5, 3)),
        NONE,
    ),
    "CosineSimilarity": ({}, (real(3, 4), real(3, 4)), RANK | {"no axis"}),
    "PairwiseDistance": ({}, (real(3, 4), real(3, 4)), RANK),
    "GroupNorm": ({"num_groups": 2, "num_channels": 4}, (real(2, 4, 5),), LAST),
    "LayerNorm": ({"normalized_shape": 4}, (real(2, 4),), RANK),
    "RMSNorm": ({"normalized_shape": 4}, (real(2, 4),), RANK),
    "LocalResponseNorm": ({"size": 2}, (real(2, 4, 5),), SIZES | RANK),
    "MultiheadAttention": ({"embed_dim": 4, "num_heads": 2}, (real(5, 2, 4),) * 3, NONE),
    "Transformer": (
        {"d_model": 4, "nhead": 2, "num_encoder_layers": 1, "num_decoder_layers": 1},
        (real(5, 2, 4), real(3, 2, 4)),
        NONE,
    ),
    "TransformerEncoderLayer": ({"d_model": 4, "nhead": 2}, (real(5, 2, 4),), SECOND),
    "TransformerDecoderLayer": ({"d_model": 4, "nhead": 2}, (real(5, 2, 4), real(3, 2, 4)), NONE),
    "TransformerEncoder": (
        {"encoder_layer": nn.TransformerEncoderLayer(4, 2, 8), "num_layers": 1},
        (real(5, 2, 4),),
        SECOND,
    ),
    "TransformerDecoder": (
        {"decoder_layer": nn.TransformerDecoderLayer(4, 2, 8), "num_layers": 1},
        (real(5, 2, 4), real(3, 2, 4)),
        NONE,
    ),
    "PositionalEmbedding": ({"d_model": 4}, (real(5, 2, 4),), SECOND),
    "PositionalEncoding": ({"d_model": 4}, (real(5, 2, 4),), SECOND),
    "RBM": ({"n_visible": 4, "n_hidden": 3}, (real(2, 4),), RANK),
    "Fold": ({"output_size": (4, 4), "kernel_size": 2}, (real(2, 8, 9),), NONE),
    "Unfold": ({"kernel_size": 2}, (real(2, 3, 4, 4),), SIZES),
    "PixelShuffle": ({"upscale_factor": 2}, (real(2, 4, 3, 3),), LAST | RANK),
    "PixelUnshuffle": ({"downscale_factor": 2}, (real(2, 3, 4, 4),), SECOND | RANK),
    "ChannelShuffle": ({"groups": 2}, (real(2, 4, 3, 3),), LAST),
    "Upsample": ({"scale_factor": 2}, (real(2, 3, 4, 4),), SIZES),
    "UpsamplingBilinear2d": ({"scale_factor": 2}, (real(2, 3, 4, 4),), SIZES),
    "UpsamplingNearest2d": ({"scale_factor": 2}, (real(2, 3, 4, 4),), SIZES),
    "Unflatten": ({"dim": 1, "unflattened_size": (2, 2)}, (real(3, 4),), NONE),
    "Flatten": ({}, (real(3, 4, 2),), ALL),
    "Identity": ({}, (real(3, 4),), ALL),
}
for name in ("RNN", "LSTM", "GRU"):
    LAYERS[name] = ({"input_size": 4, "hidden_size": 3}, (real(5, 2, 4),), SECOND)
    LAYERS[f"{name}Cell"] = ({"input_size": 4, "hidden_size": 3}, (real(2, 4),), NONE)
for rank in (1, 2, 3):
    x = (real(2, 4, *(4, 6, 8)[:rank]),)
    filters = {"in_channels": 4, "out_channels": 3, "kernel_size": 2}
    LAYERS |= {
        f"Conv{rank}d": (filters, x, LAST),
        f"ConvTranspose{rank}d": (filters, x, LAST),
        f"BatchNorm{rank}d": ({"num_features": 4}, x, LAST),
        f"InstanceNorm{rank}d": ({"num_features": 4}, x, LAST),
        f"Dropout{rank}d": ({}, x, SIZES),
        f"LPPool{rank}d": ({"norm_type": 2.0, "kernel_size": 2}, x, SIZES),
        f"ConstantPad{rank}d": ({"padding": 1, "value": 0.5}, x, SIZES | RANK),
        f"ZeroPad{rank}d": ({"padding": 1}, x, SIZES | RANK),
    }
    for kind in ("MaxPool", "AvgPool"):
        LAYERS[f"{kind}{rank}d"] = ({"kernel_size": 2}, x, SIZES)
    for kind in ("AdaptiveAvgPool", "AdaptiveMaxPool"):
        LAYERS[f"{kind}{rank}d"] = ({"output_size": 2}, x, SIZES)
    for kind in ("CircularPad", "ReflectionPad", "ReplicationPad"):
        LAYERS[f"{kind}{rank}d"] = ({"padding": 1}, x, SIZES)
    places = np.zeros(x[0].shape, int)
    LAYERS[f"MaxUnpool{rank}d"] = ({"kernel_size": 2}, (*x, places), NONE)

INTEGERS = {"Embedding", "EmbeddingBag"}  # tests below
CONTAINERS = {"Module", "Sequential", "ModuleList", "ModuleDict", "ParameterList", "ParameterDict"}


def test_every_layer_is_in_the_table():
    modules = {
        name
        for name in dir(nn)
        if isinstance(getattr(nn, name), type) and issubclass(getattr(nn, name), nn.Module)
    }
    assert {n for n in modules if not n.endswith("Loss")} == {*LAYERS, *INTEGERS, *CONTAINERS}


class Net(nn.Module):
    """A model that has the layer somewhere inside."""

    def __init__(self, layer):
        self.blocks = nn.ModuleList([nn.Identity(), layer])

    def forward(self, *inputs):
        return self.blocks[1](*inputs)


def made(name):
    settings, inputs, fits = LAYERS[name]
    return Net(getattr(nn, name)(**settings)), inputs, fits


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("name", LAYERS)
def test_a_layer_takes_the_shapes_that_fit_and_refuses_all_others(name, change):
    net, (x, *rest), fits = made(name)
    net(x, *rest)
    changed = CHANGES[change](x)
    if change in fits:
        net(changed, *rest)
        return
    with pytest.raises((ValueError, TypeError)) as caught:
        net(changed, *rest)
    says_where_and_what(caught.value, changed)


def says_where_and_what(error, x):
    notes = "\n".join(error.__notes__)
    assert "in blocks.1" in notes
    assert str(np.shape(x)) in f"{error}\n{notes}"
    assert str(np.asarray(x).dtype) in f"{error}\n{notes}"


@pytest.mark.parametrize("name", LAYERS)
def test_integers_are_refused_or_taken_for_the_numbers_that_they_are(name):
    net, (x, *rest), _ = made(name)
    net.eval()
    whole = np.round(3 * x).astype(int)
    try:
        y = net(whole, *rest)
    except (ValueError, TypeError) as error:
        says_where_and_what(error, whole)
        return
    assert not list(net.parameters())
    z = net(whole.astype(float), *rest)
    np.testing.assert_allclose(plain(y), plain(z))


NO_ARRAYS = {
    "got None": None,
    "got 'text'": "text",
    "got a object": object(),
    "got a dict": {"x": 1.0},
    "got a list that makes no array": [[1.0], [1.0, 2.0]],
    "got a tuple .* pass on the output": (real(2, 3), (real(2), real(3))),
    "got an array of <U1": np.array(["a", "b"]),
}


@pytest.mark.parametrize("text", NO_ARRAYS)
@pytest.mark.parametrize("name", [n for n in LAYERS if n != "Identity"])
def test_what_is_no_array_of_numbers_is_called_what_it_is(name, text):
    net, (_, *rest), _ = made(name)
    with pytest.raises(TypeError, match=f"must be an array or a Value of numbers, {text}"):
        net(NO_ARRAYS[text], *rest)


def test_a_layer_that_takes_its_size_from_the_input_names_what_it_got():
    for layer in (
        nn.Linear(None, 2), nn.GroupNorm(1, None), nn.LSTM(None, 2), nn.GRUCell(None, 2),
        nn.Conv1d(None, 2, 1), nn.BatchNorm1d(None),
    ):  # fmt: skip
        for wrong in (None, "text", 3):
            with pytest.raises(TypeError, match="must be an array or a Value of numbers, got"):
                layer(wrong)
        with pytest.raises(ValueError, match="input"):
            layer(np.float32(3))


@pytest.mark.parametrize("wrong", [None, "text", object()])
def test_losses_and_functions_call_it_what_it_is(wrong):
    x = real(2, 3)
    for loss in (nn.MSELoss(), nn.CrossEntropyLoss(), nn.BCEWithLogitsLoss(), nn.KLDivLoss()):
        with pytest.raises(TypeError, match="input must be an array or a Value of numbers, got"):
            loss(wrong, x)
        with pytest.raises(TypeError, match="target must be an array or a Value of numbers, got"):
            loss(x, wrong)
    F = nn.functional
    for call in (
        lambda: F.linear(wrong, x),
        lambda: F.mse_loss(wrong, x),
        lambda: F.mse_loss(x, wrong),
        lambda: F.flatten(wrong),
        lambda: F.normalize(wrong),
        lambda: F.dropout(wrong),
    ):
        with pytest.raises(TypeError, match=r"must be an array or a Value of numbers|not an array"):
            call()


@pytest.mark.parametrize("name", [n for n in LAYERS if "Norm" in n or "Conv" in n or "Linear" in n])
def test_a_layer_with_weights_refuses_integers(name):
    net, (x, *rest), _ = made(name)
    with pytest.raises(TypeError):
        net(np.ones(x.shape, int), *rest)


@pytest.mark.parametrize("name", sorted(INTEGERS))
def test_a_table_refuses_floats_and_rows_that_it_has_not(name):
    net = Net(getattr(nn, name)(5, 3))
    for wrong in (real(2, 3), np.array([[0, 5]]), np.array([[0, -1]])):
        with pytest.raises((ValueError, TypeError, IndexError)) as caught:
            net(wrong)
        says_where_and_what(caught.value, wrong)


PROBABILITY = {"p": (-0.1, 1.1)}
SIZE = (0, -1, 2.5)
SETTINGS = {
    **{name: PROBABILITY for name in LAYERS if "Dropout" in name},
    "Linear": {"in_features": (-1, 2.5), "out_features": (-1, "3")},
    "Bilinear": {"in1_features": SIZE, "out_features": (-1,)},
    "Embedding": {"num_embeddings": (-1,), "embedding_dim": (-1,), "padding_idx": (9, -9)},
    "EmbeddingBag": {"mode": ("median",), "max_norm": (-1.0,)},
    **{f"Conv{n}d": {"out_channels": SIZE, "kernel_size": SIZE, "stride": SIZE, "groups": (0, 3),
                     "padding": (-1, "full"), "dilation": SIZE} for n in (1, 2, 3)},
    **{f"ConvTranspose{n}d": {"kernel_size": SIZE, "stride": SIZE, "groups": (0, 3),
                              "padding": (-1,)} for n in (1, 2, 3)},
    "GroupNorm": {"num_groups": (0, 3)},
    **{name: {"hidden_size": SIZE} for name in ("RNNCell", "GRUCell", "LSTMCell")},
    **{name: {"hidden_size": SIZE, "num_layers": SIZE, "dropout": (-0.5, 2.0)}
       for name in ("RNN", "GRU", "LSTM")},
    "MultiheadAttention": {"num_heads": (0, 3), "dropout": (-0.1,), "kdim": (0,)},
    "TransformerEncoderLayer": {"nhead": (3,), "activation": ("tan",), "dropout": (2.0,)},
    "TransformerDecoderLayer": {"d_model": (0,), "activation": (None,)},
    "TransformerEncoder": {"num_layers": (-1,)},
    "PositionalEncoding": {"max_len": (0,)},
    "PositionalEmbedding": {"d_model": (0,), "dropout": (1.5,)},
    "RBM": {"k": (0,), "visible": ("poisson",)},
    "PixelShuffle": {"upscale_factor": (0, 1.5)},
    "LocalResponseNorm": {"size": (0,)},
    "LayerNorm": {"normalized_shape": (0, ())},
    "Softplus": {"beta": (0.0,)},
    "GELU": {"approximate": ("sigmoid",)},
    "Upsample": {"mode": ("best",)},
}  # fmt: skip
BAD = [
    (name, setting, value)
    for name, settings in SETTINGS.items()
    for setting, values in settings.items()
    for value in values
]


@pytest.mark.filterwarnings("ignore:.*dropout.*acts between layers")
@pytest.mark.parametrize(("name", "setting", "value"), BAD, ids=str)
def test_a_layer_refuses_settings_that_cannot_be(name, setting, value):
    settings = LAYERS[name][0] if name in LAYERS else {"num_embeddings": 5, "embedding_dim": 3}
    inputs = LAYERS[name][1] if name in LAYERS else (np.array([[1]]),)
    with pytest.raises((ValueError, TypeError)) as caught:
        Net(getattr(nn, name)(**settings | {setting: value}))(*inputs)
    text = "\n".join([str(caught.value), *getattr(caught.value, "__notes__", ())])
    assert setting in text
    assert str(value).strip("()[]") in text


@pytest.mark.parametrize("wrong", ["0.1", True, None, [0.1]])
def test_a_setting_that_is_a_number_is_no_text_and_no_flag(wrong):
    x, signs = real(2, 3), np.ones((2, 3))
    F, said = nn.functional, "must be a number, got"
    for call in (
        lambda: F.hinge_embedding_loss(x, signs, wrong),
        lambda: F.margin_ranking_loss(x, x, signs, wrong),
        lambda: F.cosine_embedding_loss(x, x, [1, 1], wrong),
        lambda: F.triplet_margin_loss(x, x, x, wrong),
        lambda: F.multi_margin_loss(x, np.array([0, 1]), margin=wrong),
        lambda: F.huber_loss(x, x, delta=wrong),
        lambda: F.smooth_l1_loss(x, x, beta=wrong),
        lambda: F.poisson_nll_loss(x, signs, eps=wrong),
        lambda: F.gaussian_nll_loss(x, x, signs, eps=wrong),
        lambda: F.sigmoid_focal_loss(x, signs, gamma=wrong),
        lambda: F.cross_entropy(x, np.array([0, 1]), label_smoothing=wrong),
        lambda: nn.LeakyReLU(wrong),
        lambda: nn.ELU(wrong),
        lambda: nn.Threshold(wrong, 0.0),
        lambda: nn.Softplus(wrong),
        lambda: nn.LayerNorm(3, eps=wrong),
        lambda: nn.GroupNorm(1, 3, eps=wrong),
        lambda: nn.BatchNorm1d(3, eps=wrong),
        lambda: nn.BatchNorm1d(3, momentum="0.1" if wrong is None else wrong),
    ):
        with pytest.raises(TypeError, match=said):
            call()


@pytest.mark.parametrize("wrong", ["1", True, 1.0])
def test_an_index_and_an_axis_are_integers(wrong):
    x, t = real(2, 4), np.array([0, 1])
    F = nn.functional
    for call in (
        lambda: F.cross_entropy(x, t, ignore_index=wrong),
        lambda: F.nll_loss(x, t, ignore_index=wrong),
        lambda: F.one_hot(t, wrong),
        lambda: F.glu(x, wrong),
        lambda: F.flatten(x, wrong),
        lambda: nn.Softmax(wrong),
        lambda: nn.LogSoftmax(wrong),
        lambda: nn.Embedding(3, 2, wrong),
    ):
        with pytest.raises(TypeError, match="must be an integer, got"):
            call()


def test_one_hot_rows_of_integers_are_told_the_way():
    with pytest.raises(ValueError, match=r"One-hot rows are floats here, or target\.argmax\(1\)"):
        nn.functional.cross_entropy(real(2, 3), np.eye(2, 3, dtype=int))
    with pytest.raises(ValueError, match="ignore_index=0 is for class indices"):
        nn.functional.cross_entropy(real(1, 2), [[0.5, 0.5]], ignore_index=0)
