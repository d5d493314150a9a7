from __future__ import annotations

import numpy as np
import pytest

from nn import metrics

rng = np.random.default_rng(0)
SCORES, NUMBERS = rng.normal(size=(200, 4)), rng.integers(4, size=200)
P, T = rng.random(200), rng.integers(2, size=200)
X, Y = rng.normal(size=100), 1e4 + rng.normal(size=100)


def streamed(metric, outputs, targets, sizes=(7, 50, 1)):
    start = 0
    for size in (*sizes, len(outputs)):
        metric.update(outputs[start : start + size], targets[start : start + size])
        start += size
    return metric.compute()


CASES = [
    (metrics.Accuracy(), SCORES, NUMBERS),
    (metrics.Accuracy(), P, T),
    (metrics.TopKAccuracy(2), SCORES, NUMBERS),
    (metrics.Perplexity(), SCORES, NUMBERS),
    (metrics.ConfusionMatrix(), SCORES, NUMBERS),
    (metrics.Precision(), SCORES, NUMBERS),
    (metrics.Recall("weighted"), SCORES, NUMBERS),
    (metrics.F1(None), SCORES, NUMBERS),
    (metrics.F1(), P, T),
    (metrics.JaccardIndex(None), SCORES, NUMBERS),
    (metrics.MeanAbsoluteError(), X, Y),
    (metrics.R2Score(), X + 1e4, Y),
]


@pytest.mark.parametrize(("metric", "outputs", "targets"), CASES)
def test_batches_of_any_size_come_to_the_number_for_all(metric, outputs, targets):
    whole = metric(outputs, targets)
    np.testing.assert_allclose(streamed(metric, outputs, targets), whole, rtol=1e-9)
    metric.reset()
    np.testing.assert_allclose(streamed(metric, outputs, targets, (100,)), whole, rtol=1e-9)


def test_metrics_are_scikit_learns():
    sk = pytest.importorskip("sklearn.metrics", reason="scikit-learn is the reference")
    guesses = SCORES.argmax(1)
    assert metrics.accuracy(SCORES, NUMBERS) == sk.accuracy_score(NUMBERS, guesses)
    for k in (1, 2, 3):
        assert metrics.top_k_accuracy(SCORES, NUMBERS, k) == pytest.approx(
            sk.top_k_accuracy_score(NUMBERS, SCORES, k=k)
        )
    np.testing.assert_array_equal(
        metrics.confusion_matrix(SCORES, NUMBERS), sk.confusion_matrix(NUMBERS, guesses)
    )
    pairs = (
        (metrics.precision_score, sk.precision_score),
        (metrics.recall_score, sk.recall_score),
        (metrics.f1_score, sk.f1_score),
        (metrics.jaccard_score, sk.jaccard_score),
    )
    rare = np.where(NUMBERS == 3, 2, NUMBERS)  # class 3 is predicted and never there
    for ours, theirs in pairs:
        for average in ("macro", "micro", "weighted", None):
            for numbers in (NUMBERS, rare):
                np.testing.assert_allclose(
                    ours(guesses, numbers, average),
                    theirs(numbers, guesses, average=average, zero_division=0),
                )
        assert ours(P, T) == pytest.approx(theirs(T, P > 0.5))
    assert metrics.mean_absolute_error(X, Y) == pytest.approx(sk.mean_absolute_error(Y, X))
    assert metrics.r2_score(X + 1e4, Y) == pytest.approx(sk.r2_score(Y, X + 1e4), rel=1e-6)
    loss = sk.log_loss(NUMBERS, np.exp(SCORES) / np.exp(SCORES).sum(1, keepdims=True))
    assert metrics.perplexity(SCORES, NUMBERS) == pytest.approx(np.exp(loss))


def test_single_scores_are_compared_with_the_threshold():
    assert metrics.accuracy(P[:, None], T) == metrics.accuracy(P, T[:, None].reshape(-1))
    logits = np.log(P / (1 - P))
    assert metrics.accuracy(logits, T, threshold=0) == metrics.accuracy(P, T)


def test_two_scores_a_sample_choose_the_larger():
    outputs = np.array([[0.2, 0.3], [0.9, 0.8]])
    assert metrics.accuracy(outputs, np.array([1, 0])) == 1
    assert metrics.f1_score(outputs, np.array([1, 0])) == 1


def test_pixels_and_steps_are_counted_and_ignored_ones_are_not():
    outputs = np.moveaxis(SCORES.reshape(50, 4, 4), 1, 1)
    targets = rng.integers(4, size=(50, 4))
    guesses = outputs.argmax(1)
    assert metrics.accuracy(outputs, targets) == (guesses == targets).mean()
    targets[:, 2:] = -100
    assert metrics.accuracy(outputs, targets) == (guesses == targets)[:, :2].mean()


def test_iou_of_masks_is_common_pixels_over_covered_ones():
    truth, guess = np.zeros((2, 1, 8, 8), int)
    truth[0, 2:6, 2:6] = 1
    guess[0, 4:8, 2:6] = 1  # 8 of 24 pixels are common
    assert metrics.jaccard_score(guess, truth) == 8 / 24
    scores = np.stack([1 - guess, guess], 1)  # (N, 2, H, W)
    assert metrics.jaccard_score(scores, truth) == 8 / 24
    assert metrics.jaccard_score(0.7 * guess, truth) == 8 / 24  # one probability a pixel
    np.testing.assert_array_equal(
        metrics.jaccard_score(guess, truth, average=None), [(64 - 24) / (64 - 8), 8 / 24]
    )


def test_nothing_counted_is_nan():
    for metric in (metrics.Accuracy(), metrics.R2Score(), metrics.MeanAbsoluteError()):
        assert np.isnan(metric.compute())
    assert np.isnan(metrics.r2_score([1.0, 2.0], [3.0, 3.0]))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: metrics.accuracy(SCORES, NUMBERS[:5]), r"targets must be class indices.*\(200,\)"),
        (lambda: metrics.accuracy(SCORES, NUMBERS + 1), "1 to 4, but the outputs"),
        (lambda: metrics.accuracy(P, T + 1), "targets must be 0 or 1; got 1 to 2"),
        (lambda: metrics.mean_absolute_error(X, Y[:3]), r"\(100,\), targets \(3,\)"),
        (lambda: metrics.confusion_matrix([0, 3], [0, 1], num_classes=3), "0 to 3"),
        (lambda: metrics.f1_score(SCORES, NUMBERS, "mean"), "average must be one of"),
        (
            lambda: metrics.f1_score(SCORES, NUMBERS, "binary"),
            "requires 2 classes, but there are 4",
        ),
        (lambda: metrics.top_k_accuracy(SCORES, NUMBERS, 0), "k must be >= 1"),
    ],
)
def test_bad_arguments_of_metrics_are_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
