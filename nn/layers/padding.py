"""Margins around signals, images and volumes."""

from __future__ import annotations

import math
from typing import Any, ClassVar

from autograd.ops.axes import each
from nn import functional
from nn.module import Module


class _Pad(Module):
    """A margin around the last axes: what the layers below share."""

    _rank: ClassVar[int]
    _mode: ClassVar[str] = "constant"
    value: float | None = None

    def __init__(self, padding: Any) -> None:
        try:
            self.padding = each("padding", padding, 2 * self._rank, -math.inf)
        except (TypeError, ValueError) as error:
            raise type(error)(f"{type(self).__name__}: {error}") from None

    def forward(self, input: Any) -> Any:
        """Pad the last axes."""
        return functional.pad(input, self.padding, self._mode, self.value)

    def extra_repr(self) -> str:
        """The margins."""
        return f"{self.padding}"


class _ConstantPad(_Pad):
    def __init__(self, padding: Any, value: float) -> None:
        super().__init__(padding)
        self.value = value

    def extra_repr(self) -> str:
        """The margins and what they hold."""
        return f"padding={self.padding}, value={self.value}"


class ConstantPad1d(_ConstantPad):
    """A margin of a constant around the last axis.

    Parameters
    ----------
    padding : pixels, one for all or (left, right); below 0 they cut off.
    value : of the margin.

    Input of any rank with these axes last.

    Examples
    --------
    >>> import nn, numpy as np
    >>> nn.ConstantPad1d(1, 9.0)(np.array([[1.0, 2.0]]))
    array([[9., 1., 2., 9.]])
    """

    _rank = 1


class ConstantPad2d(_ConstantPad):
    """A margin of a constant around the last two axes.

    Parameters
    ----------
    padding : pixels, one for all or (left, right, top, bottom); below 0 they cut off.
    value : of the margin.

    Input of any rank with these axes last.

    Examples
    --------
    >>> import nn, numpy as np
    >>> nn.ConstantPad2d(1, 9.0)(np.ones((1, 1, 2, 3))).shape
    (1, 1, 4, 5)
    """

    _rank = 2


class ConstantPad3d(_ConstantPad):
    """A margin of a constant around the last three axes.

    Parameters
    ----------
    padding : pixels, one for all or (left, right, top, bottom, front, back); below 0 they cut off.
    value : of the margin.

    Input of any rank with these axes last.

    Examples
    --------
    >>> import nn, numpy as np
    >>> nn.ConstantPad3d(1, 9.0)(np.ones((1, 1, 2, 3, 4))).shape
    (1, 1, 4, 5, 6)
    """

    _rank = 3


class ZeroPad1d(_Pad):
    """A margin of zeros around the last axis.

    Parameters
    ----------
    padding : pixels, one for all or (left, right); below 0 they cut off.

    Input of any rank with these axes last.

    Examples
    --------
    >>> import nn, numpy as np
    >>> nn.ZeroPad1d(1)(np.array([[1.0, 2.0]]))
    array([[0., 1., 2., 0.]])
    """

    _rank = 1


class ZeroPad2d(_Pad):
    """A margin of zeros around the last two axes.

    Parameters
    ----------
    padding : pixels, one for all or (left, right, top, bottom); below 0 they cut off.

    Input of any rank with these axes last.

    Examples
    --------
    >>> import nn, numpy as np
    >>> nn.ZeroPad2d(1)(np.ones((1, 1, 2, 3))).shape
    (1, 1, 4, 5)
    """

    _rank = 2


class ZeroPad3d(_Pad):
    """A margin of zeros around the last three axes.

    Parameters
    ----------
    padding : pixels, one for all or (left, right, top, bottom, front, back); below 0 they cut off.

    Input of any rank with these axes last.

    Examples
    --------
    >>> import nn, numpy as np
    >>> nn.ZeroPad3d(1)(np.ones((1, 1, 2, 3, 4))).shape
    (1, 1, 4, 5, 6)
    """

    _rank = 3


class ReflectionPad1d(_Pad):
    """A margin of pixels mirrored at the ones at the ends around the last axis.

    Parameters
    ----------
    padding : pixels, one for all or (left, right); below 0 they cut off.
        At most a pixel less than the axis has.

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
    """A margin of pixels mirrored at the ones at the ends around the last two axes.

    Parameters
    ----------
    padding : pixels, one for all or (left, right, top, bottom); below 0 they cut off.
        At most a pixel less than the axis has.

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
    """A margin of pixels mirrored at the ones at the ends around the last three axes.

    Parameters
    ----------
    padding : pixels, one for all or (left, right, top, bottom, front, back); below 0 they cut off.
        At most a pixel less than the axis has.

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
    """A margin of copies of the pixels at the ends around the last axis.

    Parameters
    ----------
    padding : pixels, one for all or (left, right); below 0 they cut off.

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
    """A margin of copies of the pixels at the ends around the last two axes.

    Parameters
    ----------
    padding : pixels, one for all or (left, right, top, bottom); below 0 they cut off.

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
    """A margin of copies of the pixels at the ends around the last three axes.

    Parameters
    ----------
    padding : pixels, one for all or (left, right, top, bottom, front, back); below 0 they cut off.

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
    """A margin of pixels from the other end around the last axis.

    Parameters
    ----------
    padding : pixels, one for all or (left, right); below 0 they cut off.
        At most as many as the axis has.

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
    """A margin of pixels from the other end around the last two axes.

    Parameters
    ----------
    padding : pixels, one for all or (left, right, top, bottom); below 0 they cut off.
        At most as many as the axis has.

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
    """A margin of pixels from the other end around the last three axes.

    Parameters
    ----------
    padding : pixels, one for all or (left, right, top, bottom, front, back); below 0 they cut off.
        At most as many as the axis has.

    Input (N, C, D, H, W) or (C, D, H, W).

    Examples
    --------
    >>> import nn, numpy as np
    >>> nn.CircularPad3d(1)(np.ones((1, 1, 2, 3, 4))).shape
    (1, 1, 4, 5, 6)
    """

    _rank = 3
    _mode = "circular"
