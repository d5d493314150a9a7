"""Padding of signals, images and volumes."""

from __future__ import annotations

import math
from typing import Any, ClassVar

from autograd.ops.axes import each
from autograd.value import Value
from nn import functional
from nn.module import Module


class _Pad(Module):
    """Padding of the last axes: what the layers below share."""

    _rank: ClassVar[int]
    _mode: ClassVar[str] = "constant"
    value: float | None = None

    def __init__(self, padding: Any) -> None:
        try:
            self.padding = each("padding", padding, 2 * self._rank, -math.inf)
        except (TypeError, ValueError) as error:
            raise type(error)(f"{type(self).__name__}: {error}") from None

    def forward(self, input: Any) -> Value:
        """Pad the last axes."""
        return functional.pad(input, self.padding, self._mode, self.value)

    def extra_repr(self) -> str:
        return f"{self.padding}"


class _ConstantPad(_Pad):
    def __init__(self, padding: Any, value: float) -> None:
        super().__init__(padding)
        self.value = value

    def extra_repr(self) -> str:
        return f"padding={self.padding}, value={self.value}"


class ConstantPad1d(_ConstantPad):
    """Pad the last axis with a constant.

    Parameters
    ----------
    padding : one number for both ends or (left, right); negative ones crop.
    value : to pad with.

    Input of any rank with these axes last.

    Examples
    --------
    >>> import nn, numpy as np
    >>> nn.ConstantPad1d(1, 9.0)(np.array([[1.0, 2.0]]))
    array([[9., 1., 2., 9.]])
    """

    _rank = 1


class ConstantPad2d(_ConstantPad):
    """Pad the last two axes with a constant.

    Parameters as in `ConstantPad1d`; padding is one number or (left, right, top, bottom).

    Input of any rank with these axes last.

    Examples
    --------
    >>> import nn, numpy as np
    >>> nn.ConstantPad2d(1, 9.0)(np.ones((1, 1, 2, 3))).shape
    (1, 1, 4, 5)
    """

    _rank = 2


class ConstantPad3d(_ConstantPad):
    """Pad the last three axes with a constant.

    Parameters as in `ConstantPad1d`; padding is one number or
    (left, right, top, bottom, front, back).

    Input of any rank with these axes last.

    Examples
    --------
    >>> import nn, numpy as np
    >>> nn.ConstantPad3d(1, 9.0)(np.ones((1, 1, 2, 3, 4))).shape
    (1, 1, 4, 5, 6)
    """

    _rank = 3


class ZeroPad1d(_Pad):
    """Zero-pad the last axis.

    Parameters
    ----------
    padding : one number for both ends or (left, right); negative ones crop.

    Input of any rank with these axes last.

    Examples
    --------
    >>> import nn, numpy as np
    >>> nn.ZeroPad1d(1)(np.array([[1.0, 2.0]]))
    array([[0., 1., 2., 0.]])
    """

    _rank = 1


class ZeroPad2d(_Pad):
    """Zero-pad the last two axes.

    Parameters as in `ZeroPad1d`; padding is one number or (left, right, top, bottom).

    Input of any rank with these axes last.

    Examples
    --------
    >>> import nn, numpy as np
    >>> nn.ZeroPad2d(1)(np.ones((1, 1, 2, 3))).shape
    (1, 1, 4, 5)
    """

    _rank = 2


class ZeroPad3d(_Pad):
    """Zero-pad the last three axes.

    Parameters as in `ZeroPad1d`; padding is one number or
    (left, right, top, bottom, front, back).

    Input of any rank with these axes last.

    Examples
    --------
    >>> import nn, numpy as np
    >>> nn.ZeroPad3d(1)(np.ones((1, 1, 2, 3, 4))).shape
    (1, 1, 4, 5, 6)
    """

    _rank = 3


class ReflectionPad1d(_Pad):
    """Pad the last axis by reflection at the edge, which is not repeated.

    Parameters
    ----------
    padding : one number for both ends or (left, right), each less than the axis; negative: crop.

    Input (N, C, L) or (C, L).

    Examples
    --------
    >>> import nn, numpy as np
    >>> nn.ReflectionPad1d(1)(np.array([[1.0, 2.0]]))
    array([[2., 1., 2., 1.]])
    """

    _rank = 1
    _mode = "reflect"


class ReflectionPad2d(_Pad):
    """Pad the last two axes by reflection at the edge, which is not repeated.

    Parameters as in `ReflectionPad1d`; padding is one number or (left, right, top, bottom).

    Input (N, C, H, W) or (C, H, W).

    Examples
    --------
    >>> import nn, numpy as np
    >>> nn.ReflectionPad2d(1)(np.ones((1, 1, 2, 3))).shape
    (1, 1, 4, 5)
    """

    _rank = 2
    _mode = "reflect"


class ReflectionPad3d(_Pad):
    """Pad the last three axes by reflection at the edge, which is not repeated.

    Parameters as in `ReflectionPad1d`; padding is one number or
    (left, right, top, bottom, front, back).

    Input (N, C, D, H, W) or (C, D, H, W).

    Examples
    --------
    >>> import nn, numpy as np
    >>> nn.ReflectionPad3d(1)(np.ones((1, 1, 2, 3, 4))).shape
    (1, 1, 4, 5, 6)
    """

    _rank = 3
    _mode = "reflect"


class ReplicationPad1d(_Pad):
    """Pad the last axis with copies of the edge.

    Parameters
    ----------
    padding : one number for both ends or (left, right); negative ones crop.

    Input (N, C, L) or (C, L).

    Examples
    --------
    >>> import nn, numpy as np
    >>> nn.ReplicationPad1d(1)(np.array([[1.0, 2.0]]))
    array([[1., 1., 2., 2.]])
    """

    _rank = 1
    _mode = "replicate"


class ReplicationPad2d(_Pad):
    """Pad the last two axes with copies of the edge.

    Parameters as in `ReplicationPad1d`; padding is one number or (left, right, top, bottom).

    Input (N, C, H, W) or (C, H, W).

    Examples
    --------
    >>> import nn, numpy as np
    >>> nn.ReplicationPad2d(1)(np.ones((1, 1, 2, 3))).shape
    (1, 1, 4, 5)
    """

    _rank = 2
    _mode = "replicate"


class ReplicationPad3d(_Pad):
    """Pad the last three axes with copies of the edge.

    Parameters as in `ReplicationPad1d`; padding is one number or
    (left, right, top, bottom, front, back).

    Input (N, C, D, H, W) or (C, D, H, W).

    Examples
    --------
    >>> import nn, numpy as np
    >>> nn.ReplicationPad3d(1)(np.ones((1, 1, 2, 3, 4))).shape
    (1, 1, 4, 5, 6)
    """

    _rank = 3
    _mode = "replicate"


class CircularPad1d(_Pad):
    """Pad the last axis from the opposite end.

    Parameters
    ----------
    padding : one number for both ends or (left, right), each at most as long as the axis;
        negative ones crop.

    Input (N, C, L) or (C, L).

    Examples
    --------
    >>> import nn, numpy as np
    >>> nn.CircularPad1d(1)(np.array([[1.0, 2.0]]))
    array([[2., 1., 2., 1.]])
    """

    _rank = 1
    _mode = "circular"


class CircularPad2d(_Pad):
    """Pad the last two axes from the opposite end.

    Parameters as in `CircularPad1d`; padding is one number or (left, right, top, bottom).

    Input (N, C, H, W) or (C, H, W).

    Examples
    --------
    >>> import nn, numpy as np
    >>> nn.CircularPad2d(1)(np.ones((1, 1, 2, 3))).shape
    (1, 1, 4, 5)
    """

    _rank = 2
    _mode = "circular"


class CircularPad3d(_Pad):
    """Pad the last three axes from the opposite end.

    Parameters as in `CircularPad1d`; padding is one number or
    (left, right, top, bottom, front, back).

    Input (N, C, D, H, W) or (C, D, H, W).

    Examples
    --------
    >>> import nn, numpy as np
    >>> nn.CircularPad3d(1)(np.ones((1, 1, 2, 3, 4))).shape
    (1, 1, 4, 5, 6)
    """

    _rank = 3
    _mode = "circular"
