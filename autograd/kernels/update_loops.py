"""The rules of `updates` as compiled loops: one pass over memory, whatever the rule.

Each loop runs over a slice from 0: where LLVM must think of negative indices it does not vectorise.
"""

from __future__ import annotations

from autograd.kernels import updates
from autograd.machine.jit import jit

_average = jit(updates.average)
_sgd = jit(updates.sgd)
_momentum = jit(updates.momentum)
_adam = jit(updates.adam)
_amsgrad = jit(updates.amsgrad)
_adamax = jit(updates.adamax)
_nadam = jit(updates.nadam)
_radam = jit(updates.radam)
_rmsprop = jit(updates.rmsprop)
_rmsprop_momentum = jit(updates.rmsprop_momentum)
_rmsprop_centered = jit(updates.rmsprop_centered)
_rmsprop_centered_momentum = jit(updates.rmsprop_centered_momentum)
_adagrad = jit(updates.adagrad)
_adadelta = jit(updates.adadelta)
_asgd = jit(updates.asgd)
_rprop = jit(updates.rprop)
_lion = jit(updates.lion)


@jit
def average(begin, end, c, p, g):
    """`updates.average`."""
    p, g = p[begin:end], g[begin:end]
    for i in range(p.size):
        (p[i],) = _average(c, p[i], g[i])


@jit
def sgd(begin, end, c, p, g):
    """`updates.sgd`."""
    p, g = p[begin:end], g[begin:end]
    for i in range(p.size):
        (p[i],) = _sgd(c, p[i], g[i])


@jit
def momentum(begin, end, c, p, g, b):
    """`updates.momentum`."""
    p, g, b = p[begin:end], g[begin:end], b[begin:end]
    for i in range(p.size):
        p[i], b[i] = _momentum(c, p[i], g[i], b[i])


@jit
def adam(begin, end, c, p, g, m, v):
    """`updates.adam`."""
    p, g, m, v = p[begin:end], g[begin:end], m[begin:end], v[begin:end]
    for i in range(p.size):
        p[i], m[i], v[i] = _adam(c, p[i], g[i], m[i], v[i])


@jit
def amsgrad(begin, end, c, p, g, m, v, top):
    """`updates.amsgrad`."""
    p, g, m, v, top = p[begin:end], g[begin:end], m[begin:end], v[begin:end], top[begin:end]
    for i in range(p.size):
        p[i], m[i], v[i], top[i] = _amsgrad(c, p[i], g[i], m[i], v[i], top[i])


@jit
def adamax(begin, end, c, p, g, m, u):
    """`updates.adamax`."""
    p, g, m, u = p[begin:end], g[begin:end], m[begin:end], u[begin:end]
    for i in range(p.size):
        p[i], m[i], u[i] = _adamax(c, p[i], g[i], m[i], u[i])


@jit
def nadam(begin, end, c, p, g, m, v):
    """`updates.nadam`."""
    p, g, m, v = p[begin:end], g[begin:end], m[begin:end], v[begin:end]
    for i in range(p.size):
        p[i], m[i], v[i] = _nadam(c, p[i], g[i], m[i], v[i])


@jit
def radam(begin, end, c, p, g, m, v):
    """`updates.radam`."""
    p, g, m, v = p[begin:end], g[begin:end], m[begin:end], v[begin:end]
    for i in range(p.size):
        p[i], m[i], v[i] = _radam(c, p[i], g[i], m[i], v[i])


@jit
def rmsprop(begin, end, c, p, g, v):
    """`updates.rmsprop`."""
    p, g, v = p[begin:end], g[begin:end], v[begin:end]
    for i in range(p.size):
        p[i], v[i] = _rmsprop(c, p[i], g[i], v[i])


@jit
def rmsprop_momentum(begin, end, c, p, g, v, b):
    """`updates.rmsprop_momentum`."""
    p, g, v, b = p[begin:end], g[begin:end], v[begin:end], b[begin:end]
    for i in range(p.size):
        p[i], v[i], b[i] = _rmsprop_momentum(c, p[i], g[i], v[i], b[i])


@jit
def rmsprop_centered(begin, end, c, p, g, v, m):
    """`updates.rmsprop_centered`."""
    p, g, v, m = p[begin:end], g[begin:end], v[begin:end], m[begin:end]
    for i in range(p.size):
        p[i], v[i], m[i] = _rmsprop_centered(c, p[i], g[i], v[i], m[i])


@jit
def rmsprop_centered_momentum(begin, end, c, p, g, v, b, m):
    """`updates.rmsprop_centered_momentum`."""
    p, g, v, b, m = p[begin:end], g[begin:end], v[begin:end], b[begin:end], m[begin:end]
    for i in range(p.size):
        p[i], v[i], b[i], m[i] = _rmsprop_centered_momentum(c, p[i], g[i], v[i], b[i], m[i])


@jit
def adagrad(begin, end, c, p, g, s):
    """`updates.adagrad`."""
    p, g, s = p[begin:end], g[begin:end], s[begin:end]
    for i in range(p.size):
        p[i], s[i] = _adagrad(c, p[i], g[i], s[i])


@jit
def adadelta(begin, end, c, p, g, v, u):
    """`updates.adadelta`."""
    p, g, v, u = p[begin:end], g[begin:end], v[begin:end], u[begin:end]
    for i in range(p.size):
        p[i], v[i], u[i] = _adadelta(c, p[i], g[i], v[i], u[i])


@jit
def asgd(begin, end, c, p, g, ax):
    """`updates.asgd`."""
    p, g, ax = p[begin:end], g[begin:end], ax[begin:end]
    for i in range(p.size):
        p[i], ax[i] = _asgd(c, p[i], g[i], ax[i])


@jit
def rprop(begin, end, c, p, g, before, length):
    """`updates.rprop`."""
    p, g, before, length = p[begin:end], g[begin:end], before[begin:end], length[begin:end]
    for i in range(p.size):
        p[i], before[i], length[i] = _rprop(c, p[i], g[i], before[i], length[i])


@jit
def lion(begin, end, c, p, g, m):
    """`updates.lion`."""
    p, g, m = p[begin:end], g[begin:end], m[begin:end]
    for i in range(p.size):
        p[i], m[i] = _lion(c, p[i], g[i], m[i])
