from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest

import nn
from nn.utils import prune

W = np.random.default_rng(0).normal(size=(4, 3, 2)).astype(np.float32)


def layer(w=W):
    conv = nn.Conv1d(3, 4, 2)
    conv.weight.data = w
    return conv


def test_the_smallest_weights_are_pruned_and_stay_0_in_training():
    conv = prune.l1_unstructured(layer(), "weight", amount=0.25)
    assert list(conv.state_dict()) == ["bias", "weight_orig", "weight_mask"]
    gone = np.sort(np.abs(W).ravel())[:6]
    np.testing.assert_array_equal(np.sort(np.abs(W[conv.weight.data == 0])), gone)
    optimizer = nn.optim.SGD(conv.parameters(), lr=0.1)
    np.sum(np.square(conv(np.ones((1, 3, 4), np.float32)))).backward()
    optimizer.step()
    assert (conv.weight.data == 0).sum() == 6
    np.testing.assert_array_equal(conv.weight_orig.grad[conv.weight_mask == 0], 0)


def test_pruning_again_prunes_a_share_of_what_is_left():
    conv = prune.l1_unstructured(layer(), "weight", 12)
    prune.l1_unstructured(conv, "weight", 0.5)
    gone = np.sort(np.abs(W).ravel())[:18]
    np.testing.assert_array_equal(np.sort(np.abs(W[conv.weight.data == 0])), gone)
    prune.random_unstructured(conv, "weight", 3, rng=0)
    assert (conv.weight_mask == 0).sum() == 21


def test_whole_channels_are_pruned():
    conv = prune.ln_structured(layer(), "weight", amount=2, n=2, dim=0)
    norms = np.linalg.norm(W.reshape(4, -1), axis=1)
    gone = ~conv.weight.data.any(axis=(1, 2))
    np.testing.assert_array_equal(np.sort(norms[gone]), np.sort(norms)[:2])
    prune.random_structured(conv, "weight", 1, dim=0, rng=0)
    assert (~conv.weight.data.any(axis=(1, 2))).sum() == 3


def test_removing_leaves_the_same_parameter_with_zeros():
    conv = layer()
    weight = conv.weight
    prune.l1_unstructured(conv, "weight", 6)
    value = conv.weight.data.copy()
    assert prune.is_pruned(nn.Sequential(conv))
    assert prune.remove(conv, "weight").weight is weight
    np.testing.assert_array_equal(weight.data, value)
    assert type(conv) is nn.Conv1d
    assert not prune.is_pruned(conv)
    with pytest.raises(ValueError, match="is not pruned"):
        prune.remove(conv, "weight")


def test_several_modules_are_pruned_as_one():
    a, b = layer(), layer(2 * W)
    prune.global_unstructured([(a, "weight"), (b, "weight")], prune.L1Unstructured, amount=10)
    both = np.concatenate([np.abs(W).ravel(), np.abs(2 * W).ravel()])
    gone = np.concatenate([a.weight_mask.ravel(), b.weight_mask.ravel()]) == 0
    np.testing.assert_array_equal(np.sort(both[gone]), np.sort(both)[:10])
    prune.global_unstructured([(a, "weight")], prune.RandomUnstructured, amount=1.0)
    assert not a.weight.data.any()


def test_a_mask_of_ones_own_and_copies():
    mask = np.arange(24).reshape(4, 3, 2) % 2
    conv = prune.custom_from_mask(prune.identity(layer(), "weight"), "weight", mask)
    for twin in (conv, copy.deepcopy(conv), pickle.loads(pickle.dumps(conv))):
        np.testing.assert_array_equal(twin.weight.data, W * mask)


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda c: prune.l1_unstructured(c, "weight", 1.5), "a share from 0 to 1, got 1.5"),
        (lambda c: prune.l1_unstructured(c, "weight", 25), "at most 24"),
        (lambda c: prune.l1_unstructured(c, "w", 1), "'w' of Conv1d is no parameter"),
        (lambda c: prune.ln_structured(c, "weight", 1, 2, 3), "dim=3 is no axis"),
        (lambda c: prune.custom_from_mask(c, "weight", np.ones(3)), r"mask has shape \(3,\)"),
    ],
)
def test_what_does_not_fit_is_refused_and_nothing_changes(call, text):
    conv = layer()
    with pytest.raises(ValueError, match=text):
        call(conv)
    assert type(conv) is nn.Conv1d


@pytest.mark.torch
def test_masks_are_pytorchs():
    torch = pytest.importorskip("torch", reason="the comparison needs torch")
    others = pytest.importorskip("torch.nn.utils.prune")
    for calls in (
        [("l1_unstructured", {"amount": 0.3}), ("l1_unstructured", {"amount": 0.5})],
        [("ln_structured", {"amount": 0.5, "n": 1, "dim": 1}), ("l1_unstructured", {"amount": 3})],
        [("l1_unstructured", {"amount": 11}), ("ln_structured", {"amount": 1, "n": 2, "dim": 0})],
    ):
        mine, theirs = layer(), torch.nn.Conv1d(3, 4, 2)
        theirs.load_state_dict({k: torch.from_numpy(x) for k, x in mine.state_dict().items()})
        for name, how in calls:
            getattr(prune, name)(mine, "weight", **how)
            getattr(others, name)(theirs, "weight", **how)
        assert list(mine.state_dict()) == list(theirs.state_dict())
        for a, b in zip(mine.state_dict().values(), theirs.state_dict().values(), strict=True):
            np.testing.assert_array_equal(a, b.numpy())
        prune.remove(mine, "weight")
        others.remove(theirs, "weight")
        np.testing.assert_array_equal(mine.weight.data, theirs.weight.detach().numpy())
        assert list(mine.state_dict()) == list(theirs.state_dict())
