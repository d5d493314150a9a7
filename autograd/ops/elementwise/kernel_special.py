"""Special functions over flat arrays, in float64 whatever the storage.

erf, erfc and lgamma are the C library's. Polygamma is the recurrence up to x >= 20 and then the
asymptotic series (Abramowitz & Stegun 6.4.11), with reflection (6.4.7) for x < 0.
"""
# mypy: ignore-errors

from __future__ import annotations

import math

import numpy as np

from autograd.machine.jit import jit

# B_2, B_4 ... B_20
_BERNOULLI = np.array(
    [1 / 6, -1 / 30, 1 / 42, -1 / 30, 5 / 66, -691 / 2730, 7 / 6, -3617 / 510, 43867 / 798,
     -174611 / 330]
)  # fmt: skip


@jit
def erf(x, out):
    """out = erf(x)."""
    for i in range(x.size):
        out[i] = math.erf(x[i])


@jit
def erfc(x, out):
    """out = 1 - erf(x), without cancellation."""
    for i in range(x.size):
        out[i] = math.erfc(x[i])


@jit
def lgamma(x, out):
    """out = log |Γ(x)|."""
    for i in range(x.size):
        out[i] = math.lgamma(x[i])


@jit
def polygamma(n, x, out):
    """The n-th derivative of digamma; at a pole inf where both sides agree, at 0 that of its sign.

    Other poles give NaN.
    """
    cotangent = np.zeros(n + 2)  # its n-th derivative, as a polynomial in the cotangent itself
    cotangent[1] = 1.0
    for k in range(n):  # c' = -(1 + c²)
        change = np.zeros(n + 2)
        for j in range(1, k + 2):
            change[j - 1] -= j * cotangent[j]
            change[j + 1] -= j * cotangent[j]
        cotangent = change
    factorial = math.gamma(n + 1.0)
    sign = 1.0 if n % 2 else -1.0  # (-1)^(n+1)
    for i in range(x.size):
        z = float(x[i])
        reflected, side = 0.0, 1.0
        if z <= 0.0:
            if z == np.floor(z):
                if n % 2 and z > -math.inf:
                    out[i] = math.inf
                else:
                    out[i] = math.copysign(math.inf, -z) if z == 0.0 else math.nan
                continue
            c = 1.0 / math.tan(math.pi * (z - np.floor(z + 0.5)))
            reflected = cotangent[n + 1]
            for j in range(n, -1, -1):
                reflected = reflected * c + cotangent[j]
            reflected *= -(math.pi ** (n + 1))
            z, side = 1.0 - z, -1.0 if n % 2 else 1.0
        total = 0.0
        while z < 20.0:
            total += sign * factorial / z ** (n + 1) if n else -1.0 / z
            z += 1.0
        if n == 0:
            series = math.log(z) - 0.5 / z
        else:
            series = sign * (math.gamma(float(n)) / z**n + factorial / (2.0 * z ** (n + 1)))
        for k in range(_BERNOULLI.size):
            m = 2 * (k + 1)
            if n == 0:
                series -= _BERNOULLI[k] / (m * z**m)
            else:
                ratio = 1.0  # (m+n-1)! / m!
                for j in range(m + 1, m + n):
                    ratio *= j
                series += sign * _BERNOULLI[k] * ratio / z ** (m + n)
        out[i] = reflected + side * (total + series)
