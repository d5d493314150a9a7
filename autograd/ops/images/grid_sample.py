r"""Sampling images between the pixels: three bilinear ops that are each other's derivatives.

Σ g[n, c, q] w[n, q, k] x[n, c, i[n, q, k]] is linear in each of x, w and g; its derivatives with
respect to g, x and w are the three ops, as for a convolution.
"""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from autograd.machine.uninterrupted import load
from autograd.machine.workspace import native
from autograd.op import Op
from autograd.ops.conv.geometry import arrays
from autograd.ops.samples import A, case, cases


@functools.cache
def _kernels() -> Any:
    """The kernels; Numba is imported on first use."""
    return load("autograd.ops.images.kernel_resample")


def checked(places: Any, pixels: int, images: int, weights: Any = None) -> Any:
    """The places as the kernels take them; refused where they lie outside of the image."""
    places = native(np.asarray(places))
    if places.dtype.kind not in "iu":
        raise TypeError(f"places must be integers, got {places.dtype}.")
    expected = (images, *places.shape[1:]) if weights is None else weights.shape
    if places.ndim != 3 or places.shape != expected:
        raise ValueError(f"places {places.shape} must have the axes (N, Q, K) {expected}.")
    if places.size and places.max() >= pixels:
        raise ValueError(f"places must be smaller than {pixels}, the pixels of an image.")
    return places.astype(np.intp, copy=False)


def _flat(a: Any) -> Any:
    return a.reshape(a.shape[0] * a.shape[1], a.shape[2])


def three(name: str, a: Any) -> None:
    """ValueError unless an array has three axes."""
    if a.ndim != 3:
        raise ValueError(f"{name} {a.shape} must have 3 axes.")


def _gather(x: Any, w: Any, places: Any) -> Any:
    r"""Weighted sums of pixels; a place below 0 is outside and contributes nothing.

    .. math:: y_{n c q} = \sum_k w_{n q k} \, x_{n, c, i_{n q k}}
    """
    x, w = arrays(x=x, w=w)
    three("x", x)
    three("w", w)
    places = checked(places, x.shape[2], x.shape[0], w)
    if len(w) != len(x):
        raise ValueError("x and w must hold the same number of samples.")
    y = np.empty((*x.shape[:2], w.shape[1]), x.dtype)
    if y.size:
        _kernels().run_gather(_flat(x), w, places, _flat(y))
    return y


def _scatter(g: Any, w: Any, places: Any, pixels: int) -> Any:
    r"""The transposed map: g times the weights, added to images of this many pixels.

    .. math:: \bar x_{n c i} = \sum_{q, k : \, i_{n q k} = i} w_{n q k} \, g_{n c q}
    """
    g, w = arrays(g=g, w=w)
    three("g", g)
    three("w", w)
    places = checked(places, pixels, g.shape[0], w)
    if (g.shape[0], g.shape[2]) != w.shape[:2]:
        raise ValueError("g (N, C, Q) and w (N, Q, K) must have the same N and Q.")
    gx = np.empty((*g.shape[:2], pixels), g.dtype)
    if gx.size:
        _kernels().run_scatter(_flat(g), w, places, _flat(gx))
    return gx


def _weigh(x: Any, g: Any, places: Any) -> Any:
    r"""The gradient with respect to the weights.

    .. math:: \bar w_{n q k} = \sum_c g_{n c q} \, x_{n, c, i_{n q k}}
    """
    x, g = arrays(x=x, g=g)
    three("x", x)
    three("g", g)
    places = checked(places, x.shape[2], x.shape[0])
    if x.shape[:2] != g.shape[:2] or g.shape[2] != places.shape[1]:
        raise ValueError("x (N, C, P) and g (N, C, Q) must have the same N and C.")
    gw = np.empty(places.shape, x.dtype)
    if gw.size:
        _kernels().run_weigh(_flat(x), _flat(g), places, gw)
    return gw


gather_weighted: Op = Op(
    _gather,
    r"{w:2} \cdot {x:9}_{{i}}",
    lambda g, y, x, w, places: scatter_weighted.call(g, w, places, x.shape[2]),
    lambda g, y, x, w, places: weigh_places.call(x, g, places),
    name="gather_weighted",
)
scatter_weighted: Op = Op(
    _scatter,
    r"{w:2} \cdot^\top_i {g:9}",
    lambda h, y, g, w, places, pixels: gather_weighted.call(h, w, places),
    lambda h, y, g, w, places, pixels: weigh_places.call(h, g, places),
    name="scatter_weighted",
)
weigh_places: Op = Op(
    _weigh,
    r"{x:9}_{{i}} \cdot {g:2}",
    lambda h, y, x, g, places: scatter_weighted.call(g, h, places, x.shape[2]),
    lambda h, y, x, g, places: gather_weighted.call(x, h, places),
    name="weigh_places",
)


# What tests sample
_PLACES = np.array([[[0, 1], [4, 2], [-1, 3]], [[4, 4], [0, -1], [2, 1]]])
cases("gather_weighted", case(A(2, 3, 5), A(2, 3, 2), _PLACES))
cases("scatter_weighted", case(A(2, 2, 3), A(2, 3, 2), _PLACES, 5))
cases("weigh_places", case(A(2, 2, 5), A(2, 2, 3), _PLACES))
