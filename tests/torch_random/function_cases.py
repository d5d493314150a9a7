"""Random settings of nn.functional's functions: activations, images, attention, losses."""

from __future__ import annotations

import numpy as np
from comparison import Case, Constant, registry, torch

import nn

GENERATORS, cases = registry()

F, T = nn.functional, torch.nn.functional


def same(name, args, keywords=None, text="", **more):
    """A function that both libraries have under one name, with one signature."""
    return Case(getattr(F, name), getattr(T, name), tuple(args), keywords or {}, text, **more)


def present(**keywords):
    """The keywords that are not None."""
    return {k: v for k, v in keywords.items() if v is not None}


ACTIVATIONS = {  # function: (layer, its random settings)
    "celu": ("CELU", lambda d: {"alpha": d.uniform(0.1, 2)}),
    "elu": ("ELU", lambda d: {"alpha": d.uniform(0.1, 2)}),
    "gelu": ("GELU", lambda d: {"approximate": d.pick("none", "tanh")}),
    "hardshrink": ("Hardshrink", lambda d: {"lambd": d.uniform(0, 1)}),
    "hardsigmoid": ("Hardsigmoid", lambda d: {}),
    "hardswish": ("Hardswish", lambda d: {}),
    "hardtanh": ("Hardtanh", lambda d: {"min_val": d.uniform(-2, 0), "max_val": d.uniform(0.1, 1)}),
    "leaky_relu": ("LeakyReLU", lambda d: {"negative_slope": d.uniform(0, 1)}),
    "logsigmoid": ("LogSigmoid", lambda d: {}),
    "mish": ("Mish", lambda d: {}),
    "relu": ("ReLU", lambda d: {}),
    "relu6": ("ReLU6", lambda d: {}),
    "rrelu": ("RReLU", lambda d: {"lower": d.uniform(0, 0.3), "upper": d.uniform(0.3, 1)}),
    "selu": ("SELU", lambda d: {}),
    "sigmoid": ("Sigmoid", lambda d: {}),
    "silu": ("SiLU", lambda d: {}),
    "softplus": ("Softplus", lambda d: {"beta": d.uniform(0.2, 3), "threshold": d.pick(2, 5, 20)}),
    "softshrink": ("Softshrink", lambda d: {"lambd": d.uniform(0, 1)}),
    "softsign": ("Softsign", lambda d: {}),
    "tanh": ("Tanh", lambda d: {}),
    "tanhshrink": ("Tanhshrink", lambda d: {}),
    "threshold": (
        "Threshold",
        lambda d: {"threshold": d.uniform(-1, 1), "value": d.uniform(-2, 2)},
    ),
    "softmax": ("Softmax", lambda d: {"dim": d.pick(-1, 0, 1)}),
    "log_softmax": ("LogSoftmax", lambda d: {"dim": d.pick(-1, 0, 1)}),
    "softmin": ("Softmin", lambda d: {"dim": d.pick(-1, 0, 1)}),
    "glu": ("GLU", lambda d: {"dim": d.pick(-1, 0, 1)}),
}


def activation_input(d, function):
    shape = d.shape(2, 4)
    if d.flag(0.1) and np.prod(shape) < 50:
        shape = (*shape, 700)  # kernels begin at a thousand elements
    return d.real(*(2 * n for n in shape) if function == "glu" else shape)


@cases(*ACTIVATIONS)
def activation(d, name):
    return same(name, [activation_input(d, name)], ACTIVATIONS[name][1](d))


@cases(
    "pdist",
    "prelu",
    "one_hot",
    "normalize",
    "cosine_similarity",
    "pairwise_distance",
    "linear",
    "bilinear",
)
def small_functions(d, name):
    shape = d.shape(2, 4)
    x, axis = d.real(*shape), d.axis(len(shape))
    if name == "pdist":
        return same(name, (d.real(d.int(1, 5), d.int(1, 4)), d.pick(1.0, 2.0, 3.0, 1.5, np.inf)))
    if name == "prelu":
        return same(name, (x, d.real(d.pick(1, shape[1]))))
    if name == "one_hot":
        i = d.integers(0, 5, *d.shape(0, 3, False))
        return same(name, (i,), {"num_classes": d.pick(-1, 5, 7)})
    if name == "normalize":
        settings = {"p": d.pick(1.0, 2.0, 3.0, np.inf), "dim": axis, "eps": d.pick(1e-12, 0.5)}
        return same(name, (d.away(*shape),), settings)
    if name == "cosine_similarity":
        # where eps is more than a length, PyTorch's gradient is not that of its output
        settings = {"dim": axis, "eps": d.pick(1e-8, 1e-6)}
        return same(name, (d.away(*shape), d.away(*shape)), settings)
    if name == "pairwise_distance":
        x = d.real(*(shape := d.shape(2, 4, empty=False)))
        settings = {
            "p": d.pick(1.0, 2.0, 3.0, np.inf),
            "eps": d.pick(1e-6, 0.1),
            "keepdim": d.flag(),
        }
        return same(name, (x, d.real(*shape)), settings)
    n, m, k = d.int(1, 5), d.int(1, 4), shape[-1]
    if name == "linear":
        return same(name, (x, d.real(n, k)), present(bias=d.maybe(d.real(n))))
    y = d.real(*shape[:-1], m)
    return same(name, (x, y, d.real(n, k, m)), present(bias=d.maybe(d.real(n))))


DROPOUTS = "dropout dropout1d dropout2d dropout3d alpha_dropout feature_alpha_dropout"


@cases(*DROPOUTS.split())
def dropout(d, name):
    """Where nothing is drawn: everything kept, everything dropped, or not in training."""
    p, training = d.pick((0.0, True), (1.0, True), (0.4, False))
    shape = {"dropout1d": (3, 4), "dropout2d": (2, 3, 4), "dropout3d": (2, 3, 4, 2)}.get(
        name, (3, 4)
    )
    return same(name, (d.real(d.pick(1, 2), *shape),), {"p": p, "training": training})


def sizes(d, n, low, high):
    """One number, or one for each of n axes."""
    return d.int(low, high) if d.flag(0.4) else tuple(d.int(low, high) for _ in range(n))


def each(size, n):
    return (size,) * n if isinstance(size, int) else tuple(size)


def conv_settings(d, n, transposed):
    groups = d.pick(1, 1, 2, 3)
    ins, outs = (groups * d.size(1, 2, 10) for _ in range(2))
    kernel, stride, dilation = sizes(d, n, 1, 3), sizes(d, n, 1, 3), sizes(d, n, 1, 2)
    padding = sizes(d, n, 0, 2)
    reach = [g * (k - 1) + 1 for g, k in zip(each(dilation, n), each(kernel, n), strict=True)]
    space = [max(r - 2 * p, 1) + d.int(0, 3) for r, p in zip(reach, each(padding, n), strict=True)]
    more = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}
    space[-1] += d.size(0, 0, 40)
    if transposed:
        space = [d.int(1, 4) + 2 * p for p in each(padding, n)]
        most = [max(s, g) - 1 for s, g in zip(each(stride, n), each(dilation, n), strict=True)]
        more["output_padding"] = tuple(d.int(0, m) for m in most)
    elif d.flag(0.15):
        more |= {"padding": "same", "stride": 1}
    elif d.flag(0.1):
        more["padding"], space = "valid", [s + 4 for s in space]
    return ins, outs, each(kernel, n), space, more


@cases(*(f"conv{t}{n}d" for n in (1, 2, 3) for t in ("", "_transpose")))
def conv(d, name):
    n, transposed = int(name[-2]), "transpose" in name
    ins, outs, kernel, space, more = conv_settings(d, n, transposed)
    x = d.real(*((d.batch(),) if d.flag(0.85) else ()), ins, *space)
    first, second = (ins, outs) if transposed else (outs, ins)
    w = d.real(first, second // more["groups"], *kernel)
    return same(name, (x, w), present(bias=d.maybe(d.real(outs))) | more)


def pool_settings(d, n, most=1):
    kernel = sizes(d, n, 1, 3)
    padding = tuple(d.int(0, k // 2) for k in each(kernel, n)) if most else (0,) * n
    more = {"stride": d.maybe(sizes(d, n, 1, 3)), "ceil_mode": d.flag()}
    space = [k + d.size(0, 5, 20 if n < 3 else 8) for k in each(kernel, n)]
    return kernel, padding, space, more


POOLS = "max_pool avg_pool lp_pool adaptive_max_pool adaptive_avg_pool max_unpool"


@cases(*(f"{pool}{n}d" for pool in POOLS.split() for n in (1, 2, 3)))
def pool(d, name):
    n = int(name[-2])
    kernel, padding, space, more = pool_settings(d, n)
    kernel = kernel[0] if name == "lp_pool1d" and isinstance(kernel, tuple) else kernel
    lead = (d.batch(), d.int(1, 3)) if d.flag(0.85) else (d.int(1, 3),)
    x = d.real(*lead, *space)
    if name.startswith("adaptive"):
        out = sizes(d, n, 1, 5)
        out = out if isinstance(out, int) or n == 1 else tuple(d.pick(o, o, None) for o in out)
        more = {"return_indices": d.flag()} if "max" in name else {}
        return same(name, (x, out[0] if n == 1 and isinstance(out, tuple) else out), more)
    if name.startswith("max_pool"):
        more |= {"padding": padding, "dilation": sizes(d, n, 1, 2), "return_indices": d.flag()}
        space = [s * 2 for s in space]
        return same(name, (d.real(*lead, *space), kernel), more)
    if name.startswith("avg_pool"):
        more |= {"padding": padding, "count_include_pad": d.flag()}
        more |= {"divisor_override": d.pick(None, None, 3)} if n > 1 else {}
        return same(name, (x, kernel), more)
    if name.startswith("lp_pool"):
        x = d.positive(*lead, *space)
        return same(name, (x, d.pick(1.0, 2.0, 3.0, 2.5), kernel), more)
    places = d.rng.permutation(int(np.prod(space)))
    small = [max((s - k) // k + 1, 1) for s, k in zip(space, each(kernel, n), strict=True)]
    count, channels = int(np.prod(small)), d.int(1, 2)
    i = np.stack([d.rng.permutation(places)[:count] for _ in range(2 * channels)])
    i = i.reshape(2, channels, *small)
    return same(name, (d.real(2, channels, *small), i, kernel), {"output_size": tuple(space)})


@cases("pad")
def pad(d, name):
    mode = d.pick("constant", "reflect", "replicate", "circular")
    n = d.int(1, 3)
    x = d.real(d.pick(1, 2), d.int(1, 3), *(d.int(3, 5) for _ in range(n)))
    low = -1 if mode in ("constant", "replicate") else 0
    widths = [d.int(low, 2) for _ in range(2 * n)]
    value = d.pick(None, 1.5) if mode == "constant" else None
    return same("pad", (x,), {"pad": widths, "mode": mode, "value": value})


IMAGES = "interpolate grid_sample affine_grid fold unfold pixel_shuffle pixel_unshuffle"


@cases("upsample", "upsample_nearest", "upsample_bilinear")
def upsample(d, name):
    x = d.real(d.pick(1, 2), d.int(1, 3), d.int(1, 4), d.int(1, 4))
    more = d.pick({"size": sizes(d, 2, 1, 7)}, {"scale_factor": d.pick(2, 3)})
    if name == "upsample" and d.flag():
        more |= {"mode": d.pick("bilinear", "bicubic"), "align_corners": d.flag()}
    return same(name, (x,), more)


@cases(*IMAGES.split(), "channel_shuffle", "local_response_norm")
def images(d, name):
    b, c, n = d.pick(1, 2), d.int(1, 3), d.int(1, 3)
    space = [d.int(1, 5) for _ in range(n)]
    if name == "interpolate":
        mode = d.pick(
            *{1: ["linear"], 2: ["bilinear", "bicubic"], 3: ["trilinear"]}[n],
            "nearest",
            "area",
            "nearest-exact",
        )
        more = {"mode": mode}
        if "linear" in mode or mode == "bicubic":
            more["align_corners"] = d.flag()
        if mode in ("bilinear", "bicubic"):
            more["antialias"] = d.flag()
        if d.flag():
            more["size"] = sizes(d, n, 1, 8)
        else:
            factors = tuple(d.pick(0.6, 1.0, 1.28, 1.5, 2.0, 2.7) for _ in range(n))
            more["scale_factor"] = d.pick(factors, factors[0])
            more["recompute_scale_factor"] = d.pick(None, True, False)
            space = [s + 1 for s in space]
        return same(name, (d.real(b, c, *space),), more)
    if name in ("grid_sample", "affine_grid"):
        n = d.int(2, 3)
        space, out = ([d.int(1, 5) for _ in range(n)] for _ in range(2))
        if name == "affine_grid":
            return same(name, (d.real(b, n, n + 1), [b, c, *out]), {"align_corners": d.flag()})
        more = {"mode": d.pick("bilinear", "nearest", *(["bicubic"] if n == 2 else []))}
        more |= {"padding_mode": d.pick("zeros", "border", "reflection"), "align_corners": d.flag()}
        return same(name, (d.real(b, c, *space), d.real(b, *out, n, scale=0.8)), more)
    if name in ("fold", "unfold"):
        kernel, dilation, stride, padding = (
            sizes(d, 2, *s) for s in ((1, 3), (1, 2), (1, 3), (0, 2))
        )
        more = {"dilation": dilation, "padding": padding, "stride": stride}
        k, g, s, p = (each(v, 2) for v in (kernel, dilation, stride, padding))
        space = [
            max(g * (k - 1) + 1 - 2 * p, 1) + d.int(0, 4) for k, g, p in zip(k, g, p, strict=True)
        ]
        if name == "unfold":
            return same(name, (d.real(b, c, *space), kernel), more)
        count = [
            (h + 2 * p - g * (k - 1) - 1) // s + 1
            for h, k, g, s, p in zip(space, k, g, s, p, strict=True)
        ]
        x = d.real(*d.pick((b,), ()), c * k[0] * k[1], count[0] * count[1])
        return same(name, (x, tuple(space), kernel), more)
    r = d.int(1, 3)
    if name == "channel_shuffle":
        return same(name, (d.real(b, c * r, *space), r))
    if name == "local_response_norm":
        more = {"alpha": d.uniform(0, 1), "beta": d.uniform(0.2, 1), "k": d.uniform(0.5, 2)}
        return same(name, (d.real(b, c, *space), d.int(1, 4)), more)
    lead, (h, w) = d.pick((b,), (), (2, b)), (d.int(1, 4), d.int(1, 4))
    if name == "pixel_shuffle":
        return same(name, (d.real(*lead, c * r * r, h, w), r))
    return same(name, (d.real(*lead, c, h * r, w * r), r))


@cases("layer_norm", "rms_norm", "group_norm", "instance_norm", "batch_norm")
def norms(d, name):
    groups, eps = d.int(1, 3), d.pick(1e-5, 1e-3, 0.1)
    c = groups * d.int(1, 3)
    x = d.real(d.int(2, 4), c, *(d.int(2, 4) for _ in range(d.int(1, 3))))
    if name in ("layer_norm", "rms_norm"):
        shape = x.shape[-d.int(1, x.ndim - 1) :]
        more = present(weight=d.maybe(d.real(*shape)), eps=eps)
        more |= present(bias=d.maybe(d.real(*shape))) if name == "layer_norm" else {}
        return same(name, (x, shape), more)
    more = present(weight=d.maybe(d.real(c)), bias=d.maybe(d.real(c))) | {"eps": eps}
    if name == "group_norm":
        return same(name, (x, groups), more)
    stats = Constant(d.real(c)), Constant(d.positive(c))
    if name == "instance_norm":
        use = d.flag(0.7)
        stats = stats if not use or d.flag() else (None, None)
        return same(name, (x, *stats), more | {"use_input_stats": use})
    return same(name, (x, *stats), more | {"training": d.flag(), "momentum": d.uniform(0, 1)})


@cases("embedding", "embedding_bag")
def embedding(d, name):
    n, w = d.int(2, 6), d.int(1, 4)
    weight = d.real(n, w)
    more = present(padding_idx=d.pick(None, d.int(-n, n - 1)))
    if d.flag(0.3) and name == "embedding":
        more["scale_grad_by_freq"] = True
    if name == "embedding":
        order = 1 if "scale_grad_by_freq" in more else 2  # PyTorch's second order lacks the scale
        return same(name, (d.integers(0, n, *d.shape(0, 3)), weight), more, order=order)
    more["mode"] = d.pick("sum", "mean", "max")
    if d.flag(0.3):
        i, offsets = d.integers(0, n, d.int(1, 3), d.int(1, 4)), None
    else:
        i = d.integers(0, n, d.int(1, 9))
        offsets = np.array([0, *sorted(d.int(0, len(i)) for _ in range(d.int(0, 3)))])
        if d.flag():
            offsets, more["include_last_offset"] = np.array([*offsets, len(i)]), True
    if more["mode"] == "sum" and d.flag():
        more["per_sample_weights"] = d.real(*i.shape)
    return same(name, (i, weight, offsets), more)


@cases("scaled_dot_product_attention")
def attention(d, name):
    lead, (q, k, e, v) = d.shape(0, 3, False), (d.size(1, 6, 40) for _ in range(4))
    more = present(scale=d.maybe(d.uniform(0.1, 1)))
    kind = d.pick("none", "causal", "bool", "float")
    mask_shape = (
        d.pick((q, k), (1, k), (*lead[:1], *(1,) * max(len(lead) - 1, 0), q, k)) if lead else (q, k)
    )
    if kind == "causal":
        more["is_causal"] = True
    elif kind == "bool":
        m = d.mask(*mask_shape)
        m[..., 0] = True
        more["attn_mask"] = m
    elif kind == "float":
        more["attn_mask"] = d.real(*mask_shape, scale=1)
    x = (d.real(*lead, *shape, scale=1) for shape in ((q, e), (k, e), (k, v)))
    if lead and d.flag(0.2):  # several heads of the queries share one of the keys
        h = d.int(1, 3)
        x = (
            d.real(1, 2 * h, q, e, scale=1),
            d.real(1, h, k, e, scale=1),
            d.real(1, h, k, v, scale=1),
        )
        more = {k: v for k, v in more.items() if k != "attn_mask"} | {"enable_gqa": True}
    return same(name, x, more)


@cases("ctc_loss")
def ctc(d, name):
    t, b, c, s = d.int(3, 7), d.int(1, 3), d.int(2, 4), d.int(1, 3)
    lengths = d.integers(max(t - 1, 1), t + 1, b), d.integers(0 if d.flag(0.2) else 1, s + 1, b)
    targets = d.integers(1, c, b, s)
    if d.flag(0.3):
        targets = d.integers(1, c, int(lengths[1].sum()))
    more = {"reduction": d.pick("none", "mean", "sum"), "zero_infinity": d.flag(0.3)}
    return Case(
        lambda x, *a, **k: F.ctc_loss(F.log_softmax(x, 2), *a, **k),
        lambda x, *a, **k: T.ctc_loss(T.log_softmax(x, 2), *a, **k),
        (d.real(t, b, c), targets, *lengths),
        more,
    )


LOSSES = {
    "mse_loss": "MSELoss", "l1_loss": "L1Loss", "smooth_l1_loss": "SmoothL1Loss",
    "huber_loss": "HuberLoss", "cross_entropy": "CrossEntropyLoss", "nll_loss": "NLLLoss",
    "binary_cross_entropy": "BCELoss", "binary_cross_entropy_with_logits": "BCEWithLogitsLoss",
    "kl_div": "KLDivLoss", "poisson_nll_loss": "PoissonNLLLoss",
    "gaussian_nll_loss": "GaussianNLLLoss", "hinge_embedding_loss": "HingeEmbeddingLoss",
    "margin_ranking_loss": "MarginRankingLoss", "multi_margin_loss": "MultiMarginLoss",
    "multilabel_margin_loss": "MultiLabelMarginLoss",
    "multilabel_soft_margin_loss": "MultiLabelSoftMarginLoss",
    "soft_margin_loss": "SoftMarginLoss", "cosine_embedding_loss": "CosineEmbeddingLoss",
    "triplet_margin_loss": "TripletMarginLoss",
    "triplet_margin_with_distance_loss": "TripletMarginWithDistanceLoss",
}  # fmt: skip


def loss_settings(d, name):
    """(input, target or other inputs), settings."""
    shape = d.shape(1, 4, empty=False)
    x, y = d.real(*shape), d.real(*shape)
    n, c = d.int(1, 4), d.int(2, 5)
    if name in ("mse_loss", "l1_loss"):
        return (x, y), {}
    if name == "smooth_l1_loss":
        return (x, y), {"beta": d.pick(0.0, d.uniform(0.1, 2))}
    if name == "huber_loss":
        return (x, y), {"delta": d.uniform(0.1, 2)}
    if name in ("cross_entropy", "nll_loss"):
        space = d.pick((), (), (3,), (2, 1), (2, 2, 2))
        lead = (n,) if space or d.flag(0.8) else ()
        x, t = d.real(*lead, c, *space), d.integers(0, c, *lead, *space)
        more = present(weight=d.maybe(Constant(d.positive(c))))
        if name == "cross_entropy" and d.flag(0.4):
            p = d.between(0.1, 1, *x.shape)
            more["label_smoothing"] = d.pick(0.0, 0.2, 0.7)
            if d.flag():
                return (x, p), more
        if d.flag() and t.size:
            i = d.pick(-100, 0, 1, -1)
            t = np.where(d.mask(*t.shape, p=0.8), t, i)
            more["ignore_index"] = i
        return (x, t), more
    if name == "binary_cross_entropy":
        return (d.between(0.02, 0.98, *shape), Constant(d.between(0, 1, *shape))), present(
            weight=d.maybe(Constant(d.positive(*shape)))
        )
    if name == "binary_cross_entropy_with_logits":
        more = present(weight=d.maybe(Constant(d.positive(*shape))))
        more |= present(pos_weight=d.maybe(Constant(d.positive(shape[-1]))))
        return (x, Constant(d.between(0, 1, *shape))), more
    if name == "kl_div":
        log = d.flag()
        return (x, d.real(*shape) if log else d.positive(*shape)), {"log_target": log}
    if name == "poisson_nll_loss":
        log = d.flag()
        t = Constant(d.integers(0, 6, *shape).astype(d.dtype))
        return (x if log else d.positive(*shape), t), {
            "log_input": log,
            "full": d.flag(),
            "eps": d.pick(1e-8, 0.1),
        }
    if name == "gaussian_nll_loss":
        v = d.positive(*d.pick(shape, shape[:-1], (*shape[:-1], 1)))
        return (x, y, v), {"full": d.flag(), "eps": d.pick(1e-6, 0.5)}
    if name in ("hinge_embedding_loss", "soft_margin_loss"):
        return (x, Constant(d.signs(*shape))), {"margin": d.uniform(0.1, 2)} if name[
            0
        ] == "h" else {}
    if name == "margin_ranking_loss":
        return (x, y, Constant(d.signs(*shape))), {"margin": d.uniform(0, 1)}
    lead = d.pick((n,), ())
    x = d.real(*lead, c)
    if name == "multi_margin_loss":
        more = present(weight=d.maybe(Constant(d.positive(c))))
        return (x, d.integers(0, c, *lead)), more | {"p": d.int(1, 2), "margin": d.uniform(0.1, 2)}
    if name == "multilabel_margin_loss":
        t = np.stack(
            [np.where(np.arange(c) < d.int(0, c), d.rng.permutation(c), -1) for _ in range(n)]
        )
        return (x, t if lead else t[0]), {}
    if name == "multilabel_soft_margin_loss":
        return (x, Constant(d.mask(*x.shape).astype(d.dtype))), present(
            weight=d.maybe(Constant(d.positive(c)))
        )
    if name == "cosine_embedding_loss":
        return (x, d.real(*x.shape), Constant(d.signs(*lead))), {"margin": d.uniform(-0.5, 0.5)}
    more = {"margin": d.uniform(0.1, 2), "swap": d.flag()}
    more |= (
        {"p": d.pick(1.0, 2.0, 3.0), "eps": d.pick(1e-6, 0.1)}
        if name == "triplet_margin_loss"
        else {}
    )
    return (x, d.real(*x.shape), d.real(*x.shape)), more


@cases(*LOSSES)
def loss(d, name):
    args, more = loss_settings(d, name)
    reduction = d.pick("none", "mean", "sum", *(["batchmean"] if name == "kl_div" else []))
    return same(name, args, more | {"reduction": reduction}, order=loss_order(args, more))


def loss_order(args, more):
    """Where all targets are ignored the mean is 0/0, and PyTorch's second order NaN beside 0."""
    return 1 if "ignore_index" in more and np.all(args[1] == more["ignore_index"]) else 2


@cases("multi_head_attention_forward")
def multi_head(d, name):
    heads, n, q, k = d.int(1, 3), d.int(1, 2), d.int(1, 4), d.int(1, 4)
    e = heads * d.int(1, 3)
    x, kv = d.real(q, n, e, scale=1), d.real(k, n, e, scale=1)
    more = {"training": False, "need_weights": d.flag(), "average_attn_weights": d.flag()}
    if d.flag(0.4):
        more["attn_mask"] = d.real(*d.pick((q, k), (n * heads, q, k)))
    if d.flag(0.4):
        m = d.mask(n, k, p=0.3)
        m[:, 0] = False
        more["key_padding_mask"] = (
            Constant(np.where(m, d.dtype(-np.inf), d.dtype(0))) if "attn_mask" in more else m
        )
    biases = (
        (d.real(1, 1, e, scale=1), d.real(1, 1, e, scale=1))
        if d.flag(0.3) and "attn_mask" not in more and "key_padding_mask" not in more
        else (None, None)
    )
    args = (
        x, kv, d.real(k, n, e, scale=1), e, heads,
        d.real(3 * e, e, scale=1), d.maybe(d.real(3 * e, scale=1)), *biases,
        d.flag(0.3), 0.0, d.real(e, e, scale=1), d.maybe(d.real(e, scale=1)),
    )  # fmt: skip
    return same(name, args, more)
