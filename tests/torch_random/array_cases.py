"""Random settings of the array functions that NumPy and PyTorch share."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from comparison import Case, Constant, registry, torch

import autograd
from autograd import Value

GENERATORS, cases = registry()


def row(names, theirs=None, **domain):
    """Elementwise functions of one array; its numbers lie between `low` and `high`."""
    for name in names.split():
        ONE[name] = (domain.get("low"), domain.get("high"), theirs or name)


ONE: dict[str, tuple] = {}
row("exp exp2 expm1 sin cos tan tanh sinh cosh square sinc deg2rad rad2deg sign floor ceil trunc")
row("negative positive reciprocal")
row("absolute fabs", "abs")
row("rint", "round")
row("sqrt log log2 log10", low=0.01, high=4)
row("log1p", low=-0.9, high=3)
row("arcsin arccos arctanh", low=-0.95, high=0.95)
row("arctan arcsinh")
row("arccosh", low=1.1, high=9)
row("nan_to_num isnan isfinite isinf isneginf isposinf signbit logical_not argwhere")
OWN = {"erf": (-3, 3), "erfc": (-3, 3), "lgamma": (0.2, 8), "digamma": (0.2, 8)}


@cases(*ONE)
def one_array(d, name):
    low, high, theirs = ONE[name]
    shape = d.shape(0, 4)
    x = d.real(*shape) if low is None else d.between(low, high, *shape)
    return Case(getattr(np, name), getattr(torch, theirs), (x,))


@cases(*OWN)
def own(d, name):
    low, high = OWN[name]
    x = d.between(*((-7.7, -0.1) if low > 0 and d.flag() else (low, high)), *d.shape(0, 4))
    return Case(getattr(autograd, name), getattr(torch, name), (x,))


TWO = {  # name: torch's name, domain of both arrays
    **{k: (k, None) for k in ("add", "subtract", "multiply", "maximum", "minimum", "fmax", "fmin")},
    **{k: (k, None) for k in ("arctan2", "hypot", "copysign", "logaddexp", "logaddexp2")},
    **{k: (k, None) for k in ("greater", "less_equal", "not_equal", "remainder", "fmod")},
    **{k: (k, None) for k in ("greater_equal", "less", "logical_and", "logical_xor")},
    "equal": ("eq", None),
    "divide": ("divide", None),
    "floor_divide": ("floor_divide", None),
    "power": ("pow", (0.1, 3)),
    "heaviside": ("heaviside", None),
}


def broadcast_pair(d, most=4):
    """Two shapes that broadcast: axes of 1, and leading axes missing on one side."""
    shape = d.shape(0, most)
    a, b = (tuple(1 if d.flag(0.25) else n for n in shape) for _ in range(2))
    drop = d.int(0, len(shape))
    return (a[drop:], b) if d.flag() else (a, b[drop:])


@cases(*TWO)
def two_arrays(d, name):
    theirs, domain = TWO[name]
    args = [d.real(*s) if domain is None else d.between(*domain, *s) for s in broadcast_pair(d)]
    order = 0 if name in ("floor_divide", "heaviside") else 2  # where PyTorch has no gradient
    if name == "heaviside":  # whose second argument would have one, which NumPy's name refuses
        args[1] = Constant(args[1])
    return Case(getattr(np, name), getattr(torch, theirs), tuple(args), order=order)


@cases("xlogy")
def xlogy(d, name):
    a, b = broadcast_pair(d)
    return Case(autograd.xlogy, torch.xlogy, (d.real(*a), d.positive(*b)))


@cases("power with a number", "operators with a number")
def numbers_(d, name):
    x, n = d.positive(*d.shape(0, 4)), d.pick(-3, -2, -1, -0.5, 0, 0.5, 1, 2, 3, 2.5)
    if name.startswith("power"):
        f = d.pick(lambda x: x**n, lambda x: n**2 / x**n, lambda x: (0.5 + abs(n)) ** x)
    else:
        f = d.pick(*(lambda x: n - x, lambda x: 2 / x * n, lambda x: (x % 0.7) + n))
    return Case(f, f, (x,), text=n)


REDUCTIONS = {"sum": "sum", "mean": "mean", "prod": "prod", "max": "amax", "min": "amin"}
REDUCTIONS |= {"nansum": "nansum", "nanmean": "nanmean", "logsumexp": "logsumexp"}
REDUCTIONS |= {
    "all": "all",
    "any": "any",
    "var": "var",
    "std": "std",
    "count_nonzero": "count_nonzero",
}


def axes(d, ndim):
    """None, one axis, or several."""
    if ndim == 0 or d.flag(0.2):
        return None
    if d.flag():
        return d.axis(ndim)
    several = d.rng.permutation(ndim)[: d.int(1, ndim)]
    return tuple(int(a) - ndim * d.flag() for a in several)


@cases(*REDUCTIONS)
def reduction(d, name):
    x = d.real(*d.shape(1, 4, empty=name in ("sum", "mean", "prod", "nansum", "all", "any")))
    axis, keep = axes(d, x.ndim), d.flag()
    if name == "prod" and isinstance(axis, tuple):
        axis = axis[0]
    if name.startswith("nan") and x.size:
        kept = d.mask(*x.shape, p=0.8)
        kept |= ~kept.any(axis=axis, keepdims=True)  # the mean of nothing has no gradient
        x = np.where(kept, x, x.dtype.type(np.nan))
    ours, theirs = {"axis": axis, "keepdims": keep}, {"dim": axis, "keepdim": keep}
    if name in ("var", "std"):
        ours["ddof"] = theirs["correction"] = d.int(0, 1)
    if (name == "prod" and axis is None) or name == "count_nonzero":
        ours.pop("keepdims"), theirs.pop("keepdim")
        theirs = theirs if axis is not None else {}
    if name == "logsumexp" and axis is None:
        theirs["dim"] = tuple(range(x.ndim))
    module = autograd if name == "logsumexp" else np
    f, g = getattr(module, name), getattr(torch, REDUCTIONS[name])
    if name in ("amax", "amin", "all", "any") and axis is None:
        theirs = {"keepdim": keep, "dim": tuple(range(x.ndim))}
    if name in ("max", "min") and axis is None:
        theirs["dim"] = ()
    # std and var of one element are constant or 0/0: PyTorch's second order mixes 0 and NaN; the
    # std of two is linear, where its terms of 1/std cancel to noise
    each = np.size(x) / max(np.size(np.sum(x, axis)), 1)
    order = 1 if "ddof" in ours and each <= 2 else 2
    order = order if np.size(x) else 1  # the mean of nothing
    return Case(lambda x: f(x, **ours), lambda x: g(x, **theirs), (x,), text=ours, order=order)


def along(name, theirs=None, **more):
    """Functions of an array along one axis."""
    ALONG[name] = (theirs or (lambda x, a: getattr(torch, name)(x, a)), more)


ALONG: dict[str, tuple] = {}
along("cumsum")
along("cumprod")
along("sort", lambda x, a: torch.sort(x, a).values)
along("argsort")
along("argmax")
along("argmin")
along("flip", lambda x, a: torch.flip(x, (a,)))
along("median", lambda x, a: torch.quantile(x, 0.5, a))
along("expand_dims", lambda x, a: torch.unsqueeze(x, a))
along("trapezoid", lambda x, a: torch.trapezoid(x, dim=a))


@cases(*ALONG)
def along_an_axis(d, name):
    x = d.real(*d.shape(1, 4, empty=name not in ("median", "argmax", "argmin", "trapezoid")))
    if name == "cumprod" and d.flag():
        x = np.where(d.mask(*x.shape), x, 0).astype(x.dtype)
    a = d.axis(x.ndim)
    theirs = ALONG[name][0]
    return Case(lambda x: getattr(np, name)(x, axis=a), lambda x: theirs(x, a), (x,), text=a)


@cases("quantile")
def quantile(d, name):
    x, q = d.real(*d.shape(1, 3, empty=False)), d.between(0, 1, *d.pick((), (3,)))
    a, keep = d.pick(None, d.axis(x.ndim)), d.flag()
    method = d.pick("linear", "lower", "higher", "midpoint", "nearest")
    return Case(
        lambda x, q: np.quantile(x, q, axis=a, keepdims=keep, method=method),
        lambda x, q: torch.quantile(x, q, a, keep, interpolation=method),
        (x, Constant(q)),
        text=(a, keep, method),
    )


@cases("diff")
def diff(d, name):
    x, n = d.real(*d.shape(1, 3, empty=False)), d.int(0, 3)
    a = d.axis(x.ndim)
    edge = [1 if i == a % x.ndim else k for i, k in enumerate(x.shape)]
    more = {k: d.real(*edge) for k in ("prepend", "append") if d.flag()}
    return Case(
        lambda x, **k: np.diff(x, n, a, **k),
        lambda x, **k: torch.diff(x, n, a, **k),
        (x,),
        more,
        (n, a),
    )


@cases("take_along_axis", "take", "index_update", "index_add", "getitem", "getitem by mask")
def indexed(d, name):
    x = d.real(*d.shape(1, 4, empty=False))
    a = d.axis(x.ndim)
    n = x.shape[a]
    if name == "take_along_axis":
        shape = list(x.shape)
        shape[a] = d.int(0, 6)
        i = d.integers(0, n, *shape)
        return Case(
            lambda x, i: np.take_along_axis(x, i, a),
            lambda x, i: torch.gather(x, a, i),
            (x, i),
            text=a,
        )
    if name == "take":
        i = d.integers(0, n, d.int(0, 5))
        return Case(
            lambda x, i: np.take(x, i, axis=a),
            lambda x, i: torch.index_select(x, a, i),
            (x, i),
            text=a,
        )
    if name in ("getitem", "getitem by mask"):
        if name == "getitem by mask":
            m = d.mask(*x.shape[: d.int(1, x.ndim)])
            return Case(lambda x, m: x[m], lambda x, m: x[m], (x, m))
        parts = []
        for size in x.shape:
            low, high = sorted((d.int(-size, size), d.int(-size, size)))
            parts.append(
                d.pick(slice(low, high, d.int(1, 2)), d.int(-size, size - 1), None, slice(None))
            )
            parts += [slice(None)] if parts[-1] is None else []
        if d.flag() and parts:
            k = d.int(0, len(parts) - 1)
            # beside another integer NumPy takes both as arrays, PyTorch one as a selection
            if isinstance(parts[k], int) and sum(isinstance(p, int) for p in parts) == 1:
                size = x.shape[sum(p is not None for p in parts[:k])]
                parts[k] = d.integers(-size, size, *d.pick((1,), (2, 1), (3,))).tolist()
        key = tuple(parts)
        return Case(lambda x: x[key], lambda x: x[key], (x,), text=key)
    i = (
        d.integers(0, x.shape[0], d.int(1, 5))
        if name == "index_add"
        else d.rng.permutation(x.shape[0])[:2]
    )
    y = d.real(len(i), *x.shape[1:])
    if name == "index_add":
        return Case(autograd.index_add, lambda x, i, y: x.index_add(0, i, y), (x, i, y))
    return Case(autograd.index_update, lambda x, i, y: x.index_copy(0, i, y), (x, i, y))


@cases("where", "clip", "clip by arrays")
def choices(d, name):
    a, b = broadcast_pair(d)
    if name == "where":
        m = d.mask(*d.pick(a, b, ()))
        return Case(np.where, torch.where, (m, d.real(*a), d.real(*b)))
    low, high = sorted((d.uniform(-1, 1), d.uniform(-1, 1)))
    if name == "clip":
        low, high = d.maybe(low, 0.8), high
        return Case(
            lambda x: np.clip(x, low, high), lambda x: torch.clamp(x, low, high), (d.real(*a),)
        )
    bounds = Constant(d.between(-2, 0, *a)), Constant(d.between(0, 2, *a))  # ours are constants
    return Case(np.clip, torch.clamp, (d.real(*a), *bounds))


PADDING = {"constant": "constant", "reflect": "reflect", "edge": "replicate", "wrap": "circular"}


@cases("pad")
def pad(d, name):
    x, mode = d.real(d.batch() or 1, *(d.int(2, 5) for _ in range(d.int(2, 4)))), d.pick(*PADDING)
    last = d.int(1, x.ndim - 2) if x.ndim > 2 else 0
    last = max(last, 1) if x.ndim > 2 else 1
    widths = [(0, 0)] * (x.ndim - last) + [(d.int(0, 1), d.int(0, 1)) for _ in range(last)]
    flat = [w for pair in widths[::-1][:last] for w in pair]
    ours = {"mode": mode} | ({"constant_values": d.uniform(-2, 2)} if mode == "constant" else {})
    value = ours.get("constant_values")
    if (mode != "constant" and last == x.ndim - 2) or mode == "constant" or x.ndim == 2:
        return Case(
            lambda x: np.pad(x, widths, **ours),
            lambda x: torch.nn.functional.pad(x, flat, PADDING[mode], value),
            (x,),
            text=(widths, ours),
        )
    return pad(d, name)


EINSUMS = [
    "ij,jk->ik", "bij,bjk->bik", "ij->ji", "ii->i", "ii->", "ij,ij->", "i,j->ij", "bij,kj->bki",
    "...ij,...jk->...ik", "ij,jk,kl->il", "bhqd,bhkd->bhqk", "ij,j", "abc,bd,ce->ade", "i,i,i->i",
    "aij,ai->j", "ab,cd->", "...i->...", "iij->j",
]  # fmt: skip


@cases("einsum")
def einsum(d, name):
    formula = d.pick(*EINSUMS)
    sizes = {c: d.pick(1, 2, 3, 4, 5) for c in formula if c.isalpha()}
    batch = d.shape(0, 2, empty=False)
    arrays = []
    for term in formula.split("->")[0].split(","):
        lead = batch if "..." in term else ()
        arrays.append(d.real(*lead, *(sizes[c] for c in term if c.isalpha())))
    return Case(
        lambda *a: np.einsum(formula, *a),
        lambda *a: torch.einsum(formula, *a),
        tuple(arrays),
        text=formula,
    )


@cases("matmul", "inner", "outer", "dot", "kron", "vecdot", "tensordot", "cross", "vdot")
def products(d, name):
    n, m, k = (0 if d.flag(0.05) else d.size(1, 5, 60) for _ in range(3))
    if name == "matmul":
        a, b = broadcast_pair(d, 2)
        x = d.real(n) if d.flag(0.2) else d.real(*a, m, n)
        y = d.real(n) if d.flag(0.2) else d.real(*b, n, k)
        return Case(np.matmul, torch.matmul, (x, y))
    if name in ("dot", "vdot", "inner"):
        return Case(getattr(np, name), getattr(torch, name), (d.real(n), d.real(n)))
    if name == "outer":
        return Case(np.outer, torch.outer, (d.real(n), d.real(m)))
    if name == "kron":
        return Case(
            np.kron, torch.kron, (d.real(*d.shape(1, 3, False)), d.real(*d.shape(1, 3, False)))
        )
    if name == "tensordot":
        dims = d.int(0, 2)
        x, y = d.real(2, n, m), d.real(*(n, m)[2 - dims :], 3)
        return Case(
            lambda a, b: np.tensordot(a, b, dims),
            lambda a, b: torch.tensordot(a, b, dims),
            (x, y),
            text=dims,
        )
    a, b = broadcast_pair(d, 3)
    n = 3 if name == "cross" else n
    f = torch.linalg.cross if name == "cross" else torch.linalg.vecdot
    if name == "cross":  # PyTorch broadcasts axes of 1 only
        a, b = ((1,) * (max(len(a), len(b)) - len(s)) + s for s in (a, b))
    return Case(getattr(np, name), f, (d.real(*a, n), d.real(*b, n)))


SHAPES = (
    "reshape transpose swapaxes moveaxis squeeze broadcast_to roll tile repeat tril triu diagonal"
)
SHAPES += " diag trace rot90 concatenate stack split array_split hstack vstack dstack fliplr flipud"
SHAPES += " hsplit vsplit dsplit matrix_transpose"
SHAPES += " meshgrid atleast_1d atleast_3d atleast_2d ravel astype copy diagflat column_stack"
SHAPES += " unstack sliding_window_view"


@cases(*SHAPES.split())
def shapes(d, name):
    x = d.real(*d.shape(2, 4))
    n, a, b = x.ndim, d.axis(x.ndim), d.axis(x.ndim)
    k = d.int(-3, 3)

    def case(ours, theirs, *args, text=""):
        return Case(ours, theirs, args or (x,), text=text or (name, a, b, k))

    if name == "reshape":
        shape = [x.shape[i] for i in d.rng.permutation(n)] + [1] * d.int(0, 2)
        return case(lambda x: np.reshape(x, shape), lambda x: x.reshape(shape), text=shape)
    if name == "transpose":
        order = [int(i) for i in d.rng.permutation(n)]
        return case(lambda x: np.transpose(x, order), lambda x: x.permute(order), text=order)
    if name in ("swapaxes", "moveaxis"):
        return case(lambda x: getattr(np, name)(x, a, b), lambda x: getattr(torch, name)(x, a, b))
    if name == "squeeze":
        x = d.real(2, 1, *x.shape, 1)
        a = d.pick(1, -1, (1, -1))
        return case(lambda x: np.squeeze(x, a), lambda x: torch.squeeze(x, a), x)
    if name == "broadcast_to":
        y, s = broadcast_pair(d)
        shape = np.broadcast_shapes(y, s)
        return case(lambda x: np.broadcast_to(x, shape), lambda x: x.expand(shape), d.real(*y))
    if name == "roll":
        shift, axis = d.pick((k, a), (k, None), ((k, 2), (a, (a + 1) % n)))
        return case(
            lambda x: np.roll(x, shift, axis),
            lambda x: torch.roll(x, shift, axis),
            text=(shift, axis),
        )
    if name == "tile":
        r = [d.int(0, 3) if d.flag(0.2) else d.int(1, 2) for _ in range(d.int(1, n + 1))]
        return case(lambda x: np.tile(x, r), lambda x: torch.tile(x, r), text=r)
    if name == "repeat":
        r, axis = d.pick(d.int(0, 3), d.integers(0, 3, x.shape[a])), d.pick(a, a, None)
        r = d.int(0, 3) if axis is None else r
        many = r if isinstance(r, int) else torch.tensor(r)
        return case(
            lambda x: np.repeat(x, r, axis=axis),
            lambda x: torch.repeat_interleave(x, many, axis),
            text=(r, axis),
        )
    if name in ("tril", "triu"):
        return case(lambda x: getattr(np, name)(x, k), lambda x: getattr(torch, name)(x, k))
    if name == "diagonal":
        b = (a + d.int(1, n - 1)) % n if n > 1 else a
        b = b if b != a % n else (b + 1) % n
        return case(
            lambda x: np.diagonal(x, k, a, b), lambda x: torch.diagonal(x, k, a, b), text=(k, a, b)
        )
    if name in ("diag", "diagflat"):
        x = d.real(*d.shape(1, 2 if name == "diag" else 3, False))
        return case(lambda x: getattr(np, name)(x, k), lambda x: getattr(torch, name)(x, k), x)
    if name == "trace":
        return case(np.trace, torch.trace, d.real(*d.shape(2, 2)))
    if name == "rot90":
        b = (a + d.int(1, n - 1)) % n
        return case(
            lambda x: np.rot90(x, k, (a, b)), lambda x: torch.rot90(x, k, (a, b)), text=(k, a, b)
        )
    if name in ("concatenate", "stack", "hstack", "vstack", "dstack", "column_stack"):
        xs = [d.real(*x.shape) for _ in range(d.int(1, 3))]
        if name in ("concatenate", "stack"):
            return Case(
                lambda xs: getattr(np, name)(xs, axis=a),
                lambda xs: getattr(torch, name)(xs, dim=a),
                (xs,),
                text=a,
            )
        return Case(getattr(np, name), getattr(torch, name), (xs,))
    if name in ("split", "array_split"):
        places = sorted(d.int(0, x.shape[a]) for _ in range(d.int(1, 3)))
        parts = places if name == "split" else d.int(1, 4)
        return case(
            lambda x: list(getattr(np, name)(x, parts, axis=a)),
            lambda x: torch.tensor_split(x, parts, dim=a),
            text=(parts, a),
        )
    if name in ("hsplit", "vsplit", "dsplit"):
        x, places = d.real(2, 4, 3), sorted((d.int(0, 3), d.int(0, 3)))
        f, g = getattr(np, name), getattr(torch, name)
        return case(lambda x: list(f(x, places)), lambda x: g(x, places), x, text=places)
    if name == "matrix_transpose":
        return case(np.matrix_transpose, lambda x: x.mT)
    if name == "unstack":
        x = d.real(*d.shape(2, 4, False))
        return case(lambda x: np.unstack(x, axis=a % 2), lambda x: torch.unbind(x, a % 2), x)
    if name == "sliding_window_view":
        size = d.int(1, max(x.shape[a], 1))
        return case(
            lambda x: np.lib.stride_tricks.sliding_window_view(x, size, a),
            lambda x: x.unfold(a, size, 1),
        )
    if name == "meshgrid":
        xs, how = tuple(d.real(d.int(1, 4)) for _ in range(d.int(1, 3))), d.pick("ij", "xy")
        how = "ij" if len(xs) == 1 else how
        return case(
            lambda *a: list(np.meshgrid(*a, indexing=how)),
            lambda *a: torch.meshgrid(*a, indexing=how),
            *xs,
        )
    if name == "astype":
        return case(lambda x: x.astype(np.float32), lambda x: x.to(torch.float32))
    theirs = "clone" if name == "copy" else name
    return case(getattr(np, name), getattr(torch, theirs))


def well_behaved(d, *batch, n):
    """Matrices far from singular, of distinct singular values."""
    return d.real(*batch, n, n, scale=0.3) + (np.eye(n) * (1 + np.arange(n))).astype(d.dtype)


def symmetric(x):
    return (x + np.swapaxes(x, -1, -2)) / 2 if not isinstance(x, torch.Tensor) else (x + x.mT) / 2


L = "inv det slogdet solve pinv cholesky eigh eigvalsh qr svd svdvals lstsq matrix_power"
L += " multi_dot cond tensorinv tensorsolve matrix_rank"


@cases(*(f"linalg.{name}" for name in L.split()))
def linalg(d, name):
    name = name.split(".")[1]
    batch, n = d.shape(0, 2, empty=name not in ("lstsq", "cond", "matrix_rank")), d.int(1, 4)
    ours, theirs = getattr(np.linalg, name), getattr(torch.linalg, name)
    x = well_behaved(d, *batch, n=n)
    if name in ("inv", "det", "slogdet", "matrix_rank"):
        return Case(ours, theirs, (x,))
    if name == "solve":
        y = d.real(*batch, n, d.int(1, 3))
        return Case(ours, theirs, (x, y))
    if name == "cholesky":
        return Case(
            lambda x: ours(symmetric(x) + 3 * np.eye(n, dtype=x.dtype)),
            lambda x: theirs(symmetric(x) + 3 * torch.eye(n, dtype=x.dtype)),
            (x,),
        )
    if name in ("eigh", "eigvalsh"):  # the sign of a vector is free: its square is not
        if name == "eigvalsh":
            return Case(lambda x: ours(symmetric(x)), lambda x: theirs(symmetric(x)), (x,))
        return Case(
            lambda x: (lambda w, v: (w, v**2))(*ours(symmetric(x))),
            lambda x: (lambda w, v: (w, v**2))(*theirs(symmetric(x))),
            (x,),
        )
    if name == "qr":
        m = n + d.int(0, 2)
        x = d.real(*batch, m, n) + np.eye(m, n, dtype=d.dtype)
        return Case(
            lambda x: (lambda q, r: (q**2, r**2))(*ours(x)),
            lambda x: (lambda q, r: (q**2, r**2))(*theirs(x)),
            (x,),
        )
    if name == "svd":
        x = well_behaved(d, *batch, n=n)
        return Case(
            lambda x: (lambda u, s, v: (u**2, s, v**2))(*ours(x, full_matrices=False)),
            lambda x: (lambda u, s, v: (u**2, s, v**2))(*theirs(x, full_matrices=False)),
            (x,),
        )
    if name in ("pinv", "svdvals"):
        return Case(ours, theirs, (d.real(*batch, n, 3) + np.eye(n, 3, dtype=d.dtype),))
    if name == "lstsq":
        x, y = d.real(n + 2, n) + np.eye(n + 2, n, dtype=d.dtype), d.real(n + 2, 2)
        return Case(lambda a, b: ours(a, b)[0], lambda a, b: theirs(a, b).solution, (x, y))
    if name == "matrix_power":
        k = d.int(-2, 4)
        return Case(lambda x: ours(x, k), lambda x: theirs(x, k), (x,), text=k)
    if name == "multi_dot":
        sizes = [d.int(1, 4) for _ in range(d.int(3, 5))]
        xs = [d.real(a, b) for a, b in pairwise(sizes)]
        return Case(ours, theirs, (xs,))
    if name == "cond":
        p = d.pick(None, 2, -2, 1, -1, np.inf, -np.inf, "fro")
        order = 2 if p in (None, 2, -2) else 0  # elsewhere PyTorch's gradient raises
        return Case(lambda x: ours(x, p), lambda x: theirs(x, p), (x,), text=p, order=order)
    x = (
        well_behaved(d, n=4).reshape(2, 2, 4)
        if name == "tensorinv"
        else well_behaved(d, n=4).reshape(2, 2, 2, 2)
    )
    if name == "tensorinv":
        return Case(lambda x: ours(x, 2), lambda x: theirs(x, 2), (x,))
    return Case(ours, theirs, (x, d.real(2, 2)))


@cases("linalg.norm", "linalg.vector_norm", "linalg.matrix_norm")
def norms(d, name):
    name = name.split(".")[1]
    x, keep = d.real(*d.shape(2, 4, empty=False)), d.flag()
    ours, theirs = getattr(np.linalg, name), getattr(torch.linalg, name)
    matrix = name == "matrix_norm" or (name == "norm" and d.flag())
    if matrix:
        p = d.pick("fro", "nuc", 1, -1, 2, -2, np.inf, -np.inf)
        if name == "matrix_norm":
            return Case(
                lambda x: ours(x, ord=p, keepdims=keep),
                lambda x: theirs(x, p, keepdim=keep),
                (x,),
                text=(p, keep),
            )
        first, second = (int(i) for i in d.rng.permutation(x.ndim)[:2])
        axis = (first, second)
    else:
        p = d.pick(None, 0, 1, -1, 2, -2, 3, 2.5, -1.5, np.inf, -np.inf)
        p = 2 if p is None and name == "vector_norm" else p
        axis = d.axis(x.ndim)
    return Case(
        lambda x: ours(x, ord=p, axis=axis, keepdims=keep),
        lambda x: theirs(x, 2 if p is None else p, dim=axis, keepdim=keep),
        (x,),
        text=(p, axis, keep),
    )


METHODS = (
    "sum mean max min prod var std cumsum cumprod argmax squeeze ravel clip dot trace swapaxes"
)


@cases(*(f"Value.{name}" for name in METHODS.split()))
def methods(d, name):
    """Methods that Values and tensors have under one name, with positional arguments."""
    name = name.split(".")[1]
    x = d.real(*d.shape(2, 2, empty=False))
    a = d.axis(2)
    args = {"squeeze": (), "ravel": (), "trace": (), "clip": (-0.5, 0.5), "swapaxes": (0, 1)}.get(
        name, (a,)
    )
    if name == "dot":
        x = d.real(4)
        args = ()
        return Case(lambda x: x.dot(x * 2), lambda x: x.dot(x * 2), (x,))
    more = {"ddof": 0} if name in ("var", "std") else {}

    def theirs(x):
        if name in ("var", "std"):
            return getattr(x, name)(a, correction=0)
        y = getattr(x, name)(*args)
        return y.values if name in ("max", "min") else y

    def ours(x):
        assert isinstance(x, Value)
        return getattr(x, name)(*args, **more)

    order = 1 if more and x.shape[a] == 1 else 2  # as in `reduction`
    return Case(ours, theirs, (x,), text=args, order=order)
