"""Maxima and minima along axes."""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd.dispatch import OPS
from autograd.node import Node
from autograd.op import Op
from autograd.ops.arrays.reduce import CASES, Axis, counted, spread, tex_over
from autograd.ops.samples import cases
from autograd.symbol import Symbol


def _max(a: Any, axis: Axis = None, *, keepdims: bool = False) -> Any:
    """Maximum; ties share the gradient."""
    return np.max(a, axis=axis, keepdims=keepdims)


def _min(a: Any, axis: Axis = None, *, keepdims: bool = False) -> Any:
    """Minimum; ties share the gradient."""
    return np.min(a, axis=axis, keepdims=keepdims)


def _nanmax(a: Any, axis: Axis = None, *, keepdims: bool = False) -> Any:
    """Maximum, ignoring NaN."""
    return np.nanmax(a, axis=axis, keepdims=keepdims)


def _nanmin(a: Any, axis: Axis = None, *, keepdims: bool = False) -> Any:
    """Minimum, ignoring NaN."""
    return np.nanmin(a, axis=axis, keepdims=keepdims)


def to_extreme(g: Any, y: Any, a: Any, axis: Axis) -> Any:
    """g sent to the elements equal to the extremum y, NaN included; ties share it equally."""
    extreme = spread(y, a.shape, axis)
    hit = np.equal(a, extreme)
    broken = np.isnan(y)
    if isinstance(broken, Node) or (not isinstance(broken, Symbol) and broken.any()):
        hit = hit | (np.isnan(a) & np.isnan(extreme))
    ties = counted(hit, axis, a.dtype)
    return np.where(hit, spread(g, a.shape, axis) / ties, 0)


max_ = Op(
    _max,
    tex_over(r"\max"),
    lambda g, y, a, axis, keepdims: to_extreme(g, y, a, axis),
    rank=3,
    of=(np.max, np.amax),
    bind="max",
    masks=True,
)
min_ = Op(
    _min,
    tex_over(r"\min"),
    lambda g, y, a, axis, keepdims: to_extreme(g, y, a, axis),
    rank=3,
    of=(np.min, np.amin),
    bind="min",
    masks=True,
)
nanmax = Op(
    _nanmax,
    tex_over(r"\operatorname{nanmax}"),
    lambda g, y, a, axis, keepdims: to_extreme(g, y, a, axis),
    rank=3,
    of=(np.nanmax,),
    masks=True,
)
nanmin = Op(
    _nanmin,
    tex_over(r"\operatorname{nanmin}"),
    lambda g, y, a, axis, keepdims: to_extreme(g, y, a, axis),
    rank=3,
    of=(np.nanmin,),
    masks=True,
)


def ptp(a: Any, axis: Axis = None, *, keepdims: bool = False) -> Any:
    """Peak to peak: the largest element minus the smallest."""
    return np.max(a, axis=axis, keepdims=keepdims) - np.min(a, axis=axis, keepdims=keepdims)


OPS[np.ptp] = ptp

# What tests sample
cases("max min nanmax nanmin", *CASES)
