"""Scaled dot-product attention: the fused op against its reference, PyTorch, and itself."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autograd import Value, grad, gradcheck
from autograd.machine import pool
from autograd.ops import scaled_dot_product_attention
from autograd.ops.attention.attention import attention, reference

NONE_ALLOWED = np.array([[True, False, True], [False, False, False]])


def drawn(shapes, seed=0, dtype=np.float64):
    rng = np.random.default_rng(seed)
    return [rng.normal(size=shape).astype(dtype) for shape in shapes]


def run(function, inputs, order=1, **static):
    """The result and its gradients; for order 2 those of the squared gradients."""
    leaves = [Value(x) for x in inputs]
    y = function(*leaves, **static)
    weights = np.random.default_rng(1).normal(size=y.shape).astype(y.dtype)
    found = grad(np.sum(y * weights), leaves, create_graph=order > 1)
    if order > 1:
        found = grad(sum(np.sum(g * g) for g in found), leaves)
    return [y.data, *found]


def agree(inputs, order=1, rtol=1e-10, **static):
    expected = run(reference, inputs, order, **static)
    for a, b in zip(run(attention, inputs, order, **static), expected, strict=True):
        assert a.shape == b.shape
        assert a.dtype == b.dtype
        np.testing.assert_allclose(a, b, rtol=rtol, atol=rtol * (1 + np.abs(b).max(initial=0)))


def shapes_of(stack, L, S, E, V):
    return (*stack, L, E), (*stack, S, E), (*stack, S, V)


SIZES = {  # stack, L, S, E, V
    "usual": ((2, 3), 6, 6, 4, 4),
    "one_of_all": ((), 1, 1, 1, 1),
    "cross": ((2,), 5, 9, 3, 2),
    "odd": ((3,), 19, 23, 7, 5),
    "many_blocks": ((1,), 131, 150, 5, 18),
    "more_queries_than_keys": ((2,), 100, 70, 3, 4),
    "wide_heads": ((), 17, 18, 70, 33),
}
MASKS = {
    "none": lambda rng, L, S: None,
    "bool": lambda rng, L, S: rng.random((L, S)) < 0.7,
    "one_row_idle": lambda rng, L, S: np.arange(L)[:, None] * np.ones(S) > 0,
    "all_idle": lambda rng, L, S: np.zeros((L, S), bool),
    "keys": lambda rng, L, S: rng.random((1, S)) < 0.7,
    "last_axis_only": lambda rng, L, S: rng.random(S) < 0.7,
    "queries": lambda rng, L, S: rng.random((L, 1)) < 0.7,
    "added": lambda rng, L, S: rng.normal(size=(L, S)),
    "added_inf": lambda rng, L, S: np.where(rng.random((L, S)) < 0.4, -np.inf, 1.5),
}


@pytest.mark.parametrize("is_causal", [False, True], ids=["all", "causal"])
@pytest.mark.parametrize("mask", MASKS)
@pytest.mark.parametrize("size", SIZES)
def test_the_kernel_computes_what_the_reference_says(size, mask, is_causal):
    stack, L, S, E, V = SIZES[size]
    made = MASKS[mask](np.random.default_rng(3), L, S)
    agree(drawn(shapes_of(stack, L, S, E, V)), attn_mask=made, is_causal=is_causal)


@pytest.mark.parametrize("size", SIZES)
def test_float32_is_close_to_the_reference(size):
    agree(drawn(shapes_of(*SIZES[size]), dtype=np.float32), rtol=2e-5, is_causal=True)


@settings(max_examples=40, deadline=None)
@given(
    sizes=st.tuples(*[st.integers(1, 40)] * 2, *[st.integers(1, 20)] * 2),
    heads=st.integers(1, 3),
    mask=st.sampled_from(sorted(MASKS)),
    is_causal=st.booleans(),
    dropout_p=st.sampled_from([0.0, 0.3]),
    seed=st.integers(0, 2**63 - 1),
)
def test_generated_calls_agree_with_the_reference(sizes, heads, mask, is_causal, dropout_p, seed):
    made = MASKS[mask](np.random.default_rng(seed), *sizes[:2])
    inputs = drawn(shapes_of((heads,), *sizes), seed)
    agree(inputs, attn_mask=made, is_causal=is_causal, dropout_p=dropout_p, seed=seed)


@pytest.mark.parametrize("mask", MASKS)
def test_second_derivatives_are_those_of_the_reference(mask):
    made = MASKS[mask](np.random.default_rng(3), 4, 5)
    agree(drawn(shapes_of((2,), 4, 5, 3, 2)), order=2, attn_mask=made, dropout_p=0.3, seed=1)


STACKS = {
    "one_key_head": ((2, 3), (2, 1), (2, 1), (2, 1)),
    "no_heads_in_query": ((), (2,), (2,), ()),
    "crossed": ((3, 1), (1, 2), (1,), (2,)),
    "mask_for_each_head": ((2, 2), (2, 2), (2, 2), (2, 2)),
}


@pytest.mark.parametrize("stacks", STACKS.values(), ids=STACKS)
def test_leading_axes_and_masks_broadcast(stacks):
    q, k, v, m = stacks
    mask = np.random.default_rng(2).random((*m, 4, 5)) < 0.7
    agree(drawn([(*q, 4, 3), (*k, 5, 3), (*v, 5, 2)]), attn_mask=mask)


def test_heads_split_from_a_projection_are_read_in_place():
    q, k, v = drawn([(2, 5, 3, 4)] * 3)  # (B, L, H, E)
    leaves = [Value(x) for x in (q, k, v)]
    y = scaled_dot_product_attention(*(np.swapaxes(x, 1, 2) for x in leaves))
    whole = reference(*(np.swapaxes(x, 1, 2) for x in leaves))
    assert np.swapaxes(y.data, 1, 2).flags.c_contiguous  # so merging the heads copies nothing
    for g, e in zip(grad(np.sum(y**2), leaves), grad(np.sum(whole**2), leaves), strict=True):
        np.testing.assert_allclose(g, e, rtol=1e-10, atol=1e-12)


def test_a_query_that_may_attend_to_nothing_gives_zero_and_gets_no_gradient():
    q, k, v = drawn([(2, 4), (3, 4), (3, 2)])
    y, gq, _, gv = run(attention, (q, k, v), attn_mask=NONE_ALLOWED)
    assert not y[1].any()
    assert not gq[1].any()
    assert not gv[1].any()


def test_a_float_mask_gets_a_gradient():
    q, k, v, bias = drawn([(2, 3, 4), (2, 5, 4), (2, 5, 2), (3, 5)])
    assert gradcheck(attention, q, k, v, bias)


def test_scale_multiplies_the_scores():
    q, k, v = drawn(shapes_of((), 4, 5, 3, 2))
    y = scaled_dot_product_attention(q, k, v, scale=0.3)
    expected = scaled_dot_product_attention(q * (0.3 * 3**0.5), k, v)
    np.testing.assert_allclose(y, expected, rtol=1e-13)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_logits_of_a_thousand_are_stable(dtype):
    q = np.array([[1000.0], [-1000.0], [0.0]], dtype)
    k = np.array([[1.0], [-1.0], [1.0]], dtype)
    v = np.array([[1.0], [2.0], [3.0]], dtype)
    y, *found = run(attention, (q, k, v), scale=1.0)
    np.testing.assert_allclose(y, [[2.0], [2.0], [2.0]])
    assert all(np.isfinite(g).all() for g in found)


def test_nan_passes_through_to_its_own_row():
    q, k, v = drawn(shapes_of((), 4, 5, 3, 2))
    q[1, 0] = np.nan
    y = scaled_dot_product_attention(q, k, v)
    np.testing.assert_array_equal(np.isnan(y).all(axis=1), [False, True, False, False])


def test_nan_in_a_forbidden_key_does_no_harm():
    q, k, v = drawn(shapes_of((), 4, 5, 3, 2))
    k[3] = np.nan
    mask = np.arange(5) != 3
    y = scaled_dot_product_attention(q, k, v, mask)
    np.testing.assert_allclose(y, scaled_dot_product_attention(q, k[mask], v[mask]), rtol=1e-12)


def test_dropout_drops_the_given_share_and_keeps_the_mean():
    q, k = np.zeros((2, 100, 1)), np.zeros((2, 300, 1))
    y = scaled_dot_product_attention(q, k, np.ones((2, 300, 1)), dropout_p=0.25, rng=0)
    np.testing.assert_allclose(y.mean(), 1, atol=0.01)
    spread = (0.25 / 0.75 / 300) ** 0.5
    np.testing.assert_allclose(y.std(), spread, rtol=0.15)


def test_dropout_depends_on_the_generator_alone():
    inputs = drawn(shapes_of((2,), 20, 20, 3, 2))
    a, b, c = (scaled_dot_product_attention(*inputs, dropout_p=0.5, rng=n) for n in (1, 1, 2))
    np.testing.assert_array_equal(a, b)
    assert (a != c).any()


def test_dropping_everything_gives_zero():
    y, *found = run(attention, drawn(shapes_of((2,), 3, 4, 3, 2)), dropout_p=1.0)
    assert not y.any()
    assert not any(g.any() for g in found)


@pytest.mark.parametrize("sizes", [((0,), 2, 3), ((2,), 0, 3), ((2,), 2, 0)], ids=str)
def test_nothing_in_gives_nothing_or_zeros(sizes):
    y, *found = run(attention, drawn(shapes_of(*sizes, 3, 2)))
    assert y.shape == (*sizes[0], sizes[1], 2)
    assert not y.any()
    assert not any(g.any() for g in found)


@pytest.mark.parametrize("is_causal", [False, True])
def test_the_bits_do_not_depend_on_the_number_of_threads(is_causal, monkeypatch):
    monkeypatch.setattr(pool, "PIECE", 0.001)
    inputs = drawn(shapes_of((5,), 70, 90, 8, 9), dtype=np.float32)
    before = pool.get_num_threads()
    found = []
    try:
        for n in (1, 2, 3):
            pool.set_num_threads(n)
            found.append(run(attention, inputs, is_causal=is_causal, dropout_p=0.2, seed=3))
    finally:
        pool.set_num_threads(before)
    for other in found[1:]:
        for a, b in zip(found[0], other, strict=True):
            np.testing.assert_array_equal(a, b)


GOOD = np.ones((2, 3, 4))
REFUSED = {
    "vector": ((GOOD[0, 0], GOOD, GOOD), {}, ValueError, r"query must have at least 2 .*\(4,\)"),
    "integers": ((GOOD, GOOD.astype(int), GOOD), {}, TypeError, "key must be float32 or .*int64"),
    "two_dtypes": ((GOOD, GOOD, GOOD.astype("f4")), {}, TypeError, "value has dtype float32"),
    "E": ((GOOD, np.ones((2, 3, 5)), GOOD), {}, ValueError, r"share E.*\(2, 3, 4\).*\(2, 3, 5\)"),
    "S": ((GOOD, GOOD, np.ones((2, 5, 4))), {}, ValueError, r"share S.*\(2, 3, 4\).*\(2, 5, 4\)"),
    "heads": ((GOOD, GOOD, np.ones((3, 3, 4))), {}, ValueError, r"broadcast.*value \(3, 3, 4\)"),
    "no_width": ((GOOD[..., :0], GOOD[..., :0], GOOD), {}, ValueError, "E >= 1"),
    "mask": ((GOOD, GOOD, GOOD, np.ones((3, 4), bool)), {}, ValueError, r"attn_mask.*\(3, 4\)"),
    "mask_heads": ((GOOD, GOOD, GOOD, np.ones((5, 2, 3, 3), bool)), {}, ValueError, "attn_mask"),
    "mask_int": ((GOOD, GOOD, GOOD, np.ones((3, 3), int)), {}, TypeError, "attn_mask.*int64"),
    "dropout": ((GOOD, GOOD, GOOD), {"dropout_p": 1.5}, ValueError, "dropout_p .* got 1.5"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_does_not_fit_is_refused_by_name(name):
    args, kwargs, kind, message = REFUSED[name]
    with pytest.raises(kind, match=message):
        scaled_dot_product_attention(*args, **kwargs)


@pytest.mark.torch
@pytest.mark.parametrize("is_causal", [False, True], ids=["all", "causal"])
@pytest.mark.parametrize("mask", ["none", "bool", "one_row_idle", "added_inf", "keys"])
def test_results_and_gradients_are_pytorchs(mask, is_causal):
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    inputs = drawn(shapes_of((2, 2), 9, 12, 4, 4))
    made = MASKS[mask](np.random.default_rng(3), 9, 12)
    ours = run(attention, inputs, attn_mask=made, is_causal=is_causal)
    leaves = [torch.tensor(x, requires_grad=True) for x in inputs]
    if is_causal and made is not None:  # PyTorch takes one of the two
        triangle = np.tri(9, 12, dtype=bool)
        made = made & triangle if made.dtype == bool else np.where(triangle, made, -np.inf)
        is_causal = False
    y = torch.nn.functional.scaled_dot_product_attention(
        *leaves, attn_mask=None if made is None else torch.tensor(made), is_causal=is_causal
    )
    weights = np.random.default_rng(1).normal(size=y.shape)
    torch.sum(y * torch.tensor(weights)).backward()
    theirs = [y.detach().numpy(), *(x.grad.numpy() for x in leaves)]
    for a, b in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-12)
