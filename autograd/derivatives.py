"""Derivatives as functions: gradients, products with Jacobians, Jacobians, Hessians."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from autograd import engine
from autograd.node import Array, Node
from autograd.op import Recorded
from autograd.recording import enable_grad
from autograd.value import Value, seed_like

Function = Callable[..., Any]


def grad(
    y: Value,
    xs: Any,
    gradient: Any = None,
    *,
    create_graph: bool = False,
    allow_unused: bool = False,
    watch: Callable[[Node, Any], None] | None = None,
) -> Any:
    """Derivative of y with respect to xs, without touching any `.grad` or the graph.

    Parameters
    ----------
    y : Value
        What to differentiate; an array of more than one element needs `gradient`.
    xs : Value or sequence of Values
        Leaves or intermediate results.
    gradient : array_like, optional
        Incoming gradient of y's shape.
    create_graph : bool
        Return Values that can be differentiated again.
    allow_unused : bool
        Return None for an x that y does not depend on, instead of raising.
    watch : callable, optional
        Called as ``watch(value, gradient)`` for every node of the graph, outputs first.

    Returns
    -------
    ndarray (Value under `create_graph`) of x's shape and dtype, or a list of them for a sequence.

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
    """
    single = isinstance(xs, Value)
    wanted = [xs] if single else list(xs)
    for i, x in enumerate(wanted):
        if not isinstance(x, Value):
            raise TypeError(f"grad: xs[{i}] must be a Value, not {type(x).__name__}.")
        if not x.requires_grad:
            raise RuntimeError(f"grad: xs[{i}] {x!r} doesn't require a gradient.")
    if not isinstance(y, Value):
        raise TypeError(f"grad: y must be a Value, not {type(y).__name__}.")
    seed: Any = np.array(seed_like(y, gradient))  # it may itself be a gradient that is returned
    if create_graph and isinstance(gradient, Value):
        seed = gradient
    flow = Recorded if create_graph else engine.Flow
    found = engine.gradients([y], [seed], wanted, flow=flow, watch=watch)
    for i, (x, g) in enumerate(zip(wanted, found, strict=True)):
        if g is None:
            if not allow_unused:
                raise RuntimeError(
                    f"grad: y does not depend on xs[{i}] {x!r}. Pass allow_unused=True for None."
                )
        elif create_graph:
            found[i] = g if isinstance(g, Value) else Value(g, requires_grad=False)
        else:
            found[i] = np.array(g)  # a vjp may have handed through an array that it does not own
    return found[0] if single else found


def _tracked(x: Any) -> Value:
    """A leaf with x's data; a Value that is tracked already stays in its graph."""
    if isinstance(x, Value):
        return x if x.requires_grad else Value(x._data.astype(_floating(x._data)))
    array = np.asarray(x)
    return Value(array.astype(_floating(array)))


def _nested(x: Any) -> bool:
    """Whether it is a collection of arrays, rather than an array_like of numbers."""
    if isinstance(x, (list, tuple)):
        return any(isinstance(part, (np.ndarray, Value)) or _nested(part) for part in x)
    return isinstance(x, dict)


def _mapped(function: Function, x: Any) -> Any:
    """The function of x, or of every array in a collection, in the collection's form."""
    if not _nested(x):
        return function(x)
    if isinstance(x, dict):
        return {key: _mapped(function, part) for key, part in x.items()}
    parts = [_mapped(function, part) for part in x]
    return type(x)(*parts) if hasattr(x, "_fields") else type(x)(parts)


def _floating(array: Array) -> Any:
    return array.dtype if array.dtype.kind == "f" else np.float64


def _chosen(
    xs: tuple[Any, ...], argnums: int | Sequence[int], tracked: Function = _tracked
) -> tuple[list[Any], list[int]]:
    """xs with those at argnums made into fresh Values, and the list of argnums."""
    places = [argnums] if isinstance(argnums, int) else list(argnums)
    for n in places:
        if not -len(xs) <= n < len(xs):
            raise ValueError(f"argnums has {n}, but the function was given {len(xs)} arguments.")
    places = [n % len(xs) for n in places]
    return [tracked(x) if i in places else x for i, x in enumerate(xs)], places


def _value(y: Any, name: str) -> Value:
    if not isinstance(y, Value):
        raise TypeError(f"{name}: the function must return a Value, not {type(y).__name__}.")
    return y


def _scalar(y: Any, name: str) -> Value:
    _value(y, name)
    if y.size != 1:
        raise ValueError(f"{name}: the function must return one number, not shape {y.shape}.")
    return y  # type: ignore[no-any-return]


def value_and_grad(f: Function, argnums: int | Sequence[int] = 0) -> Function:
    """A function that returns f's value and its gradient with respect to the chosen arguments.

    Parameters
    ----------
    f : callable that returns one number. An argument is an array_like, or a dict, list or tuple
        with arrays in it, at any depth, such as the parameters of a network; its gradient is of
        the same form.
    argnums : which arguments; a sequence gives a tuple of gradients.

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

    def both(*xs: Any, **kwargs: Any) -> tuple[Array, Any]:
        args, places = _chosen(xs, argnums, lambda x: _mapped(_tracked, x))
        with enable_grad():
            y = _scalar(f(*args, **kwargs), "value_and_grad")
        wanted: list[Value] = []
        for i in places:
            _mapped(wanted.append, args[i])
        gs = (_or_zero(g, x) for g, x in zip(_gradients(y, wanted), wanted, strict=True))
        found = [_mapped(lambda _: next(gs), args[i]) for i in places]
        return y.data, found[0] if isinstance(argnums, int) else tuple(found)

    return both


def _gradients(y: Value, xs: Sequence[Value], seed: Any = None, create: bool = False) -> list[Any]:
    if not y.requires_grad:
        return [None] * len(xs)
    return grad(y, xs, seed, create_graph=create, allow_unused=True)  # type: ignore[no-any-return]


def _or_zero(g: Any, x: Value) -> Any:
    return np.zeros_like(x._data) if g is None else g


def vjp(f: Function, *xs: Any) -> tuple[Array, Function]:
    """f(*xs) and the function that takes an incoming gradient back to each of xs.

    Examples
    --------
    >>> import numpy as np, autograd
    >>> y, pull = autograd.vjp(np.sin, np.array([0.0]))
    >>> pull(np.array([2.0]))
    (array([2.]),)
    """
    args = [_tracked(x) for x in xs]
    with enable_grad():
        y = _value(f(*args), "vjp")

    def pull(gradient: Any) -> tuple[Array, ...]:
        return tuple(
            _or_zero(g, x) for g, x in zip(_gradients(y, args, gradient), args, strict=True)
        )

    return y.data, pull


def jvp(f: Function, xs: Sequence[Any], tangents: Sequence[Any]) -> tuple[Array, Array]:
    """f(*xs) and its directional derivative J · tangents.

    The pull-back is linear in the incoming gradient, so its own pull-back pushes forward.

    Parameters
    ----------
    f : callable of Values that returns a Value.
    xs, tangents : sequences of array_like, equal shapes pair by pair.

    Raises
    ------
    ValueError
        A tangent whose shape is not its input's.

    Examples
    --------
    >>> import numpy as np, autograd
    >>> autograd.jvp(lambda x: x * x, [np.array([3.0])], [np.array([1.0])])
    (array([9.]), array([6.]))
    """
    args = [_tracked(x) for x in xs]
    directions = _like_inputs("jvp", "tangents", args, tangents)
    with enable_grad():
        y = _value(f(*args), "jvp")
        dummy = Value(np.zeros_like(y._data))
        pulled = _gradients(y, args, dummy, create=True)
        terms = [
            np.sum(g * t)
            for g, t in zip(pulled, directions, strict=True)
            if g is not None and g.requires_grad
        ]
    if not terms:
        return y.data, np.zeros_like(y._data)
    pushed = _gradients(sum(terms[1:], terms[0]), [dummy])[0]
    return y.data, _or_zero(pushed, dummy)


def _like_inputs(who: str, what: str, xs: Sequence[Value], vs: Sequence[Any]) -> list[Array]:
    arrays = [np.asarray(v) for v in vs]
    shapes, wanted = [a.shape for a in arrays], [x.shape for x in xs]
    if shapes != wanted:
        raise ValueError(f"{who}: {what} have shapes {shapes}, the inputs {wanted}.")
    return arrays


def jacobian(f: Function, argnum: int = 0) -> Function:
    """A function that returns dy/dx of shape ``y.shape + x.shape``, one row a backward pass.

    Examples
    --------
    >>> import numpy as np, autograd
    >>> autograd.jacobian(lambda x: x * x)(np.array([1.0, 2.0]))
    array([[2., 0.],
           [0., 4.]])
    """

    def matrix(*xs: Any, **kwargs: Any) -> Array:
        args, (place,) = _chosen(xs, argnum)
        x = args[place]
        with enable_grad():
            y = _value(f(*args, **kwargs), "jacobian")
        return _rows(y, x)

    return matrix


def _rows(y: Value, x: Value) -> Array:
    """Gradients of every element of y with respect to x, stacked."""
    rows = np.zeros((y.size, *x.shape), x.dtype)
    if y.requires_grad:
        for i in range(y.size):
            seed = np.zeros(y.shape, y.dtype)
            seed.flat[i] = 1
            rows[i] = _or_zero(_gradients(y, [x], seed)[0], x)
    return rows.reshape(y.shape + x.shape)


def hessian(f: Function, argnum: int = 0) -> Function:
    """A function that returns the second derivative of a scalar f, shape ``x.shape + x.shape``.

    Examples
    --------
    >>> import numpy as np, autograd
    >>> autograd.hessian(lambda x: np.sum(x**3))(np.array([1.0, 2.0]))
    array([[ 6.,  0.],
           [ 0., 12.]])
    """

    def matrix(*xs: Any, **kwargs: Any) -> Array:
        args, (place,) = _chosen(xs, argnum)
        x = args[place]
        with enable_grad():
            y = _scalar(f(*args, **kwargs), "hessian")
            g = _gradients(y, [x], create=True)[0]
        if g is None:
            return np.zeros(x.shape + x.shape, x.dtype)
        return _rows(g, x)

    return matrix


def hvp(f: Function, xs: Sequence[Any], vectors: Sequence[Any]) -> tuple[Array, tuple[Array, ...]]:
    """f(*xs), a scalar, and its Hessian times the vectors, without building the Hessian.

    Examples
    --------
    >>> import numpy as np, autograd
    >>> autograd.hvp(lambda x: np.sum(x**3), [np.array([1.0, 2.0])], [np.array([1.0, 1.0])])
    (array(9.), (array([ 6., 12.]),))
    """
    args = [_tracked(x) for x in xs]
    directions = _like_inputs("hvp", "vectors", args, vectors)
    with enable_grad():
        y = _scalar(f(*args), "hvp")
        gs = _gradients(y, args, create=True)
        slope: Any = sum(
            (np.sum(g * v) for g, v in zip(gs, directions, strict=True) if g is not None),
            Value(0.0, requires_grad=False),
        )
    return y.data, tuple(_or_zero(g, x) for g, x in zip(_gradients(slope, args), args, strict=True))
