"""Arguments: what a compiled function is called with: arrays that vary, and all else."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from autograd.value import Value


class Arguments:
    """The arguments of a call.

    Parameters
    ----------
    args, kwargs : as given.
    fixed : whether Python floats are part of the plan, and do not vary.

    Attributes
    ----------
    leaves : the arrays; Python floats as arrays of no axes, in the precision of the others.
    key : what a plan holds for: structure, shapes, dtypes, and the values of all else.
    settings : objects among all else, such as models, with their names.
    """

    def __init__(self, args: tuple[Any, ...], kwargs: dict[str, Any], fixed: bool = False) -> None:
        self.args, self.kwargs, self.fixed = args, kwargs, fixed
        self.leaves: list[Any] = []
        self.settings: list[tuple[Any, str]] = []
        self._floats: list[int] = []
        key = self._key(args, ""), self._key(kwargs, "")
        if self._floats:
            floats = set(self._floats)
            kinds = [x.dtype for i, x in enumerate(self.leaves) if i not in floats]
            kinds = [kind for kind in kinds if kind.kind == "f"]
            dtype = max(kinds, key=lambda kind: kind.itemsize) if kinds else np.dtype(float)
            for i in self._floats:
                self.leaves[i] = self.leaves[i].astype(dtype)
        self.key = key

    @property
    def has_floats(self) -> bool:
        """Whether a Python float varies."""
        return bool(self._floats)

    @property
    def only_floats(self) -> bool:
        """Whether nothing but Python floats varies."""
        return len(self._floats) == len(self.leaves) > 0

    def _key(self, x: Any, where: str) -> Any:
        if isinstance(x, dict):
            return dict, tuple((k, self._key(part, f"{where}[{k!r}]")) for k, part in x.items())
        if isinstance(x, (list, tuple)):
            return type(x), tuple(self._key(part, f"{where}[{i}]") for i, part in enumerate(x))
        if isinstance(x, Value):
            raise TypeError(
                f"compile: argument {where} is a Value; a compiled function takes arrays and "
                "numbers. Pass v.data; parameters it finds by itself. For gradients, compile "
                "grad(f) or value_and_grad(f)."
            )
        if type(x) is float and not self.fixed:
            self._floats.append(len(self.leaves))
            self.leaves.append(np.asarray(x))
            return float
        if isinstance(x, (np.ndarray, np.generic)):
            array = np.asarray(x)
            if not array.dtype.isnative:
                array = array.astype(array.dtype.newbyteorder("="))
            if isinstance(x, np.ndarray) and type(x) not in (np.ndarray, np.memmap):
                raise TypeError(f"compile: argument {where} is a {type(x).__name__}, not an array.")
            if array.dtype.kind not in "fiub":
                raise TypeError(f"compile: argument {where} holds {array.dtype}, not real numbers.")
            self.leaves.append(array)
            return array.shape, array.dtype.char
        if isinstance(x, slice):
            return slice, self._key((x.start, x.stop, x.step), where)
        try:
            hash(x)
        except TypeError:
            raise TypeError(
                f"compile: argument {where} is a {type(x).__name__}; a compiled function takes "
                "arrays, numbers, dicts, lists and tuples of them, and what has a hash."
            ) from None
        if not isinstance(x, (bool, int, float, str, bytes, type(None))):
            self.settings.append((x, f"argument {where}"))
        return type(x), repr(x) if isinstance(x, float) else x  # 0.0 == -0.0, nan != nan

    def with_leaves(self, leaves: Sequence[Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """The same arguments with other arrays, or Values, in the places of the leaves."""
        rest = iter(leaves)

        def put(x: Any) -> Any:
            if isinstance(x, dict):
                return {k: put(part) for k, part in x.items()}
            if isinstance(x, (list, tuple)):
                parts = [put(part) for part in x]
                return type(x)(*parts) if hasattr(x, "_fields") else type(x)(parts)
            varies = type(x) is float and not self.fixed
            return next(rest) if varies or isinstance(x, (np.ndarray, np.generic)) else x

        args, kwargs = put((self.args, self.kwargs))
        return args, kwargs

    def others(self) -> Iterator[Arguments]:
        """Arguments of the same shapes with other contents, some of which a function may refuse."""
        for moved, scale in ((1, 0.75), (0, 0.75), (1, 1.0), (0, 1.25)):
            changed = []
            for i, x in enumerate(self.leaves):
                y = np.roll(x.reshape(-1), moved).reshape(x.shape)
                if x.dtype.kind == "f":
                    y = np.asarray(y * y.dtype.type(scale), x.dtype)
                changed.append(float(y) if i in self._floats else y)
            yield Arguments(*self.with_leaves(changed), self.fixed)
