"""The attention kernels: the hash behind dropout, plain Python, memory."""

from __future__ import annotations

import os
import subprocess
import sys
import tracemalloc

import numpy as np
import pytest

from autograd.ops.attention import kernel_attention as kernels


def weights(**how):
    """The matrix of weights: attention over the unit vectors as values."""
    q, k = np.random.default_rng(0).normal(size=(2, 3, 40, 5))
    v = np.broadcast_to(np.eye(40), (3, 40, 40)).copy()
    options = {"mask": None, "causal": False, "scale": 0.5, "dropout": 0.0, "seed": 0} | how
    return kernels.Attention(q, k, v, **options).forward()


def test_the_kernel_drops_what_its_readable_twin_says():
    dropped = weights(dropout=0.3, seed=11) == 0
    keys = kernels.streams(11, 3, 40)
    kept = kernels.keep((3, 40, 40), *keys, kernels.threshold(0.3))
    np.testing.assert_array_equal(dropped, ~kept)


def test_rows_columns_and_heads_are_dropped_independently():
    n = 400
    kept = kernels.keep((4, n, n), *kernels.streams(5, 4, n), kernels.threshold(0.5))
    x = kept.astype(float) - 0.5
    bound = 5 * 0.25 / np.sqrt(n * n)  # five standard deviations of a mean of products
    pairs = [
        *((x[:, i:], x[:, : n - i]) for i in (1, 2, 8, 16)),
        *((x[..., i:], x[..., : n - i]) for i in (1, 2, 8, 16)),
        (x[:1], x[1:2]),
    ]
    for a, b in pairs:
        assert abs((a * b).mean()) < bound


def test_causal_weights_are_zero_past_the_diagonal():
    w = weights(causal=True)
    assert not np.triu(w, 1).any()
    np.testing.assert_allclose(w.sum(axis=-1), 1, rtol=1e-12)


def test_no_matrix_of_weights_is_stored():
    q, k, v = np.random.default_rng(0).normal(size=(3, 1, 2000, 8)).astype(np.float32)
    small = kernels.Attention(q[:, :8], k[:, :8], v[:, :8], None, False, 0.3, 0.0, 0)
    small.backward(small.forward(), (True, True, True))  # compiled before memory is counted
    tracemalloc.start()
    call = kernels.Attention(q, k, v, None, False, 0.3, 0.0, 0)
    call.backward(call.forward(), (True, True, True))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2000 * 2000 * 4 / 10


@pytest.mark.parametrize("variable", ["NUMBA_DISABLE_JIT=1", "GLASSGRAD_TILE=plain"])
def test_without_vector_code_the_results_are_the_same(variable, tmp_path):
    source = (
        "import sys, numpy as np\n"
        "from autograd.ops.attention.kernel_attention import Attention\n"
        "q, k, v, g = np.random.default_rng(0).normal(size=(4, 2, 5, 3))\n"
        "m = np.where(np.arange(5) < 4, 0.5, -np.inf)\n"
        "call = Attention(q, k, v, m, True, 0.5, 0.2, 7)\n"
        "y = call.forward()\n"
        "np.save(sys.argv[1], [y, *call.backward(g, (True, True, True))])\n"
    )
    found = []
    for name in (variable, "GLASSGRAD_NOTHING=1"):
        key, _, setting = name.partition("=")
        file = tmp_path / f"{key}.npy"
        subprocess.run(
            [sys.executable, "-W", "error", "-c", source, file],
            env={**os.environ, key: setting},
            check=True,
        )
        found.append(np.load(file))
    np.testing.assert_allclose(*found, rtol=1e-12, atol=1e-14)
