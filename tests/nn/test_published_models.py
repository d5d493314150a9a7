"""Networks whose trained weights are published: names, shapes, numbers, and how a file is taken."""

from __future__ import annotations

import hashlib
import sys
import warnings

import numpy as np
import pytest

import autograd
import nn
from autograd import Value
from nn import functional as F  # noqa: N812 - PyTorch users' name
from nn import models


class Still(np.random.Generator):
    """A generator that draws nothing: a large model costs no time."""

    def uniform(self, low, high, size):
        return np.broadcast_to(np.float32(0), size)

    def normal(self, loc, scale, size):
        return np.broadcast_to(np.float32(0), size)

    def random(self, size):
        return np.zeros(size)


def still():
    return Still(np.random.PCG64(0))


# name -> our model, number of parameters, digest of torchvision 0.28's or transformers 5.24's names
# and shapes, in their order
PUBLISHED = {
    "resnet18": (models.resnet18, 11_689_512, "84fb10d9c6905a1c"),
    "resnet34": (models.resnet34, 21_797_672, "28f9096d51307499"),
    "resnet50": (models.resnet50, 25_557_032, "d7e4f8bb0a536344"),
    "resnet101": (models.resnet101, 44_549_160, "02c0f34f4842751f"),
    "vgg16": (models.VGG, 138_357_544, "35c4623e0cd4a39d"),
    "vgg11_bn": (
        lambda rng: models.VGG(11, batch_norm=True, rng=rng),
        132_868_840,
        "8b6717e727c0ecf9",
    ),
    "mobilenet_v2": (models.MobileNetV2, 3_504_872, "37bbbce8932fd0c4"),
    "mobilenet_v3_small": (
        lambda rng: models.MobileNetV3("small", rng=rng),
        2_542_856,
        "5f0efaf3ff4ac979",
    ),
    "mobilenet_v3_large": (models.MobileNetV3, 5_483_032, "efe98e40831bae95"),
    "vit_b_16": (models.vit_b_16, 86_567_656, "b124b34d9346c58c"),
    "BertModel": (models.BERT, 109_482_240, "a5fe6ceac761773c"),
    "GPT2Model": (models.gpt2, 124_439_808, "0708b4628a2291b5"),
}


def digest(named):
    """What tells one list of names and shapes from another."""
    text = "\n".join(f"{name} {tuple(shape)}" for name, shape in named)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def shapes(net):
    return [(name, x.shape) for name, x in net.state_dict(keep_vars=True).items()]


@pytest.mark.parametrize("name", PUBLISHED)
def test_names_shapes_and_their_number_are_the_published_ones(name):
    make, size, names = PUBLISHED[name]
    net = make(rng=still())
    assert sum(p.size for p in net.parameters()) == size
    assert digest(shapes(net)) == names


SMALL = {
    "BasicBlocks": (lambda: models.ResNet((1, 2), 5, width=4, stem=7, rng=0), (3, 32, 32)),
    "Bottlenecks": (
        lambda: models.ResNet((1, 1), 5, width=4, block=models.Bottleneck, stem=7, rng=0),
        (3, 32, 32),
    ),
    "VGG": (lambda: models.VGG(11, 5, width=4, hidden=8, rng=0), (3, 32, 32)),
    "VGG with batch norm": (lambda: models.VGG(13, 5, True, width=4, hidden=8, rng=0), (3, 32, 32)),
    "MobileNetV2": (lambda: models.MobileNetV2(5, 0.1, rng=0), (3, 32, 32)),
    "MobileNetV3 small": (lambda: models.MobileNetV3("small", 5, 0.1, rng=0), (3, 32, 32)),
    "MobileNetV3 large": (lambda: models.MobileNetV3("large", 5, 0.1, rng=0), (3, 32, 32)),
}


@pytest.mark.parametrize("name", SMALL)
def test_gradients_reach_the_image_and_every_parameter(name, rng):
    make, size = SMALL[name]
    net = make()
    x = Value(rng.normal(size=(4, *size)).astype(np.float32))
    F.cross_entropy(net(x), np.arange(4)).backward()
    assert np.abs(x.grad).max() > 0
    assert [n for n, p in net.named_parameters() if not np.abs(p.grad).max() > 0] == []


@pytest.mark.parametrize("name", SMALL)
def test_a_seed_repeats_weights_and_dropout(name, rng):
    make, size = SMALL[name]
    x = rng.normal(size=(2, *size)).astype(np.float32)
    one, other = make(), make()
    np.testing.assert_array_equal(one(x).data, other(x).data)


def test_a_bottleneck_is_three_convolutions_the_middle_one_with_the_stride(rng):
    block = models.Bottleneck(6, 4, stride=2, rng=0).eval()
    for name, b in block.named_buffers():
        if name.endswith("running_mean"):
            b[:] = rng.normal(size=b.shape)
    x = rng.normal(size=(2, 6, 8, 8)).astype(np.float32)

    def norm(bn, y):
        return F.batch_norm(y, bn.running_mean, bn.running_var, bn.weight, bn.bias)

    y = F.relu(norm(block.bn1, F.conv2d(x, block.conv1.weight)))
    y = F.relu(norm(block.bn2, F.conv2d(y, block.conv2.weight, None, 2, 1)))
    y = norm(block.bn3, F.conv2d(y, block.conv3.weight))
    conv, bn = block.downsample
    y = F.relu(y + norm(bn, F.conv2d(x, conv.weight, None, 2)))
    np.testing.assert_allclose(block(x).data, y.data, rtol=1e-5, atol=1e-6)


def test_squeeze_and_excitation_scales_channels(rng):
    layer = models.MobileNetV3("small", 5, 0.1, rng=0).features[1].block[1]
    assert type(layer).__name__ == "SqueezeExcitation"
    x = rng.normal(size=(2, layer.fc2.out_channels, 4, 4)).astype(np.float32)
    scales = layer(x).data / x
    assert np.ptp(scales, axis=(2, 3)).max() < 1e-5
    assert (scales[:, :, 0, 0] > 0).all()
    assert (scales[:, :, 0, 0] < 1).all()


def gpt(**changes):
    net = models.GPT(23, 8, 2, 2, 8, **{"approximate": "tanh", "rng": 1, **changes})
    rng = np.random.default_rng(0)
    for p in net.parameters():
        p.data = p.data + rng.normal(0, 0.1, p.shape)
    return net.eval()


def hugging_face(net):
    """The state of a GPT as Hugging Face's GPT2LMHeadModel stores it."""
    state = {}
    for name, array in net.state_dict().items():
        conv1d = name.startswith("h.") and array.ndim == 2
        state[f"transformer.{name}"] = array.T if conv1d else array
        if name.endswith("attn.c_proj.bias"):
            layer = f"transformer.{name.removesuffix('.c_proj.bias')}"
            state[f"{layer}.bias"] = np.tril(np.ones((1, 1, 8, 8)))
            state[f"{layer}.masked_bias"] = np.array(-1e4)
    return {**state, "lm_head.weight": state["transformer.wte.weight"]}


TOKENS = np.array([[1, 22, 3, 4, 0]])


def test_hugging_faces_gpt2_is_transposed_by_name(tmp_path):
    net, other = gpt(), gpt(rng=5)
    nn.save(hugging_face(net), tmp_path / "gpt2")
    report = nn.load(tmp_path / "gpt2", into=other)
    assert (report.missing_keys, report.unexpected_keys) == ([], [])
    np.testing.assert_array_equal(other(TOKENS).data, net(TOKENS).data)
    square = other.h[1].attn.c_proj.weight.data
    np.testing.assert_array_equal(square, net.h[1].attn.c_proj.weight.data)


def test_nanogpts_checkpoints_of_a_compiled_model_load_as_they_are():
    net, other = gpt(), gpt(rng=5)
    state = {f"_orig_mod.transformer.{n}": x for n, x in net.state_dict().items()}
    state["_orig_mod.lm_head.weight"] = net.wte.weight.data
    nn.load(state, into=other)
    np.testing.assert_array_equal(other(TOKENS).data, net(TOKENS).data)


def test_weights_for_the_other_gelu_warn():
    with pytest.warns(UserWarning, match='approximate="tanh"'):
        nn.load(hugging_face(gpt()), into=gpt(approximate="none"))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        nn.load(gpt().state_dict(), into=gpt(approximate="none"))


def test_square_matrices_alone_do_not_tell_how_they_are_stored():
    net = gpt()
    part = {name: x for name, x in hugging_face(net).items() if "attn.c_proj" in name}
    with pytest.raises(ValueError, match="no matrix but square ones"):
        nn.load(part, "transformer.", into=net, strict=False)
    mixed = hugging_face(net)
    mixed["transformer.h.0.mlp.c_fc.weight"] = mixed["transformer.h.0.mlp.c_fc.weight"].T
    with pytest.raises(ValueError, match="both occur"):
        nn.load(mixed, into=net)


def test_a_head_of_its_own_is_refused_where_it_is_shared():
    state = hugging_face(gpt())
    state["lm_head.weight"] = state["lm_head.weight"] + 1
    with pytest.raises(ValueError, match=r"lm_head\.weight differs from wte\.weight"):
        nn.load(state, into=gpt())


def bert(rng=0):
    net = models.BERT(31, 12, 2, 3, 20, max_length=10, rng=rng)
    draw = np.random.default_rng(rng)
    for p in net.parameters():
        p.data = p.data + draw.normal(0, 0.1, p.shape)
    return net.eval()


def test_bert_is_pytorchs_post_norm_encoder_on_its_embeddings():
    """The same weights in nn.TransformerEncoderLayer, whose numbers are PyTorch's."""
    net, mask = bert(), np.array([[1, 1, 1, 1, 0], [1, 1, 1, 1, 1]])
    tokens = np.array([[3, 30, 7, 7, 0], [1, 2, 3, 4, 5]])
    x = net.embeddings(tokens)
    for block in net.encoder.layer:
        layer = nn.TransformerEncoderLayer(12, 3, 20, 0.0, "gelu", 1e-12, batch_first=True)
        own = block.attention.self
        for kind in ("weight", "bias"):
            parts = [getattr(part, kind).data for part in (own.query, own.key, own.value)]
            setattr(layer.self_attn, f"in_proj_{kind}", nn.Parameter(np.concatenate(parts)))
        layer.self_attn.out_proj = block.attention.output.dense
        layer.norm1, layer.norm2 = block.attention.output.LayerNorm, block.output.LayerNorm
        layer.linear1, layer.linear2 = block.intermediate.dense, block.output.dense
        x = layer.eval()(x, src_key_padding_mask=mask == 0)
    hidden, pooled = net(tokens, mask)
    np.testing.assert_allclose(hidden.data, x.data, rtol=1e-5, atol=1e-5)
    dense = net.pooler.dense
    expected = np.tanh(x.data[:, 0] @ dense.weight.data.T + dense.bias.data)
    np.testing.assert_allclose(pooled.data, expected, rtol=1e-5, atol=1e-5)


def test_bert_does_not_see_what_is_masked_and_tells_segments_apart():
    net = bert()
    tokens, mask = np.array([[3, 4, 5, 9]]), np.array([[1, 1, 1, 0]])
    changed = np.array([[3, 4, 5, 2]])
    seen, other = net(tokens, mask)[0].data[:, :3], net(changed, mask)[0].data[:, :3]
    np.testing.assert_array_equal(seen, other)
    assert np.abs(net(changed)[0].data - net(tokens)[0].data).max() > 1e-3
    second = net(tokens, segments=np.array([[0, 0, 1, 1]]))[0].data
    assert np.abs(second - net(tokens)[0].data).max() > 1e-3


def test_bert_is_compiled_with_its_mask():
    net = bert()
    tokens, mask = np.array([[3, 4, 5, 0]] * 2), np.array([[1, 1, 1, 0]] * 2)
    run = autograd.compile(lambda tokens, mask: net(tokens, mask)[1])
    for _ in range(3):
        found = run(tokens, mask)
    np.testing.assert_allclose(found.data, net(tokens, mask)[1].data, rtol=1e-5, atol=1e-6)
    other = run(tokens, np.ones_like(mask))
    np.testing.assert_allclose(other.data, net(tokens)[1].data, rtol=1e-5, atol=1e-6)


def test_bert_takes_the_names_of_older_checkpoints_and_leaves_a_head_aside():
    net, other = bert(), bert(1)
    state = {"cls.predictions.bias": np.zeros(31, np.float32)}
    for name, x in net.state_dict().items():
        old = name.replace("LayerNorm.weight", "LayerNorm.gamma")
        state["bert." + old.replace("LayerNorm.bias", "LayerNorm.beta")] = x
    state["bert.embeddings.position_ids"] = np.arange(10)[None]
    with pytest.raises(ValueError, match=r"unexpected: cls\.predictions\.bias"):
        nn.load(state, into=other)
    report = nn.load(state, into=other, strict=False)
    assert (report.missing_keys, report.unexpected_keys) == ([], ["cls.predictions.bias"])
    np.testing.assert_array_equal(other(TOKENS)[0].data, net(TOKENS)[0].data)


def test_what_bert_is_not_given_right_is_refused():
    with pytest.raises(ValueError, match="hidden_dim=12 must be a multiple of num_heads=5"):
        models.BERT(9, 12, 1, 5)
    with pytest.raises(ValueError, match=r"T from 1 to max_length=10, got \(1, 11\)"):
        bert()(np.zeros((1, 11), int))
    with pytest.raises(ValueError, match=r"mask must be shaped like the tokens, \(1, 5\)"):
        bert()(TOKENS, np.ones(5))


def test_vits_first_checkpoints_load():
    net, other = (models.ViT(8, 4, 2, 2, 8, 12, num_classes=3, rng=seed) for seed in (0, 1))
    names = {".mlp.0.": ".mlp.linear_1.", ".mlp.3.": ".mlp.linear_2."}
    state = {}
    for name, x in net.state_dict().items():
        for new, old in names.items():
            name = name.replace(new, old)
        state[name] = x
    assert "encoder.layers.encoder_layer_1.mlp.linear_2.bias" in state
    assert nn.load(state, into=other) == ([], [], {})
    for a, b in zip(other.parameters(), net.parameters(), strict=True):
        np.testing.assert_array_equal(a.data, b.data)


def test_torchvisions_other_names_say_what_to_write():
    with pytest.raises(AttributeError, match=r"nn\.models\.VGG\(16, batch_norm=True\)"):
        _ = models.vgg16_bn
    with pytest.raises(AttributeError, match=r'nn\.models\.MobileNetV3\("small"\)'):
        _ = models.mobilenet_v3_small
    with pytest.raises(ValueError, match="no VGG with a number of layers of '12'"):
        models.VGG(12)
    with pytest.raises(ValueError, match="stem must be 3, for small images, or 7, got 5"):
        models.ResNet(stem=5)


def filled(net):
    """A state that needs no generator: waves, for scales and variances around 1."""
    state = {}
    for k, (name, x) in enumerate(net.state_dict().items()):
        wave = np.sin(0.7 * np.arange(x.size) + k).reshape(x.shape)
        if x.ndim > 1:
            wave *= np.sqrt(3 / np.prod(x.shape[1:]))
        else:
            wave = 0.2 * wave + (not name.endswith(("bias", "mean")))
        state[name] = wave.astype(x.dtype)
    return state


IMAGE = np.sin(np.arange(2 * 3 * 48 * 48) * 0.01).reshape(2, 3, 48, 48).astype(np.float32)
# our model, its input, and what torchvision 0.28 or transformers 5.24 computes last for `filled`,
# in float64
NUMBERS = {
    "BasicBlocks": (
        lambda: models.ResNet((1, 1, 1, 1), 3, width=64, stem=7),
        IMAGE,
        [921.0167, 2803.701, 4500.247],
    ),
    "Bottlenecks": (
        lambda: models.ResNet((1, 1, 1, 1), 3, width=64, block=models.Bottleneck, stem=7),
        IMAGE,
        [419.2178, 5172.418, 4873.202],
    ),
    "MobileNetV2": (lambda: models.MobileNetV2(3, 0.25), IMAGE, [2.380645, -6.729367, 8.088175]),
    "MobileNetV3 small": (
        lambda: models.MobileNetV3("small", 3, 0.25),
        IMAGE,
        [0.7518702, -1.054341, 0.6545872],
    ),
    "MobileNetV3 large": (
        lambda: models.MobileNetV3("large", 3, 0.25),
        IMAGE,
        [0.7613457, 0.5638642, -1.760426],
    ),
    "ViT": (
        lambda: models.ViT(48, 16, 2, 2, 12, 20, num_classes=3),
        IMAGE,
        [-1.798855, 0.1074509, 1.831219],
    ),
    "BERT": (
        lambda: models.BERT(31, 12, 2, 3, 20, 10),
        TOKENS,
        [-0.05037408, -1.286641, 0.5883178],
    ),
    "GPT-2": (
        lambda: models.GPT(23, 8, 2, 2, 8, approximate="tanh"),
        TOKENS,
        [1.005265, 1.937653, 2.00029],
    ),
}


def outputs(found):
    """Some of the numbers, as one row."""
    first = found[0] if isinstance(found, tuple) else found
    return np.asarray(first.data, np.float64)[-1].ravel()[-3:]


@pytest.mark.parametrize("name", NUMBERS)
def test_outputs_are_those_that_pytorch_computed(name):
    make, x, expected = NUMBERS[name]
    net = make().eval()
    net.load_state_dict(filled(net))
    np.testing.assert_allclose(outputs(net(x)), expected, rtol=1e-5, atol=1e-6)


@pytest.fixture(scope="module")
def torch():
    """PyTorch, on which torchvision and transformers can be imported."""
    torch = pytest.importorskip("torch", reason="the comparison needs torch")
    if sys.platform == "linux" and torch.version.cuda is None:
        # PyPI's torchvision is for the CUDA build: its import asks for ops that models don't use
        library = torch.library.Library("torchvision", "FRAGMENT")
        for name in ("nms", "qnms"):
            library.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
        torch.ops.torchvision.library = library  # which takes its ops along when it goes
    return torch


def theirs(name, torch):
    """A published model in PyTorch, without numbers."""
    if name in ("BertModel", "GPT2Model"):
        library = pytest.importorskip("transformers", reason="the comparison needs transformers")
        kind = getattr(library, name)
        with torch.device("meta"):
            return kind(kind.config_class())
    library = pytest.importorskip("torchvision", reason="the comparison needs torchvision")
    with torch.device("meta"):
        return getattr(library.models, name)()


@pytest.mark.torch
@pytest.mark.parametrize("name", PUBLISHED)
def test_the_digest_is_that_of_pytorchs_model(name, torch):
    state = theirs(name, torch).state_dict()
    if name == "GPT2Model":  # linear maps are transposed there
        flip = [f".{part}.weight" for part in ("c_attn", "c_proj", "c_fc")]
        state = {n: x.T if n.endswith(tuple(flip)) else x for n, x in state.items()}
    assert digest((n, x.shape) for n, x in state.items()) == PUBLISHED[name][2]


@pytest.mark.torch
@pytest.mark.parametrize(
    "name",
    ["resnet18", "resnet50", "mobilenet_v2", "mobilenet_v3_small", "mobilenet_v3_large"],
)
def test_logits_are_those_of_pytorch(name, torch, tmp_path, rng):
    from safetensors.torch import save_file

    net = theirs(name, torch).to_empty(device="cpu").eval()
    for x in net.state_dict().values():
        x.copy_(torch.rand(x.shape) * 0.2 + (0.9 if x.ndim == 1 else -0.1))
    wrapped = {f"module.{n}": x for n, x in net.state_dict().items()}
    save_file(wrapped, tmp_path / "net")
    ours = PUBLISHED[name][0](rng=still()).eval()
    report = nn.load(tmp_path / "net", into=ours)
    assert (report.missing_keys, report.unexpected_keys) == ([], [])
    assert len(report.mapped_keys) == len(wrapped)
    images = rng.normal(size=(2, 3, 64, 64)).astype(np.float32)
    expected = net(torch.tensor(images)).detach().numpy()
    scale = np.abs(expected).max()
    np.testing.assert_allclose(ours(images).data / scale, expected / scale, atol=1e-5)


@pytest.mark.torch
def test_hidden_states_and_logits_are_those_of_hugging_face(torch, rng):
    library = pytest.importorskip("transformers", reason="the comparison needs transformers")
    sizes = {"vocab_size": 31, "hidden_size": 12, "num_hidden_layers": 2, "num_attention_heads": 3}
    config = library.BertConfig(**sizes, intermediate_size=20, max_position_embeddings=10)
    net, ours = library.BertModel(config).eval(), bert()
    assert nn.load(net.state_dict(), into=ours) == ([], [], {})
    mask = np.array([[1, 1, 1, 0, 0]])
    found = ours(TOKENS, mask)
    expected = net(torch.tensor(TOKENS), attention_mask=torch.tensor(mask))
    for a, b in zip(found, expected.to_tuple(), strict=True):
        np.testing.assert_allclose(a.data, b.detach().numpy(), atol=1e-5)

    ends = {"bos_token_id": None, "eos_token_id": None}
    config = library.GPT2Config(n_layer=2, n_head=2, n_embd=8, vocab_size=23, n_positions=8, **ends)
    net, ours = library.GPT2LMHeadModel(config).eval(), gpt()
    nn.load(net.state_dict(), into=ours)
    expected = net(torch.tensor(TOKENS)).logits.detach().numpy()
    np.testing.assert_allclose(ours(TOKENS).data, expected, atol=1e-5)
