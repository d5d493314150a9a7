from __future__ import annotations

import numpy as np
import pytest

import autograd
import nn
from autograd import Value
from autograd.ops import scaled_dot_product_attention

RNG = np.random.default_rng(0)


def inputs(heads=6, shared=2, dtype=np.float64, V=3):
    return (
        RNG.normal(size=(2, heads, 5, 4)).astype(dtype),
        RNG.normal(size=(2, shared, 7, 4)).astype(dtype),
        RNG.normal(size=(2, shared, 7, V)).astype(dtype),
    )


MASKS = {
    "none": lambda: (None, {}),
    "causal": lambda: (None, {"is_causal": True}),
    "of positions": lambda: (RNG.random((5, 7)) < 0.7, {}),
    "of samples": lambda: (RNG.normal(size=(2, 1, 5, 7)), {}),
    "of heads": lambda: (RNG.normal(size=(6, 5, 7)), {}),
    "of all": lambda: (RNG.random((2, 6, 1, 7)) < 0.7, {"scale": 0.3}),
}


@pytest.mark.parametrize("name", MASKS)
def test_heads_in_a_group_share_keys_and_values(name):
    q, k, v = inputs()
    mask, how = MASKS[name]()
    leaves, twins = [Value(x) for x in (q, k, v)], [Value(x) for x in (q, k, v)]
    y = scaled_dot_product_attention(*leaves, mask, enable_gqa=True, **how)
    repeated = [twins[0], *(np.repeat(x, 3, axis=1) for x in twins[1:])]
    expected = scaled_dot_product_attention(*repeated, mask, **how)
    assert y.shape == (2, 6, 5, 3)
    np.testing.assert_allclose(y.data, expected.data, atol=1e-12)
    g = RNG.normal(size=y.shape)
    np.sum(y * g).backward()
    np.sum(expected * g).backward()
    for a, b in zip(leaves, twins, strict=True):
        np.testing.assert_allclose(a.grad, b.grad, atol=1e-12)


def test_the_gradient_of_a_mask_of_heads_has_its_shape():
    q, k, v = inputs()
    mask = Value(RNG.normal(size=(6, 5, 7)))
    np.sum(np.square(scaled_dot_product_attention(q, k, v, mask, enable_gqa=True))).backward()
    assert mask.grad.shape == (6, 5, 7)
    assert autograd.gradcheck(
        lambda m: np.sum(np.square(scaled_dot_product_attention(q, k, v, m, enable_gqa=True))),
        mask.data,
    )


def test_dropout_drops_as_it_does_with_repeated_keys():
    q, k, v = inputs()
    y = scaled_dot_product_attention(q, k, v, dropout_p=0.5, enable_gqa=True, rng=3)
    k, v = (np.repeat(x, 3, axis=1) for x in (k, v))
    expected = scaled_dot_product_attention(q, k, v, dropout_p=0.5, rng=3)
    np.testing.assert_allclose(y, expected, atol=1e-12)


@pytest.mark.parametrize(
    ("shapes", "text"),
    [
        (((2, 5, 3, 4), (2, 2, 3, 4), (2, 2, 3, 4)), "a divisor of query's"),
        (((2, 6, 3, 4), (2, 2, 3, 4), (2, 3, 3, 4)), "the same number of heads"),
        (((3, 4), (2, 3, 4), (2, 3, 4)), "query must have an axis of heads"),
    ],
)
def test_heads_that_do_not_fit_are_refused(shapes, text):
    with pytest.raises(ValueError, match=text):
        scaled_dot_product_attention(*map(np.ones, shapes), enable_gqa=True)


def test_heads_that_differ_without_it_say_so():
    with pytest.raises(ValueError, match="enable_gqa=True lets several heads"):
        scaled_dot_product_attention(*inputs())


def test_a_mask_of_other_heads_is_refused():
    q, k, v = inputs()
    with pytest.raises(ValueError, match="attn_mask must broadcast"):
        scaled_dot_product_attention(q, k, v, np.ones((4, 5, 7)), enable_gqa=True)


@pytest.mark.torch
@pytest.mark.parametrize("shared", [1, 2, 3, 6])
@pytest.mark.parametrize("name", ["none", "causal", "of positions", "of samples"])
def test_grouped_queries_give_pytorchs_numbers(name, shared):
    torch = pytest.importorskip("torch", reason="the comparison needs torch")
    arrays = inputs(shared=shared, dtype=np.float32, V=4)
    mask, how = MASKS[name]()
    if mask is not None and mask.dtype != bool:
        mask = mask.astype(np.float32)
    leaves = [Value(x) for x in arrays]
    tensors = [torch.from_numpy(x.copy()).requires_grad_() for x in arrays]
    other = None if mask is None else torch.from_numpy(mask)
    y = nn.functional.scaled_dot_product_attention(*leaves, mask, enable_gqa=True, **how)
    z = torch.nn.functional.scaled_dot_product_attention(*tensors, other, enable_gqa=True, **how)
    np.testing.assert_allclose(y.data, z.detach().numpy(), rtol=1e-4, atol=1e-5)
    np.sum(np.square(y)).backward()
    z.square().sum().backward()
    for a, b in zip(leaves, tensors, strict=True):
        np.testing.assert_allclose(a.grad, b.grad.numpy(), rtol=1e-3, atol=1e-4)
