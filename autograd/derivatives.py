"""Derivatives as functions: gradients, products with Jacobians, Jacobians, Hessians.

All but the first form of `grad` take a function f and `argnums`, the position of the argument to
differentiate with respect to, or a tuple of positions, and return a function of f's arguments.
An argument is an array_like of real numbers, or a nested dict, list or tuple of them, in which None
stays None; derivatives have its structure.

Given arrays it returns arrays; given a Value that is already tracked it returns Values, so that it
can be differentiated again: ``grad(grad(f))``. Each argument is a variable of its own: what f
closes over is held fixed, be it the very Value that is passed. Only within a function that is being
differentiated do results also depend on the Values that f closes over.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Sequence
from contextvars import ContextVar
from typing import Any, Literal, Protocol, TypeVar, overload

import numpy as np

from autograd import engine
from autograd.dispatch import real_array
from autograd.engine import Flow
from autograd.flags import flags
from autograd.nested import leaves_like, mapped
from autograd.node import Array
from autograd.op import Recorded, Taped
from autograd.passes import Watch
from autograd.recording import enable_grad, is_recording
from autograd.tape import current
from autograd.value import Value, seed_like

Function = Callable[..., Any]
Argnums = int | list[int] | tuple[int, ...]
Result = TypeVar("Result", covariant=True)


@overload
def grad(y: Function, xs: Argnums = 0, *, argnums: Argnums | None = None) -> Function: ...
@overload
def grad(y: Value, xs: Value, gradient: Any = None, *, watch: Watch | None = None) -> Array: ...
@overload
def grad(y: Value, xs: Value, gradient: Any = None, *, create_graph: Literal[True]) -> Value: ...
@overload
def grad(
    y: Value,
    xs: Value,
    gradient: Any = None,
    *,
    create_graph: bool = False,
    allow_unused: bool = False,
    watch: Watch | None = None,
) -> Any: ...
@overload
def grad(
    y: Value,
    xs: Sequence[Value],
    gradient: Any = None,
    *,
    create_graph: bool = False,
    allow_unused: bool = False,
    watch: Watch | None = None,
) -> list[Any]: ...
def grad(
    y: Any,
    xs: Any = 0,
    gradient: Any = None,
    *,
    argnums: Argnums | None = None,
    create_graph: bool = False,
    allow_unused: bool = False,
    watch: Watch | None = None,
) -> Any:
    """Derivative of y with respect to xs, or the gradient of a function as a function.

    Neither touches any `.grad` or the graph.

    Parameters
    ----------
    y : Value, or callable
        What to differentiate; an array of more than one element needs `gradient`. For a function
        that returns one number, ``grad(f)`` is the function of the same arguments that returns the
        gradient; the other parameters then have no effect.
    xs : Value or sequence of Values
        Leaves or intermediate results. For a function: `argnums`, by default 0.
    gradient : array_like, optional
        Incoming gradient of y's shape.
    argnums : int or sequence of ints, optional
        Positions of the arguments to differentiate with respect to; a sequence gives a tuple.
    create_graph : bool
        Return Values that can be differentiated again.
    allow_unused : bool
        Return None for an x that y does not depend on, instead of raising.
    watch : callable, optional
        Called as ``watch(value, gradient)`` for every node of the graph, outputs first.

    Returns
    -------
    ndarray (Value under `create_graph`) of x's shape and dtype, or a list of them for a sequence;
    a function for a function.

    Raises
    ------
    RuntimeError
        y requires no gradient, or does not depend on an x; the graph was released.
    ValueError
        y is not a single number and `gradient` is missing or misshapen.

    Examples
    --------
    >>> from autograd import Value, grad
    >>> import numpy as np
    >>> x = Value(2.0)
    >>> dy = grad(x**3, x, create_graph=True)
    >>> dy.item(), grad(dy, x).item()
    (12.0, 12.0)
    >>> float(grad(np.tanh)(0.0)), float(grad(grad(lambda x: x**3))(2.0))
    (1.0, 12.0)
    """
    flags("grad", create_graph=create_graph, allow_unused=allow_unused)
    if not isinstance(y, Value):
        if callable(y):
            return _gradient(y, xs if argnums is None else argnums)
        raise TypeError(f"grad: y must be a Value or a function, not {type(y).__name__}.")
    if isinstance(xs, (int, np.integer)) or argnums is not None:
        raise TypeError(
            "grad: xs must be the Values to differentiate y with respect to: grad(y, x) or "
            "grad(y, [w, b]); argnums is for a function."
        )
    single = isinstance(xs, Value)
    wanted = [xs] if single else list(xs)
    for i, x in enumerate(wanted):
        if not isinstance(x, Value):
            raise TypeError(f"grad: xs[{i}] must be a Value, not {type(x).__name__}.")
        if not x.requires_grad:
            raise RuntimeError(f"grad: xs[{i}] {x!r} doesn't require a gradient.")
    seed: Any = np.array(seed_like(y, gradient))  # it may itself be a gradient that is returned
    if create_graph and isinstance(gradient, Value):
        seed = gradient
    taped = current() is not None
    flow = Recorded if create_graph else Taped if taped else Flow
    found = engine.gradients([y], [seed], wanted, flow=flow, watch=watch)
    for i, (x, g) in enumerate(zip(wanted, found, strict=True)):
        if g is None:
            if not allow_unused:
                raise RuntimeError(
                    f"grad: y does not depend on xs[{i}] {x!r}. Pass allow_unused=True for None."
                )
        elif create_graph or taped:
            found[i] = g if isinstance(g, Value) else Value(g, requires_grad=False)
        else:
            found[i] = np.array(g)  # a vjp may return an array that it does not own
    return found[0] if single else found


def _tracked(name: str, i: int, x: Any) -> Value:
    """A leaf with x's data; for a tracked Value, a node of its own that is equal to it.

    The node keeps this place apart from every other use of the Value: a second argument, or
    a variable that the function closes over.
    """
    if isinstance(x, Value):
        if x.requires_grad and is_recording():
            return np.positive(x)  # type: ignore[return-value]
        if current() is not None:
            y: Any = np.positive(x) if x.dtype.kind == "f" else x.astype(np.float64)
            y.requires_grad = True
            return y  # type: ignore[no-any-return]
        x = x._data
    array = real_array(x, f"{name}: argument {i}")
    return Value(array if array.dtype.kind == "f" else array.astype(np.float64))


def _live(x: Any) -> bool:
    """Whether it is a tracked Value, so that what is computed from it should be one too."""
    return isinstance(x, Value) and x.requires_grad and is_recording()


_inside: ContextVar[bool] = ContextVar("inside", default=False)
"""Whether a function that is being differentiated runs in this context (thread or task)."""

_variables: set[Value] = set()
"""Those of the functions that are being differentiated now, in any thread: such a function may hand
its variable to a thread of its own, which knows of no function around it."""


class _Call:
    """f, called with its chosen arguments as Values.

    Attributes
    ----------
    y : what f returned.
    leaves : the Values of all chosen arguments, collections flattened.
    nested : whether derivatives are Values too: an argument was tracked before, or a function that
        is itself being differentiated makes the call, and f closes over its variables.
    """

    def __init__(
        self, name: str, f: Function, argnums: Argnums, xs: Sequence[Any], named: dict[str, Any]
    ) -> None:
        self.name = name
        self.single = not isinstance(argnums, (list, tuple))
        places = list(argnums) if isinstance(argnums, (list, tuple)) else [argnums]
        for n in places:
            if not -len(xs) <= n < len(xs):
                raise ValueError(
                    f"{name}: argnums has {n}, but the function was given {len(xs)} arguments."
                )
        args = list(xs)
        self.leaves: list[Value] = []
        given: list[Any] = []
        for i in {n % len(xs): None for n in places}:
            if xs[i] is None:
                raise TypeError(f"{name}: argument {i}: None has nothing that can vary.")
            mapped(given.append, xs[i])
            args[i] = mapped(functools.partial(_tracked, name, i), xs[i])
        self.chosen = [args[n] for n in places]
        mapped(self.leaves.append, self.chosen)
        within, around = _inside.get(), _variables.copy()
        token = _inside.set(True)
        _variables.update(self.leaves)
        try:
            with enable_grad():
                self.y = f(*args, **named)
        finally:
            _inside.reset(token)
            _variables.difference_update(self.leaves)
        if not isinstance(self.y, Value):
            raise TypeError(
                f"{name}: the function must return a Value, not {type(self.y).__name__}."
            )
        self.nested = any(map(_live, given)) or (
            is_recording() and (within or bool(around)) and self._reaches_out(within, around)
        )

    def _reaches_out(self, within: bool, around: set[Value]) -> bool:
        """Whether y depends on other Values than the chosen arguments.

        Within a function that is being differentiated on any tracked one, else on the variables of
        such a function.
        """
        stop = () if within else around
        _, leaves, _ = engine.topological([self.y] if self.y.requires_grad else [], stop)
        return not leaves.keys() <= set(self.leaves) if within else bool(leaves.keys() & around)

    def scalar(self) -> _Call:
        """The call itself; raises unless its result is a single number."""
        if self.y.size != 1:
            raise ValueError(
                f"{self.name}: the function must return one number, not shape {self.y.shape}."
            )
        return self

    @property
    def value(self) -> Any:
        """What f returned, as an array; a Value in a nested call."""
        return self.y if self.nested or current() is not None else self.y.data

    def pull(self, gradient: Any = None, y: Value | None = None, nested: bool = False) -> list[Any]:
        """Gradient of y, by default f's result, for every leaf; zeros without a path to it."""
        y = self.y if y is None else y
        found: list[Any] = [None] * len(self.leaves)
        if y.requires_grad:
            nested = nested or self.nested or _live(gradient)
            found = grad(y, self.leaves, gradient, create_graph=nested, allow_unused=True)
        pairs = zip(found, self.leaves, strict=True)
        return [np.zeros_like(x._data) if g is None else g for g, x in pairs]

    def as_given(self, found: Iterator[Any]) -> Any:
        """One result per leaf, in the structure of the chosen arguments."""
        parts = tuple(mapped(lambda _: next(found), x) for x in self.chosen)
        return parts[0] if self.single else parts

    def directions(self, what: str, vectors: Sequence[Any]) -> list[Any]:
        """Arrays of real numbers and of the leaves' shapes, checked."""
        if len(vectors) == 1 != len(self.chosen) and isinstance(vectors[0], (list, tuple)):
            vectors = vectors[0]
        try:
            found = leaves_like(tuple(self.chosen), tuple(vectors))
        except ValueError as error:
            raise ValueError(f"{self.name}: {what} don't fit the inputs: {error}.") from None
        who = f"{self.name}: {what}"
        found = [v if isinstance(v, Value) else real_array(v, who) for v in found]
        shapes, wanted = [v.shape for v in found], [x.shape for x in self.leaves]
        if shapes != wanted:
            raise ValueError(f"{who} have shapes {shapes}, the inputs {wanted}.")
        return found

    def rows(self, y: Any) -> list[Any]:
        """Jacobian of y for every leaf, of shape y.shape + leaf.shape."""
        if not isinstance(y, Value) or not y.size:
            return [np.zeros(y.shape + x.shape, x.dtype) for x in self.leaves]
        seeds = np.eye(y.size, dtype=y.dtype).reshape(-1, *y.shape)
        rows = [self.pull(seed, y) for seed in seeds]
        return [
            np.reshape(np.stack(parts), y.shape + x.shape)
            for parts, x in zip(zip(*rows, strict=True), self.leaves, strict=True)
        ]


class _Transform(Protocol[Result]):
    def __call__(self, f: Function, argnums: Argnums = 0) -> Callable[..., Result]: ...


def _transform(name: str) -> Callable[[Callable[[_Call], Result]], _Transform[Result]]:
    """Turn a function of a `_Call` into the transform ``name(f, argnums)``."""

    def decorate(result: Callable[[_Call], Result]) -> _Transform[Result]:
        @functools.wraps(result)
        def transform(f: Function, argnums: Argnums = 0) -> Callable[..., Result]:
            if not callable(f):
                raise TypeError(f"{name}: f must be a function, not {type(f).__name__}.")
            given: Any = argnums if isinstance(argnums, (list, tuple)) else (argnums,)
            for n in given:
                if isinstance(n, bool) or not isinstance(n, (int, np.integer)):
                    text = f"{name}: argnums are positions, an int or a tuple of ints, not {n!r}."
                    if not isinstance(n, str):
                        text += f" {name}(f) is a function: write {name}(f)(x)."
                    raise TypeError(text)

            def derivative(*xs: Any, **named: Any) -> Result:
                return result(_Call(name, f, argnums, xs, named))

            return derivative

        del transform.__wrapped__
        transform.__annotations__ = {"f": Function, "argnums": Argnums, "return": Function}
        return transform

    return decorate


@_transform("grad")
def _gradient(call: _Call) -> Any:
    return call.as_given(iter(call.scalar().pull()))


@_transform("value_and_grad")
def value_and_grad(call: _Call) -> tuple[Any, Any]:
    """A function that returns f's value and its gradient with respect to the chosen arguments.

    Parameters
    ----------
    f : callable that returns one number. An argument is an array_like, or a nested dict, list or
        tuple of arrays, such as the parameters of a network; its gradient has the same structure.
    argnums : which arguments; a sequence gives a tuple of gradients.

    Returns
    -------
    ``function(*xs) -> (value, gradient)``.

    Raises
    ------
    TypeError, ValueError
        f returns no Value, or more than one number; argnums is out of range.

    Examples
    --------
    >>> import numpy as np, autograd
    >>> y, g = autograd.value_and_grad(lambda x: np.sum(x * x))(np.array([1.0, 2.0]))
    >>> float(y), g
    (5.0, array([2., 4.]))
    >>> def loss(p, x):
    ...     return np.sum(x @ p["w"] + p["b"])
    >>> y, g = autograd.value_and_grad(loss)({"w": np.ones(2), "b": 0.5}, np.array([[1.0, 2.0]]))
    >>> g
    {'w': array([1., 2.]), 'b': array(1.)}
    """
    gradient = call.as_given(iter(call.scalar().pull()))
    return call.value, gradient


@_transform("vjp")
def vjp(call: _Call) -> tuple[Any, Function]:
    """A function that returns f's value and the vector-Jacobian product as a function.

    Parameters
    ----------
    f : callable that returns a Value of any shape.
    argnums : which arguments; a sequence gives a tuple of gradients.

    Returns
    -------
    ``function(*xs) -> (value, pull)``, where ``pull(g)``, g of the value's shape, is g · J, the
    gradient with respect to the chosen arguments. It may be called repeatedly.

    Examples
    --------
    >>> import numpy as np, autograd
    >>> y, pull = autograd.vjp(np.sin)(np.array([0.0]))
    >>> pull(np.array([2.0]))
    array([2.])
    """
    return call.value, lambda gradient: call.as_given(iter(call.pull(gradient)))


@_transform("jvp")
def jvp(call: _Call) -> tuple[Any, Function]:
    """A function that returns f's value and the Jacobian-vector product as a function.

    ``pull`` of `vjp` is linear in the incoming gradient, so the vjp of ``pull`` is the jvp of f.

    Parameters
    ----------
    f : callable that returns a Value of any shape.
    argnums : which arguments; a sequence means one tangent for each.

    Returns
    -------
    ``function(*xs) -> (value, push)``, where ``push(*tangents)``, each of its argument's shape, is
    J · tangent, the directional derivative, of the value's shape. It may be called repeatedly.

    Raises
    ------
    ValueError
        A tangent whose shape is not its argument's.

    Examples
    --------
    >>> import numpy as np, autograd
    >>> y, push = autograd.jvp(lambda x: x * x)(np.array([3.0]))
    >>> y, push(np.array([1.0]))
    (array([9.]), array([6.]))
    """
    y = call.y
    with enable_grad():
        # What is linear in it does not depend on its numbers; but where they vanish or cancel, so
        # would an infinite slope.
        numbers = np.random.default_rng(0).uniform(0.5, 1.5, y.shape)
        dummy = Value(numbers.astype(y.dtype if y.dtype.kind == "f" else np.float64))
        pulled: list[Any] = [None] * len(call.leaves)
        if y.requires_grad:
            pulled = grad(y, call.leaves, dummy, create_graph=True, allow_unused=True)

    def push(*tangents: Any) -> Any:
        directions = call.directions("tangents", tangents)
        with enable_grad():
            terms = [
                np.sum(g * t)
                for g, t in zip(pulled, directions, strict=True)
                if g is not None and g.requires_grad
            ]
        if not terms:
            return np.zeros_like(y._data)
        total: Value = sum(terms[1:], terms[0])
        nested = call.nested or any(map(_live, directions))
        pushed = grad(total, dummy, create_graph=nested, allow_unused=True)
        return np.zeros_like(y._data) if pushed is None else pushed

    return call.value, push


@_transform("jacobian")
def jacobian(call: _Call) -> Any:
    """A function that returns the Jacobian, computed row by row, one backward pass each.

    Parameters
    ----------
    f : callable that returns a Value of any shape.
    argnums : which arguments; a sequence gives a tuple of Jacobians.

    Returns
    -------
    ``function(*xs) -> dy/dx`` of shape ``y.shape + x.shape``.

    Examples
    --------
    >>> import numpy as np, autograd
    >>> autograd.jacobian(lambda x: x * x)(np.array([1.0, 2.0]))
    array([[2., 0.],
           [0., 4.]])
    """
    return call.as_given(iter(call.rows(call.y)))


@_transform("hessian")
def hessian(call: _Call) -> Any:
    """A function that returns the Hessian of f, computed row by row.

    Parameters
    ----------
    f : callable that returns one number.
    argnums : which arguments; a sequence gives a tuple of tuples, ``[i][j]`` by arguments i and j.

    Returns
    -------
    ``function(*xs) -> H`` of shape ``x.shape + x.shape``.

    Examples
    --------
    >>> import numpy as np, autograd
    >>> autograd.hessian(lambda x: np.sum(x**3))(np.array([1.0, 2.0]))
    array([[ 6.,  0.],
           [ 0., 12.]])
    """
    slopes = _slopes(call)
    return call.as_given(call.as_given(iter(call.rows(g))) for g in slopes)


@_transform("hvp")
def hvp(call: _Call) -> tuple[Any, Function]:
    """A function that returns f's value and the product of a vector with its Hessian.

    The Hessian itself is never built.

    Parameters
    ----------
    f : callable that returns one number.
    argnums : which arguments; a sequence means one vector for each, and gives a tuple.

    Returns
    -------
    ``function(*xs) -> (value, times)``, where ``times(*vectors)``, each of its argument's shape, is
    H · vector. It may be called repeatedly.

    Examples
    --------
    >>> import numpy as np, autograd
    >>> y, times = autograd.hvp(lambda x: np.sum(x**3))(np.array([1.0, 2.0]))
    >>> y, times(np.array([1.0, 1.0]))
    (array(9.), array([ 6., 12.]))
    """
    slopes = _slopes(call)

    def times(*vectors: Any) -> Any:
        directions = call.directions("vectors", vectors)
        with enable_grad():
            terms = [
                np.sum(g * v)
                for g, v in zip(slopes, directions, strict=True)
                if isinstance(g, Value)
            ]
            slope: Any = sum(terms, Value(0.0, requires_grad=False))
        return call.as_given(iter(call.pull(y=slope, nested=any(map(_live, directions)))))

    return call.value, times


def _slopes(call: _Call) -> list[Any]:
    """Gradient of f for every leaf, differentiable again; zeros where f does not depend on it."""
    y = call.scalar().y
    if not y.requires_grad:
        return [np.zeros_like(x._data) for x in call.leaves]
    with enable_grad():
        found = grad(y, call.leaves, create_graph=True, allow_unused=True)
    return [
        np.zeros_like(x._data) if g is None else g for g, x in zip(found, call.leaves, strict=True)
    ]
