"""What the comparison of accuracies stands on: the 5-gram, the augmentation, the rates."""

from __future__ import annotations

import numpy as np
import pytest

import nn
from benchmarks.accuracy import falling, shifted
from benchmarks.ngram import KneserNey


def test_an_n_gram_is_a_distribution_after_any_context():
    text = nn.data.load_topics()[:20_000]
    letters = sorted(set(text))
    model = KneserNey(text, len(letters), 5)
    for context in ("", "t", "th", " the", "zqxj", "{z.#"):
        total = sum(model.probability(context, c) for c in letters)
        assert total == pytest.approx(1)


def test_longer_contexts_predict_text_better_up_to_five():
    text = nn.data.load_topics()[:60_000]
    bits = [
        KneserNey(text[:50_000], len(set(text)), n).bits_per_character(text[50_000:])
        for n in (1, 3, 5)
    ]
    assert bits == sorted(bits, reverse=True)
    assert 1 < bits[-1] < 2.5


def test_shifted_images_are_the_images_elsewhere(rng):
    X = rng.random((20, 2, 5, 6)).astype(np.float32)
    moved = shifted(X, rng, 1)
    assert moved.shape == X.shape
    wide = np.pad(X, ((0, 0), (0, 0), (1, 1), (1, 1)))
    for image, around in zip(moved, wide, strict=True):
        windows = [around[:, i : i + 5, j : j + 6] for i in range(3) for j in range(3)]
        assert any((image == window).all() for window in windows)
    assert shifted(X, rng, 0) is X


def test_the_rate_rises_and_falls_to_nothing():
    optimizer = nn.optim.SGD([nn.Parameter([1.0])], lr=0.5)
    rates = [optimizer.param_groups[0]["lr"] for _ in falling(optimizer, 0.5, 200)]
    assert rates[0] < rates[3]
    assert rates[3:] == sorted(rates[3:], reverse=True)
    assert rates[-1] == pytest.approx(0.5 / 200)
