"""NumPy's two override protocols, and the op table that they look functions up in."""

from __future__ import annotations

import sys
from collections.abc import Callable
from numbers import Number
from typing import Any, NoReturn

import numpy as np

from autograd.tables import is_table, of_table

OPS: dict[Callable[..., Any], Callable[..., Any]] = {}
"""NumPy function -> what runs in its place when one of its arguments is traced."""

_UFUNC_KEYWORDS = {"out", "where", "dtype", "casting", "order", "subok", "signature", "axes"}


_SPECIAL = {  # ufuncs of scipy.special -> what takes Values
    "erf": "autograd.erf(v)",
    "erfc": "autograd.erfc(v)",
    "entr": "-autograd.xlogy(v, v)",
    "exp10": "10.0**v",
    "expit": "v.sigmoid()",
    "expm1": "np.expm1(v)",
    "gamma": "np.exp(autograd.lgamma(v)) where v > 0",
    "gammaln": "autograd.lgamma(v)",
    "log1p": "np.log1p(v)",
    "log_expit": "nn.functional.logsigmoid(v)",
    "logit": "np.log(v / (1 - v))",
    "ndtr": "autograd.erfc(-v / np.sqrt(2)) / 2",
    "psi": "autograd.digamma(v)",
    "rel_entr": "autograd.xlogy(v, v / w)",
    "xlog1py": "v * np.log1p(w)",
    "xlogy": "autograd.xlogy(v, w)",
    "cbrt": "np.cbrt(v)",
    "exp2": "np.exp2(v)",
    "cosdg": "np.cos(np.deg2rad(v))",
    "sindg": "np.sin(np.deg2rad(v))",
    "tandg": "np.tan(np.deg2rad(v))",
}


class Traced:
    """What NumPy passes to the op table instead of computing: a Value, a Symbol or Scripted."""

    __slots__ = ()

    def applied(self, op: Any, inputs: Any, static: tuple[Any, ...]) -> Any:
        """What an op gives that is called on these inputs; a Value has it computed."""
        raise NotImplementedError

    __pandas_priority__ = 5000
    """Above those of pandas, whose objects then leave ``series * v`` to `__rmul__`."""

    @property
    def _mask(self) -> NoReturn:
        """Asked for by numpy.ma, which would compute with the plain numbers."""
        raise TypeError(
            f"numpy.ma: a masked array and a {type(self).__name__} are not computed with together: "
            "the gradient, or the mask, would be lost. Pass .filled(x) for the array, and "
            "np.where(mask, 0, v) or v[~mask] for the elements that count."
        )

    def __array_ufunc__(self, ufunc: Any, method: str, *args: Any, **kwargs: Any) -> Any:
        if method != "__call__":
            raise TypeError(
                f"numpy.{ufunc.__name__}.{method} takes no Value; "
                "call the NumPy function for it (np.sum, np.prod, np.max, np.cumsum ...)."
            )
        if refused := _UFUNC_KEYWORDS & kwargs.keys():
            raise TypeError(
                f"numpy.{ufunc.__name__}: {', '.join(sorted(refused))}= can't be used "
                "with a Value; out= (and so `array += value`) would change what the graph needs. "
                "Write `x = x + v`, and .astype() for dtype=."
            )
        return lookup(ufunc)(*args, **kwargs)

    def __array_function__(
        self, function: Any, types: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        return lookup(function)(*args, **kwargs)


def lookup(function: Callable[..., Any]) -> Callable[..., Any]:
    """What runs in place of a NumPy function; a TypeError if the op table has no row for it."""
    try:
        return OPS[function]
    except KeyError:
        name = qualified_name(function)
        cure = _SPECIAL.get(name.removeprefix("scipy.special."))
        raise TypeError(
            f"{name} has no row in the op table, so its gradient would be lost. "
            + (f"Write {cure}. " if cure else "")
            + "Pass v.data for a plain array, or add a row (autograd.Op)."
        ) from None


def array_of(x: Any, who: str) -> np.ndarray[Any, Any]:
    """x as an array; refused where that would lose what its numbers mean.

    Parameters
    ----------
    x : array_like.
    who : the op or argument that the error names.

    Raises
    ------
    TypeError
        A masked array, a np.matrix, a string, or another object that is no array of numbers, such
        as a sparse matrix, or a data frame with a column of text.
    """
    if type(x) is np.ndarray:
        return x
    refuse_subclasses(x, who)
    array = of_table(who, x) if is_table(x) else np.asarray(x)
    if array.dtype.kind not in "fiubc" and (array.dtype != object or array.ndim == 0):
        given = type(x).__name__ if array.ndim == 0 else f"{type(x).__name__} of {array.dtype}"
        cure = "; .toarray() makes one" if hasattr(x, "toarray") else ""
        cure = (
            "; float(x) makes a number of it"
            if isinstance(x, Number) and array.dtype == object
            else cure
        )
        raise TypeError(f"{who}: a {given} is not an array of numbers{cure}.")
    return array


def real_array(x: Any, who: str) -> np.ndarray[Any, Any]:
    """x as an array of real numbers; a TypeError or ValueError that begins with `who`."""
    try:
        array = array_of(x, who)
    except ValueError as error:
        raise ValueError(f"{who}: {error}") from None
    if array.dtype.kind not in "fiub":
        cure = "; pass the real and the imaginary part" if array.dtype.kind == "c" else ""
        raise TypeError(f"{who}: must be real numbers, not {array.dtype}{cure}.")
    return array


_ORDINARY = frozenset({np.ndarray, float, int, bool, np.float64, np.float32, slice, type(None)})


def refuse_subclasses(x: Any, who: str) -> None:
    """Raise a TypeError for an array that computes otherwise than a plain one, alone or in lists.

    That are masked arrays, np.matrix, and classes such as quantities with a unit.
    """
    if type(x) in _ORDINARY:
        return
    if isinstance(x, (list, tuple)):
        for part in x:
            if type(part) not in _ORDINARY:
                refuse_subclasses(part, who)
    elif isinstance(x, np.matrix):
        raise TypeError(
            f"{who}: a np.matrix multiplies as matrices do and keeps two axes; pass np.asarray(m), "
            "and write @ for the product of matrices."
        )
    elif isinstance(x, np.ndarray) and hasattr(x, "_mask"):
        raise TypeError(
            f"{who}: the mask of a masked array would be lost. Pass .filled(x) for the array, "
            "and np.where(mask, 0, v) or v[~mask] for the elements that count."
        )
    elif isinstance(x, np.ndarray) and type(x).__array_ufunc__ is not np.ndarray.__array_ufunc__:
        raise TypeError(
            f"{who}: a {type(x).__name__} computes in a way of its own, which would be lost. Pass "
            "np.asarray(x) for the plain numbers."
        )


def qualified_name(function: Callable[..., Any]) -> str:
    """The name under which users know a NumPy function, such as ``numpy.linalg.inv``."""
    name = getattr(function, "__name__", str(function))
    module = getattr(function, "__module__", None)
    if (
        module is None
        and isinstance(function, np.ufunc)
        and getattr(np, name, None) is not function
    ):
        special = sys.modules.get("scipy.special")
        module = "scipy.special" if getattr(special, name, None) is function else "the ufunc"
        return f"{module}.{name}" if "." in module else f"{module} {name}"
    return f"{module or 'numpy'}.{name}"
