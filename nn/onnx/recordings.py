"""Recordings: one model recorded for several sizes of its free axes, node beside node.

Each time the inputs hold other numbers. So what is the same in all recordings is a constant of the
model, what differs is a function of the free sizes, which two recordings a size determine and one
more confirms, or was made of an input by NumPy, unseen, which is refused.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple, cast

import numpy as np

from autograd.node import Array, Node
from autograd.recording import enable_grad
from autograd.value import Value
from autograd.viz.trace import Trace
from nn.module import Module

Axes = Mapping[str, Mapping[int, str]] | None


class Unwritable(NotImplementedError):  # noqa: N818 - an answer, not a fault
    """A model does what an ONNX file can't say."""


class Free(NamedTuple):
    """A size that a file leaves open.

    Attributes
    ----------
    name : in the file.
    places : the inputs and axes that have it.
    sizes : one for each recording.
    """

    name: str
    places: list[tuple[str, int]]
    sizes: tuple[int, ...]


class Recordings:
    """A model recorded for several sizes.

    Parameters
    ----------
    model : it is recorded in evaluation mode.
    inputs : arrays.
    axes : input -> axis -> name of a free size.

    Attributes
    ----------
    names : of the inputs.
    given : for each input its array in each recording.
    leaves : the same as Values, where they are floats.
    outputs : for each output its name and what it is in each recording.
    traces : one for each recording.
    free : the free sizes.
    """

    def __init__(self, model: Module, inputs: Sequence[Any], axes: Axes) -> None:
        arrays = [np.asarray(x._data if isinstance(x, Value) else x) for x in inputs]
        arrays = [x.astype(np.float32) if x.dtype == np.float16 else x for x in arrays]
        self.names = _names(model, len(arrays))
        symbols = _symbols(self.names, arrays, axes)
        sizes = _variants(symbols, dict(zip(self.names, arrays, strict=True)))
        self.free = [
            Free(name, places, tuple(of[name] for of in sizes)) for name, places in symbols.items()
        ]
        self.given = [
            tuple(_resized(x, _wanted(name, symbols, of), k) for k, of in enumerate(sizes))
            for name, x in zip(self.names, arrays, strict=True)
        ]
        runs = [self._run(model, k) for k in range(len(sizes))]
        self.leaves = [tuple(run[0][i] for run in runs) for i in range(len(arrays))]
        self.outputs = _beside([run[1] for run in runs])
        roots = [[y for y in run[1].values() if _recorded(y)] for run in runs]
        self.traces = [Trace(r) for r in roots]
        orders = [[v.op.name for v in trace.order] for trace in self.traces]
        for k, order in enumerate(orders[1:], 1):
            if order != orders[0]:
                what = ", ".join(f"{f.name} = {f.sizes[0]} and {f.sizes[k]}" for f in self.free)
                raise Unwritable(
                    f"The model records other ops for {what or 'other numbers'}: its graph depends "
                    "on its input. If it is the size, give axes={} to fix all of them."
                )

    def _run(self, model: Module, k: int) -> tuple[list[Any], dict[str, Any]]:
        arrays = [x[k] for x in self.given]
        given: list[Any] = [Value(x) if x.dtype.kind == "f" else x for x in arrays]
        try:
            with _learning(model), enable_grad():
                found = model(*given)
        except Exception as error:
            if k:
                sizes = ", ".join(f"{f.name} = {f.sizes[k]}" for f in self.free) or "the same sizes"
                error.add_note(
                    f"It was called with other numbers and {sizes}, to see what depends on them; "
                    "axes={} fixes all sizes."
                )
            raise
        return given, dict(_flat(found, "output"))


def _recorded(y: Any) -> bool:
    return isinstance(y, Node) and y.op is not None


@contextmanager
def _learning(model: Module) -> Iterator[None]:
    """In evaluation mode, with every parameter recorded, frozen or not."""
    modes = [(module, module.training) for module in model.modules()]
    frozen = [p for p in model.parameters() if not p.requires_grad]
    model.eval()
    for p in frozen:
        p.requires_grad = True
    try:
        yield
    finally:
        for p in frozen:
            p.requires_grad = False
        for module, mode in modes:
            module.training = mode


def _flat(y: Any, name: str) -> Iterator[tuple[str, Any]]:
    if isinstance(y, dict):
        for key, part in y.items():
            yield from _flat(part, str(key))
    elif isinstance(y, (tuple, list)):
        names = getattr(y, "names", None) or getattr(y, "_fields", None)
        if len(y) == 1:
            yield from _flat(y[0], name)
            return
        for i, part in enumerate(y):
            yield from _flat(part, names[i] if names else f"{name}_{i}")
    elif y is not None:
        yield name, y


def _beside(outputs: list[dict[str, Any]]) -> list[tuple[str, tuple[Any, ...]]]:
    first = outputs[0]
    if any(o.keys() != first.keys() for o in outputs):
        raise Unwritable("The model returns other outputs for another size.")
    return [(name, tuple(o[name] for o in outputs)) for name in first]


def _names(model: Module, count: int) -> list[str]:
    """The names of the inputs: those of the parameters of forward."""
    own = getattr(model, "inputs", None)
    if isinstance(own, tuple) and len(own) >= count:
        return list(own[:count])
    parameters = inspect.signature(model.forward).parameters.values()
    found = [p.name for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    found += [f"input_{i}" for i in range(len(found), count)]
    return found[:count]


def _symbols(names: list[str], arrays: list[Array], axes: Axes) -> dict[str, list[tuple[str, int]]]:
    """Free size -> the inputs and axes that have it; by default axis 0 of every input, as N."""
    found: dict[str, list[tuple[str, int]]] = {}
    if axes is None:
        for name, x in zip(names, arrays, strict=True):
            if x.ndim:
                same = x.shape[0] == next(a.shape[0] for a in arrays if a.ndim)
                found.setdefault("N" if same else f"N_{name}", []).append((name, 0))
        return found
    for name, free in axes.items():
        if name not in names:
            raise ValueError(f"axes: there is no input {name!r}; they are {', '.join(names)}.")
        x = arrays[names.index(name)]
        for axis, symbol in free.items():
            if not -x.ndim <= axis < x.ndim:
                raise ValueError(f"axes: {name} {x.shape} has no axis {axis}.")
            found.setdefault(symbol, []).append((name, axis % x.ndim))
    for symbol, places in found.items():
        sizes = {arrays[names.index(name)].shape[axis] for name, axis in places}
        if len(sizes) > 1:
            raise ValueError(f"axes: {symbol} has the sizes {sorted(sizes)} in different inputs.")
    return found


def _variants(
    symbols: dict[str, list[tuple[str, int]]], given: dict[str, Array]
) -> list[dict[str, int]]:
    """The sizes of each recording: as given, one changed at a time, and all at once."""
    base = {s: max(given[places[0][0]].shape[places[0][1]], 2) for s, places in symbols.items()}
    found = [base, *({**base, s: base[s] + 1} for s in symbols)]
    if not symbols:
        found.append(base)  # other numbers, so that what is made of an input is not taken for fixed
    if len(symbols) > 1:
        found.append({s: n + 2 + i for i, (s, n) in enumerate(base.items())})
    return found


def _wanted(
    name: str, symbols: dict[str, list[tuple[str, int]]], sizes: dict[str, int]
) -> dict[int, int]:
    return {axis: sizes[s] for s, places in symbols.items() for n, axis in places if n == name}


def _resized(x: Array, sizes: dict[int, int], k: int) -> Array:
    """An input with other sizes, and in each recording with other numbers of the same range."""
    for axis, n in sizes.items():
        x = np.take(x, np.arange(n) % max(x.shape[axis], 1), axis=axis)
    if not k:
        return x
    rng = np.random.default_rng(k)
    if not x.size or (x != x.flat[0]).any():
        return cast(Array, rng.permuted(x.ravel()).reshape(x.shape))
    if x.dtype.kind in "iu":
        return cast(Array, rng.integers(0, max(int(x.flat[0]), 1) + 1, x.shape).astype(x.dtype))
    drawn: Array = np.asarray(rng.random(x.shape))
    return drawn < 0.5 if x.dtype == bool else drawn.astype(x.dtype)
