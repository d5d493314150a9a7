"""Whatever Python passes, a kernel answers or refuses: it never reads memory that is not its own.

The calls run in a process of their own, so that a crash is a failed test and not the end of the
tests. Seeds are fixed: a failure names the call.
"""

from __future__ import annotations

import faulthandler
import os
import subprocess
import sys
import warnings

import numpy as np
import pytest

import autograd
from autograd import Value

DTYPES = ("float32", "float64", "float32", "float64", "float16", "int64", "bool", "complex64")
CALLS = 150
"""Random calls of each function; the first half with shapes that nearly fit."""


def array(rng: np.random.Generator, shape: tuple[int, ...], kind: str | None = None):
    """An array that may be strided, reversed, read-only, byte-swapped, a Value or of any dtype."""
    kind = kind or DTYPES[rng.integers(len(DTYPES))]
    x = np.asarray(3 * rng.normal(size=shape)).astype(kind)
    match rng.integers(8):
        case 0:
            x = np.repeat(x, 2, axis=-1)[..., ::2] if x.ndim else x
        case 1:
            x = x[::-1] if x.ndim else x
        case 2:
            x = np.asfortranarray(x)
        case 3:
            x.flags.writeable = False
        case 4:
            x = x.astype(x.dtype.newbyteorder())
        case 5 | 6:
            if x.dtype.kind == "f":
                return Value(x, requires_grad=True)
    return x


def shape(rng: np.random.Generator, rank: int | None = None) -> tuple[int, ...]:
    """A small shape, sometimes with a zero, sometimes of the wrong rank."""
    rank = int(rng.integers(7)) if rank is None or rng.random() < 0.1 else rank
    return tuple(int(n) for n in rng.integers(0 if rng.random() < 0.3 else 1, 6, rank))


def whole(rng: np.random.Generator):
    """A setting: mostly a small integer, sometimes a tuple, a float, None or nonsense."""
    match rng.integers(12):
        case 0:
            return tuple(int(n) for n in rng.integers(-2, 4, int(rng.integers(4))))
        case 1:
            return [None, 1.5, "same", "valid", True, np.int8(2), np.array(2), -(2**40)][
                rng.integers(8)
            ]
        case _:
            return int(rng.integers(-1, 4))


def integers(rng: np.random.Generator, shape: tuple[int, ...], high: int = 6, low: int = 0):
    """Indices, labels or lengths, sometimes out of range, or no integers."""
    if rng.random() < 0.1:
        low, high = low - 2, high + 2
    x = rng.integers(low, max(high, low + 1), shape)
    kinds = ("int64", "int32", "uint8", "float64", "bool")
    return x.astype(kinds[rng.choice(5, p=[0.7, 0.15, 0.05, 0.05, 0.05])])


def convolution(rank: int, transposed: bool):
    def call(rng, fits):
        dtype = ("float32", "float64")[rng.integers(2)] if fits else None
        groups = int(rng.integers(1, 3))
        c, k = groups * int(rng.integers(1, 4)), groups * int(rng.integers(1, 4))
        size = tuple(int(n) for n in rng.integers(1, 7, rank))
        window = tuple(int(n) for n in rng.integers(1, 4, rank))
        x, w, b = (int(rng.integers(0, 3)), c, *size), (k, c // groups, *window), (k,)
        if transposed:
            w = (c, k // groups, *window)
        if not fits:
            x, w, b = shape(rng, rank + 2), shape(rng, rank + 2), shape(rng, 1)
        how = {n: whole(rng) for n in ("stride", "padding", "dilation") if rng.random() < 0.4}
        how["groups"] = groups if fits else whole(rng)
        if transposed and rng.random() < 0.5:
            how["output_padding"] = whole(rng)
        name = f"conv{'_transpose' if transposed else ''}{rank}d"
        bias = [] if rng.random() < 0.5 else [array(rng, b, dtype)]
        return name, (array(rng, x, dtype), array(rng, w, dtype), *bias), how

    return call


def pooling(name: str, rank: int):
    def call(rng, fits):
        x = shape(rng, rank + 2 if fits or rng.random() < 0.5 else None)
        how = {}
        if not name.startswith("adaptive"):
            names = ("stride", "padding") + (("dilation",) if name.startswith("max") else ())
            how = {n: whole(rng) for n in names if rng.random() < 0.4}
        dtype = ("float32", "float64")[rng.integers(2)] if fits else None
        return name, (array(rng, x, dtype), whole(rng)), how

    return call


def recurrence(name: str):
    gates = {"rnn": 1, "lstm": 4, "gru": 3}[name]

    def call(rng, fits):
        dtype = ("float32", "float64")[rng.integers(2)] if fits else None
        t, n, i, h = (int(rng.integers(0, 5)) for _ in range(4))
        x, w, u, b = (t, n, i), (gates * h, i), (gates * h, h), (gates * h,)
        if not fits:
            x, w, u, b = shape(rng, 3), shape(rng, 2), shape(rng, 2), shape(rng, 1)
        how = {}
        if rng.random() < 0.6:
            how["lengths"] = integers(rng, (n,) if fits else shape(rng, 1), t + 1)
        layer = [array(rng, p, dtype) for p in (w, u, b, b)[: 4 if rng.random() < 0.7 else 2]]
        states = [array(rng, (1, n, h) if fits else shape(rng, 3), dtype) for _ in range(2)]
        start = [tuple(states) if name == "lstm" else states[0]] if rng.random() < 0.5 else []
        return name, (array(rng, x, dtype), [layer], *start), how

    return call


def lookup(rng, fits):
    weight = array(rng, shape(rng, 2), "float32" if fits else None)
    return "embedding", (integers(rng, shape(rng)), weight), {}


def labels(name: str):
    def call(rng, fits):
        n, c = int(rng.integers(0, 4)), int(rng.integers(1, 6))
        x = (n, c) if fits else shape(rng, 2)
        how = {"ignore_index": whole(rng)} if rng.random() < 0.3 else {}
        if rng.random() < 0.3:
            how["weight"] = array(rng, (c,) if fits else shape(rng, 1))
        return name, (array(rng, x, "float32" if fits else None), integers(rng, x[:1], c)), how

    return call


def transducer(rng, fits):
    t, n, c, s = (int(k) for k in rng.integers(2, 6, 4))
    x = array(rng, (t, n, c) if fits else shape(rng, 3), "float32" if fits else None)
    targets = integers(rng, (n, s) if fits else shape(rng, 2), c, 1)
    lengths = [integers(rng, (n,) if fits else shape(rng, 1), high + 1) for high in (t, s)]
    how = {"blank": whole(rng)} if rng.random() < 0.2 else {}
    return "ctc_loss", (x, targets, *lengths), how


def attention(rng, fits):
    b, t, s, e = (int(k) for k in rng.integers(1, 5, 4))
    dtype = "float32" if fits else None
    parts = ((b, t, e), (b, s, e), (b, s, e)) if fits else [shape(rng, 3) for _ in range(3)]
    how = {"is_causal": bool(rng.integers(2))} if rng.random() < 0.4 else {}
    if rng.random() < 0.3:
        mask = (t, s) if fits else shape(rng, 2)
        how["attn_mask"] = array(rng, mask, ("bool", "float32", None)[rng.integers(3)])
    return "scaled_dot_product_attention", tuple(array(rng, p, dtype) for p in parts), how


def normalization(name: str):
    def call(rng, fits):
        x = shape(rng, int(rng.integers(2, 5)))
        dtype = "float32" if fits else None
        c = x[1] if len(x) > 1 else 1
        match name:
            case "group_norm":
                settings = (whole(rng),)
            case "batch_norm":
                settings = tuple(array(rng, (c,) if fits else shape(rng, 1)) for _ in range(2))
            case _:
                settings = (x[-1:] if fits else shape(rng, 1),)
        return name, (array(rng, x, dtype), *settings), {}

    return call


FAMILIES = {
    "convolution": {f"conv{r}d": convolution(r, False) for r in (1, 2, 3)},
    "transposed": {f"conv_transpose{r}d": convolution(r, True) for r in (1, 2, 3)},
    "pooling": {
        f"{kind}_pool{r}d": pooling(f"{kind}_pool{r}d", r)
        for kind in ("max", "avg", "adaptive_avg", "adaptive_max")
        for r in (1, 2, 3)
    },
    "recurrence": {name: recurrence(name) for name in ("rnn", "lstm", "gru")},
    "sequence": {"ctc_loss": transducer, "scaled_dot_product_attention": attention},
    "row": {
        "embedding": lookup,
        "cross_entropy": labels("cross_entropy"),
        "nll_loss": labels("nll_loss"),
        **{n: normalization(n) for n in ("batch_norm", "layer_norm", "group_norm", "rms_norm")},
    },
}


def leaves(y):
    """The Values in a result."""
    if isinstance(y, (tuple, list)):
        return [v for part in y for v in leaves(part)]
    return [y] if isinstance(y, Value) else []


def attack(make) -> int:
    """Make the random calls of one function; the number that was answered."""
    answered = 0
    for seed in range(CALLS):
        rng = np.random.default_rng(seed)
        function, args, how = make(rng, seed < CALLS // 2)
        try:
            for y in leaves(getattr(autograd.ops, function)(*args, **how)):
                if y.dtype.kind == "f" and y.requires_grad:
                    y.backward(np.ones(y.shape, y.dtype), retain_graph=True)
            answered += 1
        except (ValueError, TypeError):
            continue
        except Exception as error:
            error.add_note(f"{function}, seed {seed}: {args}, {how}")
            raise
    return answered


@pytest.mark.parametrize("family", FAMILIES)
def test_random_arguments_are_answered_or_refused(family):
    done = subprocess.run(
        [sys.executable, __file__, family], capture_output=True, text=True, env=os.environ
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert {line.split()[0] for line in done.stdout.splitlines()} == set(FAMILIES[family])
    for line in done.stdout.splitlines():
        assert int(line.split()[1]) > CALLS // 25, f"hardly any of the calls fitted: {line}"


if __name__ == "__main__":
    faulthandler.enable()
    warnings.simplefilter("ignore")
    np.seterr(all="ignore")
    for name, make in FAMILIES[sys.argv[1]].items():
        print(name, attack(make))
