"""Attention with several heads, Transformers and positions; beside PyTorch's where it is there."""

from __future__ import annotations

import copy

import numpy as np
import pytest

import autograd
import nn
from nn import functional as F  # noqa: N812 - PyTorch users' name
from nn.parameter import plain

RNG = np.random.default_rng(0)


def real(*shape):
    return RNG.normal(size=shape).astype(np.float32)


def test_the_path_without_weights_computes_what_the_one_with_weights_does():
    layer = nn.MultiheadAttention(12, 3, rng=0)
    layer.in_proj_bias.data = real(36)
    x, memory = real(5, 2, 12), real(7, 2, 12)
    hidden = np.arange(7) >= np.array([[4], [7]])
    for settings in ({}, {"key_padding_mask": hidden}, {"attn_mask": real(6, 5, 7)}):
        a, weights = layer(x, memory, memory, **settings)
        b, none = layer(x, memory, memory, need_weights=False, **settings)
        assert none is None
        np.testing.assert_allclose(a.data, b.data, atol=1e-5)
        np.testing.assert_allclose(weights.data.sum(-1), 1, atol=1e-5)


@pytest.mark.parametrize("need_weights", [True, False])
def test_a_query_without_keys_gets_what_the_output_bias_says_and_no_gradient(need_weights):
    layer = nn.MultiheadAttention(4, 2, batch_first=True, rng=0)
    x = autograd.Value(real(1, 3, 4))
    mask = np.array([[False, False, True], [True, True, True], [False, True, True]])
    y, _ = layer(x, x, x, need_weights=need_weights, attn_mask=mask)
    np.testing.assert_array_equal(y.data[0, 1], layer.out_proj.bias.data)
    y[0, 1].sum().backward()
    assert not x.grad.any()


@pytest.mark.parametrize("more", [{}, {"add_bias_kv": True}, {"add_zero_attn": True}])
def test_is_causal_does_what_the_mask_of_the_future_does(more):
    layer = nn.MultiheadAttention(8, 2, rng=0, **more)
    x = real(6, 3, 8)
    mask = nn.Transformer.generate_square_subsequent_mask(6)
    for need_weights in (True, False):
        y, _ = layer(x, x, x, need_weights=need_weights, is_causal=True)
        z, _ = layer(x, x, x, need_weights=need_weights, attn_mask=mask)
        np.testing.assert_allclose(y.data, z.data, atol=1e-6)


def test_a_learned_mask_gets_its_gradient():
    layer = nn.MultiheadAttention(4, 1, dtype=np.float64, rng=0)
    x, bias = RNG.normal(size=(3, 1, 4)), RNG.normal(size=(3, 3))
    for need_weights in (True, False):
        assert autograd.gradcheck(
            lambda b, w=need_weights: layer(x, x, x, need_weights=w, attn_mask=b)[0], bias
        )


def test_dropout_of_weights_acts_in_training_only_and_repeats_with_its_seed():
    x = real(5, 2, 8)
    for need_weights in (True, False):
        a, b = (
            nn.MultiheadAttention(8, 2, dropout=0.5, rng=0)(x, x, x, need_weights=need_weights)[0]
            for _ in range(2)
        )
        layer = nn.MultiheadAttention(8, 2, dropout=0.5, rng=0).eval()
        c = layer(x, x, x, need_weights=need_weights)[0]
        np.testing.assert_array_equal(a.data, b.data)
        assert abs(a.data - c.data).max() > 1e-3


def test_copied_layers_drop_different_elements():
    layer = nn.TransformerEncoderLayer(8, 2, 16, dropout=0.5, rng=0)
    stack = nn.TransformerEncoder(layer, 2)
    ones = np.ones((4, 8), np.float32)
    a, b = (part.dropout1(ones) for part in stack.layers)
    assert (np.asarray(a) != np.asarray(b)).any()


@pytest.mark.parametrize("norm_first", [False, True])
def test_a_causal_encoder_does_not_see_what_comes_later(norm_first):
    layer = nn.TransformerEncoderLayer(8, 2, 16, 0.0, batch_first=True, norm_first=norm_first)
    encoder = nn.TransformerEncoder(layer, 2, nn.LayerNorm(8))
    x = real(2, 6, 8)
    changed = x.copy()
    changed[:, 4:] = real(2, 2, 8)
    y, z = encoder(x, is_causal=True).data, encoder(changed, is_causal=True).data
    np.testing.assert_allclose(y[:, :4], z[:, :4], atol=1e-6)
    assert abs(y[:, 4:] - z[:, 4:]).max() > 0.1


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda m: m(real(5, 2, 7), real(5, 2, 8), real(5, 2, 8)), r"query \(5, 2, 7\) must be 8"),
        (lambda m: m(real(5, 2, 8), real(5, 3, 8), real(5, 3, 8)), "the N of"),
        (lambda m: m(real(5, 2, 8), real(4, 2, 8), real(3, 2, 8)), "last axis only"),
        (lambda m: m(real(5, 2, 8), real(5, 8), real(5, 8)), "must all be"),
        (lambda m: m(*[real(5, 2, 8)] * 3, key_padding_mask=np.ones((5, 2), bool)), r"\(2, 5\)"),
        (lambda m: m(*[real(5, 2, 8)] * 3, attn_mask=np.ones((2, 5, 5), bool)), r"\(4, 5, 5\)"),
    ],
)
def test_attention_refuses_shapes_that_do_not_fit(call, words):
    with pytest.raises(ValueError, match=words):
        call(nn.MultiheadAttention(8, 2))


def test_attention_refuses_other_types():
    layer = nn.MultiheadAttention(8, 2)
    x = real(5, 2, 8)
    with pytest.raises(TypeError, match="attn_mask must be bool"):
        layer(x, x, x, attn_mask=np.zeros((5, 5), int))
    with pytest.raises(TypeError, match="float64"):
        layer(x, x.astype(float), x)
    with pytest.raises(TypeError, match="floats"):
        layer(np.ones((5, 2, 8), int), x, x)


def test_waves_are_those_of_the_paper():
    table = nn.PositionalEncoding(7, max_len=50).pe
    t, i = 31, 2
    assert table[t, 2 * i] == pytest.approx(np.sin(t / 10000 ** (2 * i / 7)), abs=1e-6)
    assert table[t, 2 * i + 1] == pytest.approx(np.cos(t / 10000 ** (2 * i / 7)), abs=1e-6)
    assert table.shape == (50, 7)


def test_places_are_added_along_the_axis_of_time():
    x = np.zeros((3, 5, 8), np.float32)
    for make in (nn.PositionalEncoding, nn.PositionalEmbedding):
        layer = make(8, 0.0, 10, rng=0)
        first = make(8, 0.0, 10, batch_first=True, rng=0)
        y, z, single = plain(layer(x)), plain(first(x)), plain(layer(x[0]))
        assert (y == y[:, :1]).all()
        assert (y[0] != y[1]).any()
        np.testing.assert_array_equal(z[0], single)
        with pytest.raises(ValueError, match="max_len=10"):
            layer(np.zeros((11, 2, 8), np.float32))


def test_an_encoder_with_learned_places_learns_to_reverse():
    """Attention must find the place that mirrors its own."""
    rng = np.random.default_rng(0)
    digits = rng.integers(10, size=(512, 6))
    layer = nn.TransformerEncoderLayer(32, 2, 64, 0.0, batch_first=True, norm_first=True, rng=0)
    net = nn.Sequential(
        nn.Embedding(10, 32, rng=1),
        nn.PositionalEmbedding(32, 0.0, 6, batch_first=True, rng=2),
        nn.TransformerEncoder(layer, 1, nn.LayerNorm(32)),
        nn.Linear(32, 10, rng=3),
    )
    optimizer = nn.optim.Adam(net.parameters(), lr=5e-3)
    for step in range(120):
        part = digits[step % 8 :: 8]
        loss = F.cross_entropy(net(part).reshape(-1, 10), part[:, ::-1].reshape(-1))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    fresh = rng.integers(10, size=(100, 6))
    assert (net(fresh).data.argmax(-1) == fresh[:, ::-1]).mean() > 0.98


def torch_or_skip():
    return pytest.importorskip("torch", reason="the comparison needs torch")


def twins(name, settings):
    """Ours and PyTorch's with the same weights, all of which are random."""
    torch = torch_or_skip()
    theirs, ours = getattr(torch.nn, name)(**settings), getattr(nn, name)(**settings)
    with torch.no_grad():
        for p in theirs.parameters():
            p.copy_(torch.tensor(RNG.normal(0, 0.4, p.shape)))
    assert list(ours.state_dict()) == list(theirs.state_dict())
    ours.load_state_dict({k: v.numpy().copy() for k, v in theirs.state_dict().items()})
    return ours, theirs


def compare(ours, theirs, inputs, settings, call=lambda y: y[0]):
    """Outputs, gradients of inputs and of parameters."""
    torch = torch_or_skip()
    mine = [autograd.Value(x) for x in inputs]
    other = [torch.tensor(x, requires_grad=True) for x in inputs]
    in_torch = {k: torch.tensor(v) if isinstance(v, np.ndarray) else v for k, v in settings.items()}
    y, z = ours(*mine, **settings), theirs(*other, **in_torch)
    rest = () if isinstance(z, torch.Tensor) else [(y[1], z[1])]
    y, z = (y, z) if isinstance(z, torch.Tensor) else (y[0], z[0])
    g = RNG.normal(size=z.shape).astype(np.float32)
    y.backward(g)
    z.backward(torch.tensor(g))
    pairs = [(y, z), *rest]
    for a, b in pairs:
        assert (a is None) == (b is None)
        if b is not None:
            torch.testing.assert_close(torch.tensor(a.data), b.detach(), atol=2e-5, rtol=1e-4)
    for a, b in zip(mine, other, strict=True):
        torch.testing.assert_close(torch.tensor(a.grad), b.grad, atol=1e-4, rtol=1e-4)
    for name, p in theirs.named_parameters():
        grad = torch.tensor(ours.get_parameter(name).grad)
        torch.testing.assert_close(grad, p.grad, atol=2e-4, rtol=1e-4, msg=lambda t: f"{name} {t}")  # noqa: B023


L, S, N, E, H = 5, 7, 3, 12, 3
PADDING = np.arange(S) >= np.array([[4], [7], [1]])
FUTURE = np.triu(np.ones((L, S), bool), 2)
LAYERS = [
    {},
    {"bias": False},
    {"add_bias_kv": True},
    {"add_zero_attn": True},
    {"add_bias_kv": True, "add_zero_attn": True, "bias": False},
    {"kdim": 5, "vdim": 9},
    {"kdim": 5, "bias": False, "add_bias_kv": True},
]
CALLS = [
    {},
    {"need_weights": False},
    {"average_attn_weights": False},
    {"key_padding_mask": PADDING},
    {"key_padding_mask": PADDING, "need_weights": False},
    {"attn_mask": FUTURE, "need_weights": False},
    {"attn_mask": real(N * H, L, S)},
    {"attn_mask": FUTURE, "key_padding_mask": PADDING, "need_weights": False},
    {"attn_mask": real(L, S), "key_padding_mask": np.where(PADDING, np.float32(-np.inf), 0)},
]


@pytest.mark.torch
@pytest.mark.parametrize("call", CALLS, ids=lambda c: ",".join(c))
@pytest.mark.parametrize("settings", LAYERS, ids=lambda s: ",".join(s))
def test_attention_computes_what_pytorchs_does(settings, call):
    batch_first = len(call) % 2 == 0
    ours, theirs = twins(
        "MultiheadAttention",
        {"embed_dim": E, "num_heads": H, "batch_first": batch_first, **settings},
    )
    inputs = [real(L, N, E), real(S, N, ours.kdim), real(S, N, ours.vdim)]
    if batch_first:
        inputs = [x.swapaxes(0, 1).copy() for x in inputs]
    compare(ours, theirs, inputs, call)


@pytest.mark.torch
@pytest.mark.parametrize("need_weights", [True, False])
def test_attention_of_one_sequence_computes_what_pytorchs_does(need_weights):
    ours, theirs = twins("MultiheadAttention", {"embed_dim": E, "num_heads": H})
    settings = {"key_padding_mask": PADDING[0], "need_weights": need_weights}
    compare(ours, theirs, [real(L, E), real(S, E), real(S, E)], settings)


@pytest.mark.torch
@pytest.mark.parametrize("need_weights", [True, False])
def test_self_attention_computes_what_pytorchs_does(need_weights):
    torch = torch_or_skip()
    ours, theirs = twins("MultiheadAttention", {"embed_dim": E, "num_heads": H})
    mask = nn.Transformer.generate_square_subsequent_mask(L)
    settings = {"attn_mask": mask, "is_causal": True, "need_weights": need_weights}

    def same_thrice(layer):
        class Once(nn.Module if isinstance(layer, nn.Module) else torch.nn.Module):
            def __init__(self):
                super().__init__()
                self.layer = layer

            def forward(self, x, **settings):
                return self.layer(x, x, x, **settings)

        return Once()

    compare(same_thrice(ours), same_thrice(theirs), [real(L, N, E)], settings)


@pytest.mark.torch
@pytest.mark.parametrize(
    "settings",
    [{}, {"norm_first": True, "activation": "gelu"}, {"bias": False, "batch_first": True}],
    ids=lambda s: ",".join(s),
)
def test_transformer_layers_compute_what_pytorchs_do(settings):
    sizes = {"d_model": E, "nhead": H, "dim_feedforward": 20, "dropout": 0.0, **settings}
    square = np.triu(np.ones((S, S), bool), 1)
    target, memory, hidden = real(S, N, E), real(L, N, E), PADDING
    if settings.get("batch_first"):
        target, memory = target.swapaxes(0, 1).copy(), memory.swapaxes(0, 1).copy()
    compare(
        *twins("TransformerEncoderLayer", sizes),
        [target],
        {"src_mask": square, "src_key_padding_mask": hidden},
    )
    compare(
        *twins("TransformerDecoderLayer", sizes),
        [target, memory],
        {"tgt_mask": square, "tgt_is_causal": True, "memory_key_padding_mask": hidden[:, :L]},
    )


@pytest.mark.torch
@pytest.mark.filterwarnings("ignore:enable_nested_tensor:UserWarning")
@pytest.mark.parametrize("norm_first", [False, True])
def test_a_transformer_computes_what_pytorchs_does(norm_first):
    settings = {
        "d_model": E, "nhead": H, "num_encoder_layers": 2, "num_decoder_layers": 2,
        "dim_feedforward": 16, "dropout": 0.0, "norm_first": norm_first,
    }  # fmt: skip
    mask = nn.Transformer.generate_square_subsequent_mask(L)
    ours, theirs = twins("Transformer", settings)
    compare(
        ours, theirs, [real(S, N, E), real(L, N, E)],
        {"tgt_mask": mask, "src_key_padding_mask": PADDING, "memory_key_padding_mask": PADDING},
    )  # fmt: skip
    np.testing.assert_array_equal(mask, theirs.generate_square_subsequent_mask(L).numpy())


@pytest.mark.torch
@pytest.mark.filterwarnings("ignore:enable_nested_tensor:UserWarning")
def test_a_copied_transformer_starts_in_pytorchs_distribution():
    torch = torch_or_skip()
    sizes = {"d_model": 32, "nhead": 4, "num_encoder_layers": 2, "dim_feedforward": 64}
    ours = nn.Transformer(**sizes, num_decoder_layers=1, rng=0)
    theirs = torch.nn.Transformer(**sizes, num_decoder_layers=1)
    for key, t in theirs.state_dict().items():
        a = ours.state_dict()[key]
        assert a.shape == t.shape
        chance = 4 / np.sqrt(a.size)  # the spread of a sample strays by about 0.6 of 1/√n
        assert a.std() == pytest.approx(float(t.std()), rel=chance, abs=1e-6), key
    a, b = (layer.linear1.weight.data for layer in ours.encoder.layers)
    assert (a != b).any()
    assert copy.deepcopy(ours).state_dict().keys() == ours.state_dict().keys()


@pytest.mark.torch
def test_keys_and_values_that_are_projected_already_are_taken_as_pytorch_takes_them():
    torch = torch_or_skip()
    x = real(L, N, E)
    arrays = {
        "in_proj_weight": real(3 * E, E), "in_proj_bias": real(3 * E), "bias_k": None,
        "bias_v": None, "add_zero_attn": True, "dropout_p": 0.0, "out_proj_weight": real(E, E),
        "out_proj_bias": real(E), "static_k": real(N * H, S, E // H),
        "static_v": real(N * H, S, E // H),
    }  # fmt: skip
    in_torch = {k: torch.tensor(v) if isinstance(v, np.ndarray) else v for k, v in arrays.items()}
    ours = F.multi_head_attention_forward(x, x, x, E, H, **arrays)
    theirs = torch.nn.functional.multi_head_attention_forward(
        *[torch.tensor(x)] * 3, E, H, **in_torch
    )
    for a, b in zip(ours, theirs, strict=True):
        torch.testing.assert_close(torch.tensor(plain(a)), b, atol=2e-5, rtol=1e-4)
