"""Elementary functions of one number that LLVM can vectorize, to be called in kernels.

Each takes a float32 or float64 of a loop and is emitted in place, so LLVM vectorizes the loop.
The greatest errors found, in units in the last place of the result (tests hold them):

    float32   exp, log, erf 1.1 · softplus 1.7 · sigmoid, tanh, silu, gelu 2.5
    float64   exp, log, erf, sigmoid, silu 1.1 · softplus, gelu 1.6 · tanh 1.8

The tanh form of gelu and the slopes are as accurate relative to their terms, not near their zeros
and tails. NaN and infinities come out as from the formulas in NumPy; subnormals are kept. Without
LLVM code (`jit.PLAIN`) the C library stands in: sigmoid and silu then err by 4 units at most, gelu
by as much as the rounding of x² costs in its tail.

References
----------
exp, log: P. T. P. Tang's and fdlibm's argument reductions. erf and the normal distribution: a
polynomial in 1 / (|x| + 4) times a Gaussian, after Shepherd & Laframboise (1981), Chebyshev fits in
60 digits; (1) Φ(-a) exp(a²/2) (a + 4) for a up to where Φ underflows; (2) erf(z) / z in z² <= 1.
gelu in float32 and its slope have minimax fits of their own.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from autograd.machine.jit import PLAIN
from autograd.machine.real import Real, inlined

# fmt: off
_BELL_SINGLE = (
    0.9059073329, 0.630122602, 0.3233858645, 0.1166313514, 0.02488313988, 0.0004759018193,
    -0.001293731621, -0.0001885692182, 6.238021888e-05, 1.37257648e-05)
_BELL_DOUBLE = (
    0.8153383968425169, 0.6212441022247254, 0.3639067368270385, 0.15636995546794472,
    0.04290632677694325, 0.0032588461900201196, -0.002501459056756743, -0.0007374208916995173,
    0.00014720806311012012, 8.847017779596867e-05, -1.362229355921332e-05, -1.0463929239295126e-05,
    2.1840200308562345e-06, 1.2139701120692004e-06, -4.353993716498129e-07, -1.1527820555212994e-07,
    8.389835664626121e-08, 3.2927213700746806e-09, -1.3775775123837805e-08, 1.5682335939479754e-09,
    1.6822069734307139e-09, -2.6438722530728777e-10, -1.1276213394502738e-10)
# What the rounding of these coefficients costs, by a fit in 60 digits.
_BELL_DOUBLE_LOW = (-3.7997e-17, -1.7399e-16, -1.2519e-16, -7.4219e-17)
# The lines that put 1/18.6 ... 1/4 and 1/43 ... 1/4 on -1 ... 1.
_BELL_LINE_SINGLE = (10.191780821917808, -1.547945205479452)
_BELL_LINE_DOUBLE = (8.820512820512821, -1.205128205128205)
_ERF_SINGLE = (  # without the 1 that the linear term adds
    0.12837916588, -0.3761262596, 0.1128359735, -0.02685432881, 0.005189312156, -0.0008018855006,
    7.882497448e-05)
_ERF_DOUBLE = (
    0.12837916709551256, -0.37612638903183543, 0.1128379167094513, -0.026866170643256995,
    0.005223977607269946, -0.0008548325982543225, 0.00012055295112667001, -1.4924740785377576e-05,
    1.6447471190594618e-06, -1.6208829856810202e-07, 1.3721520406351094e-08, -7.798543850549947e-10)
_LOG_SINGLE = (0.66666662693, 0.40000972152, 0.28498786688, 0.24279078841)
_LOG_DOUBLE = (
    6.666666666666735130e-01, 3.999999999940941908e-01, 2.857142874366239149e-01,
    2.222219843214978396e-01, 1.818357216161805012e-01, 1.531383769920937332e-01,
    1.479819860511658591e-01)
_TAYLOR = tuple(1 / math.factorial(k) for k in range(2, 14))  # of (exp(r) - 1 - r) / r²
# The same in float32, fitted for |r| <= ln(2) / 2, to 3e-9 of exp(r)
_EXP_SINGLE = (0.49999993403, 0.16666519973, 0.041668395802, 0.0083687967849, 0.0013814433232)
_NEAR_SINGLE = (  # of (Φ(x) - 1/2) / x in x² <= 0.65²
    0.3989422802, -0.06649035177, 0.009973025205, -0.001183811686, 0.0001058537208)
_FAR_SINGLE = (  # of Φ(-a) exp(a²/2) (a + 3) in 1 / (a + 3) for a >= 0.6
    0.3989343047, 1.197398901, 3.174525738, 7.447523117, 9.749641418, 13.69151974, 8.772507668,
    -692.8231201, 1788.072754, -1399.958130)
# Numerator and denominator of Φ(-a) exp(a²/2) for 0 <= a <= 14.3.
_TAIL_TOP = (0.5000000028, 0.4379064612, 0.1829467594, 0.04053581998, 0.004101781758)
_TAIL_BOTTOM = (
    1, 1.673697891, 1.20130656, 0.4687091028, 0.1016148129, 0.01028151908)
# fmt: on
_LN2_HIGH, _LN2_LOW = 6.93147180369123816490e-01, 1.90821492927058770002e-10  # fdlibm
_LN2_HIGH_SINGLE, _LN2_LOW_SINGLE = 0.693359375, -2.12194440e-4  # Cephes
_BELL = 1 / math.sqrt(2 * math.pi)
_GELU_SLOPE, _GELU_CUBIC = math.sqrt(2 / math.pi), 0.044715


def _ln2(x: Real) -> tuple[float, float]:
    """log 2 in two parts; a product of the first with an exponent is exact."""
    return x.pick((_LN2_HIGH_SINGLE, _LN2_LOW_SINGLE), (_LN2_HIGH, _LN2_LOW))


def _rest(x: Real, lift: int = 0):
    """r and a number whose last bits are n + lift, with exp(x) = exp(r) 2^n."""
    magic = x.pick(1.5 * 2**23, 1.5 * 2**52) + lift  # the sum's last place is 1: it is an integer
    shifted = x.fma(1 / math.log(2), magic)
    n = shifted - magic
    high, low = _ln2(x)
    return n.fma(-low, n.fma(-high, x)), shifted


def _lifted_rest(x: Real, lift: int):
    """r and the power of two 2^(n + lift), for an x below or little above 0."""
    bias, place = x.pick((127, 23), (1023, 52))
    r, shifted = _rest(x, lift + bias)
    return r, (shifted.bits() << place).real()  # which drops the bits of magic


def _less_one(r: Real) -> Real:
    """exp(r) - 1 for |r| <= ln(2) / 2."""
    return (r * r).fma(r.polynomial(r.pick(_EXP_SINGLE, _TAYLOR)), r)


def _below(high: float, x: Real) -> Real:
    """x, at most `high`; NaN stays."""
    return x.where(">", high, high, x)


def _above(low: float, x: Real) -> Real:
    """x, at least `low`; NaN stays."""
    return x.where("<", low, low, x)


def _held(x: Real, low: float, high: float) -> Real:
    """x held between bounds; NaN stays."""
    x = x.where("<", low, low, x)
    return x.where(">", high, high, x)


def _power(x: Real):
    """exp(x) in three factors, to be multiplied from the left: (1 + q) s t."""
    r, shifted = _rest(_held(x, *x.pick((-120.0, 89.0), (-780.0, 710.0))))
    exponent = shifted.bits() - x.pick(0x4B400000, 0x4338000000000000)  # less the bits of magic
    half = exponent >> 1
    bias, place = x.pick((127, 23), (1023, 52))
    s, t = ((e + bias << place).real() for e in (half, exponent - half))
    return _less_one(r), s, t


def _power_below_one(x: Real):
    """The same for x <= 0: the third factor is a constant."""
    r, s = _lifted_rest(_above(x.pick(-120.0, -780.0), x), x.pick(64, 512))
    return _less_one(r), s, x.pick(2.0**-64, 2.0**-512)


def _exp(x: Real) -> Real:
    q, s, t = _power(x)
    return (q + 1) * s * t


def lifted_exp(x: Real) -> Real:
    """exp(x) / fell(dtype) for x <= 0, in two thirds of the instructions of `_exp`.

    So it is a normal number wherever exp(x) is not 0, and one power of two scales it.
    """
    r, power = _lifted_rest(x, x.pick(64, 512))
    p = r.polynomial((1, 1, *x.pick(_EXP_SINGLE, _TAYLOR)))
    return x.where("<", x.pick(-110.0, -760.0), 0.0, p * power)


def fell(dtype: np.dtype | type) -> float:
    """The power of two by which `lifted_exp` is too large, as a factor that mends it."""
    return 1.0 if PLAIN else 2.0**-64 if np.dtype(dtype).itemsize == 4 else 2.0**-512


def _log(x: Real) -> Real:
    tiny, lift, shift = x.pick((2.0**-126, 2.0**24, 24), (2.0**-1022, 2.0**54, 54))
    normal = x.where("<", tiny, x * lift, x)
    root, place = x.pick((0x3F3504F3, 23), (0x3FE6A09E667F3BCD, 52))  # the bits of sqrt(1/2)
    bits = normal.bits()
    n = bits - root >> place
    mantissa = (bits - (n << place)).real()
    k = n.number() + x.where("<", tiny, float(-shift), 0.0)
    y = _log_near_one(mantissa - 1, k)
    y = x.where("<", math.inf, y, x)
    y = x.where("<", 0.0, math.nan, y)
    return x.where("==", 0.0, -math.inf, y)


def _log_near_one(f: Real, k: Real) -> Real:
    """log(1 + f) + k log 2, for sqrt(1/2) <= 1 + f <= sqrt(2) and an integer k."""
    s = f / (f + 2)
    z = s * s
    square = f * f * 0.5
    tail = z * z.polynomial(f.pick(_LOG_SINGLE, _LOG_DOUBLE))
    high, low = _ln2(f)
    return k.fma(high, f - (square - s.fma(square + tail, k * low)))


def _log1p_of_exp(x: Real) -> Real:
    """log(1 + exp(-|x|))."""
    q, s, t = _power_below_one(-abs(x))
    e = (q + 1) * s * t
    far = math.sqrt(2) - 1
    f = e.where(">", far, (e - 1) * 0.5, e)  # (1 + e) / 2 - 1, exact or nearly
    return _log_near_one(f, e.where(">", far, 1.0, 0.0))


def _tanh(x: Real) -> Real:
    a = abs(x)
    # Near 0 the exponent is positive: an error in exp(2a) - 1 then shrinks in the ratio.
    twice = a.where("<", 0.55, a * 2, a * -2)
    r, power = _lifted_rest(_above(x.pick(-20.0, -40.0), twice), 0)
    q = _less_one(r)
    e = q.fma(power, power)  # exp(-2a)
    less = q.fma(power, power - 1)  # exp(2a) - 1
    total = less + 2
    near = less / total
    if not x.single:  # what the sum and the quotient lost to rounding, times a rough 1 / total
        rest = near.fma(-total, less) - near * (less - (total - 2))
        near = rest.fma(total.fma(-0.125, 0.75), near)
    far = 1 - 2 * e / (e + 1)
    return a.where("<", 0.55, near, far).signed(x)


def _times_sigmoid(x: Real, factor: Real | None = None) -> Real:
    """sigmoid(x), times a factor that shares its last rounding."""
    q, s, t = _power_below_one(-abs(x))
    one = q + 1
    e = one * s * t
    total = e + 1
    if x.single and factor is None:
        return x.where("<", 0.0, e, 1.0) / total
    product = one if factor is None else q.fma(factor, factor) if x.single else one * factor
    top = x.where("<", 0.0, product * s, 1.0 if factor is None else factor)
    y = top / total
    scale = x.where("<", 0.0, t, 1.0)
    if x.single:
        return y * scale
    # What 1 + q, its product, 1 + e and the quotient lost to rounding, times a rough 1 / total.
    lost = q - (one - 1)
    lost_total = lost.fma(s * t, e - (total - 1))
    lost_top = lost if factor is None else lost.fma(factor, one.fma(factor, -product))
    rest = y.fma(-total, top) + x.where("<", 0.0, lost_top * s, 0.0) - y * lost_total
    return rest.fma(total.fma(-0.5, 1.5), y) * scale


def _sigmoid(x: Real) -> Real:
    return _times_sigmoid(x)


def _silu(x: Real) -> Real:
    y = _times_sigmoid(x, _held(x, *x.pick((-120.0, math.inf), (-780.0, math.inf))))
    return x.where("<", math.inf, y, x)


def _silu_slope(x: Real) -> Real:
    s = _sigmoid(x)
    return s * _held(x, -1e3, 1e3).fma(1 - s, 1.0)


def _softplus(x: Real) -> Real:
    return x.where(">", 0.0, x, 0.0) + _log1p_of_exp(x)


def _times_gaussian(y: Real, low: Real | float, x: Real, half: float) -> Real:
    """(y + low) exp(-x² half), low what rounding took from y; half is a power of two."""
    x = _held(x, *x.pick((-16.0, 16.0), (-40.0, 40.0)))
    square = x * x
    q, s, t = _power_below_one(square * -half)
    rest = x.fma(x, -square) * -half
    above = rest.fma(q, rest) + q
    bell = above + 1
    z = y * bell
    lost = y.fma(above - (bell - 1), y.fma(bell, -z))
    return (z + (lost + bell * low)) * s * t


def _tail(a: Real, factor: Real | float = 1.0) -> tuple[Real, Real]:
    """factor Φ(-a) / exp(-a²/2) for a >= 0, in two parts: rounded, and what rounding lost."""
    h = a + 4
    lost_h = a.where("<", 4.0, a - (h - 4), 4 - (h - a))
    r = 1 / h
    lost_r = (r.fma(-h, 1.0) - r * lost_h) * r
    line, point = a.pick(_BELL_LINE_SINGLE, _BELL_LINE_DOUBLE)
    product = r * line
    u = product + point
    part = u - product
    lost_u = (product - (u - part)) + (point - part) + r.fma(line, -product) + lost_r * line
    first, *others = a.pick(_BELL_SINGLE, _BELL_DOUBLE)
    inner = u.polynomial(others[1:])
    other = u.fma(inner, others[0])
    p = u.fma(other, first)
    slope = u.polynomial([k * c for k, c in enumerate(others[:4], 1)])
    lost_p = u.fma(other, first - p) + u * u.fma(inner, others[0] - other) + slope * lost_u
    if not a.single:
        lost_p = lost_p + u.polynomial(_BELL_DOUBLE_LOW)
    top = p * factor
    lost_top = p.fma(factor, -top) + lost_p * factor
    y = top * r
    return y, (y.fma(-h, top) + (lost_top - y * lost_h)) * r


def _erf_near(x: Real) -> Real:
    """erf(x) for |x| <= 1."""
    return x.fma((x * x).polynomial(x.pick(_ERF_SINGLE, _ERF_DOUBLE)), x)


def _erf(x: Real) -> Real:
    a = abs(_held(x, *x.pick((-16.0, 16.0), (-40.0, 40.0))))
    far = 1 - 2 * _times_gaussian(*_tail(a * math.sqrt(2)), x, 1.0)
    return a.where("<", 1.0, _erf_near(x), far.signed(x))


def _bell(a: Real, more: Real | float = 0.0):
    """q, s and t with exp(-a²/2) (1 + more) = (1 + q) s t, the rounding of a² made good."""
    square = a * a
    rest = a.fma(a, -square) * -0.5 + more
    q, s, t = _power_below_one(square * -0.5)
    return rest.fma(q, rest) + q, s, t


def _gelu_single(x: Real) -> Real:
    a = _below(16.0, abs(x))
    square = a * a
    near = square.fma(square.polynomial(_NEAR_SINGLE), x * 0.5)
    h = a + 3
    r = 1 / h
    p = r.polynomial(_FAR_SINGLE)
    # What the sum and the quotient lost to rounding, in r and, nearly, in p.
    lost = r.fma(-(a - (h - 3)), r.fma(-h, 1.0)) * r.fma(4.5, 1.0)
    q, s, t = _bell(a, lost)
    top = p * a
    far = (q.fma(top, p.fma(a, -top)) + top) * r * s * t  # |x| Φ(-|x|)
    return a.where("<", 0.65, near, x.where(">", 0.0, x, 0.0) - far)


def _gelu(x: Real) -> Real:
    if x.single:
        return _gelu_single(x)
    a = abs(_held(x, -40.0, 40.0))
    square = a * a
    slope = [
        math.sqrt(0.125) * c / 2**k for k, c in enumerate((_ERF_DOUBLE[0] + 1, *_ERF_DOUBLE[1:]))
    ]
    near = square.fma(square.polynomial(slope), x * 0.5)
    far = x.where(">", 0.0, x, 0.0) - _times_gaussian(*_tail(a, a), x, 0.5)
    return a.where("<", 0.65, near, far)


def _gelu_slope(x: Real) -> Real:
    if x.single:
        a = _below(16.0, abs(x))
        top, bottom = a.polynomial(_TAIL_TOP), a.polynomial(_TAIL_BOTTOM)
        q, s, t = _bell(a)
        ratio = top / bottom - a * _BELL
        lower = q.fma(ratio, ratio) * s * t
        return x.where(">", 0.0, 1 - lower, lower)
    finite = _held(x, *x.pick((-16.0, 16.0), (-40.0, 40.0)))
    a = abs(finite)
    # Φ(-a) - a φ(a), over exp(-a²/2)
    r = 1 / (a + 4)
    line, point = a.pick(_BELL_LINE_SINGLE, _BELL_LINE_DOUBLE)
    tail = r.fma(line, point).polynomial(a.pick(_BELL_SINGLE, _BELL_DOUBLE)) * r
    lower = _times_gaussian(tail - a * _BELL, 0.0, finite, 0.5)
    return finite.where(">", 0.0, 1 - lower, lower)


def _gelu_tanh_inner(x: Real) -> Real:
    return x * (x * x).fma(_GELU_SLOPE * _GELU_CUBIC, _GELU_SLOPE)


def _gelu_tanh(x: Real) -> Real:
    # (1 + tanh u) / 2 is the sigmoid of 2 u
    return x.where("==", -math.inf, 0.0, x) * _sigmoid(2 * _gelu_tanh_inner(x))


def _gelu_tanh_slope(x: Real) -> Real:
    finite = _held(x, -1e3, 1e3)
    s = _sigmoid(2 * _gelu_tanh_inner(finite))
    inner = (finite * finite).fma(6 * _GELU_SLOPE * _GELU_CUBIC, 2 * _GELU_SLOPE)
    return s * (finite * inner).fma(1 - s, 1.0)


def _larger(x: Real, y: Real) -> Real:
    return x.larger(y)


def _libm_larger(x, y):
    return x if x > y or x != x else y


def _libm_exp(x):
    return np.exp(x)


def _libm_log(x):
    return np.log(x)


def _libm_tanh(x):
    return np.tanh(x)


def _libm_sigmoid(x):
    e = np.exp(-abs(x))  # which does not overflow
    return (e if x < 0 else 1) / (1 + e)


_sigmoid_of_libm = njit(error_model="numpy")(_libm_sigmoid)


@njit(error_model="numpy")
def _held_of_libm(x):
    """x held to ±1000: where what follows is at its limit, and 0 · inf would be NaN."""
    return -1e3 if x < -1e3 else 1e3 if x > 1e3 else x


def _libm_silu(x):
    x = -1e3 if x < -1e3 else x  # so that -inf gives its limit
    half = np.exp(0.5 * min(x, 0 * x))  # whose square may be subnormal
    return x * half / (1 + np.exp(-abs(x))) * half


def _libm_silu_slope(x):
    s = _sigmoid_of_libm(x)
    return s * (1 + _held_of_libm(x) * (1 - s))


def _libm_softplus(x):
    return (x if x > 0 else 0) + np.log1p(np.exp(-abs(x)))


def _libm_erf(x):
    return math.erf(x)


def _libm_gelu(x):
    return x * 0.5 * math.erfc(-x * math.sqrt(0.5)) if x > -40 or x != x else -0.0


def _libm_gelu_slope(x):
    x = _held_of_libm(x)
    return 0.5 * math.erfc(-x * math.sqrt(0.5)) + x * np.exp(-0.5 * x * x) * _BELL


def _libm_gelu_tanh(x):
    top = -1e3 if x < -1e3 else x
    return top / (1 + np.exp(-2 * x * (_GELU_SLOPE + _GELU_SLOPE * _GELU_CUBIC * x * x)))


def _libm_gelu_tanh_slope(x):
    x = _held_of_libm(x)
    s = 1 / (1 + np.exp(-2 * x * (_GELU_SLOPE + _GELU_SLOPE * _GELU_CUBIC * x * x)))
    inner = 2 * _GELU_SLOPE + 6 * _GELU_SLOPE * _GELU_CUBIC * x * x
    return s * (1 + x * inner * (1 - s))


def _made(emitting, plain):
    return njit(error_model="numpy")(plain) if PLAIN else inlined(emitting)


larger = _made(_larger, _libm_larger)
exp = _made(_exp, _libm_exp)
log = _made(_log, _libm_log)
tanh = _made(_tanh, _libm_tanh)
sigmoid = _made(_sigmoid, _libm_sigmoid)
silu = _made(_silu, _libm_silu)
silu_slope = _made(_silu_slope, _libm_silu_slope)
softplus = _made(_softplus, _libm_softplus)
erf = _made(_erf, _libm_erf)
gelu = _made(_gelu, _libm_gelu)
gelu_slope = _made(_gelu_slope, _libm_gelu_slope)
gelu_tanh = _made(_gelu_tanh, _libm_gelu_tanh)
gelu_tanh_slope = _made(_gelu_tanh_slope, _libm_gelu_tanh_slope)
