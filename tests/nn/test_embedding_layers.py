from __future__ import annotations

import numpy as np
import pytest

import autograd
import nn

T = np.array([[1, 0, 3], [0, 3, 3]])


def test_embedding_reads_rows():
    table = nn.Embedding(5, 4, rng=0)
    np.testing.assert_array_equal(table(T).data, table.weight.data[T])
    assert {k: v.shape for k, v in table.state_dict().items()} == {"weight": (5, 4)}


def test_embedding_starts_normal():
    data = nn.Embedding(100, 100, rng=0).weight.data
    assert data.dtype == np.float32
    np.testing.assert_allclose([data.mean(), data.std()], [0, 1], atol=0.03)


def test_padding_starts_as_0_and_stays():
    table = nn.Embedding(5, 2, padding_idx=-5, rng=0)
    np.sum(table(T)).backward()
    assert table.padding_idx == 0
    assert not table.weight.data[0].any()
    np.testing.assert_array_equal(table.weight.grad[:, 0], [0, 1, 0, 3, 0])


def test_a_given_table_is_copied_and_frozen():
    given = np.eye(4)
    table = nn.Embedding.from_pretrained(given)
    given[:] = 7
    np.testing.assert_array_equal(table(np.array([2])), [[0, 0, 1, 0]])
    assert not table.weight.requires_grad
    assert nn.Embedding.from_pretrained(given, freeze=False).weight.requires_grad


def test_repr_is_pytorchs():
    assert repr(nn.Embedding(5, 2, padding_idx=0)) == "Embedding(5, 2, padding_idx=0)"


@pytest.mark.parametrize(
    ("error", "text", "make"),
    [
        (ValueError, "Embedding: num_embeddings", lambda: nn.Embedding(-1, 2)),
        (ValueError, "Embedding: padding_idx=5 .*-5 and 4", lambda: nn.Embedding(5, 2, 5)),
        (
            ValueError,
            r"embeddings must be \(rows, E\)",
            lambda: nn.Embedding.from_pretrained([1.0]),
        ),
        (ValueError, r"\[0, 3\).*got 3", lambda: nn.Embedding(3, 2)(T)),
        (TypeError, "must be integers", lambda: nn.Embedding(3, 2)(T / 2)),
    ],
)
def test_errors_name_the_argument(error, text, make):
    with pytest.raises(error, match=text):
        make()


@pytest.mark.torch
@pytest.mark.parametrize("padding_idx", [None, 3])
def test_is_what_torch_computes(padding_idx):
    torch = pytest.importorskip("torch", reason="the comparison needs torch")
    theirs, ours = (lib.Embedding(5, 4, padding_idx) for lib in (torch.nn, nn))
    ours.load_state_dict({k: v.numpy() for k, v in theirs.state_dict().items()})
    y, z = ours(T), theirs(torch.tensor(T))
    np.testing.assert_allclose(y.data, z.detach().numpy())
    np.sum(y**3).backward()
    (z**3).sum().backward()
    np.testing.assert_allclose(ours.weight.grad, theirs.weight.grad.numpy(), rtol=1e-4)
    assert isinstance(ours.weight, autograd.Value)


@pytest.mark.parametrize("mode", ["sum", "mean"])
def test_frequencies_do_not_count_the_filling_of_shorter_bags(mode):
    # bags 0 | 1 1 2: the shorter one is filled up with its first row
    weight = nn.Parameter(np.ones((3, 1)), dtype=np.float64)
    ids, offsets = np.array([0, 1, 1, 2]), np.array([0, 1])
    y = nn.functional.embedding_bag(ids, weight, offsets, mode=mode, scale_grad_by_freq=True)
    np.sum(y).backward()
    part = 1 if mode == "sum" else 1 / 3
    np.testing.assert_allclose(weight.grad.ravel(), [1, part, part])


@pytest.mark.parametrize("dtype", [np.float16, np.float32])
def test_a_gradient_by_a_large_frequency_is_exact(dtype):
    ids = np.zeros(200_000 if dtype is np.float32 else 3_000, int)
    weight = autograd.Value(np.ones((2, 1), dtype))
    y = nn.functional.embedding(ids, weight, scale_grad_by_freq=True)
    np.testing.assert_array_equal(y.data, 1)
    grad = autograd.grad(np.sum(y), weight)
    np.testing.assert_allclose(grad, [[1], [0]], rtol=1e-6 if dtype is np.float32 else 1e-3)


def test_frequencies_of_bags_of_one_length_are_those_of_embedding(rng):
    ids, w = rng.integers(0, 5, (4, 6)), rng.normal(size=(5, 2))
    bags, rows = nn.Parameter(w, dtype=np.float64), nn.Parameter(w, dtype=np.float64)
    np.sum(
        nn.functional.embedding_bag(ids, bags, mode="sum", scale_grad_by_freq=True) ** 2
    ).backward()
    looked_up = nn.functional.embedding(ids, rows, scale_grad_by_freq=True)
    np.sum(np.sum(looked_up, axis=1) ** 2).backward()
    np.testing.assert_allclose(bags.grad, rows.grad, rtol=1e-12)


def test_a_float16_mean_of_a_bag_counts_beyond_its_range():
    ids, weight = np.ones(70_000, int), autograd.Value(np.ones((2, 1), np.float16))
    y = nn.functional.embedding_bag(ids, weight, [0])
    assert y.dtype == np.float16
    assert y.data == 1
    np.testing.assert_allclose(autograd.grad(np.sum(y), weight), [[0], [1]], rtol=0.05)


@pytest.mark.parametrize("padding_idx", [3, -4])
def test_bags_refuse_a_padding_that_is_no_row(padding_idx):
    with pytest.raises(ValueError, match="padding_idx"):
        nn.functional.embedding_bag([[0]], np.ones((3, 1)), padding_idx=padding_idx)
