"""Dropout. `inplace` is accepted as in PyTorch; nothing is overwritten."""

from __future__ import annotations

from typing import Any, ClassVar

from autograd.random import Rng, as_generator
from autograd.value import Value
from nn import functional
from nn.arguments import flags
from nn.functional.dropout import probability
from nn.module import Module


class _Dropout(Module):
    _function: ClassVar[Any]

    def __init__(self, p: float = 0.5, inplace: bool = False, *, rng: Rng = None) -> None:
        probability(type(self).__name__, p)
        flags(type(self).__name__, inplace=inplace)
        self.p, self.inplace = p, inplace
        self.rng = None if rng is None else as_generator(rng)

    def forward(self, input: Any) -> Value:
        """Drop while training, else return the input."""
        return type(self)._function(input, self.p, self.training, rng=self.rng)

    def extra_repr(self) -> str:
        return f"p={self.p}, inplace={self.inplace}"


class Dropout(_Dropout):
    """While training, set elements to zero with probability p and divide the others by 1 − p.

    Parameters
    ----------
    p : probability of zero, 0 to 1.
    inplace : accepted as in PyTorch; nothing is overwritten.
    rng : generator, seed or None for the default generator at the time of each call.

    References
    ----------
    Hinton et al., "Improving neural networks by preventing co-adaptation", 2012.

    Examples
    --------
    >>> import nn, numpy as np
    >>> drop = nn.Dropout(0.5, rng=0)
    >>> drop(np.ones(4))
    array([2., 0., 0., 0.])
    >>> drop.eval()(np.ones(4))
    array([1., 1., 1., 1.])
    """

    _function = staticmethod(functional.dropout)


class Dropout1d(_Dropout):
    """`Dropout` of whole channels of (N, C, L) or (C, L).

    Examples
    --------
    >>> import nn, numpy as np
    >>> nn.Dropout1d(rng=0)(np.ones((2, 2)))
    array([[2., 2.],
           [0., 0.]])
    """

    _function = staticmethod(functional.dropout1d)


class Dropout2d(_Dropout):
    """`Dropout` of whole channels of (N, C, H, W) or (N, C, L).

    References
    ----------
    Tompson et al., "Efficient object localization using convolutional networks", 2015.

    Examples
    --------
    >>> import nn, numpy as np
    >>> nn.Dropout2d(rng=0)(np.ones((1, 3, 2, 2)))[0, :, 0, 0]
    array([2., 0., 0.])
    """

    _function = staticmethod(functional.dropout2d)


class Dropout3d(_Dropout):
    """`Dropout` of whole channels of (N, C, D, H, W) or (C, D, H, W).

    Examples
    --------
    >>> import nn, numpy as np
    >>> nn.Dropout3d(rng=0)(np.ones((1, 3, 2, 2, 2)))[0, :, 0, 0, 0]
    array([2., 0., 0.])
    """

    _function = staticmethod(functional.dropout3d)


class AlphaDropout(_Dropout):
    """Dropout that keeps mean 0 and variance 1 after SELU; see `functional.alpha_dropout`.

    References
    ----------
    Klambauer et al., "Self-normalizing neural networks", 2017.

    Examples
    --------
    >>> import nn, numpy as np
    >>> nn.AlphaDropout(rng=0)(np.zeros(4)).round(3)
    array([ 0.779, -0.779, -0.779, -0.779])
    """

    _function = staticmethod(functional.alpha_dropout)


class FeatureAlphaDropout(_Dropout):
    """`AlphaDropout` of whole channels of (N, C, ...).

    Examples
    --------
    >>> import nn, numpy as np
    >>> nn.FeatureAlphaDropout(rng=0)(np.zeros((1, 3, 2)))[0, :, 0].round(3)
    array([ 0.779, -0.779, -0.779])
    """

    _function = staticmethod(functional.feature_alpha_dropout)
