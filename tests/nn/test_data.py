from __future__ import annotations

import sys

import numpy as np
import pytest

import autograd
from nn.data import DataLoader, TensorDataset, load_digits, random_split, train_test_split

X, Y = np.arange(20).reshape(10, 2), np.arange(10)


@pytest.mark.parametrize("shuffle", [False, True])
def test_an_epoch_covers_every_sample_once(shuffle):
    batches = list(DataLoader((X, Y), 3, shuffle=shuffle))
    assert [len(y) for _, y in batches] == [3, 3, 3, 1]
    assert sorted(np.concatenate([y for _, y in batches])) == list(range(10))
    assert all(np.array_equal(x, X[y]) for x, y in batches)


def test_drop_last_leaves_out_the_rest():
    loader = DataLoader((X, Y), 3, drop_last=True)
    assert len(loader) == len(list(loader)) == 3


def test_each_epoch_has_its_own_order():
    loader = DataLoader(Y, 10, shuffle=True, rng=0)
    assert not np.array_equal(next(iter(loader)), next(iter(loader)))


def test_the_same_seed_gives_the_same_order():
    autograd.seed(1)
    a = next(iter(DataLoader(Y, 10, shuffle=True)))
    autograd.seed(1)
    b = next(iter(DataLoader(Y, 10, shuffle=True)))
    np.testing.assert_array_equal(a, b)
    c, d = (next(iter(DataLoader(Y, 10, shuffle=True, rng=5))) for _ in range(2))
    np.testing.assert_array_equal(c, d)


def test_batches_are_copies():
    batch = next(iter(DataLoader(X, 5)))
    batch[:] = -1
    assert X[0, 0] == 0


def test_any_dataset_is_stacked():
    class Squares:
        def __len__(self):
            return 3

        def __getitem__(self, i):
            return np.array([i, i]), i * i

    (x, y), _ = DataLoader(Squares(), 2)
    np.testing.assert_array_equal(x, [[0, 0], [1, 1]])
    np.testing.assert_array_equal(y, [0, 1])


def test_bad_arguments_are_refused():
    with pytest.raises(ValueError, match="batch_size"):
        DataLoader(X, 0)
    with pytest.raises(ValueError, match=r"\(10, 2\), \(3,\)"):
        TensorDataset(X, np.ones(3))
    with pytest.raises(TypeError, match="rng must be"):
        DataLoader(X, rng="0")


def test_a_split_has_every_sample_once_and_every_class_on_both_sides():
    y = np.arange(100) % 4
    a, b, ya, yb = train_test_split(np.arange(100), y)
    assert sorted([*a, *b]) == list(range(100))
    np.testing.assert_array_equal(np.bincount(yb), [5] * 4)
    assert np.array_equal(y[a], ya)
    assert np.array_equal(y[b], yb)


def test_a_split_is_the_same_every_time():
    y = np.arange(100) % 4
    a, b = (train_test_split(y, y)[1] for _ in range(2))
    np.testing.assert_array_equal(a, b)


def test_a_split_has_as_many_for_testing_as_scikit_learns():
    sk = pytest.importorskip("sklearn.model_selection", reason="scikit-learn is the reference")
    rng = np.random.default_rng(0)
    for n, share in ((150, 0.25), (1797, 0.2), (30, 0.1), (101, 0.5), (100, 0.29)):
        y = rng.integers(3, size=n)
        _, _, _, test = train_test_split(y, y, share)
        assert len(test) == len(sk.train_test_split(y, test_size=share)[1])
        np.testing.assert_array_less(np.abs(np.bincount(test) - share * np.bincount(y)), 1)


def test_a_split_of_targets_that_are_all_different_is_a_random_one():
    y = np.random.default_rng(0).normal(size=500)
    picked = np.zeros(500)
    for seed in range(200):
        _, test, _, y_test = train_test_split(np.arange(500), y, 0.2, rng=seed)
        assert len(test) == 100
        np.testing.assert_array_equal(y_test, y[test])
        picked[test] += 1
    assert 0.06 < picked.min() / 200 < picked.max() / 200 < 0.34  # 5 standard deviations


def test_every_order_of_a_split_is_equally_likely():
    y = np.array([0] * 16 + [1] * 4)
    ends = np.array(
        [
            [part[i] for part in train_test_split(y, y, 0.5, rng=seed)[2:] for i in (0, -1)]
            for seed in range(800)
        ]
    )
    np.testing.assert_allclose(ends.mean(0), 0.2, atol=0.06)  # 4 standard deviations


def test_a_split_refuses_bad_arguments():
    with pytest.raises(ValueError, match="leaves none for training"):
        train_test_split(X[:2], Y[:2], 0.9)
    with pytest.raises(ValueError, match="same N"):
        train_test_split(X, np.ones(3))
    with pytest.raises(ValueError, match="test_size"):
        train_test_split(X, Y, 1.0)
    with pytest.raises(TypeError, match="train_test_split: test_size must be a number"):
        train_test_split(X, Y, Y)
    with pytest.raises(TypeError, match="random_split: lengths must be a list"):
        random_split(TensorDataset(X), 0.5)
    with pytest.raises(TypeError, match="random_split: lengths must be a number, got 'a'"):
        random_split(TensorDataset(X), ["a"])


def test_digits_are_balanced_and_scaled():
    pytest.importorskip("sklearn", reason="the digits come with scikit-learn")
    x, y = load_digits()
    assert (x.min(), x.max()) == (0, 1)
    assert np.bincount(y).min() >= 174


def test_missing_scikit_learn_is_named_with_its_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn", None)
    with pytest.raises(ImportError, match=r"glassgrad\[data\]"):
        load_digits()
