"""Value: a NumPy array that remembers how it was made."""

from __future__ import annotations

import operator
import warnings
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from autograd import engine
from autograd.dispatch import Traced, array_of, lookup, real_array, refuse_subclasses
from autograd.flags import flags
from autograd.node import Array, Node, epoch, tick
from autograd.recording import is_recording, no_grad
from autograd.spelling import TorchSpelling
from autograd.stale import UNKNOWN, hand_out
from autograd.tables import is_table, of_table
from autograd.tape import OPEN, current, refuse

Axis = int | tuple[int, ...] | None


class Value(Node, Traced, TorchSpelling):
    """An array, and the node of the graph that made it.

    Operators, indexing, NumPy's functions and the methods below record what they do, so that
    `backward` can find the derivative with respect to every leaf. Arrays and numbers are the
    constants of a computation, Values its variables.

    Parameters
    ----------
    data : array_like
        Copied, in native byte order. Python ints, alone or in lists, become float64; NumPy's
        integer arrays stay what they are.
    requires_grad : bool, optional
        Whether to track it. By default float data is tracked and integer data is not.
    name : str, optional
        What drawings and errors call it.

    Attributes
    ----------
    data : ndarray. A leaf's may be assigned to, and recorded graphs notice; a result's is
        read-only.
    grad : ndarray or None, of the same shape and dtype; `backward` adds into it.
    op, inputs, static : the op that made it, its inputs (Values and constants), and its non-array
        arguments.

    Raises
    ------
    TypeError
        Data that is not real numbers; `requires_grad=True` for integers.

    Examples
    --------
    >>> a, b = Value(2.0, name="a"), Value(3.0, name="b")
    >>> y = a * b + np.sin(a)
    >>> y.backward()
    >>> float(b.grad)
    2.0
    """

    __slots__ = ()

    def __init__(
        self, data: Any, requires_grad: bool | None = None, name: str | None = None
    ) -> None:
        if isinstance(data, Value):
            if _is_taped(data):  # where arrays were given, Values stand for them
                self._stand_for(data, requires_grad, name)
                return
            raise TypeError("Value(data): data is already a Value; use .detach() for a new leaf.")
        refuse_subclasses(data, "Value(data)")
        array = np.array(of_table("Value(data)", data) if is_table(data) else data)
        if array.dtype == np.int64 and _of_python_ints(data):
            array = array.astype(np.float64)
        if not array.dtype.isnative:
            array = array.astype(array.dtype.newbyteorder("="))
        kind = array.dtype.kind
        if kind not in "fiub":
            raise TypeError(
                f"Value(data): data must be real numbers, not {array.dtype} "
                f"({type(data).__name__}). Split complex numbers into two real Values."
            )
        if requires_grad is None:
            requires_grad = kind == "f"
        else:
            flags("Value", requires_grad=requires_grad)
            if requires_grad and kind != "f":
                raise TypeError(
                    f"Value(data): {array.dtype} data can't require a gradient; give floats, "
                    "for example np.asarray(data, dtype=float)."
                )
        self._data = array
        self.grad = None
        self.op = None
        self._a = self._b = None
        self._inputs = self.static = ()
        self.saved = None
        self.requires_grad = bool(requires_grad)
        self.name = name
        self.birth = epoch[0]
        self.scope = self.seal = None

    def _stand_for(self, x: Value, requires_grad: bool | None, name: str | None) -> None:
        """Become a node of the tape that is equal to x."""
        y = lookup(np.positive)(x)
        for slot in Node.__slots__:
            setattr(self, slot, getattr(y, slot))
        self.requires_grad = self.dtype.kind == "f" if requires_grad is None else requires_grad
        self.name = name
        current().add(self)  # type: ignore[union-attr]

    @property
    def data(self) -> Array:
        """The array. Only a leaf's can be assigned to; that keeps its shape and dtype."""
        if OPEN[0]:
            refuse(".data")
        if self.op is None:
            return hand_out(self)
        view = np.asarray(self._data).view()
        view.flags.writeable = False
        return view

    @data.setter
    def data(self, new: Any) -> None:
        if self.op is not None:
            raise TypeError(
                f"The result of {self.op.name} can't be written to; only a leaf's .data can."
            )
        if isinstance(new, Value):
            raise TypeError(".data takes an array, not a Value: pass its .data.")
        if new is self._data:  # it was updated in place, as by `p.data -= step`
            self.seal = UNKNOWN
        else:
            array, now = real_array(new, ".data"), self._data
            if array.shape != now.shape:
                raise ValueError(
                    f"Assigning to .data keeps the shape: it is {now.shape}, "
                    f"the new array's {array.shape}. Make a new Value instead."
                )
            if not np.can_cast(array.dtype, now.dtype, "same_kind"):
                raise TypeError(
                    f"Assigning to .data keeps the dtype: it is {now.dtype}, into which "
                    f"{array.dtype} does not fit. Make a new Value instead."
                )
            self._data, self.seal = np.array(array, now.dtype), None
        self.birth = tick()

    @property
    def shape(self) -> tuple[int, ...]:
        """Sizes of the axes."""
        return self._data.shape  # type: ignore[no-any-return]

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return self._data.ndim  # type: ignore[no-any-return]

    @property
    def size(self) -> int:
        """Number of elements."""
        return self._data.size  # type: ignore[no-any-return]

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the elements."""
        return self._data.dtype  # type: ignore[no-any-return]

    @property
    def T(self) -> Value:  # noqa: N802 - NumPy's name
        """The transpose: axes reversed."""
        return lookup(np.transpose)(self)  # type: ignore[no-any-return]

    def item(self) -> float | int | bool:
        """The element of a Value of size 1, as a Python number."""
        if OPEN[0]:
            refuse(".item()")
        return self._data.item()  # type: ignore[no-any-return]

    def detach(self) -> Value:
        """A new leaf with a copy of the data, which doesn't require a gradient."""
        if OPEN[0] and current():
            with no_grad():
                return lookup(np.positive)(self)  # type: ignore[no-any-return]
        return Value(self._data, requires_grad=False, name=self.name)

    def requires_grad_(self, requires_grad: bool = True) -> Self:
        """Track this leaf from now on, or (False) freeze it.

        Raises
        ------
        RuntimeError
            It is the result of an op, which can't be frozen: `detach` makes a leaf.
        TypeError
            Integers can't require a gradient.
        """
        flags("requires_grad_", requires_grad=requires_grad)
        if self.op is not None and not requires_grad:
            raise RuntimeError(
                f"requires_grad_(False): only leaves can be frozen, and this is the result of "
                f"{self.op.name}; use .detach() for a constant with its data."
            )
        if requires_grad and self.dtype.kind != "f":
            raise TypeError(
                f"requires_grad_(): {self.dtype} data can't require a gradient; use "
                ".astype(np.float32) first."
            )
        self.requires_grad = requires_grad
        return self

    def backward(self, gradient: Any = None, retain_graph: bool = False) -> None:
        """Add the derivative of this Value into the `.grad` of every leaf behind it.

        Parameters
        ----------
        gradient : array_like, optional
            Incoming gradient, of this Value's shape. A Value of size 1 takes 1.
        retain_graph : bool
            Keep the graph for another pass, and give every intermediate Value its `.grad`.
            Otherwise the graph is released.

        Raises
        ------
        RuntimeError
            It requires no gradient; its graph was released; a leaf was written to since.
        ValueError
            No `gradient` for an array of more than one element, or one of another shape.
        """
        if retain_graph is not False:
            flags("backward", retain_graph=retain_graph)
        engine.backward(self, seed_like(self, gradient), retain_graph)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Array:
        if self.requires_grad:
            raise TypeError(
                "A Value that requires a gradient is not converted to an array: its gradient "
                "would be lost. Write v.data for the array, which other packages take too. To join "
                "Values write np.stack([v, w]) or np.concatenate([v, w]) in place of a list, "
                "np.array or np.r_. A sparse matrix multiplies a Value after .toarray()."
            )
        if OPEN[0]:
            refuse("np.asarray")
        array = self._data if self.op is not None else hand_out(self)
        return np.array(array, dtype=dtype, copy=copy)

    def __setitem__(self, index: Any, new: Any) -> None:
        raise TypeError(
            "Elements of a Value can't be assigned to: the graph still needs the old ones. "
            "Use v = autograd.index_update(v, index, new), or np.where(mask, new, v)."
        )

    def __dlpack__(self, **kwargs: Any) -> Any:
        if self.requires_grad:
            raise BufferError(
                "A Value that requires a gradient is not handed to another library (torch.tensor, "
                "torch.as_tensor, from_dlpack): its gradient would be lost. Pass v.data for the "
                "array, or v.detach()."
            )
        return self.data.__dlpack__(**kwargs)

    def __dlpack_device__(self) -> tuple[int, int]:
        return np.asarray(self._data).__dlpack_device__()

    def __iter__(self) -> Iterator[Value]:
        if self.ndim == 0:
            raise TypeError("A Value with no axes can't be iterated over.")
        return iter(lookup(iter)(self))

    def __len__(self) -> int:
        if self.ndim == 0:
            raise TypeError("A Value with no axes has no len(). torch.tensor and list take v.data.")
        return len(self._data)

    def __bool__(self) -> bool:
        if OPEN[0]:
            refuse("bool()")
        return bool(self._data)

    def __float__(self) -> float:
        if OPEN[0]:
            refuse("float()")
        if self.requires_grad and is_recording():
            _warn_of_a_number("float")
        return float(self._data)

    def __int__(self) -> int:
        if OPEN[0]:
            refuse("int()")
        if self.requires_grad and is_recording():
            _warn_of_a_number("int")
        return int(self._data)

    def __index__(self) -> int:
        if OPEN[0]:
            refuse("An index")
        return operator.index(self._data)

    def __format__(self, spec: str) -> str:
        if OPEN[0]:
            refuse("format()")
        return format(self._data, spec) if spec else str(self)

    def __repr__(self) -> str:
        text = np.array2string(self._data, separator=", ", prefix="Value(", threshold=20)
        if self.dtype != np.float64:
            text += f", dtype={self.dtype}"
        if self.name:
            text += f", name={self.name!r}"
        return f"Value({text}{f', op={self.op.name!r}' if self.op else ''})"

    def __getstate__(self) -> Any:
        """What `copy`, `deepcopy` and `pickle` take along; a result would need its whole graph."""
        if self.op is not None:
            raise RuntimeError(
                f"Only leaves can be copied or pickled, and this is the result of {self.op.name}; "
                "use .detach() for a leaf with its data."
            )
        return object.__getstate__(self)

    def __setstate__(self, state: Any) -> None:
        """Fill a new leaf, whose arrays are its own and whose clock is that of this process."""
        attributes, slots = state
        for name, x in slots.items():
            setattr(self, name, x)
        self._data = np.array(self._data)
        self.grad = None if self.grad is None else np.array(self.grad)
        self.birth, self.seal = epoch[0], None
        if attributes:  # of a subclass
            vars(self).update(attributes)

    __hash__ = object.__hash__

    if TYPE_CHECKING:  # bound by the op table; a test holds the two lists against each other

        def __getitem__(self, index: Any) -> Value: ...
        def __add__(self, other: Any) -> Value: ...
        def __radd__(self, other: Any) -> Value: ...
        def __sub__(self, other: Any) -> Value: ...
        def __rsub__(self, other: Any) -> Value: ...
        def __mul__(self, other: Any) -> Value: ...
        def __rmul__(self, other: Any) -> Value: ...
        def __truediv__(self, other: Any) -> Value: ...
        def __rtruediv__(self, other: Any) -> Value: ...
        def __floordiv__(self, other: Any) -> Value: ...
        def __rfloordiv__(self, other: Any) -> Value: ...
        def __mod__(self, other: Any) -> Value: ...
        def __rmod__(self, other: Any) -> Value: ...
        def __divmod__(self, other: Any) -> tuple[Value, Value]: ...
        def __rdivmod__(self, other: Any) -> tuple[Value, Value]: ...
        def __pow__(self, other: Any) -> Value: ...
        def __rpow__(self, other: Any) -> Value: ...
        def __matmul__(self, other: Any) -> Value: ...
        def __rmatmul__(self, other: Any) -> Value: ...
        def __iadd__(self, other: Any) -> Value: ...
        def __isub__(self, other: Any) -> Value: ...
        def __imul__(self, other: Any) -> Value: ...
        def __itruediv__(self, other: Any) -> Value: ...
        def __neg__(self) -> Value: ...
        def __pos__(self) -> Value: ...
        def __abs__(self) -> Value: ...
        def __lt__(self, other: Any) -> Array: ...
        def __le__(self, other: Any) -> Array: ...
        def __gt__(self, other: Any) -> Array: ...
        def __ge__(self, other: Any) -> Array: ...
        def __and__(self, other: Any) -> Array: ...
        def __rand__(self, other: Any) -> Array: ...
        def __or__(self, other: Any) -> Array: ...
        def __ror__(self, other: Any) -> Array: ...
        def __xor__(self, other: Any) -> Array: ...
        def __rxor__(self, other: Any) -> Array: ...
        def __lshift__(self, other: Any) -> Array: ...
        def __rlshift__(self, other: Any) -> Array: ...
        def __rshift__(self, other: Any) -> Array: ...
        def __rrshift__(self, other: Any) -> Array: ...
        def __eq__(self, other: Any) -> Array: ...  # type: ignore[override]
        def __ne__(self, other: Any) -> Array: ...  # type: ignore[override]
        def __invert__(self) -> Array: ...
        def __round__(self, decimals: int = 0) -> Array: ...

        def all(self, axis: Axis = None, *, keepdims: bool = False) -> Any: ...
        def any(self, axis: Axis = None, *, keepdims: bool = False) -> Any: ...
        def argmax(self, axis: int | None = None, *, keepdims: bool = False) -> Any: ...
        def argmin(self, axis: int | None = None, *, keepdims: bool = False) -> Any: ...
        def argsort(self, axis: int | None = -1, **settings: Any) -> Array: ...
        def nonzero(self) -> tuple[Array, ...]: ...
        def round(self, decimals: int = 0) -> Array: ...
        def astype(self, dtype: Any, *, copy: bool = True) -> Value: ...
        def clip(self, a_min: Any = None, a_max: Any = None, **ends: Any) -> Value: ...
        def copy(self) -> Value: ...
        def cos(self) -> Value: ...
        def cumprod(self, axis: int | None = None) -> Value: ...
        def cumsum(self, axis: int | None = None) -> Value: ...
        def diagonal(self, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Value: ...
        def dot(self, b: Any) -> Value: ...
        def exp(self) -> Value: ...
        def flatten(self, *axes: Any, order: str = "C", **settings: Any) -> Value: ...
        def log(self) -> Value: ...
        def max(self, axis: Axis = None, *, keepdims: bool = False) -> Value: ...
        def mean(self, axis: Axis = None, *, keepdims: bool = False) -> Value: ...
        def min(self, axis: Axis = None, *, keepdims: bool = False) -> Value: ...
        def prod(self, axis: Axis = None, *, keepdims: bool = False) -> Value: ...
        def ravel(self, order: str = "C") -> Value: ...
        def relu(self) -> Value: ...
        def repeat(self, repeats: Any, axis: int | None = None) -> Value: ...
        def reshape(self, *shape: Any, order: str = "C") -> Value: ...
        def sigmoid(self) -> Value: ...
        def sin(self) -> Value: ...
        def sqrt(self) -> Value: ...
        def squeeze(self, axis: Axis = None) -> Value: ...
        def std(self, axis: Axis = None, *, ddof: float = 0, keepdims: bool = False) -> Value: ...
        def sum(self, axis: Axis = None, *, keepdims: bool = False) -> Value: ...
        def swapaxes(self, axis1: int, axis2: int) -> Value: ...
        def take(self, indices: Any, axis: int | None = None, **settings: Any) -> Value: ...
        def tanh(self) -> Value: ...
        def trace(self, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Value: ...
        def transpose(self, *axes: Any) -> Value: ...
        def var(self, axis: Axis = None, *, ddof: float = 0, keepdims: bool = False) -> Value: ...


def _is_taped(x: Value) -> bool:
    tape = current()
    return tape is not None and tape.owner(x._data) is x


def _warn_of_a_number(kind: str) -> None:
    """Warn, as PyTorch does, that a tracked Value leaves the graph as a number."""
    warnings.warn(
        f"A Value that requires a gradient becomes a Python {kind}, which has no gradient: "
        "`array[i] = v`, `math.sin(v)` and `np.fromiter` do so unseen. To keep the gradient, join "
        "Values by np.stack, write by autograd.index_update, and call NumPy's functions; for a "
        "plain number write v.item().",
        UserWarning,
        stacklevel=3,
    )


def _of_python_ints(data: Any) -> bool:
    """Whether it is an int, or lists and tuples of nothing but ints."""
    if isinstance(data, (list, tuple)):
        return all(map(_of_python_ints, data))
    return type(data) is int


def seed_like(y: Node, gradient: Any) -> Array:
    """The incoming gradient of y, checked: of y's shape and dtype, and maybe the caller's."""
    if not y.requires_grad:
        raise RuntimeError(
            "Nothing behind this Value requires a gradient: it was made from constants, from "
            "Values of integers or with requires_grad=False, or under no_grad()."
        )
    shape, dtype = y._data.shape, y._data.dtype
    if gradient is None:
        if y._data.size != 1:
            raise ValueError(
                f"Only a single number can be differentiated, and this Value has shape {shape}. "
                "Reduce it (v.sum(), v.mean()) or pass gradient= of that shape."
            )
        return np.ones(shape, dtype)
    if isinstance(gradient, Node):
        gradient = gradient._data
    given = array_of(gradient, "gradient=")
    if given.dtype.kind not in "fiub":
        raise TypeError(f"gradient= must be real numbers, not {given.dtype}.")
    seed = given.astype(dtype, copy=False)
    if seed.shape != shape:
        raise ValueError(f"gradient= has shape {seed.shape}, the Value has {shape}.")
    return seed
