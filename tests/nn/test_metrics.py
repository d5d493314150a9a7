from __future__ import annotations

import collections

import numpy as np
import pytest

import autograd
import nn
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


ONE_HOT = np.eye(4)[NUMBERS]
SMOOTHED = 0.9 * ONE_HOT + 0.1 / 4
OF_CLASSES = [
    metrics.Accuracy(),
    metrics.Accuracy(multilabel=False),
    metrics.TopKAccuracy(2),
    metrics.ConfusionMatrix(),
    metrics.Precision(),
    metrics.Recall(None),
    metrics.F1("weighted"),
    metrics.JaccardIndex(),
]


@pytest.mark.parametrize("metric", OF_CLASSES, ids=lambda m: type(m).__name__)
@pytest.mark.parametrize(
    "targets",
    [ONE_HOT, ONE_HOT.astype(int), ONE_HOT == 1, SMOOTHED, NUMBERS[:, None]],
    ids=["one-hot", "integers", "bools", "smoothed", "column"],
)
def test_every_layout_of_classes_gives_the_number_of_class_indices(metric, targets):
    right = metric(SCORES, NUMBERS)
    np.testing.assert_array_equal(metric(SCORES, targets), right)
    np.testing.assert_array_equal(streamed(metric.fresh(), SCORES, targets), right)


def test_classes_of_pixels_may_be_one_hot_in_axis_1():
    outputs, numbers = SCORES.reshape(50, 4, 4), rng.integers(4, size=(50, 4))
    one_hot = np.moveaxis(np.eye(4)[numbers], -1, 1)
    for metric in (metrics.Accuracy(), metrics.F1(), metrics.TopKAccuracy(3)):
        assert metric(outputs, one_hot) == metric(outputs, numbers)
    with pytest.raises(ValueError, match=r"classes stand in axis 1: np.moveaxis"):
        metrics.accuracy(outputs[..., :3], np.eye(3)[rng.integers(3, size=(50, 4))])


def test_several_labels_a_sample_are_a_question_each():
    sk = pytest.importorskip("sklearn.metrics", reason="scikit-learn is the reference")
    outputs, labels = rng.random((60, 5)), rng.integers(2, size=(60, 5))
    guesses = outputs > 0.5
    assert metrics.accuracy(outputs, labels) == (guesses == labels).mean()
    expected = sk.f1_score(labels.ravel(), guesses.ravel())
    assert metrics.f1_score(outputs, labels) == pytest.approx(expected)
    assert streamed(metrics.F1(), outputs, labels) == pytest.approx(expected)


def test_labels_that_look_like_rows_in_one_batch_are_settled_by_a_setting():
    outputs = np.array([[0.9, 0.2, 0.1], [0.7, 0.8, 0.1]])
    labels = np.array([[1, 0, 0], [1, 1, 0]])
    metric = metrics.Accuracy()
    metric.update(outputs[:1], labels[:1])
    with pytest.raises(ValueError, match=r"multilabel=True.*'binary_accuracy'"):
        metric.update(outputs[1:], labels[1:])
    assert streamed(metrics.Accuracy(multilabel=True), outputs, labels, (1,)) == 1
    assert streamed(metrics.Accuracy(), outputs[::-1], labels[::-1], (1,)) == 1
    with pytest.raises(ValueError, match="add up to 1 along axis 1"):
        metrics.Accuracy(multilabel=False)(outputs, labels)


def test_rows_of_one_label_or_none_are_asked_about():
    outputs, rows = np.array([[0.4, 0.3], [0.9, 0.2]]), np.array([[0, 0], [1, 0]])
    with pytest.raises(ValueError, match="multilabel=True"):
        metrics.accuracy(outputs, rows)
    assert metrics.Accuracy(multilabel=True)(outputs, rows) == 1
    assert metrics.accuracy(outputs, np.zeros((2, 2))) == 0.75  # no label at all


def test_one_channel_of_scores_is_a_question_for_each_pixel():
    outputs, masks = rng.random((3, 1, 4, 4)), rng.integers(2, size=(3, 4, 4))
    right = ((outputs[:, 0] > 0.5) == masks).mean()
    for targets in (masks, masks[:, None]):
        assert metrics.accuracy(outputs, targets) == right


def test_perplexity_of_class_probabilities_is_that_of_their_cross_entropy():
    log_p = SCORES - np.log(np.exp(SCORES).sum(1, keepdims=True))
    for q in (ONE_HOT, SMOOTHED):
        right = np.exp(-(q * log_p).sum(1).mean())
        assert metrics.perplexity(SCORES, q) == pytest.approx(right, rel=1e-12)


def test_the_ignored_class_may_be_any():
    kept = NUMBERS != 0
    assert metrics.Accuracy(ignore_index=0)(SCORES, NUMBERS) == metrics.accuracy(
        SCORES[kept], NUMBERS[kept]
    )
    guesses = SCORES.argmax(1)
    assert metrics.confusion_matrix(guesses, np.where(kept, NUMBERS, -100)).sum() == kept.sum()


def test_scores_that_are_nan_predict_no_class():
    outputs = np.array([[np.nan, 0.0], [0.0, 1.0]])
    assert metrics.accuracy(outputs, np.array([0, 1])) == 0.5
    assert metrics.accuracy(np.array([np.nan, 0.9]), np.array([0, 1])) == 0.5
    with pytest.raises(ValueError, match="NaN"):
        metrics.confusion_matrix(outputs, np.array([0, 1]))


def test_the_area_under_the_roc_curve_is_scikit_learns():
    sk = pytest.importorskip("sklearn.metrics", reason="scikit-learn is the reference")
    tied = P.round(1)
    right = sk.roc_auc_score(T, tied)
    assert metrics.roc_auc_score(tied, T) == pytest.approx(right)
    assert streamed(metrics.AUC(), tied[:, None], T) == pytest.approx(right)
    logits = rng.normal(size=(200, 2)) * 30
    p = np.exp(logits - logits.max(1, keepdims=True))
    p /= p.sum(1, keepdims=True)
    right = sk.roc_auc_score(T, p[:, 1])
    for targets in (T, np.eye(2)[T]):
        assert metrics.roc_auc_score(p, targets) == pytest.approx(right)
    right = sk.roc_auc_score(T, logits[:, 1] - logits[:, 0])
    assert streamed(metrics.AUC(), logits, T) == pytest.approx(right)
    assert np.isnan(metrics.roc_auc_score(P, np.ones(200)))
    with pytest.raises(ValueError, match="each against the rest"):
        metrics.roc_auc_score(SCORES, NUMBERS)


@pytest.mark.parametrize("shape", [(50, 1), (50, 3), (50, 2, 2)])
def test_r2_of_several_outputs_is_the_mean_over_them(shape):
    sk = pytest.importorskip("sklearn.metrics", reason="scikit-learn is the reference")
    targets = rng.normal(size=shape) + 1e4 * np.arange(np.prod(shape[1:])).reshape(shape[1:])
    outputs = targets + rng.normal(size=shape)
    right = sk.r2_score(targets.reshape(50, -1), outputs.reshape(50, -1))
    assert metrics.r2_score(outputs, targets) == pytest.approx(right)
    assert streamed(metrics.R2Score(), outputs, targets) == pytest.approx(right)
    means = np.broadcast_to(targets.mean(0), shape)
    assert metrics.r2_score(means, targets) == pytest.approx(0, abs=1e-12)


def test_squared_errors_are_scikit_learns():
    sk = pytest.importorskip("sklearn.metrics", reason="scikit-learn is the reference")
    right = sk.mean_squared_error(Y, X)
    assert metrics.mean_squared_error(X, Y) == pytest.approx(right)
    assert streamed(metrics.RootMeanSquaredError(), X, Y) == pytest.approx(np.sqrt(right))


def test_errors_of_small_integers_do_not_wrap_around():
    a, b = np.array([1, 2], np.uint8), np.array([3, 1], np.uint8)
    assert metrics.mean_absolute_error(a, b) == 1.5
    assert metrics.mean_squared_error(a, b) == 2.5
    assert metrics.mean_absolute_error(a > 1, b > 1) == 1


def test_only_axes_of_length_1_may_differ():
    with pytest.raises(ValueError, match="must be equal"):
        metrics.mean_absolute_error(np.zeros((4, 2, 3)), np.zeros((4, 3, 2)))
    with pytest.raises(ValueError, match="must be equal"):
        metrics.r2_score(np.zeros((4, 6)), np.zeros((4, 2, 3)))


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


def test_values_are_read_as_their_arrays():
    for metric in (metrics.Accuracy(), metrics.F1(), metrics.Perplexity(), metrics.TopKAccuracy(2)):
        right = metric(SCORES, NUMBERS)
        assert metric(autograd.Value(SCORES), NUMBERS) == right
        metric.update(autograd.Value(SCORES), NUMBERS)
        assert metric.compute() == right
    assert metrics.mean_absolute_error(autograd.Value(X), X) == 0


def test_what_is_no_number_is_refused_by_name():
    for call in (
        lambda: metrics.accuracy(["a", "b"], ["a", "b"]),
        lambda: metrics.f1_score(P * 1j, T),
        lambda: metrics.mean_squared_error(X, X.astype(str)),
    ):
        with pytest.raises(TypeError, match=r"must be numbers|not an array of numbers"):
            call()


class Tally(metrics.Metric):
    """Keeps what metrics of one's own may keep."""

    name = "tally"

    def __init__(self):
        self.seen, self.rows, self.counts = set(), [], collections.Counter()
        self.last, self.inner = collections.deque(maxlen=2), metrics.Accuracy()
        self.rng = np.random.default_rng(0)
        self.label, self.scale = None, len

    def reset(self):
        for kept in (self.seen, self.rows, self.counts, self.last):
            kept.clear()
        self.inner.reset()

    def update(self, outputs, targets):
        self.seen |= set(targets.tolist())
        self.rows.append(outputs)
        self.counts.update(targets.tolist())
        self.last.extend(targets.tolist())
        self.inner.update(outputs, targets)
        self.rng.random()

    def compute(self):
        found = [sorted(self.seen), [len(r) for r in self.rows], sorted(self.counts.items())]
        return [*found, list(self.last), self.inner.compute(), self.rng.random()]


def test_a_metric_of_ones_own_resumes_with_all_that_it_keeps(tmp_path):
    whole, first, second = Tally(), Tally(), Tally()
    for start in (0, 50, 100):
        whole.update(SCORES[start : start + 50], NUMBERS[start : start + 50])
    first.update(SCORES[:50], NUMBERS[:50])
    first.update(SCORES[50:100], NUMBERS[50:100])
    nn.save(first.state_dict(), tmp_path / "state")
    second.load_state_dict(nn.load(tmp_path / "state"))
    second.update(SCORES[100:150], NUMBERS[100:150])
    assert second.compute() == whole.compute()
    assert type(second.counts) is collections.Counter


def test_a_fresh_copy_shares_nothing_that_reset_clears():
    metric = Tally()
    metric.update(SCORES, NUMBERS)
    metric(SCORES[:3], NUMBERS[:3])
    assert len(metric.rows) == 1
    assert metric.inner.compute() == metrics.accuracy(SCORES, NUMBERS)


def test_an_attribute_that_no_checkpoint_holds_is_named():
    metric = metrics.Accuracy()
    metric.helper = object()
    with pytest.raises(TypeError, match=r"Accuracy\.helper is a object"):
        metric.state_dict()


@pytest.mark.parametrize("kind", [metrics.F1, metrics.Precision, metrics.Recall])
def test_a_score_of_no_samples_is_nan(kind):
    assert np.isnan(kind().compute())
    assert np.isnan(kind("macro").compute())


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
        (lambda: metrics.top_k_accuracy(SCORES, NUMBERS, 0), "k must be an integer >= 1"),
    ],
)
def test_bad_arguments_of_metrics_are_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
