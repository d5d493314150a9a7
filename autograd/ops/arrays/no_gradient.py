"""NumPy functions without a useful derivative: they take Values and return arrays."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from autograd.calls import bind_methods
from autograd.dispatch import OPS
from autograd.node import Node
from autograd.op import tex_name
from autograd.results import constant
from autograd.symbol import ATOM, Symbol, as_symbol
from autograd.tape import OPEN, current, refuse
from autograd.value import Value


class Plain:
    """A NumPy function without a derivative, as the op of a node on a tape.

    Attributes
    ----------
    forward : the function.
    scalar : what it computes of single elements, as in `Op`; None if it is not elementwise.
    """

    def __init__(self, function: Callable[..., Any], scalar: str | None) -> None:
        self.name = str(function.__name__)
        self.forward, self.scalar = function, scalar

    def __call__(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Value:
        """Call the function, and leave a node on the tape."""
        if any(isinstance(x, (list, tuple)) and any(map(_is_value, x)) for x in args):
            refuse(f"numpy.{self.name} of a list")
        if any(map(_is_value, kwargs.values())):
            refuse(f"numpy.{self.name} with a Value as a keyword")
        y = self.forward(*map(_bare, args), **kwargs)
        if not isinstance(y, (np.ndarray, np.generic, int)):
            refuse(f"numpy.{self.name}")
        return constant(self, y, args, (kwargs,))


def _is_value(x: Any) -> bool:
    return isinstance(x, Value)


def plain(
    function: Callable[..., Any],
    tex: str | None = None,
    bind: str = "",
    linear: tuple[int, str, str] | None = None,
    scalar: str | None = None,
    reads: bool = True,
) -> None:
    """Let a NumPy function without a useful derivative take Values and return a plain array.

    `linear` is an argument that it does have a derivative by: its position and name, and what to
    write where it is tracked. Not `reads` means that it looks only at shapes and dtypes.
    """
    name = str(function.__name__)
    row = Plain(function, scalar)

    def call(*args: Any, **kwargs: Any) -> Any:
        if linear is not None:
            i, word, cure = linear
            x = args[i] if len(args) > i else kwargs.get(word)
            if isinstance(x, Node) and x.requires_grad:
                raise TypeError(
                    f"numpy.{name}: {word} is a Value, whose gradient would be lost; {cure}."
                )
        if OPEN[0] and reads and current() and any(map(_is_value, (*args, *kwargs.values()))):
            return row(args, kwargs)
        symbols = [a for a in args if isinstance(a, Symbol)]
        y = function(*map(_bare, args), **{k: _bare(a) for k, a in kwargs.items()})
        if not symbols or not isinstance(y, (np.ndarray, np.generic)):
            return y
        if tex is not None:
            return Symbol(
                tex.format(**dict(zip("ab", map(as_symbol, args), strict=False))),
                y,
                0 if "{" in tex else ATOM,
            )
        return Symbol(rf"\operatorname{{{tex_name(name)}}}({symbols[0]})", y)

    call.__name__ = call.__qualname__ = name
    call.__doc__ = function.__doc__
    OPS[function] = call
    bind_methods(call, bind)


def _bare(x: Any) -> Any:
    if isinstance(x, Value):
        return x._data
    if isinstance(x, Symbol):
        return x.data
    if type(x) in (tuple, list):
        return type(x)(_bare(part) for part in x)
    return x


plain(np.greater, "{a:1} > {b:1}", bind="__gt__", scalar="({a} > {b})")
plain(np.greater_equal, r"{a:1} \ge {b:1}", bind="__ge__", scalar="({a} >= {b})")
plain(np.less, "{a:1} < {b:1}", bind="__lt__", scalar="({a} < {b})")
plain(np.less_equal, r"{a:1} \le {b:1}", bind="__le__", scalar="({a} <= {b})")
plain(np.equal, "{a:1} = {b:1}", scalar="({a} == {b})")
plain(np.not_equal, r"{a:1} \ne {b:1}", scalar="({a} != {b})")
plain(np.logical_and, r"{a:1} \wedge {b:1}", scalar="(bool({a}) and bool({b}))")
plain(np.logical_or, r"{a:1} \vee {b:1}", scalar="(bool({a}) or bool({b}))")
plain(np.logical_not, r"\neg {a:1}", scalar="(not {a})")
plain(np.bitwise_and, r"{a:1} \wedge {b:1}", bind="__and__ __rand__")
plain(np.bitwise_or, r"{a:1} \vee {b:1}", bind="__or__ __ror__")
plain(np.bitwise_xor, r"{a:1} \oplus {b:1}", bind="__xor__ __rxor__")
plain(np.left_shift, r"{a:1} \ll {b:1}", bind="__lshift__ __rlshift__")
plain(np.right_shift, r"{a:1} \gg {b:1}", bind="__rshift__ __rrshift__")
plain(np.invert, r"\neg {a:1}", bind="__invert__")
plain(np.floor, r"\left\lfloor {a} \right\rfloor", scalar="np.floor({a})")
plain(np.ceil, r"\left\lceil {a} \right\rceil", scalar="np.ceil({a})")

plain(np.zeros_like, "0", reads=False)
plain(np.isnan, scalar="({a} != {a})")
plain(np.isfinite, scalar="({a} - {a} == {a} - {a})")
plain(np.isinf, scalar="(abs({a}) == np.inf)")
plain(np.isneginf, scalar="({a} == -np.inf)")
plain(np.isposinf, scalar="({a} == np.inf)")

_OF_SHAPES: list[Callable[..., Any]] = [
    *(np.shape, np.ndim, np.size, np.ones_like, np.empty_like, np.iscomplexobj, np.isrealobj),
    *(np.result_type, np.can_cast, np.may_share_memory, np.shares_memory),
]
for shapes in _OF_SHAPES:
    plain(shapes, reads=False)

for function in (
    *(np.trunc, np.rint, np.fix, np.signbit, np.logical_xor),
    *(np.isclose, np.allclose, np.array_equal, np.array_equiv),
    *(np.nanargmax, np.nanargmin, np.argpartition, np.argwhere, np.flatnonzero, np.count_nonzero),
    *(np.searchsorted, np.digitize, np.isin),
    *(np.array_repr, np.array_str, np.array2string),
):
    plain(function)

plain(np.round, bind="round __round__")
plain(np.argmax, bind="argmax")
plain(np.argmin, bind="argmin")
plain(np.argsort, bind="argsort")
plain(np.nonzero, bind="nonzero")
plain(np.all, bind="all")
plain(np.any, bind="any")


def _equal(a: Any, b: Any) -> Any:
    """Elementwise ==; non-numeric operands compare unequal, as in NumPy."""
    if OPEN[0] and current():
        return np.equal(a, b)
    return operator.eq(_bare(a), _bare(b))


def _not_equal(a: Any, b: Any) -> Any:
    """Elementwise !=; non-numeric operands compare unequal, as in NumPy."""
    if OPEN[0] and current():
        return np.not_equal(a, b)
    return operator.ne(_bare(a), _bare(b))


bind_methods(_equal, "__eq__")
bind_methods(_not_equal, "__ne__")


plain(np.heaviside, linear=(1, "x2", "use np.where(x1 == 0, x2, np.heaviside(x1, 0))"))
plain(np.bincount, linear=(1, "weights", "use autograd.index_add(np.zeros(n), x, weights)"))
plain(np.histogram, linear=(4, "weights", "use np.digitize and autograd.index_add"))
plain(np.full_like, linear=(1, "fill_value", "use np.broadcast_to(fill_value, a.shape)"))
