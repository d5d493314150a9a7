"""Random settings of nn's layers and losses, with the same random parameters in both libraries."""

from __future__ import annotations

import numpy as np
from comparison import Case, Constant, registry, torch
from function_cases import (
    ACTIVATIONS,
    LOSSES,
    activation_input,
    conv_settings,
    each,
    loss_order,
    loss_settings,
    pool_settings,
    present,
    sizes,
)

import nn

GENERATORS, cases = registry()


def call(module, *args, **keywords):
    return module(*args, **keywords)


def layer(d, name, settings, args, keywords=None, training=True, ours=call, theirs=call, **more):
    """A layer of both libraries, with equal random parameters and buffers."""
    a = getattr(nn, name)(**settings).to(d.dtype)
    b = getattr(torch.nn, name)(**settings).double()
    with torch.no_grad():
        for p in b.parameters():
            p.copy_(torch.tensor(d.rng.normal(0.1, 0.6, p.shape).astype(d.dtype)))
        for x in b.buffers():
            if x.dtype.is_floating_point:
                x.copy_(torch.tensor(d.rng.uniform(0.5, 1.5, x.shape).astype(d.dtype)))
    a.load_state_dict({k: v.numpy().copy() for k, v in b.state_dict().items()})
    a, b = a.to(d.dtype).train(training), b.train(training)
    return Case(
        ours, theirs, tuple(args), keywords or {}, settings | {"training": training}, (a, b), **more
    )


LAYER_OF = {layer: function for function, (layer, _) in ACTIVATIONS.items()}


@cases(*LAYER_OF)
def activation(d, name):
    function = LAYER_OF[name]
    return layer(
        d, name, ACTIVATIONS[function][1](d), [activation_input(d, function)], training=False
    )


LOSS_OF = {layer: function for function, layer in LOSSES.items()}


@cases(*LOSS_OF)
def loss(d, name):
    args, more = loss_settings(d, LOSS_OF[name])
    more["reduction"] = d.pick("none", "mean", "sum")
    more = {k: v.array if isinstance(v, Constant) else v for k, v in more.items()}
    text = more
    in_torch = {k: torch.tensor(v) if isinstance(v, np.ndarray) else v for k, v in more.items()}
    a, b = getattr(nn, name)(**more), getattr(torch.nn, name)(**in_torch)
    return Case(call, call, args, {}, text, (a.to(d.dtype), b), loss_order(args, more))


@cases("CTCLoss")
def ctc(d, name):
    t, b, c, s = d.int(4, 7), d.int(1, 3), d.int(2, 4), d.int(1, 3)
    settings = {"reduction": d.pick("none", "mean", "sum"), "blank": d.int(0, c - 1)}
    targets = (settings["blank"] + d.integers(1, c, b, s)) % c
    args = d.real(t, b, c), targets, np.full(b, t), d.integers(1, s + 1, b)
    log = torch.nn.functional.log_softmax
    return layer(
        d, name, settings, args,
        ours=lambda m, x, *a: m(nn.functional.log_softmax(x, 2), *a),
        theirs=lambda m, x, *a: m(log(x, 2), *a),
    )  # fmt: skip


@cases("AdaptiveLogSoftmaxWithLoss")
def adaptive_softmax(d, name):
    features, classes = d.int(4, 8), d.int(4, 12)
    cutoffs = sorted(d.rng.permutation(np.arange(1, classes))[: d.int(1, 3)].tolist())
    settings = {"in_features": features, "n_classes": classes, "cutoffs": cutoffs}
    settings |= {"div_value": d.pick(1.0, 1.5, 2.0), "head_bias": d.flag()}
    n = d.int(1, 6)
    return layer(d, name, settings, (d.real(n, features, scale=1), d.integers(0, classes, n)))


SIMPLE = (
    "Identity Flatten Unflatten PReLU Softmax2d Linear Bilinear CosineSimilarity PairwiseDistance"
)
SIMPLE += " ChannelShuffle PixelShuffle PixelUnshuffle Fold Unfold LocalResponseNorm Embedding"
SIMPLE += " EmbeddingBag Upsample UpsamplingBilinear2d UpsamplingNearest2d"


@cases(*SIMPLE.split())
def simple(d, name):
    shape = d.shape(3, 4, empty=name != "PairwiseDistance")
    x, b, c = d.real(*shape), d.pick(1, 2), d.int(1, 3)
    h, w = d.int(1, 4), d.int(1, 4)
    if name == "Identity":
        return layer(d, name, {}, (x,))
    if name == "Flatten":
        return layer(d, name, {"start_dim": d.int(0, 1), "end_dim": d.pick(-1, 2)}, (x,))
    if name == "Unflatten":
        return layer(
            d,
            name,
            {"dim": 1, "unflattened_size": d.pick((2, 3), (6, 1), (-1, 2))},
            (d.real(b, 6, c),),
        )
    if name == "PReLU":
        return layer(d, name, {"num_parameters": d.pick(1, shape[1] or 1)}, (x,))
    if name == "Softmax2d":
        return layer(d, name, {}, (d.real(*d.pick((b,), ()), c, h, w),))
    if name == "Linear":
        settings = {"in_features": shape[-1] or 1, "out_features": d.int(1, 5), "bias": d.flag()}
        return layer(d, name, settings, (d.real(*shape[:-1], shape[-1] or 1),))
    if name == "Bilinear":
        settings = {"in1_features": h, "in2_features": w, "out_features": c, "bias": d.flag()}
        return layer(d, name, settings, (d.real(*shape, h), d.real(*shape, w)))
    if name == "CosineSimilarity":
        settings = {"dim": d.axis(len(shape)), "eps": d.pick(1e-8, 1e-6)}
        return layer(d, name, settings, (d.away(*shape), d.away(*shape)))
    if name == "PairwiseDistance":
        settings = {"p": d.pick(1.0, 2.0, 3.0), "eps": d.pick(1e-6, 0.1), "keepdim": d.flag()}
        return layer(d, name, settings, (x, d.real(*shape)))
    if name in ("Embedding", "EmbeddingBag"):
        n = d.int(2, 6)
        settings = {
            "num_embeddings": n,
            "embedding_dim": w,
            "padding_idx": d.pick(None, d.int(-n, n - 1)),
        }
        settings |= present(max_norm=d.pick(None, None, 0.8), norm_type=d.pick(1.0, 2.0))
        if name == "Embedding":
            return layer(d, name, settings, (d.integers(0, n, *d.shape(0, 3)),))
        settings["mode"] = d.pick("sum", "mean", "max")
        return layer(d, name, settings, (d.integers(0, n, 7), np.array([0, 3, 3, d.int(3, 7)])))
    r = d.int(1, 3)
    if name in ("PixelShuffle", "ChannelShuffle"):
        settings = {"upscale_factor": r} if name[0] == "P" else {"groups": r}
        return layer(d, name, settings, (d.real(b, c * r * r, h, w),))
    if name == "PixelUnshuffle":
        return layer(d, name, {"downscale_factor": r}, (d.real(b, c, h * r, w * r),))
    if name == "Unfold":
        settings = {"kernel_size": sizes(d, 2, 1, 3), "stride": sizes(d, 2, 1, 2), "padding": 1}
        return layer(d, name, settings, (d.real(b, c, h + 2, w + 2),))
    if name == "Fold":
        k = sizes(d, 2, 1, 3)
        (p, q), size = each(k, 2), (h + 3, w + 3)
        settings = {"kernel_size": k, "output_size": size}
        return layer(
            d, name, settings, (d.real(b, c * p * q, (size[0] - p + 1) * (size[1] - q + 1)),)
        )
    if name == "LocalResponseNorm":
        settings = {"size": d.int(1, 4), "alpha": d.uniform(0, 1), "beta": d.uniform(0.2, 1)}
        return layer(d, name, settings, (d.real(b, c, h, w),))
    settings = d.pick({"size": sizes(d, 2, 1, 7)}, {"scale_factor": d.pick(2, 1.5, (2.0, 3.0))})
    if name == "Upsample":
        settings["mode"] = d.pick("nearest", "bilinear", "bicubic")
        settings |= {} if settings["mode"] == "nearest" else {"align_corners": d.flag()}
    return layer(d, name, settings, (d.real(b, c, h, w),))


DROPOUTS = ("Dropout", "Dropout1d", "Dropout2d", "Dropout3d", "AlphaDropout", "FeatureAlphaDropout")


@cases(*DROPOUTS)
def dropout(d, name):
    (p, training), n = (
        d.pick((0.0, True), (1.0, True), (0.4, False)),
        {"1": 1, "3": 3}.get(name[-2], 2),
    )
    return layer(
        d, name, {"p": p}, (d.real(2, 3, *(d.int(1, 4) for _ in range(n))),), training=training
    )


@cases(*(f"Conv{t}{n}d" for n in (1, 2, 3) for t in ("", "Transpose")))
def conv(d, name):
    n, transposed = int(name[-2]), "Transpose" in name
    ins, outs, kernel, space, more = conv_settings(d, n, transposed)
    settings = {
        "in_channels": ins,
        "out_channels": outs,
        "kernel_size": kernel,
        "bias": d.flag(),
    } | more
    if not transposed and not isinstance(more["padding"], str):
        settings["padding_mode"] = d.pick("zeros", "reflect", "replicate", "circular")
        space = [s + 2 for s in space]
    return layer(d, name, settings, (d.real(*((d.batch(),) if d.flag(0.85) else ()), ins, *space),))


POOLS = ("MaxPool", "AvgPool", "LPPool", "AdaptiveMaxPool", "AdaptiveAvgPool", "MaxUnpool")


@cases(*(f"{pool}{n}d" for pool in POOLS for n in (1, 2, 3)))
def pool(d, name):
    n = int(name[-2])
    kernel, padding, space, more = pool_settings(d, n)
    kernel = kernel[0] if name == "LPPool1d" and isinstance(kernel, tuple) else kernel
    x = d.real(*((d.batch(),) if d.flag(0.85) else ()), d.int(1, 3), *space)
    if name.startswith("Adaptive"):
        return layer(d, name, {"output_size": sizes(d, n, 1, 4) if n > 1 else d.int(1, 4)}, (x,))
    settings = {"kernel_size": kernel} | more
    if name.startswith("MaxPool"):
        return layer(d, name, settings | {"padding": padding}, (x,))
    if name.startswith("AvgPool"):
        return layer(d, name, settings | {"padding": padding, "count_include_pad": d.flag()}, (x,))
    if name.startswith("LPPool"):
        return layer(
            d, name, settings | {"norm_type": d.pick(1, 2, 3)}, (np.abs(x) + d.dtype(0.1),)
        )
    ours, theirs = (getattr(f, f"max_pool{n}d") for f in (nn.functional, torch.nn.functional))
    kernel = d.int(1, 3)
    x = d.real(2, 2, *(kernel * d.int(1, 3) for _ in range(n)))
    return layer(
        d, name, {"kernel_size": kernel}, (x,),
        ours=lambda m, x: m(*ours(x, kernel, return_indices=True)),
        theirs=lambda m, x: m(*theirs(x, kernel, return_indices=True)),
    )  # fmt: skip


ADAPTED = ("Circular", "Constant", "Reflection", "Replication", "Zero")


@cases(*(f"{kind}Pad{n}d" for kind in ADAPTED for n in (1, 2, 3)))
def padding(d, name):
    n = int(name[-2])
    x = d.real(d.pick(1, 2), d.int(1, 3), *(d.int(3, 5) for _ in range(n)))
    low = -1 if name[0] in "CZ" and name[1] != "i" else 0
    widths = d.pick(d.int(0, 2), tuple(d.int(low, 2) for _ in range(2 * n)))
    settings = {"padding": widths} | (
        {"value": d.uniform(-2, 2)} if name.startswith("Const") else {}
    )
    return layer(d, name, settings, (x,))


NORMS = [f"{kind}{n}d" for kind in ("BatchNorm", "InstanceNorm") for n in (1, 2, 3)]


@cases(*NORMS, "GroupNorm", "LayerNorm", "RMSNorm")
def norm(d, name):
    groups, eps = d.int(1, 3), d.pick(1e-5, 1e-3, 0.1)
    c, n = groups * d.int(1, 3), int(name[-2]) if name[-1] == "d" else d.int(1, 2)
    x = d.real(d.int(2, 4), c, *(d.int(2, 4) for _ in range(n)))
    if name == "GroupNorm":
        return layer(
            d, name, {"num_groups": groups, "num_channels": c, "affine": d.flag(), "eps": eps}, (x,)
        )
    if name in ("LayerNorm", "RMSNorm"):
        settings = {"normalized_shape": x.shape[-d.int(1, x.ndim - 1) :], "eps": eps}
        settings |= {"elementwise_affine": d.flag()}
        settings |= {"bias": d.flag()} if name[0] == "L" else {}
        return layer(d, name, settings, (x,))
    settings = {"num_features": c, "eps": eps, "affine": d.flag(), "track_running_stats": d.flag()}
    settings["momentum"] = d.pick(0.1, d.uniform(0, 1), None) if name[0] == "B" else d.uniform(0, 1)
    if name == "BatchNorm1d" and d.flag(0.3):
        x = d.real(d.int(2, 5), c)
    return layer(d, name, settings, (x,), training=d.flag(0.7))


def packed(library, run):
    """A recurrent layer over sequences of several lengths."""
    rnn = library.utils.rnn

    def forward(m, x, lengths, *state):
        p = rnn.pack_padded_sequence(x, lengths, m.batch_first, enforce_sorted=False)
        y, state = m(p, *state)
        return rnn.pad_packed_sequence(y, m.batch_first)[0], state

    return forward if run else call


@cases("RNN", "LSTM", "GRU")
def recurrent(d, name):
    t, b, i, h = d.size(1, 6, 20), d.size(1, 3, 17), d.size(1, 4, 20), d.size(1, 4, 20)
    settings = {"input_size": i, "hidden_size": h, "num_layers": d.int(1, 3), "bias": d.flag(0.7)}
    settings |= {"batch_first": d.flag(), "bidirectional": d.flag()}
    if name == "RNN":
        settings["nonlinearity"] = d.pick("tanh", "relu")
    out = d.int(1, h - 1) if name == "LSTM" and h > 1 and d.flag() else 0
    settings |= {"proj_size": out} if out else {}
    batched, pack = d.flag(0.8), d.flag(0.4)
    lead = ((b, t) if settings["batch_first"] else (t, b)) if batched or pack else (t,)
    rows = settings["num_layers"] * (1 + settings["bidirectional"])
    middle = (b,) if len(lead) == 2 else ()
    state = (d.real(rows, *middle, out or h, scale=1),)
    if name == "LSTM":
        state = ((state[0], d.real(rows, *middle, h, scale=1)),)
    args = (d.real(*lead, i, scale=1), *([d.integers(1, t + 1, b)] if pack else []))
    args += state if d.flag() else ()
    return layer(d, name, settings, args, ours=packed(nn, pack), theirs=packed(torch.nn, pack))


@cases("RNNCell", "LSTMCell", "GRUCell")
def cell(d, name):
    i, h, lead = d.size(1, 4, 20), d.size(1, 4, 20), d.pick((), (d.size(1, 3, 17),))
    settings = {"input_size": i, "hidden_size": h, "bias": d.flag()}
    settings |= {"nonlinearity": d.pick("tanh", "relu")} if name == "RNNCell" else {}
    state = d.real(*lead, h, scale=1)
    state = (state, d.real(*lead, h, scale=1)) if name == "LSTMCell" else state
    return layer(d, name, settings, (d.real(*lead, i, scale=1), *([state] if d.flag() else [])))


def masks(d, n, q, k, heads, name="attn_mask", padding="key_padding_mask"):
    more = {}
    if d.flag(0.4):
        m = d.mask(*d.pick((q, k), (n * heads, q, k)), p=0.3)
        m[..., 0] = False
        more[name] = m
    if d.flag(0.4):
        m = d.mask(n, k, p=0.3)
        m[:, 0] = False
        if name not in more:
            more[padding] = m
    return more


@cases("MultiheadAttention")
def attention(d, name):
    heads, n, q, k = d.int(1, 3), d.int(1, 3), d.size(1, 5, 30), d.size(1, 5, 30)
    e = heads * d.int(1, 3)
    settings = {"embed_dim": e, "num_heads": heads, "bias": d.flag(), "batch_first": d.flag()}
    if d.flag():
        settings |= {"kdim": d.int(1, 4), "vdim": d.int(1, 4)}
    more = masks(d, n, q, k, heads)
    if not more:
        settings |= {"add_bias_kv": d.flag(), "add_zero_attn": d.flag()}
    more |= {"need_weights": d.flag(), "average_attn_weights": d.flag()}
    lead = (lambda t: (n, t)) if settings["batch_first"] else (lambda t: (t, n))
    x = (
        d.real(*lead(q), e, scale=1),
        d.real(*lead(k), settings.get("kdim", e), scale=1),
        d.real(*lead(k), settings.get("vdim", e), scale=1),
    )
    if d.flag(0.2) and "vdim" not in settings:
        y = d.real(*lead(q), e, scale=1)
        return layer(
            d, name, settings, (y,), {"need_weights": more["need_weights"]},
            ours=lambda m, x, **k: m(x, x, x, **k), theirs=lambda m, x, **k: m(x, x, x, **k),
        )  # fmt: skip
    return layer(d, name, settings, x, more)


TRANSFORMERS = ("TransformerEncoderLayer", "TransformerDecoderLayer", "TransformerEncoder")


@cases(*TRANSFORMERS, "TransformerDecoder", "Transformer")
def transformer(d, name):
    heads, n, s, t = d.int(1, 2), d.int(1, 2), d.int(1, 4), d.int(1, 4)
    e = heads * d.int(2, 3)  # the layer norm of one number is a constant
    settings = {"d_model": e, "nhead": heads, "dim_feedforward": d.int(1, 6), "dropout": 0.0}
    settings |= {"activation": d.pick("relu", "gelu"), "norm_first": d.flag(), "bias": d.flag()}
    settings |= {"batch_first": d.flag(), "layer_norm_eps": 0.1}
    lead = (lambda t: (n, t)) if settings["batch_first"] else (lambda t: (t, n))
    x, y = d.real(*lead(s), e, scale=1), d.real(*lead(t), e, scale=1)
    if "Encoder" in name:
        more = masks(
            d,
            n,
            s,
            s,
            heads,
            "mask" if name.endswith("Encoder") else "src_mask",
            "src_key_padding_mask",
        )
        args = (x,)
    else:
        more = masks(d, n, t, t, heads, "tgt_mask", "tgt_key_padding_mask")
        more |= masks(d, n, t, s, heads, "memory_mask", "memory_key_padding_mask")
        args = (x, y) if name == "Transformer" else (y, x)
    if name == "Transformer":
        settings |= {"num_encoder_layers": d.int(1, 2), "num_decoder_layers": 1}
    elif not name.endswith("Layer"):
        a, b = (getattr(m, f"{name}Layer")(**settings) for m in (nn, torch.nn))
        return stacked(d, name, a, b, d.int(1, 2), args, more, settings)
    return layer(d, name, settings, args, more)


def stacked(d, name, a, b, depth, args, more, settings):
    """TransformerEncoder and -Decoder take a layer instead of settings."""
    kind = {"enable_nested_tensor": False} if "Encoder" in name else {}
    theirs = getattr(torch.nn, name)(b, depth, **kind).double()
    ours = getattr(nn, name)(a, depth).to(d.dtype)
    with torch.no_grad():
        for p in theirs.parameters():
            p.copy_(torch.tensor(d.rng.normal(0.1, 0.6, p.shape).astype(d.dtype)))
    ours.load_state_dict({k: v.numpy().copy() for k, v in theirs.state_dict().items()})
    return Case(call, call, args, more, settings, (ours, theirs))
