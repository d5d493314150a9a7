"""Special functions that NumPy lacks: error functions, gamma family, x log y."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from autograd.machine.uninterrupted import load
from autograd.machine.workspace import native
from autograd.op import Op, elementwise
from autograd.ops.samples import A, case, cases, domains, positive, real


def _mapped(name: str, a: Any, *static: Any) -> Any:
    """Run a kernel of kernel_special.py over an array; Numba is imported on first use.

    float16 stays float16; other dtypes become float64.
    """
    kernel = getattr(load("autograd.ops.elementwise.kernel_special"), name)
    x = np.asarray(a)
    x = native(x if x.dtype in (np.float32, np.float64) else x.astype(np.float64))
    out = np.empty_like(x)
    kernel(*static, x.reshape(-1), out.reshape(-1))
    half = getattr(a, "dtype", None) == np.float16
    return out.reshape(np.shape(a)).astype(np.float16 if half else out.dtype, copy=False)


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
    """The n-th derivative of digamma(a)."""
    if n < 0 or n != int(n):
        raise ValueError(f"polygamma: n must be an integer >= 0, got {n}.")
    return _mapped("polygamma", a, int(n))


def _xlogy(a: Any, b: Any) -> Any:
    """a log b, and 0 where a is 0."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(np.equal(a, 0), np.zeros_like(b), np.multiply(a, np.log(b)))


BELL = 2 / math.sqrt(math.pi)

erf: Op = elementwise(
    _erf,
    r"\operatorname{{erf}} {a:3}",
    lambda g, y, a: g * (BELL * np.exp(-np.square(a))),
    scalar="erf({a})",
)
erfc: Op = elementwise(
    _erfc, r"\operatorname{{erfc}} {a:3}", lambda g, y, a: -(g * (BELL * np.exp(-np.square(a))))
)
polygamma: Op = elementwise(
    _polygamma, r"\psi_{{{n}}}({a})", lambda g, y, a, n: g * polygamma(a, n + 1), singular=True
)
digamma: Op = elementwise(
    _digamma, r"\psi({a})", lambda g, y, a: g * polygamma(a, 1), singular=True
)
lgamma: Op = elementwise(
    _lgamma, r"\log \Gamma({a})", lambda g, y, a: g * digamma(a), rank=3, singular=True
)
xlogy: Op = elementwise(
    _xlogy,
    r"{a:2} \log {b:3}",
    lambda g, y, a, b: g * np.where(np.equal(a, 0) & np.less_equal(b, 0), 0, np.log(b)),
    lambda g, y, a, b: g * np.where(np.equal(a, 0) & np.equal(b, 0), 0, a / b),
    singular=True,
)

__all__ = ["digamma", "erf", "erfc", "lgamma", "polygamma", "xlogy"]

# What tests sample
domains("erf erfc", real)
domains("polygamma digamma lgamma", positive)
domains("xlogy", real, positive)
cases("polygamma", case(A(3, domain=positive), n=2))
