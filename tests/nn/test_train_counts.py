"""What a batch counts, and what metrics learn from the loss."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest

import nn
from nn.train import Callback, evaluate, fit

F = nn.functional
rng = np.random.default_rng(0)
X = rng.normal(size=(60, 4)).astype(np.float32)
CLASSES = rng.integers(3, size=60)
LABELS = (X[:, :1] + 0.3 * rng.normal(size=(60, 1)) > -0.5).astype(np.float32)
Z = rng.normal(size=(8, 4, 5)).astype(np.float32)
K = rng.integers(4, size=(8, 5))
K[:4, 1:] = -100
WEIGHT = np.array([1.0, 5.0, 20.0, 0.5])


class Scale(nn.Module):
    def __init__(self):
        self.factors = nn.Parameter(np.ones((4, 1), np.float32))

    def forward(self, z):
        return z * self.factors


def net(outputs):
    return nn.Sequential(nn.Linear(4, outputs, rng=0))


def masked_mean(outputs, target):
    keep = target != -100
    losses = F.cross_entropy(outputs, np.where(keep, target, 0), reduction="none")
    return np.sum(losses * keep) / keep.sum()


def steps_of_one(outputs, target):
    losses = [F.cross_entropy(outputs[:, :, i], target[:, i], reduction="sum") for i in range(5)]
    return sum(losses) / np.count_nonzero(target != -100)


def selected(outputs, target):
    return F.cross_entropy(outputs, target, reduction="none")[target != -100].mean()


def averaged(outputs, target):
    losses = F.cross_entropy(outputs, target, reduction="none")
    return np.average(losses, weights=(target != -100).astype(np.float32))


def dotted(outputs, target):
    losses = F.cross_entropy(outputs, target, reduction="none")
    keep = (target != -100).astype(np.float32)
    return np.dot(losses.reshape(-1), keep.reshape(-1)) / keep.sum()


def no_numbers(outputs, target):
    losses = F.cross_entropy(outputs, target, reduction="none")
    return np.nanmean(np.where(target == -100, np.nan, losses))


def mean_of_own(losses, target, weight=None):
    keep = target != -100
    factors = keep if weight is None else np.asarray(weight)[np.where(keep, target, 0)] * keep
    return float((losses * factors).sum() / factors.sum())


def at_least_one(outputs, target):
    keep = target != -100
    losses = F.cross_entropy(outputs, np.where(keep, target, 0), reduction="none")
    return np.sum(losses * keep) * 0.5 / max(keep.sum(), 1) * 2


LOSSES = {
    "name": ("cross_entropy", None),
    "function": (F.cross_entropy, None),
    "module": (nn.CrossEntropyLoss(), None),
    "lambda": (lambda o, y: F.cross_entropy(o, y), None),
    "scaled": (lambda o, y: 2 * F.cross_entropy(o, y) / 2, None),
    "with decay": (lambda o, y: F.cross_entropy(o, y) + 0 * np.mean(nn.Parameter([1.0])), None),
    "nll": (lambda o, y: F.nll_loss(F.log_softmax(o, 1), y), None),
    "mask of one's own": (masked_mean, None),
    "selection": (selected, None),
    "average": (averaged, None),
    "product": (dotted, None),
    "nanmean": (no_numbers, None),
    "sum over a clamped count": (at_least_one, None),
    "sum of steps": (steps_of_one, None),
    "mean of one": (lambda o, y: np.mean(F.cross_entropy(o, y)), None),
    "two alike": (lambda o, y: np.mean(np.stack([F.cross_entropy(o, y)] * 2)), None),
    "with a penalty": (lambda o, y: F.cross_entropy(o, y) + 0 * np.mean(np.square(o)), None),
    "weighted module": (nn.CrossEntropyLoss(weight=WEIGHT), WEIGHT),
    "weighted partial": (partial(F.cross_entropy, weight=WEIGHT), WEIGHT),
    "weighted nll": (lambda o, y: nn.NLLLoss(WEIGHT)(F.log_softmax(o, 1), y), WEIGHT),
}


@pytest.mark.parametrize("name", LOSSES)
def test_accumulated_batches_come_to_one_large_batch_whatever_counts(name):
    loss, _ = LOSSES[name]
    settings = {"optimizer": "sgd", "lr": 1.0, "epochs": 2, "shuffle": False, "verbose": False}
    whole = Scale()
    fit(whole, (Z, K), loss, batch_size=8, **settings)
    for size in (4, 3, 1):
        split = Scale()
        fit(split, (Z, K), loss, batch_size=size, accumulate=8, **settings)
        np.testing.assert_allclose(split.factors.data, whole.factors.data, atol=2e-6)


@pytest.mark.parametrize("name", LOSSES)
def test_the_loss_does_not_depend_on_the_batch_size(name):
    loss, weight = LOSSES[name]
    losses = F.cross_entropy(Z.astype(float), np.maximum(K, 0), reduction="none").data
    right = mean_of_own(losses, K, weight)
    for size in (8, 4, 3, 1):
        assert evaluate(Scale(), (Z, K), loss, batch_size=size)["loss"] == pytest.approx(right)
        history = fit(Scale(), (Z, K), loss, "sgd", lr=0.0, batch_size=size, verbose=False,
                      validation=nn.data.DataLoader((Z, K), size))  # fmt: skip
        assert history["loss"][0] == pytest.approx(right)
        assert history["val_loss"][0] == pytest.approx(right)


ROWS = {
    "nll": lambda o, t: F.nll_loss(F.log_softmax(o, 1), t, weight=WEIGHT[:3]),
    "selection": lambda o, t: np.mean(F.cross_entropy(o, t, reduction="none")[t >= 0]),
    "mean of means": lambda o, t: np.mean(np.mean(np.square(o - 1), axis=1)),
    "two joined": lambda o, t: np.mean(np.concatenate([np.square(o[:, 0]), np.square(o[:, 1])])),
    "weights": lambda o, t: (
        np.sum(F.cross_entropy(o, t, weight=WEIGHT[:3], reduction="none")) / WEIGHT[t].sum()
    ),
}


@pytest.mark.parametrize("loss", ROWS.values(), ids=ROWS)
def test_a_batch_of_one_sample_counts_like_one_sample_of_a_larger_batch(loss):
    data = (X[:13].astype(np.float64), CLASSES[:13])
    losses = [evaluate(net(3), data, loss, batch_size=size)["loss"] for size in (13, 12, 4, 1)]
    np.testing.assert_allclose(losses, losses[0], rtol=1e-6)
    weights = []
    for size, batches in ((13, 1), (12, 2), (4, 4), (1, 13)):
        model = net(3)
        fit(model, data, loss, "sgd", lr=0.1, batch_size=size, accumulate=batches, shuffle=False,
            verbose=False)  # fmt: skip
        weights.append(model[0].weight.data)
    for other in weights:
        np.testing.assert_allclose(other, weights[0], atol=1e-6)


@pytest.mark.parametrize("loss", [at_least_one, dotted, selected, averaged, no_numbers])
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_a_batch_in_which_all_is_masked_counts_nothing(loss):
    k = K.copy()
    k[6:] = -100
    right = mean_of_own(
        F.cross_entropy(Z.astype(float), np.maximum(k, 0), reduction="none").data, k
    )
    assert evaluate(Scale(), (Z, k), loss, batch_size=2)["loss"] == pytest.approx(right)


@pytest.mark.parametrize(
    "loss",
    [
        lambda o, t: np.mean(np.square(o - t)),
        lambda o, t: np.mean(np.abs(t.astype(np.float32) - o)),
        lambda o, t: -np.mean(t * np.log(np.square(o)) + (1 - t)),
    ],
)
def test_a_loss_that_compares_every_output_with_every_target_is_refused(loss):
    with pytest.raises(ValueError, match=r"every output with every target: \(32, 1\) and \(32,\)"):
        fit(net(1), (X, CLASSES), loss, verbose=False)
    with pytest.raises(ValueError, match="every output with every target"):
        evaluate(nn.Sequential(*net(1), nn.Flatten(0)), (X, CLASSES[:, None]), loss)
    fit(net(1), (X, CLASSES[:, None]), loss, verbose=False)


def test_a_loss_of_all_pairs_of_outputs_is_none_of_outputs_and_targets():
    def ranking(outputs, target):
        above = (target[:, None] > target).astype(np.float32)
        return np.mean(np.maximum(1 - (outputs - outputs.T), 0) * above)

    fit(net(1), (X, CLASSES), ranking, verbose=False)


def test_perplexity_is_the_exponential_of_the_loss():
    found = evaluate(Scale(), (Z, K), "cross_entropy", ["perplexity"], batch_size=3)
    assert found["perplexity"] == pytest.approx(np.exp(found["loss"]))
    loss = nn.CrossEntropyLoss(ignore_index=2)
    found = evaluate(Scale(), (Z, np.abs(K) % 4), loss, ["perplexity"], batch_size=3)
    assert found["perplexity"] == pytest.approx(np.exp(found["loss"]))


def test_elements_count_where_batches_have_other_lengths():
    long, short = np.full((2, 6), 3.0, np.float32), np.full((2, 2), 1.0, np.float32)

    class Pairs:
        batch_size, collate_fn = None, None

        def __iter__(self):
            yield long, 0 * long
            yield short, 0 * short

        def __len__(self):
            return 2

    assert evaluate(nn.Identity(), Pairs(), "mse")["loss"] == (12 * 9 + 4 * 1) / 16


def test_a_batch_in_which_nothing_counts_is_passed_over():
    targets = K.copy()
    targets[2:4] = -100
    counting = np.delete(np.arange(8), [2, 3])
    updates = []

    class Count(Callback):
        def on_step_end(self, state):
            updates.append(state.step)

    settings = {"optimizer": "sgd", "lr": 0.1, "epochs": 2, "shuffle": False, "verbose": False}
    padded, plain = Scale(), Scale()
    a = fit(padded, (Z, targets), "cross_entropy", batch_size=2, callbacks=Count(), **settings)
    b = fit(plain, (Z[counting], targets[counting]), "cross_entropy", batch_size=2, **settings)
    assert updates == [1, 1, 2, 3, 4, 4, 5, 6]
    np.testing.assert_array_equal(padded.factors.data, plain.factors.data)
    assert a.history == b.history
    found = evaluate(padded, (Z, targets), "cross_entropy", batch_size=2)["loss"]
    assert found == pytest.approx(evaluate(padded, (Z, targets), "cross_entropy")["loss"])


def test_data_in_which_nothing_counts_is_refused_in_training_and_nan_in_evaluate():
    nothing = np.full_like(K, -100)
    with pytest.raises(ValueError, match="no target of the data counts"):
        fit(Scale(), (Z, nothing), "cross_entropy", verbose=False)
    assert np.isnan(evaluate(Scale(), (Z, nothing), "cross_entropy")["loss"])


@pytest.mark.parametrize("size", [60, 10, 7])
def test_a_loss_that_sums_is_shown_for_each_sample(size):
    model = net(1)
    right = evaluate(model, (X, LABELS), "mse")["loss"]
    for loss in (nn.MSELoss(reduction="sum"), partial(F.mse_loss, reduction="sum")):
        found = fit(net(1), (X, LABELS), loss, "sgd", lr=0.0, batch_size=size, verbose=False)
        assert found["loss"][0] == pytest.approx(right)
        assert evaluate(model, (X, LABELS), loss, batch_size=size)["loss"] == pytest.approx(right)


def test_a_cross_entropy_that_sums_is_known_by_its_graph():
    right = evaluate(net(3), (X, CLASSES), "cross_entropy")["loss"]

    def loss(outputs, target):
        return F.cross_entropy(outputs, target, reduction="sum")

    assert evaluate(net(3), (X, CLASSES), loss, batch_size=7)["loss"] == pytest.approx(right)


def test_accumulated_sums_come_to_the_sum_over_one_large_batch():
    settings = {"optimizer": "sgd", "lr": 1e-3, "shuffle": False, "verbose": False}
    whole, split, loss = net(1), net(1), nn.MSELoss(reduction="sum")
    fit(whole, (X, LABELS), loss, batch_size=60, **settings)
    fit(split, (X, LABELS), loss, batch_size=7, accumulate=9, **settings)
    np.testing.assert_allclose(split[0].weight.data, whole[0].weight.data, atol=1e-6)


LOGITS = [
    "binary_cross_entropy_with_logits",
    F.binary_cross_entropy_with_logits,
    partial(F.binary_cross_entropy_with_logits, pos_weight=np.array([2.0])),
    nn.BCEWithLogitsLoss(),
    lambda o, y: F.binary_cross_entropy_with_logits(o, y),
    lambda o, y: np.mean(np.logaddexp(0, -o * (2 * y - 1))),
    lambda o, y: np.mean(F.softplus((1 - 2 * y) * o)),
    lambda o, y: np.mean(np.log1p(np.exp(-o * (2 * y - 1)))),
    lambda o, y: np.mean(np.abs(1 / (1 + np.exp(-o)) - y)),
    lambda o, y: F.binary_cross_entropy(F.sigmoid(o / 2), y),
    lambda o, y: np.mean(F.relu(1 - o * (2 * y - 1))),
    lambda o, y: np.mean(np.square(o - (2 * y - 1))),
    lambda o, y: np.mean(np.square(np.tanh(o) - (2 * y - 1))),
    lambda o, y: F.binary_cross_entropy(F.sigmoid(o[:, 0]), y[:, 0]),
    lambda o, y: -np.mean(F.logsigmoid(o) * y + F.logsigmoid(-o) * (1 - y)),
]


@pytest.mark.parametrize("loss", LOGITS)
def test_metrics_take_scores_as_the_loss_does(loss):
    model = net(1)
    outputs = nn.train.predict(model, X)
    right = [nn.metrics.accuracy(outputs, LABELS, threshold=0.0)]
    right += [kind(threshold=0.0)(outputs, LABELS) for kind in (nn.metrics.F1, nn.metrics.Recall)]
    names = ["accuracy", "f1", "recall"]
    assert list(evaluate(model, (X, LABELS), loss, names).values())[1:] == right
    made = [nn.metrics.Accuracy(), nn.metrics.F1(), nn.metrics.Recall()]
    assert list(evaluate(model, (X, LABELS), loss, made).values())[1:] == right
    fitted = fit(model, (X, LABELS), loss, "sgd", lr=0.0, metrics=names, verbose=False,
                 validation=(X, LABELS))  # fmt: skip
    assert [fitted[name][0] for name in names] == right
    assert [fitted[f"val_{name}"][0] for name in names] == right


def test_a_threshold_that_was_given_stays():
    model, outputs = net(1), nn.train.predict(net(1), X)
    own = nn.metrics.Accuracy(threshold=0.25)
    found = evaluate(model, (X, LABELS), "binary_cross_entropy_with_logits", [own])["accuracy"]
    assert found == nn.metrics.accuracy(outputs, LABELS, threshold=0.25)


def test_probabilities_are_compared_with_a_half():
    model = nn.Sequential(*net(1), nn.Sigmoid())
    outputs = nn.train.predict(model, X)
    found = evaluate(model, (X, LABELS), "binary_cross_entropy", ["accuracy"])["accuracy"]
    assert found == nn.metrics.accuracy(outputs, LABELS)


def test_classes_that_the_loss_ignores_do_not_count_in_metrics():
    model, outputs = net(3), nn.train.predict(net(3), X)
    kept = CLASSES != 1
    right = nn.metrics.accuracy(outputs[kept], CLASSES[kept])
    for loss in (
        nn.CrossEntropyLoss(ignore_index=1),
        partial(F.cross_entropy, ignore_index=1),
        lambda o, y: F.cross_entropy(o, y, ignore_index=1),
        nn.NLLLoss(ignore_index=1),
    ):
        found = evaluate(model, (X, CLASSES), loss, ["accuracy"])["accuracy"]
        assert found == right


def weighted_loss(outputs, classes, w):
    losses = F.cross_entropy(outputs.astype(float), classes, reduction="none").data
    return float((losses * w).sum() / len(w))


def test_samples_weigh_as_in_keras():
    model, w = net(3), rng.random(60)
    right = weighted_loss(nn.train.predict(model, X), CLASSES, w)
    for loss in ("cross_entropy", nn.CrossEntropyLoss(), F.cross_entropy):
        for size in (60, 7):
            found = evaluate(model, (X, CLASSES), loss, batch_size=size, sample_weight=w)
            assert found["loss"] == pytest.approx(right)
            history = fit(net(3), (X, CLASSES), loss, "sgd", lr=0.0, batch_size=size,
                          sample_weight=w, validation=(X, CLASSES), validation_weight=w,
                          verbose=False)  # fmt: skip
            assert history["loss"][0] == pytest.approx(right)
            assert history["val_loss"][0] == pytest.approx(right)


@pytest.mark.parametrize("targets", [CLASSES, CLASSES[:, None], np.eye(3)[CLASSES]])
def test_classes_weigh_as_in_keras(targets):
    weights, w = {1: 5.0, 2: 0.25}, np.array([1.0, 5.0, 0.25])[CLASSES]
    model = nn.Sequential(*net(3), nn.Softmax(1))
    right = weighted_loss(nn.train.predict(net(3), X), CLASSES, w)
    settings = {"optimizer": "sgd", "lr": 0.0, "verbose": False}
    for size in (60, 7):
        found = fit(model, (X, targets), "categorical_crossentropy", batch_size=size,
                    class_weight=weights, **settings)  # fmt: skip
        assert found["loss"][0] == pytest.approx(right)
    both = fit(model, (X, targets), "categorical_crossentropy", class_weight=weights,
               sample_weight=np.full(60, 2.0), **settings)  # fmt: skip
    assert both["loss"][0] == pytest.approx(2 * right)


def test_a_sample_of_weight_two_is_as_good_as_two():
    twice = np.concatenate([np.arange(60), np.arange(30)])
    w = np.where(np.arange(60) < 30, 2.0, 1.0)
    settings = {"optimizer": "sgd", "epochs": 3, "shuffle": False, "batch_size": 90,
                "verbose": False}  # fmt: skip
    weighted, doubled = net(1), net(1)
    fit(weighted, (X, LABELS), "mse", sample_weight=w, lr=0.1, **settings)
    fit(doubled, (X[twice], LABELS[twice]), "mse", lr=0.1 * 90 / 60, **settings)
    np.testing.assert_allclose(weighted[0].weight.data, doubled[0].weight.data, atol=1e-6)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"loss": lambda o, y: np.mean(o), "sample_weight": np.ones(60)}, "reduction='none'"),
        ({"sample_weight": np.ones(59)}, "weights stand last"),
        ({"sample_weight": -np.ones(60)}, ">= 0"),
        ({"sample_weight": np.ones((60, 2))}, "one for each sample"),
        ({"class_weight": "balanced"}, "dict of class index to weight"),
        ({"class_weight": {"a": 1.0}}, "class indices and weights >= 0"),
        ({"class_weight": {0: -1.0}}, "class indices and weights >= 0"),
        ({"data": nn.data.DataLoader((X, CLASSES)), "sample_weight": np.ones(60)}, "for arrays"),
        ({"data": (X, X[:, :3]), "loss": "mse", "class_weight": {0: 2.0}}, "give sample_weight"),
    ],
)
def test_weights_that_do_not_fit_are_refused(settings, message):
    given = {"data": (X, CLASSES), "loss": "cross_entropy", "verbose": False, **settings}
    with pytest.raises((ValueError, TypeError), match=message):
        fit(net(3), **given)
