"""Every family of kernels runs as plain Python too, where a debugger can step through it."""

from __future__ import annotations

import math
import os
import subprocess
import sys
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[2]


def test_every_family_of_kernels_runs_as_plain_python():
    """Fused ops against their references, then those kernels that are no fused ops."""
    code = "from tests.machine import test_plain_python as plain; plain.fused_ops(); plain.others()"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "NUMBA_DISABLE_JIT": "1"},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def fused_ops():
    """The generated comparisons of all KernelOps with their references, gradients included."""
    import pytest

    name = "test_a_kernel_computes_what_its_reference_does"
    options = ["-q", "-x", "-p", "no:cacheprovider", "-k", name]
    assert pytest.main([*options, str(ROOT / "tests" / "ops" / "test_ops.py")]) == 0


def others():
    """A small call of each other file of kernels."""
    import numba

    assert numba.config.DISABLE_JIT
    for family in (
        products, elementary_functions, softmaxes, convolutions, poolings, embeddings, samplings,
        updates,
    ):  # fmt: skip
        for dtype in (np.float32, np.float64):
            family(np.random.default_rng(0), dtype, 50 * np.finfo(dtype).eps)


def products(rng, dtype, tolerance):
    from autograd.machine.matmul import matmul

    a, b = rng.normal(size=(2, 9, 7)).astype(dtype), rng.normal(size=(7, 19)).astype(dtype)
    np.testing.assert_allclose(matmul(a, b), a @ b, atol=10 * tolerance)


def elementary_functions(rng, dtype, tolerance):
    from autograd.ops.elementwise import kernel_elementwise as kernels

    x, g = rng.normal(size=(2, 5, 4)).astype(dtype)
    sigmoid = 1 / (1 + np.exp(-x))
    for name, arrays, expected in (
        ("exp", (x,), np.exp(x)),
        ("log", (abs(x),), np.log(abs(x))),
        ("tanh", (x,), np.tanh(x)),
        ("sigmoid", (x,), sigmoid),
        ("softplus", (x,), np.log1p(np.exp(x))),
        ("gelu", (x,), x * np.vectorize(lambda v: math.erfc(-v / math.sqrt(2)) / 2)(x)),
        ("silu_grad", (g, x), g * sigmoid * (1 + x * (1 - sigmoid))),
        ("relu_grad", (g, x), np.where(x > 0, g, 0)),
        ("relu6_grad", (g, x), np.where((x > 0) & (x < 6), g, 0)),
        ("where_positive", (x, g, x), np.where(x > 0, g, x)),
    ):
        found = kernels.apply(getattr(kernels, name), *arrays)
        np.testing.assert_allclose(found, expected, rtol=tolerance, atol=tolerance)


def softmaxes(rng, dtype, tolerance):
    from autograd.ops.elementwise import kernel_softmax as softmax

    x = rng.normal(size=(2, 3, 5)).astype(dtype)
    for axis in (1, 2):
        e = np.exp(x)
        y = e / e.sum(axis, keepdims=True)
        np.testing.assert_allclose(softmax.along(axis, False, x), y, atol=tolerance)
        np.testing.assert_allclose(softmax.along(axis, True, x), np.log(y), atol=tolerance)
        gx = y * (x - (x * y).sum(axis, keepdims=True))
        np.testing.assert_allclose(softmax.along(axis, False, x, y), gx, atol=tolerance)


def convolutions(rng, dtype, tolerance):
    from autograd.ops.conv import kernel_products as conv_products

    for groups, stride, kernel in ((1, 1, 3), (2, 2, 2), (4, 1, 2), (4, 3, 2), (1, 1, 1)):
        x = rng.normal(size=(2, 4, 5, 6)).astype(dtype)
        w = rng.normal(size=(4, 4 // groups, kernel, kernel)).astype(dtype)
        how = ((stride, stride), ((1, 0), (1, 1)), (1, 1), groups)
        y = conv_products.convolve(x, w, None, *how)
        padded = np.pad(x, ((0, 0), (0, 0), (1, 0), (1, 1)))
        seen = np.lib.stride_tricks.sliding_window_view(padded, (kernel, kernel), (2, 3))
        seen = seen[:, :, ::stride, ::stride]
        expected = np.concatenate(
            [
                np.einsum("nchwij,mcij->nmhw", s, v)
                for s, v in zip(np.split(seen, groups, 1), np.split(w, groups), strict=True)
            ],
            1,
        )
        np.testing.assert_allclose(y, expected, atol=20 * tolerance)
        g = rng.normal(size=y.shape).astype(dtype)
        gx = conv_products.input_grad(g, w, x.shape[2:], *how)
        gw = conv_products.weight_grad(x, g, w.shape[2:], *how)
        for found in (gx * x, gw * w):  # both are ⟨g, y⟩
            np.testing.assert_allclose(found.sum(), (g * y).sum(), atol=100 * tolerance)


def poolings(rng, dtype, tolerance):
    import autograd

    x = rng.normal(size=(2, 3, 4, 6)).astype(dtype)
    for pool, function in ((autograd.ops.max_pool2d, np.max), (autograd.ops.avg_pool2d, np.mean)):
        for stride in (1, 2):
            seen = np.lib.stride_tricks.sliding_window_view(x, (2, 2), (2, 3))
            expected = function(seen[:, :, ::stride, ::stride], axis=(-2, -1))
            v = autograd.Value(x)
            y = pool(v, 2, stride)
            np.testing.assert_allclose(y.data, expected, atol=tolerance)
            np.testing.assert_allclose(  # both poolings are linear along x
                np.sum(autograd.grad(np.sum(y), v) * x), expected.sum(), atol=20 * tolerance
            )


def embeddings(rng, dtype, tolerance):
    from autograd.ops.embeddings import kernel_embedding as embedding

    g, indices = rng.normal(size=(6, 3)).astype(dtype), np.array([0, 2, 2, 1, 0, 3])
    expected = np.eye(5)[:, indices].astype(dtype) @ g
    expected[3] = 0
    np.testing.assert_allclose(embedding.scatter_rows(g, indices, 5, 3), expected, atol=tolerance)


def samplings(rng, dtype, tolerance):
    from autograd.ops.images import kernel_resample as resampling

    x = rng.normal(size=(4, 6)).astype(dtype)  # two images of two planes
    weights = rng.normal(size=(2, 3, 2)).astype(dtype)
    places = np.array([[[0, 5], [1, 1], [-1, 2]], [[3, 4], [0, -1], [5, 5]]])
    there = np.zeros((2, 6, 3), dtype)
    for n, q, k in np.ndindex(places.shape):
        if places[n, q, k] >= 0:
            there[n, places[n, q, k], q] += weights[n, q, k]
    there = there.repeat(2, axis=0)
    y = np.empty((4, 3), dtype)
    resampling.run_gather(x, weights, places, y)
    np.testing.assert_allclose(y, np.einsum("pi,piq->pq", x, there), atol=tolerance)
    gx = np.empty_like(x)
    resampling.run_scatter(y, weights, places, gx)
    np.testing.assert_allclose(gx, np.einsum("pq,piq->pi", y, there), atol=2 * tolerance)


def updates(rng, dtype, tolerance):
    from nn.optim.rules import apply
    from nn.optim.sgd import sgd

    p, g = rng.normal(size=(2, 7)).astype(dtype)
    for compiled in (True, False):
        q = p.copy()
        apply(sgd, (0, 0.5, 0.1), q, g, (), compiled)
        np.testing.assert_allclose(q, p - 0.1 * (g + 0.5 * p), atol=tolerance)
