"""Special functions that NumPy lacks: error functions, gamma family, x log y."""

from __future__ import annotations

import importlib
import math
from typing import Any

import numpy as np

from autograd.op import Op
from autograd.ops.elementwise.arithmetic import ratio
from autograd.ops.samples import A, case, positive, real


def _mapped(name: str, a: Any, *static: Any) -> Any:
    """Run a kernel of autograd.ops.elementwise.kernel_special over an array; Numba is imported on first use."""
    kernel = getattr(importlib.import_module("autograd.ops.elementwise.kernel_special"), name)
    x = np.asarray(a)
    x = np.ascontiguousarray(x, x.dtype if x.dtype in (np.float32, np.float64) else np.float64)
    out = np.empty_like(x)
    kernel(*static, x.reshape(-1), out.reshape(-1))
    return out.reshape(np.shape(a))


def _erf(a: Any) -> Any:
    r"""Error function, 2/√π ∫₀ᵃ exp(−t²) dt."""
    return _mapped("erf", a)


def _erfc(a: Any) -> Any:
    """1 - erf(a), accurate where erf is close to 1."""
    return _mapped("erfc", a)


def _lgamma(a: Any) -> Any:
    """log |Γ(a)|."""
    return _mapped("lgamma", a)


def _digamma(a: Any) -> Any:
    """Derivative of log Γ(a)."""
    return _mapped("polygamma", a, 0)


def _polygamma(a: Any, n: int = 0) -> Any:
    """The n-th derivative of digamma(a), for a > 0 where n > 0."""
    if n < 0 or n != int(n):
        raise ValueError(f"polygamma: n must be an integer >= 0, got {n}.")
    return _mapped("polygamma", a, int(n))


def _xlogy(a: Any, b: Any) -> Any:
    """a log b, and 0 where a is 0."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(np.equal(a, 0), np.zeros_like(b), np.multiply(a, np.log(b)))


BELL = 2 / math.sqrt(math.pi)

# fmt: off
erf: Op = Op(_erf,        r"\operatorname{{erf}} {a:3}",   lambda g, y, a: g * (BELL * np.exp(-np.square(a))),     domain=(real,), rank=3, name="erf")
erfc: Op = Op(_erfc,      r"\operatorname{{erfc}} {a:3}",  lambda g, y, a: -(g * (BELL * np.exp(-np.square(a)))),  domain=(real,), rank=3, name="erfc")
polygamma: Op = Op(_polygamma, r"\psi_{{{n}}}({a})",       lambda g, y, a, n: g * polygamma(a, n + 1),             domain=(positive,), cases=(case(A(3, domain=positive), n=2),), name="polygamma", singular=True)
digamma: Op = Op(_digamma, r"\psi({a})",                   lambda g, y, a: g * polygamma(a, 1),                    domain=(positive,), name="digamma", singular=True)
lgamma: Op = Op(_lgamma,  r"\log \Gamma({a})",             lambda g, y, a: g * digamma(a),                         domain=(positive,), rank=3, name="lgamma", singular=True)
xlogy: Op = Op(_xlogy,    r"{a:2} \log {b:3}",             lambda g, y, a, b: g * np.where(np.equal(a, 0) & np.less_equal(b, 0), 0, np.log(b)),
                                                       lambda g, y, a, b: g * ratio(a, b),                     domain=(real, positive), rank=2, name="xlogy", singular=True)
# fmt: on

__all__ = ["digamma", "erf", "erfc", "lgamma", "polygamma", "xlogy"]
