"""Random settings of a function or layer, and one comparer of its numbers with PyTorch's.

A *quantity* is one array of one setting: an output, the gradient of one input or parameter, a
buffer after the call, or the second order: the derivative, with respect to one input, parameter or
incoming gradient, of the inner product of all gradients with random directions.

The rule of agreement, the same for every function: shapes equal, dtypes equal, NaN and infinities
in the same places, and

    max |ours - torch's|  <=  256 eps max(|torch's|, natural size)  +  8 s

where eps is the dtype's, the natural size of a derivative of order k is max |output| / |input|^k
(what cancels may have had that size), and s is how far PyTorch's own float32 is from its float64
for the same numbers (times eps(float64)/eps(float32) for float64): the condition, as measured.
"""

from __future__ import annotations

import copy
import os
import zlib
from collections import Counter
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pytest

import autograd
from autograd import Value

torch = pytest.importorskip("torch", reason="the comparison needs torch")

SEED = int(os.environ.get("TORCH_RANDOM_SEED", "0"))
EPS32 = np.finfo(np.float32).eps
REFUSED = "refused by torch"
COMPARED: Counter[str] = Counter()  # quantities compared, by test
TORCHS = {np.float32: torch.float32, np.float64: torch.float64}


class Constant(NamedTuple):
    """A float array that is not differentiated."""

    array: Any


class Case(NamedTuple):
    """One setting: the two callables and what both are called with."""

    ours: Any
    theirs: Any
    args: tuple[Any, ...]
    keywords: dict[str, Any] | None = None
    text: Any = ""  # settings that the callables hold themselves
    modules: tuple[Any, Any] | None = None  # the first argument of the callables, where given
    order: int = 2  # how many derivatives are compared


def registry():
    """A table of generators by name, and the decorator that adds to it."""
    generators: dict[str, Callable[[Draw, str], Case]] = {}

    def cases(*names):
        def register(generator):
            assert not generators.keys() & set(names)
            generators.update(dict.fromkeys(names, generator))
            return generator

        return register

    return generators, cases


class Draw:
    """Random settings and arrays of one dtype, reproducible from (seed, name, index)."""

    def __init__(self, name, index, dtype):
        self.rng = np.random.default_rng((SEED, zlib.crc32(name.encode()), index))
        self.dtype = dtype

    def pick(self, *options):
        return options[self.rng.integers(len(options))]

    def flag(self, p=0.5):
        return bool(self.rng.random() < p)

    def int(self, low, high):
        """An integer of low..high, both included."""
        return int(self.rng.integers(low, high + 1))

    def size(self, low, high, most):
        """An integer of low..high, one in ten up to `most`: kernels treat long axes in blocks."""
        return self.int(high, most) if self.flag(0.1) else self.int(low, high)

    def uniform(self, low, high):
        return round(float(self.rng.uniform(low, high)), 3)

    def shape(self, fewest, most, empty=True):
        """Sizes of 1..5, more 1 than others; some shapes have an axis of 0 or a long one."""
        sizes = [self.pick(1, 1, 2, 3, 4, 5) for _ in range(self.int(fewest, most))]
        if sizes and self.flag(0.06):
            sizes[self.int(0, len(sizes) - 1)] = self.int(15, 70)
        if empty and sizes and self.flag(0.05):
            sizes[self.int(0, len(sizes) - 1)] = 0
        return tuple(sizes)

    def batch(self):
        return 0 if self.flag(0.04) else self.pick(1, 2, 3)

    def axis(self, ndim):
        return self.int(-ndim, ndim - 1)

    def layout(self, x):
        """The same numbers in another order of memory, or with gaps."""
        kind = self.pick("C", "C", "F", "gaps", "axes")
        if x.ndim == 0 or kind == "C":
            return x
        if kind == "F":
            return np.asfortranarray(x)
        if kind == "gaps":
            wide = np.zeros((*x.shape[:-1], 2 * x.shape[-1] + 1), x.dtype)
            wide[..., 1::2] = x
            return wide[..., 1::2]
        order = self.rng.permutation(x.ndim)
        return np.ascontiguousarray(x.transpose(order)).transpose(np.argsort(order))

    def real(self, *shape, scale=None):
        """Normal numbers, now and then large or small ones."""
        scale = self.pick(1, 1, 1, 0.01, 10) if scale is None else scale
        return self.layout(np.asarray(self.rng.normal(0, scale, shape)).astype(self.dtype))

    def between(self, low, high, *shape):
        return self.layout(np.asarray(self.rng.uniform(low, high, shape)).astype(self.dtype))

    def away(self, *shape):
        """Numbers of both signs, away from 0, where a quotient by lengths loses its digits."""
        return self.layout(self.signs(*shape) * self.positive(*shape))

    def positive(self, *shape):
        return self.between(0.1, 3, *shape)

    def integers(self, low, high, *shape):
        """Integers of low..high - 1."""
        return np.asarray(self.rng.integers(low, high, shape))

    def mask(self, *shape, p=0.7):
        return np.asarray(self.rng.random(shape) < p)

    def signs(self, *shape):
        return np.asarray(self.rng.choice([-1.0, 1.0], shape)).astype(self.dtype)

    def maybe(self, x, p=0.5):
        return x if self.flag(p) else None


class Ours:
    """What the comparer asks of a library, of Values."""

    def __init__(self, case, dtype):
        self.call, self.dtype = case.ours, dtype
        self.module = case.modules and case.modules[0]

    def constant(self, x):
        x = np.asarray(x)
        return x.astype(self.dtype, copy=False) if x.dtype.kind == "f" else x

    def leaf(self, x):
        return Value(self.constant(x))

    def array(self, y):
        return np.asarray(y.data if isinstance(y, Value) else y)

    def tracked(self, y):
        return isinstance(y, Value) and y.requires_grad

    def grad(self, y, xs, create_graph=False):
        return autograd.grad(y, xs, create_graph=create_graph, allow_unused=True)


class Torchs:
    """The same, of tensors; float64 where `dtype` says so, whatever the case's own."""

    def __init__(self, case, dtype):
        self.call, self.dtype = case.theirs, TORCHS[dtype]
        torch.set_default_dtype(self.dtype)  # optimizers keep numbers in it
        self.module = case.modules and copy.deepcopy(case.modules[1]).to(self.dtype)

    def constant(self, x):
        t = torch.tensor(np.ascontiguousarray(x).reshape(np.shape(x)))
        return t.to(self.dtype) if t.is_floating_point() else t

    def leaf(self, x):
        return self.constant(x).requires_grad_()

    def array(self, y):
        return y.numpy(force=True) if isinstance(y, torch.Tensor) else np.asarray(y)

    def tracked(self, y):
        return isinstance(y, torch.Tensor) and y.requires_grad

    def grad(self, y, xs, create_graph=False):
        return torch.autograd.grad(
            y, xs, create_graph=create_graph, retain_graph=True, allow_unused=True
        )


def converted(library, x, leaves):
    """A nest of arguments with the library's arrays; the float ones become leaves."""
    if isinstance(x, Constant):
        return library.constant(x.array)
    if isinstance(x, np.ndarray | np.floating):
        if not np.issubdtype(x.dtype, np.floating):
            return library.constant(x)
        name = f"input {len(leaves)}"
        leaves[name] = library.leaf(x)
        return leaves[name]
    if isinstance(x, tuple | list):
        return type(x)(converted(library, e, leaves) for e in x)
    return {k: converted(library, e, leaves) for k, e in x.items()} if isinstance(x, dict) else x


def outputs_of(y, name="output"):
    """The arrays of nested outputs, by name."""
    if y is None:
        return {}
    if isinstance(y, tuple | list):
        parts = [outputs_of(e, f"{name} {i}") for i, e in enumerate(y)]
        return {k: v for part in parts for k, v in part.items()}
    return {name: y}


def inner(xs, ys):
    """Sum of the products of the arrays of the same names."""
    return sum((x * ys[k]).sum() for k, x in xs.items())


def numbers(case, library, seed):
    """All quantities of a setting, by name; of the second order only where the library has it."""
    leaves = {}
    args = converted(library, case.args, leaves)
    keywords = converted(library, case.keywords or {}, leaves)
    if library.module is not None:
        args = (library.module, *args)
        leaves |= {k: p for k, p in library.module.named_parameters() if p.requires_grad}
    y = outputs_of(library.call(*args, **keywords))
    found = {k: library.array(v) for k, v in y.items()}
    if library.module is not None:
        found |= {f"buffer {k}": library.array(b) for k, b in library.module.named_buffers()}
    y = {k: v for k, v in y.items() if library.tracked(v)}
    if not y or not case.order:
        return found
    rng, xs = np.random.default_rng(seed), list(leaves.values())
    incoming = {k: library.leaf(rng.normal(size=tuple(v.shape))) for k, v in y.items()}
    s = inner(y, incoming)
    graded = dict(zip(leaves, library.grad(s, xs), strict=True))
    found |= {f"gradient of {k}": graded_or_zero(library, g, leaves[k]) for k, g in graded.items()}
    if case.order < 2:
        return found
    try:
        graded = dict(zip(leaves, library.grad(s, xs, create_graph=True), strict=True))
        graded = {k: g for k, g in graded.items() if g is not None}
        found |= {f"{AGAIN}{k}": library.array(g) for k, g in graded.items()}
        directions = {
            k: library.constant(rng.normal(size=tuple(x.shape))) for k, x in leaves.items()
        }
        s = inner(graded, directions)
        again = leaves | {f"the incoming gradient of {k}": g for k, g in incoming.items()}
        twice = library.grad(s, list(again.values())) if library.tracked(s) else [None] * len(again)
    except RuntimeError:  # PyTorch lacks it, or fails in it, for some ops and some arguments
        if isinstance(library, Ours):
            raise
        return found
    for (k, x), g in zip(again.items(), twice, strict=True):
        found[f"second order of {k}"] = graded_or_zero(library, g, x)
    return found


TORCH_IS_OFF = {  # float64 numbers of PyTorch 2.13 beside mpmath's of 30 digits; ours were right
    "celu": (1e-6, "1/alpha is rounded to float32"),
    "hardsigmoid": (1e-7, "1/6 is rounded to float32: the gradient is off by 3e-8"),
    "digamma": (1e-8, "trigamma's series ends too early: off by 2e-10"),
    "lgamma": (1e-8, "its second derivative is that trigamma"),
    "bce": (1e-8, "1e-12 is added to input (1 - input) in the derivative: off by 1e-10 at 0.02"),
    "tanhshrink": (1e-9, "x - tanh x in the derivative cancels: off by 6e-12 at 0.001"),
    "gelu": (1e-6, "1 - tanh^2 cancels in the tail: off by 3e-7 at -6"),
    "sinc": (1e-8, "its derivative cancels near 0: off by 2e-11 at 0.001, we have the series"),
}
SPELLED = {"BCELoss": "bce", "binary_cross_entropy": "bce"}

AGAIN = "gradient with a graph of "  # looked at, not counted: the same derivative again


def graded_or_zero(library, g, x):
    """An input that a result does not depend on has gradient 0, however the library says it."""
    return np.zeros_like(library.array(x)) if g is None else library.array(g)


def disagreement(name, case, dtype, seed):
    """Compare all quantities of a setting; (how many, what differs or None)."""
    torch_is_off = TORCH_IS_OFF.get(SPELLED.get(name, name.lower()), (0.0, ""))[0]
    other = np.float64 if dtype is np.float32 else np.float32
    try:
        theirs, apart = (numbers(case, Torchs(case, kind), seed) for kind in (dtype, other))
    except (RuntimeError, ValueError, TypeError, IndexError, NotImplementedError) as error:
        return 0, (REFUSED, f"{type(error).__name__}: {error}")
    finally:
        torch.set_default_dtype(torch.float32)
    try:
        ours = numbers(case, Ours(case, dtype), seed)
    except Exception as error:
        return 1, ("raises", f"{type(error).__name__}: {error}")
    wrong, counted = [], 0
    for what, t in theirs.items():
        counted += not what.startswith(AGAIN)
        allowed = tolerance(case, what, theirs, apart, dtype)
        allowed += torch_is_off * (largest(t) + 1e-9)  # in tails of 1e-12 all digits may be off
        differs = difference(ours.get(what), t, allowed)
        if differs:
            wrong.append((what, differs))
    wrong += [
        (k, "not an output of torch's") for k in ours.keys() - theirs.keys() if k[:6] == "output"
    ]
    return counted, wrong[0] if wrong else None


def largest(x):
    """The largest finite |x|."""
    x = np.abs(x).astype(float) if x.dtype.kind == "f" else np.zeros(0)
    return np.max(x, initial=0, where=np.isfinite(x))


def tolerance(case, what, theirs, apart, dtype):
    """The rule at the top of this file."""
    order = 2 if what.startswith("second") else what.startswith(("gradient", AGAIN))
    low = min((x for x in map(largest, floats_of((case.args, case.keywords))) if x), default=1)
    natural = max(largest(v) for k, v in theirs.items() if k.startswith("output")) / low**order
    t, eps, spread = theirs[what], np.finfo(dtype).eps, 0
    if what in apart and apart[what].shape == t.shape and t.dtype.kind == "f":
        spread = largest(t.astype(float) - apart[what]) * eps / EPS32
    return 256 * eps * max(largest(t), natural) + 8 * spread


def floats_of(x):
    if isinstance(x, dict):
        x = tuple(x.values())
    if isinstance(x, tuple | list) and not isinstance(x, Constant):
        return [a for e in x for a in floats_of(e)]
    return [x] if isinstance(x, np.ndarray) and x.dtype.kind == "f" else []


def difference(y, t, allowed):
    """What is wrong with our quantity y beside PyTorch's t, or None."""
    if y is None:
        return "missing" if np.any(t) else None
    if y.shape != t.shape:
        return f"shape {y.shape}, torch's {t.shape}"
    if t.dtype.kind != "f":
        return None if np.array_equal(y, t) else f"{y} is not {t}"
    if y.dtype != t.dtype:
        return f"{y.dtype}, torch's {t.dtype}"
    fine = np.isfinite(t) & np.isfinite(y)
    if not np.array_equal(np.where(fine, 0, y), np.where(fine, 0, t), equal_nan=True):
        return f"{y} is not {t}"
    off = largest(np.where(fine, y, 0).astype(float) - np.where(fine, t, 0))
    return f"off by {off:.3g}, allowed {allowed:.3g}: {y} is not {t}" if off > allowed else None
