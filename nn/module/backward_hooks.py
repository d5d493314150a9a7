"""Backward hooks: functions that see the gradients of a module's inputs and outputs."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from autograd.engine import ARRAYS, Flow
from autograd.node import Node
from autograd.op import Op, select_output
from autograd.results import record
from autograd.value import Value

Hook = Callable[..., Any]


class _Tap(Op):
    """The identity of one or several Values; its vjp calls ``static[0]`` with their gradients.

    So the engine need not know of hooks: they are part of the graph.
    """

    listed = False

    def pull(self, v: Node, g: Any, needs: Sequence[bool], flow: Flow = ARRAYS) -> Sequence[Any]:
        several = type(v._data) is tuple
        found = [g.get(i) for i in range(len(v._data))] if several else [g]
        return v.static[0](found)  # type: ignore[no-any-return]


TAP = _Tap(lambda *xs: xs, r"\operatorname{{hook}}", name="backward_hook", of=())


def _tapped(xs: list[Value], see: Callable[[list[Any]], list[Any]]) -> list[Value]:
    """The same Values; a backward pass replaces their gradients by what `see` makes of them."""
    if len(xs) == 1:
        return [record(TAP, xs[0]._data, (xs[0],), (see,))]
    node = record(TAP, tuple([x._data for x in xs]), tuple(xs), (see,))
    return [select_output(node, i) for i in range(len(xs))]


class Call:
    """One call of a module with backward hooks: what happens when gradients come through it."""

    def __init__(self, module: Any, befores: Sequence[Hook], afters: Sequence[Hook]) -> None:
        self.module, self.befores, self.afters = module, befores, afters
        self.inputs: list[int] = []  # the positions of the inputs with a gradient
        self.outputs: list[int] = []
        self.n_inputs = self.n_outputs = 0
        self.grad_output: tuple[Any, ...] | None = None  # of the pass that is going on

    def tapped_inputs(self, args: tuple[Any, ...]) -> tuple[Any, ...]:
        """The positional inputs, watched."""
        self.n_inputs = len(args)
        self.inputs = [i for i, x in enumerate(args) if isinstance(x, Value) and x.requires_grad]
        if not (self.inputs and self.afters):
            return args
        new = list(args)
        taps = _tapped([args[i] for i in self.inputs], self._leave)
        for i, tap in zip(self.inputs, taps, strict=True):
            new[i] = tap
        return tuple(new)

    def tapped_outputs(self, y: Any) -> Any:
        """The output, or the Values in it where it is a tuple, list or dict, watched."""
        if isinstance(y, dict):
            parts: list[Any] = list(y.values())
        else:
            parts = list(y) if isinstance(y, (tuple, list)) else [y]
        self.n_outputs = len(parts)
        live = [i for i, x in enumerate(parts) if isinstance(x, Value) and x.requires_grad]
        self.outputs = live
        if not live:
            return y
        for i, tap in zip(live, _tapped([parts[i] for i in live], self._enter), strict=True):
            parts[i] = tap
        if isinstance(y, dict):
            return type(y)(zip(y, parts, strict=True))
        if isinstance(y, (tuple, list)):
            return type(y)(*parts) if hasattr(y, "_fields") else type(y)(parts)
        return parts[0]

    def _enter(self, found: list[Any]) -> list[Any]:
        """The gradients of the outputs are there: the pre-hooks may replace them."""
        gradients = _spread(found, self.outputs, self.n_outputs)
        for hook in self.befores:
            new = hook(self.module, gradients)
            if new is not None:
                gradients = self._checked(new, gradients, "full backward pre-hook", "grad_output")
        if self.inputs:
            self.grad_output = gradients
        elif self.afters:
            warnings.warn(
                f"The full backward hook of {type(self.module).__name__} runs with the gradients "
                "of its outputs alone: none of its inputs requires a gradient.",
                stacklevel=2,
            )
            nothing = (None,) * self.n_inputs
            for hook in self.afters:
                new = hook(self.module, nothing, gradients)
                if new is not None:
                    self._checked(new, nothing, "full backward hook", "grad_input")
        return [gradients[i] for i in self.outputs]

    def _leave(self, found: list[Any]) -> list[Any]:
        """The gradients of the inputs are there: the hooks may replace them."""
        gradients = _spread(found, self.inputs, self.n_inputs)
        if self.grad_output is None:  # the pass did not come through the outputs
            return found
        for hook in self.afters:
            new = hook(self.module, gradients, self.grad_output)
            if new is not None:
                gradients = self._checked(new, gradients, "full backward hook", "grad_input")
        self.grad_output = None
        return [gradients[i] for i in self.inputs]

    def _checked(self, new: Any, old: tuple[Any, ...], kind: str, argument: str) -> tuple[Any, ...]:
        """What a hook returned; refused unless it fits the gradients that it replaces."""
        who = f"The {kind} of {type(self.module).__name__}"
        if not isinstance(new, (tuple, list)):
            raise TypeError(
                f"{who} must return None or a tuple of {len(old)}, one for each of {argument}, "
                f"not {type(new).__name__}."
            )
        if len(new) != len(old):
            raise ValueError(
                f"{who} returned {len(new)} gradients for the {len(old)} of {argument}."
            )
        return tuple(
            [self._fitting(a, b, i, who) for i, (a, b) in enumerate(zip(new, old, strict=True))]
        )

    def _fitting(self, new: Any, old: Any, i: int, who: str) -> Any:
        if new is None or new is old:
            return new
        if old is None:
            raise ValueError(f"{who} returned a gradient for entry {i}, which has none.")
        if isinstance(new, Value) and not isinstance(old, Value):
            new = new._data
        elif not isinstance(new, Value):
            new = np.asarray(new)
        if new.shape != old.shape:
            raise ValueError(
                f"{who} returned a gradient of shape {new.shape} for entry {i}, of {old.shape}."
            )
        return new if new.dtype == old.dtype else new.astype(old.dtype)


def _spread(found: list[Any], places: list[int], n: int) -> tuple[Any, ...]:
    """n entries: the gradients at their places, None elsewhere.

    Arrays are read-only views: other nodes may share them, and what a hook wants changed it
    returns.
    """
    spread: list[Any] = [None] * n
    for i, g in zip(places, found, strict=True):
        if isinstance(g, (np.ndarray, np.generic)):
            g = np.asarray(g).view()
            g.flags.writeable = False
        spread[i] = g
    return tuple(spread)
