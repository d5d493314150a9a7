"""Kernels called from several Python threads at once give the bits that one thread gives."""

from __future__ import annotations

import threading

import numpy as np
import pytest

import autograd
from autograd import Value

CALLS = 200


def call(seed: int) -> list[np.ndarray]:
    """One random call of a kernel, forward and backward: the result and the gradients."""
    rng = np.random.default_rng(seed)

    def leaf(*shape: int) -> Value:
        return Value(rng.normal(size=shape).astype(np.float32), requires_grad=True)

    n = int(rng.integers(1, 9))
    match seed % 7:
        case 0:
            leaves = [leaf(n, 4, 17, 13), leaf(8, 4, 3, 3), leaf(8)]
            y = autograd.ops.conv2d(*leaves, padding=1)
        case 1:
            leaves = [leaf(n, 6, 16, 16)]
            y = autograd.ops.max_pool2d(leaves[0], 2)
        case 2:
            leaves = [leaf(9, n, 5), leaf(64, 5), leaf(64, 16), leaf(64), leaf(64)]
            lengths = rng.integers(1, 10, n)
            y, _ = autograd.lstm(leaves[0], [leaves[1:]], lengths=lengths)
        case 3:
            leaves = [leaf(9, n, 5), leaf(48, 5), leaf(48, 16), leaf(48), leaf(48)]
            y, _ = autograd.gru(leaves[0], [leaves[1:]])
        case 4:
            leaves = [leaf(n * 40, 64), leaf(64), leaf(64)]
            y = autograd.ops.layer_norm(leaves[0], 64, *leaves[1:])
        case 5:
            leaves = [leaf(n, 2, 24, 8) for _ in range(3)]
            y = autograd.ops.scaled_dot_product_attention(*leaves, is_causal=True)
        case _:
            leaves = [leaf(n * 4096)]
            y = autograd.ops.gelu(leaves[0]) * autograd.ops.sigmoid(leaves[0])
    y.backward(np.ones(y.shape, np.float32))
    return [y.data, *(leaf.grad for leaf in leaves)]


@pytest.fixture(scope="module")
def alone():
    """What one thread of Python on one thread of the pool computes."""
    before = autograd.get_num_threads()
    autograd.set_num_threads(1)
    results = [call(seed) for seed in range(CALLS)]
    autograd.set_num_threads(before)
    return results


@pytest.mark.parametrize("pool", [1, 2, 3])
def test_four_threads_of_200_random_calls_give_the_bits_of_one(alone, pool):
    before = autograd.get_num_threads()
    autograd.set_num_threads(pool)
    found: dict[int, list[list[np.ndarray]]] = {}

    def work(who: int) -> None:
        order = np.random.default_rng(who).permutation(CALLS)
        results = {int(seed): call(int(seed)) for seed in order}
        found[who] = [results[seed] for seed in range(CALLS)]

    threads = [threading.Thread(target=work, args=(who,)) for who in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    autograd.set_num_threads(before)
    assert sorted(found) == [0, 1, 2, 3], "a thread ended with an error"
    for results in found.values():
        for seed, (ours, expected) in enumerate(zip(results, alone, strict=True)):
            for a, b in zip(ours, expected, strict=True):
                assert np.array_equal(a, b), f"call {seed}"
