"""Products in blocks against those strip by strip, and NumPy's."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from autograd.machine import blocked_product, matmul
from autograd.machine.blocked_product import PAGE, ROWS, in_blocks, most_strips
from autograd.machine.caches import Caches
from autograd.machine.matmul import DEPTH

DTYPES = pytest.mark.parametrize("dtype", [np.float32, np.float64])
SMALL = Caches(32 << 10, 8, 256 << 10)


pytestmark = pytest.mark.usefixtures("threads")


@pytest.fixture
def caches(monkeypatch):
    """Sets the caches that products believe in: small ones cut everything into blocks."""

    def give(found):
        for module in (matmul, blocked_product):
            monkeypatch.setattr(module, "caches", lambda: found)

    return give


@pytest.fixture
def kinds(monkeypatch):
    """Notes with which arguments products are computed in blocks."""
    seen = []

    def told(*args, **named):
        seen.append(args)
        in_blocks(*args, **named)

    monkeypatch.setattr(blocked_product, "in_blocks", told)
    return seen


def whole(rng, *shape):
    """Small integers: every product of them is exact, in any order."""
    return rng.integers(-4, 5, shape)


@DTYPES
@pytest.mark.parametrize("layout", ["NN", "NT", "TN", "TT"])
def test_every_edge_of_a_block_is_exact(rng, caches, kinds, dtype, layout):
    caches(Caches(1, 1, 1))
    width = matmul._WIDTH[np.dtype(dtype)]
    heights = (4 * ROWS, 5 * ROWS - 1, 9 * ROWS + 1, 9 * 8 * ROWS + 5)
    columns = (width + 1, 2 * width - 1, 4 * width, 9 * width + width // 2)
    for m, n, k in itertools.product(heights, columns, (1, 17, DEPTH, DEPTH + 1)):
        a, b = whole(rng, m, k).astype(dtype), whole(rng, k, n).astype(dtype)
        a = np.asfortranarray(a) if layout[0] == "T" else a
        b = np.asfortranarray(b) if layout[1] == "T" else b
        assert np.array_equal(matmul.matmul(a, b), a @ b), (m, n, k)
    assert len(kinds) == 64


@DTYPES
@pytest.mark.parametrize("layout", ["NN", "TN"])
def test_rows_that_are_pages_apart_are_packed_to_the_same_numbers(rng, caches, dtype, layout):
    page = PAGE // np.dtype(dtype).itemsize
    a, b = whole(rng, 200, page).astype(dtype), whole(rng, page, 700).astype(dtype)
    if layout == "TN":
        a, b = a.T[:300], b[:200]
    for found in (SMALL, SMALL._replace(ways=12), SMALL._replace(level2=1 << 20)):
        caches(found)
        assert np.array_equal(matmul.matmul(a, b), a @ b)


@DTYPES
@pytest.mark.parametrize("shape", [(300, 700, 300), (1000, 300, 70), (60, 513, 1100)])
def test_the_bits_depend_neither_on_blocks_nor_on_threads(rng, threads, caches, dtype, shape):
    m, k, n = shape
    a, b = rng.standard_normal((m, k)).astype(dtype), rng.standard_normal((k, n)).astype(dtype)
    results = []
    for found in (Caches(level2=1 << 30), SMALL, Caches(level2=2 << 20), Caches(1, 1, 1)):
        for count in (1, 2, 3, 7):
            caches(found)
            threads(count)
            results.append(matmul.matmul(a, b).tobytes())
    assert len(set(results)) == 1


def test_stacks_strides_alpha_and_add(rng, threads, caches, kinds):
    caches(Caches(1, 1, 1))
    a, b = whole(rng, 3, 1, 60, 90).astype(np.float32), whole(rng, 2, 90, 140).astype(np.float32)
    c = whole(rng, 3, 2, 60, 70).astype(np.float32)
    for count in (1, 2):
        threads(count)
        out = c.copy()
        matmul.matmul(a, b[..., ::2], out, alpha=2, add=True)
        assert np.array_equal(out, c + 2 * (a @ b[..., ::2]))
        assert np.array_equal(matmul.matmul(a[..., 1::2], b[:, 45:]), a[..., 1::2] @ b[:, 45:])
    assert len(kinds) == 4


def test_what_the_l2_cache_holds_is_not_cut(rng, caches, kinds):
    a = whole(rng, 100, 100).astype(np.float32)
    caches(Caches(level2=3 * a.nbytes))
    matmul.matmul(a, a)
    assert not kinds
    caches(Caches(level2=3 * a.nbytes - 1))
    matmul.matmul(a, a)
    assert len(kinds) == 1


def test_packed_strips_take_half_of_the_l2_cache(caches):
    caches(Caches(level2=1 << 20))
    assert most_strips() == (1 << 19) // (DEPTH * matmul._BYTES)
