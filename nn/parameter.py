"""Parameters, which are learned, and buffers, which are only stored."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from autograd.dispatch import real_array, refuse_subclasses
from autograd.ops.arrays.augmented import write
from autograd.recording import is_recording
from autograd.tape import OPEN, refuse
from autograd.value import Value
from nn.arguments import flags


def _in_place(sign: str, function: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    def method(self: Parameter, other: Any) -> Parameter:
        """Write into the parameter; refused while the graph records it."""
        if self.requires_grad and is_recording():
            raise RuntimeError(
                f"Parameter {self.name or ''} {sign} ...: the graph records it, so it can't be "
                f"changed in place. For a step of your own use `with autograd.no_grad():`, or "
                f"p.data {sign} ...; for a result give it another name: y = p {sign[0]} ..."
            )
        write(self, function, other)
        return self

    return method


class Parameter(Value):
    """A Value that a Module owns and an optimizer changes.

    Parameters
    ----------
    data : array_like
        Copied.
    requires_grad : bool
        False freezes it.
    dtype : data type, optional
        float32 unless asked: NumPy's float64 would spread through a whole network.
    name : str, optional
        What errors and drawings call it; by default the attribute that it is first assigned to.

    Examples
    --------
    >>> import nn
    >>> nn.Parameter([1.0, 2.0])
    Value([1., 2.], dtype=float32)
    """

    __slots__ = ()

    def __init__(
        self,
        data: Any,
        requires_grad: bool = True,
        *,
        dtype: Any = None,
        name: str | None = None,
    ) -> None:
        if isinstance(data, Value):
            data = data._data
        flags("Parameter", requires_grad=requires_grad)
        array = real_array(data, "Parameter(data)")
        array = np.ascontiguousarray(array, dtype or np.float32).reshape(array.shape)
        super().__init__(array, requires_grad, name)

    __iadd__ = _in_place("+=", operator.iadd)
    __isub__ = _in_place("-=", operator.isub)
    __imul__ = _in_place("*=", operator.imul)
    __itruediv__ = _in_place("/=", operator.itruediv)

    def numel(self) -> int:
        """Number of elements, by PyTorch's name for `size`."""
        return self.size

    def dim(self) -> int:
        """Number of axes, by PyTorch's name for `ndim`."""
        return self.ndim


class Buffer:
    """Marks an array as state that is saved but not learned, such as a running mean.

    Assigned to an attribute of a Module, it leaves the plain array there and the name in the
    module's list of buffers; what is assigned to that attribute later is the buffer from then on.

    Parameters
    ----------
    data : array_like
        Copied.
    persistent : bool
        Whether `state_dict` has it.

    Examples
    --------
    >>> import nn, numpy as np
    >>> class Scale(nn.Module):
    ...     def __init__(self):
    ...         self.factor = nn.Buffer([2.0, 3.0])
    >>> Scale().state_dict()
    {'factor': array([2., 3.])}
    """

    __slots__ = ("data", "persistent")

    def __init__(self, data: Any, persistent: bool = True) -> None:
        flags("Buffer", persistent=persistent)
        refuse_subclasses(data, "Buffer(data)")
        self.data, self.persistent = np.array(plain(data)), persistent
        if self.data.dtype.kind not in "fiubc":
            raise TypeError(
                f"Buffer(data): data must be an array of numbers, not {type(data).__name__}."
            )


def plain(x: Any) -> Any:
    """The array of a Value, anything else as it is."""
    if isinstance(x, Value):
        if OPEN[0]:
            refuse("A check of numbers")
        return x._data
    return x
