"""Structured initialization: identity, Dirac, orthogonal and sparse weights."""

from __future__ import annotations

import math

import numpy as np

from autograd.random import Rng, as_generator, either
from autograd.value import Value
from nn.init.distributions import write


def eye_(tensor: Value) -> Value:
    """Fill a matrix with the identity.

    Parameters
    ----------
    tensor : (rows, columns).

    Raises
    ------
    ValueError
        A tensor that is not a matrix.

    Examples
    --------
    >>> import nn, numpy as np
    >>> nn.init.eye_(nn.Parameter(np.zeros((2, 3)))).data.tolist()
    [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]
    """
    if tensor.ndim != 2:
        raise ValueError(f"eye_: tensor must have 2 axes, got shape {tensor.shape}.")
    return write(tensor, np.eye(tensor.shape[0], tensor.shape[1]))


def dirac_(tensor: Value, groups: int = 1) -> Value:
    """Fill a convolution weight so that each input channel passes unchanged to its output.

    Parameters
    ----------
    tensor : (out, in, *kernel) with one to three kernel axes.
    groups : groups of the convolution; must divide `out`.

    Raises
    ------
    ValueError
        A tensor of another number of axes, or groups that do not divide `out`.

    Examples
    --------
    >>> import nn, numpy as np
    >>> nn.init.dirac_(nn.Parameter(np.zeros((2, 2, 3)))).data[1].tolist()
    [[0.0, 0.0, 0.0], [0.0, 1.0, 0.0]]
    """
    shape = tensor.shape
    if len(shape) not in (3, 4, 5):
        raise ValueError(f"dirac_: tensor must have 3, 4 or 5 axes, got shape {shape}.")
    if groups < 1 or shape[0] % groups:
        raise ValueError(f"dirac_: groups={groups} must divide the {shape[0]} outputs of {shape}.")
    new = np.zeros(shape)
    each = shape[0] // groups
    center = tuple(n // 2 for n in shape[2:])
    for group in range(groups):
        for channel in range(min(each, shape[1])):
            new[(group * each + channel, channel, *center)] = 1
    return write(tensor, new)


def orthogonal_(
    tensor: Value, gain: float = 1.0, generator: Rng = None, *, rng: Rng = None
) -> Value:
    """Fill with a random (semi-)orthogonal matrix, times the gain.

    Parameters
    ----------
    tensor : at least two axes; all but the first are flattened. The rows or the columns, whichever
        are fewer, become orthonormal.
    gain : scaling factor.
    generator, rng : generator, seed or None; two names for one argument.

    Raises
    ------
    ValueError
        A tensor of fewer than two axes.

    References
    ----------
    Saxe, McClelland & Ganguli, Exact solutions to the nonlinear dynamics of learning in deep
    linear neural networks, 2013.

    Examples
    --------
    >>> import nn, numpy as np
    >>> w = nn.init.orthogonal_(nn.Parameter(np.zeros((3, 5))), generator=0).data
    >>> np.allclose(w @ w.T, np.eye(3), atol=1e-6)
    True
    """
    if tensor.ndim < 2:
        raise ValueError(f"orthogonal_: tensor must have 2 axes or more, got {tensor.shape}.")
    if not tensor.size:
        return tensor
    rows = tensor.shape[0]
    columns = tensor.size // rows
    draws = as_generator(either(generator, rng)).normal(
        size=(max(rows, columns), min(rows, columns))
    )
    q, r = np.linalg.qr(draws)
    q = q * np.sign(np.diag(r))  # uniform over all rotations: Mezzadri, 2007
    return write(tensor, gain * (q.T if rows < columns else q).reshape(tensor.shape))


def sparse_(
    tensor: Value, sparsity: float, std: float = 0.01, generator: Rng = None, *, rng: Rng = None
) -> Value:
    """Fill a matrix with normal samples, a fraction of each column set to zero.

    Parameters
    ----------
    tensor : (rows, columns).
    sparsity : fraction of zeros in each column, 0 to 1.
    std : standard deviation of the nonzero entries.
    generator, rng : generator, seed or None; two names for one argument.

    Raises
    ------
    ValueError
        A tensor that is not a matrix, or a sparsity outside 0 to 1.

    References
    ----------
    Martens, Deep learning via Hessian-free optimization, 2010.

    Examples
    --------
    >>> import nn, numpy as np
    >>> w = nn.init.sparse_(nn.Parameter(np.zeros((10, 2))), 0.3, generator=0)
    >>> (w.data == 0).sum(axis=0).tolist()
    [3, 3]
    """
    if tensor.ndim != 2:
        raise ValueError(f"sparse_: tensor must have 2 axes, got shape {tensor.shape}.")
    if not 0 <= sparsity <= 1:
        raise ValueError(f"sparse_: sparsity must be between 0 and 1, got {sparsity}.")
    random, rows = as_generator(either(generator, rng)), tensor.shape[0]
    new = random.normal(0, std, tensor.shape)
    order = random.random(tensor.shape).argsort(axis=0)
    np.put_along_axis(new, order[: math.ceil(sparsity * rows)], 0, axis=0)
    return write(tensor, new)
