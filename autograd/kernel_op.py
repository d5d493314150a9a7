"""KernelOp: a fused op with a joint vjp, and the reference that defines it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NoReturn

import numpy as np

from autograd.calls import general
from autograd.contribution import all_given, hidden_in
from autograd.engine import ARRAYS, Flow, arrays_of, gradients
from autograd.foreign import foreign, reading
from autograd.node import Node
from autograd.op import Backward, Op, Taped, tex_name
from autograd.symbol import Symbol

Function = Callable[..., Any]


class KernelOp(Op):
    r"""A fused op: a fast kernel with one joint vjp, and a readable reference that defines it.

    First-order gradients run the kernel's joint vjp. Under `create_graph` the engine
    differentiates the reference instead, so derivatives of every order work; a drawing can show
    the reference in place of the op.

    Parameters
    ----------
    forward : callable
        ``forward(*inputs, *others) -> (y, saved)`` on arrays; y is an array, or a tuple of arrays
        if the op has several outputs; `saved` is passed to the joint vjp.
    tex : str or callable
        See `Op`.
    joint : callable
        ``joint(g, needs, y, saved, *inputs, *others)`` returns one gradient per input; those with
        ``needs[i]`` false may be None. With several outputs g is a tuple, None where unused.
    reference : callable
        The same function of Values, composed of ops.
    arity : int
        How many leading parameters of `forward` are arrays. An array input may be None.
    **kwargs
        See `Op`.

    Examples
    --------
    >>> import numpy as np, autograd
    >>> squares = autograd.KernelOp(
    ...     lambda a: (np.dot(a, a), None), r"{a}^\top {a}",
    ...     lambda g, needs, y, saved, a: (2 * g * a,),
    ...     reference=lambda a: np.sum(a * a), arity=1, name="squares")
    >>> x = autograd.Value([1.0, 2.0])
    >>> autograd.grad(squares(x), x)
    array([2., 4.])
    """

    def __init__(
        self,
        forward: Function,
        tex: str | Function,
        joint: Function,
        *,
        reference: Function,
        arity: int,
        **kwargs: Any,
    ) -> None:
        if foreign(forward):
            places = (0, 2, *range(4, 4 + arity))  # g, y and the inputs
            joint = reading(f"{kwargs.get('name', 'a KernelOp')}: its joint vjp", joint, places)
        self.joint, self.reference = joint, reference
        super().__init__(forward, tex, *[_by_reference] * arity, **kwargs)

    def _call_path(self) -> Function:
        self.path = 0
        return general(self)

    def _run(self, arrays: Sequence[Any], static: tuple[Any, ...]) -> tuple[Any, Any]:
        found = self.computed(arrays, static)
        if type(found) is not tuple or len(found) != 2:
            raise TypeError(f"{self.name}: forward must return a pair, (y, saved)")
        return found

    def pull(self, v: Node, g: Any, needs: Sequence[bool], flow: Flow = ARRAYS) -> Sequence[Any]:
        """What the joint vjp gives, or the vjps of the reference, for each input that needs it."""
        flow.refuse_stale(v)
        if isinstance(flow, Taped):
            return Backward(self, needs)(v, g)
        if not flow.kernels:
            return self._pull_reference(v, g, needs, flow)
        arrays = arrays_of(v.inputs, scalars=False)
        if isinstance(g, dict):
            g = tuple(g.get(i) for i in range(len(v._data)))
        return self.pulled(g, needs, v._data, v.saved, arrays, v.static)

    def pulled(
        self, g: Any, needs: Sequence[bool], y: Any, saved: Any, inputs: Sequence[Any], static: Any
    ) -> Sequence[Any]:
        """What the joint vjp gives for arrays."""
        return all_given(self, self.joint(g, needs, y, saved, *inputs, *static), needs)

    def _pull_reference(self, v: Node, g: Any, needs: Sequence[bool], flow: Flow) -> Sequence[Any]:
        # A separate node for each input, so that one Value in two places stays two inputs.
        twins = [np.positive(x) if need else x for x, need in zip(v.inputs, needs, strict=True)]
        wanted = [t for t, need in zip(twins, needs, strict=True) if need]
        ys = self.reference(*twins, *v.static)
        if _shapes(ys) != _shapes(v._data):
            raise ValueError(
                f"{self.name}: its reference returned {_shapes(ys)}, its forward "
                f"{_shapes(v._data)}; they must be the same function."
            )
        pairs = [(ys[i], part) for i, part in g.items()] if isinstance(g, dict) else [(ys, g)]
        pairs = [(y, part) for y, part in pairs if isinstance(y, Node) and y.requires_grad]
        roots, seeds = [p[0] for p in pairs], [p[1] for p in pairs]
        stop = set(wanted)
        hidden = hidden_in(v, ys if isinstance(ys, (tuple, list)) else [ys], flow.unreached)
        unreached = {y: part for y, part in hidden.items() if y in roots}
        found = iter(
            gradients(roots, seeds, wanted, flow=type(flow), stop=stop, unreached=unreached)
        )
        return [next(found) if need else None for need in needs]

    def derivative(
        self,
        i: int,
        symbols: Sequence[Symbol],
        static: tuple[Any, ...],
        letters: tuple[str, str] = (r"\bar y", "y"),
    ) -> Symbol:
        r"""Only \partial_i of the op's name: the formula is that of its reference."""
        return Symbol(rf"\partial_{{{i}}} \mathrm{{{tex_name(self.name)}}}", symbols[i].data)


def _shapes(y: Any) -> str:
    """The shape of what a function returned, or of each of several, for an error."""
    several = isinstance(y, (tuple, list))
    return f"{[np.shape(part) for part in y]}" if several else f"the shape {np.shape(y)}"


def _by_reference(*args: Any) -> NoReturn:
    raise NotImplementedError("a KernelOp is differentiated jointly")
