"""The tile, and the cache that must not keep old code."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest

from autograd.machine import tile
from autograd.machine.jit import jit

_full, _masked = tile.tile(2, 2), tile.tile(2, 2, masked=True)
_gather, _both = tile.tile(2, 1, gather=True), tile.tile(2, 1, masked=True, gather=True)
_transpose, _copy = tile.transpose_block(), tile.copy(2)


@jit
def tiles(kind, K, a, a_row, a_step, b, offsets, c, c_row, add, columns):
    if kind == 0:
        _full(K, a, 1, a_row, a_step, b, 2, 2 * columns, c, 3, c_row, add)
    elif kind == 1:
        _masked(K, a, 1, a_row, a_step, b, 2, columns, c, 3, c_row, add, columns)
    elif kind == 2:
        _gather(K, a, 1, a_row, a_step, b, 2, offsets, 1, c, 3, c_row, add)
    else:
        _both(K, a, 1, a_row, a_step, b, 2, offsets, 1, c, 3, c_row, add, columns)


@jit
def blocks(x, y, z):
    _transpose(x, 1, 20, y, 2, 21)
    _copy(x, 1, z, 2)


DTYPES = pytest.mark.parametrize("dtype", [np.float32, np.float64])


@DTYPES
@pytest.mark.parametrize("add", [False, True])
@pytest.mark.parametrize("K", [0, 1, 5])
@pytest.mark.parametrize("kind", range(4))
def test_a_tile_is_a_product_and_writes_nothing_else(rng, dtype, add, K, kind):
    lanes = tile.lanes(dtype)
    for columns in (1, lanes - 1, lanes) if kind in (1, 3) else (2 * lanes // (1 + kind // 2),):
        step = columns if kind < 2 else 0
        offsets = rng.permutation(K + 1) * columns
        a = rng.integers(-4, 5, 100).astype(dtype)
        b = rng.integers(-4, 5, 2 + (K + 3) * 4 * lanes).astype(dtype)
        c = rng.integers(-4, 5, 3 + 2 * 40 + 1).astype(dtype)
        starts = 2 + (offsets[1:] if kind > 1 else np.arange(K) * step)
        B = np.array([b[s : s + columns] for s in starts]).reshape(K, columns)
        for a_row, a_step in ((K, 1), (1, 2), (7, 3)):
            A = np.array([[a[1 + r * a_row + k * a_step] for k in range(K)] for r in range(2)])
            got, want = c.copy(), c.copy()
            for r in range(2):
                row = want[3 + 40 * r : 3 + 40 * r + columns]
                row[:] = (row if add else 0) + A.reshape(2, K)[r] @ B
            given = columns if kind else lanes
            tiles(kind, K, a, a_row, a_step, b, offsets, got, 40, add, given)
            np.testing.assert_array_equal(got, want)


@DTYPES
def test_a_block_is_transposed_and_copied_in_place(dtype):
    n = tile.lanes(dtype)
    x = np.arange(400).astype(dtype)
    y, z = np.zeros(400, dtype), np.zeros(2 * n + 3, dtype)
    blocks(x, y, z)
    rows = np.arange(n)[:, None]
    np.testing.assert_array_equal(y[2 + 21 * rows.T + rows], x[1 + 20 * rows + rows.T].T.T)
    assert np.count_nonzero(y) == n * n
    np.testing.assert_array_equal(z[2:-1], x[1 : 1 + 2 * n])
    assert z[0] == z[1] == z[-1] == 0


def test_a_tile_without_rows_is_a_value_error():
    with pytest.raises(ValueError, match="at least 1"):
        tile.tile(0, 2)


def test_a_cached_kernel_sees_that_an_inlined_function_has_changed(tmp_path):
    package = tmp_path / "own"
    package.mkdir()
    (package / "__init__.py").touch()
    start = "from autograd.kernels.jit import jit\n"
    (package / "outer.py").write_text(
        f"{start}from own import middle\n@jit\ndef outer(x):\n    return middle.middle(x)\n"
    )
    (package / "middle.py").write_text(
        f"{start}from own.inner import inner\n@jit\ndef middle(x):\n    return inner(x)\n"
    )
    code = "from own.outer import outer; print(outer(1.0), sum(outer.stats.cache_hits.values()))"
    path = os.pathsep.join([str(tmp_path), *sys.path])
    for factor, hits, expected in ((2, 0, "2.0"), (2, 1, "2.0"), (3, 0, "3.0"), (3, 1, "3.0")):
        (package / "inner.py").write_text(start + f"@jit\ndef inner(x):\n    return {factor} * x\n")
        done = subprocess.run(
            [sys.executable, "-B", "-c", code],  # bytecode is dated to the second
            cwd=tmp_path, env={**os.environ, "PYTHONPATH": path},
            check=True, capture_output=True, text=True,
        )  # fmt: skip
        assert done.stdout.split() == [expected, str(hits)]
