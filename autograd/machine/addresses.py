"""Addresses of arrays, so that one call of a kernel works on any number of them.

Numba takes about 80 ns to unpack an array, and compiles a kernel for each number of them; NumPy's
`ctypes.data` takes ten times as long. The arrays must be kept alive, and in place, by the caller.
"""
# mypy: ignore-errors

from __future__ import annotations

from numba import carray, types
from numba.extending import intrinsic

from autograd.machine.jit import PLAIN, jit, part

_AT_ONCE = 8  # arrays in a call


@jit
def _note(out, first, a, b, c, d, e, f, g, h):
    out[first], out[first + 1] = a.ctypes.data, b.ctypes.data
    out[first + 2], out[first + 3] = c.ctypes.data, d.ctypes.data
    out[first + 4], out[first + 5] = e.ctypes.data, f.ctypes.data
    out[first + 6], out[first + 7] = g.ctypes.data, h.ctypes.data


def room(count):
    """How many addresses an array has room for that takes those of `count` arrays."""
    return -(-count // _AT_ONCE) * _AT_ONCE


def _noted(out, arrays):
    """Write the addresses of arrays into `out`, which has `room` for them.

    Parameters
    ----------
    out : array of intp.
    arrays : list of flat, contiguous, writable arrays of one dtype.
    """
    for first in range(0, len(arrays), _AT_ONCE):
        some = arrays[first : first + _AT_ONCE]
        _note(out, first, *some, *some[:1] * (_AT_ONCE - len(some)))


note = None if PLAIN else _noted  # there is no machine code that takes an address


@intrinsic
def _pointer(typing, address, like):
    def emit(context, builder, signature, args):
        return builder.inttoptr(args[0], context.get_value_type(signature.return_type))

    return types.CPointer(like)(types.intp, like), emit


@part
def at(address, first, size, like):
    """The elements from `first` on, `size` of them, of the array of like's dtype at an address."""
    width = carray(_pointer(address, like), (1,)).itemsize
    return carray(_pointer(address + first * width, like), (size,))
