from __future__ import annotations

import itertools

import numpy as np
import pytest

import autograd
import nn
from autograd.ops.losses.cross_entropy import cross_entropy as fused
from nn import functional

LOGITS = np.random.default_rng(1).normal(size=(5, 4))
TARGET = np.array([0, 3, -100, 1, 3])
WEIGHT = np.array([1.0, 0.5, 2.0, 3.0])


def by_hand(x, t, weight, reduction, smoothing):
    """PyTorch's definition, in a loop."""
    w = np.ones(x.shape[1]) if weight is None else weight
    losses, total = np.zeros(len(t)), 0.0
    for n, c in enumerate(t):
        if c != -100:
            log_p = x[n] - np.log(np.exp(x[n]).sum())
            losses[n] = (1 - smoothing) * -w[c] * log_p[c]
            losses[n] += smoothing / x.shape[1] * -(w * log_p).sum()
            total += w[c]
    return {"none": losses, "sum": losses.sum(), "mean": losses.sum() / total}[reduction]


@pytest.mark.parametrize(
    ("weight", "reduction", "smoothing"),
    list(itertools.product([None, WEIGHT], ["mean", "sum", "none"], [0.0, 0.2])),
)
class TestFused:
    def test_is_what_pytorch_defines(self, weight, reduction, smoothing):
        y = fused(LOGITS, TARGET, weight, -100, reduction, smoothing)
        np.testing.assert_allclose(y, by_hand(LOGITS, TARGET, weight, reduction, smoothing))

    def test_equals_its_reference_to_order_two(self, weight, reduction, smoothing):
        def gradients(f):
            x = autograd.Value(LOGITS)
            y = np.sum(np.square(f(x, TARGET, weight, -100, reduction, smoothing)))
            first = autograd.grad(y, x)
            g = autograd.grad(y, x, create_graph=True)
            return y.data, first, autograd.grad(np.sum(np.square(g)), x)

        for a, b in zip(gradients(fused), gradients(fused.reference), strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-12)

    def test_agrees_with_finite_differences(self, weight, reduction, smoothing):
        def f(x):
            return fused(x, TARGET, weight, -100, reduction, smoothing)

        assert autograd.gradcheck(f, LOGITS)
        assert autograd.gradgradcheck(f, LOGITS)


def test_cross_entropy_keeps_float32():
    x = autograd.Value(LOGITS.astype(np.float32))
    loss = functional.cross_entropy(x, TARGET, WEIGHT, label_smoothing=0.1)
    loss.backward()
    assert loss.dtype == x.grad.dtype == np.float32


def test_cross_entropy_is_stable_for_huge_logits():
    x = autograd.Value([[1e4, 0.0, -1e4], [-np.inf, 0.0, 0.0]])
    loss = functional.cross_entropy(x, np.array([1, 2]), reduction="none")
    np.testing.assert_allclose(loss.data, [1e4, np.log(2)])
    np.testing.assert_allclose(autograd.grad(np.sum(loss), x), [[1, -1, 0], [0, 0.5, -0.5]])


def test_cross_entropy_takes_more_axes():
    x = np.random.default_rng(0).normal(size=(2, 4, 3))
    t = np.arange(6).reshape(2, 3) % 4
    flat = x.transpose(0, 2, 1).reshape(6, 4)
    losses = functional.cross_entropy(autograd.Value(x), t, reduction="none")
    np.testing.assert_allclose(losses.data, fused(flat, t.ravel(), reduction="none").reshape(2, 3))
    assert autograd.gradcheck(lambda v: functional.cross_entropy(v, t), x)


def test_cross_entropy_takes_one_sample():
    assert functional.cross_entropy(autograd.Value(LOGITS[0]), np.int64(2)).shape == ()


def test_one_hot_probabilities_are_the_class():
    x, t = autograd.Value(LOGITS), np.array([0, 3, 2, 1, 3])
    for kwargs in ({}, {"label_smoothing": 0.1}, {"reduction": "none"}):
        np.testing.assert_allclose(
            functional.cross_entropy(x, np.eye(4)[t], **kwargs).data,
            functional.cross_entropy(x, t, **kwargs).data,
        )


def test_cross_entropy_of_nothing_but_ignored_rows_is_nan():
    x = autograd.Value(LOGITS)
    assert np.isnan(functional.cross_entropy(x, np.full(5, -100)).data)
    loss = functional.cross_entropy(x, np.full(5, -100), reduction="sum")
    assert loss.data == 0
    assert not autograd.grad(loss, x).any()


@pytest.mark.parametrize(
    ("target", "kwargs", "error", "text"),
    [
        (np.arange(5), {}, ValueError, "class index 4, but the logits .5, 4. have 4"),
        (np.array([0, 1, 2, 3, -1]), {}, ValueError, "class index -1"),
        (np.arange(4), {}, ValueError, r"shape \(5,\) for logits \(5, 4\), got \(4,\)"),
        (np.zeros((5, 1), int), {}, ValueError, r"\.ravel"),
        (np.zeros(5), {}, TypeError, r"astype\(np.int64\)"),
        (np.zeros(5, bool), {}, TypeError, "integers"),
        (np.zeros(5, int), {"reduction": "avg"}, ValueError, "reduction"),
        (np.zeros(5, int), {"label_smoothing": 2}, ValueError, "label_smoothing"),
        (np.zeros(5, int), {"weight": [1.0]}, ValueError, r"weight.*\(4,\).*\(1,\)"),
    ],
)
def test_cross_entropy_refuses(target, kwargs, error, text):
    with pytest.raises(error, match=text):
        functional.cross_entropy(autograd.Value(LOGITS), target, **kwargs)


def test_class_weights_are_a_buffer():
    loss = nn.CrossEntropyLoss(WEIGHT)
    assert list(loss.state_dict()) == ["weight"]
    np.testing.assert_allclose(
        loss(autograd.Value(LOGITS), TARGET).data, by_hand(LOGITS, TARGET, WEIGHT, "mean", 0)
    )


def test_log_softmax_and_nll_are_cross_entropy():
    x = autograd.Value(LOGITS)
    for weight, reduction in itertools.product([None, WEIGHT], ["mean", "sum", "none"]):
        a = nn.NLLLoss(weight, reduction=reduction)(functional.log_softmax(x, 1), TARGET)
        b = nn.CrossEntropyLoss(weight, reduction=reduction)(x, TARGET)
        np.testing.assert_allclose(a.data, b.data, rtol=1e-6)


def test_nll_refuses_under_its_own_name():
    with pytest.raises(ValueError, match="nll_loss: target"):
        functional.nll_loss(autograd.Value(LOGITS), np.arange(4))


def test_mse_is_the_mean_square():
    x = autograd.Value([[1.0, 2.0]])
    assert nn.MSELoss()(x, np.zeros((1, 2))).data == 2.5
    assert nn.MSELoss(reduction="sum")(x, np.zeros((1, 2))).data == 5
    np.testing.assert_array_equal(nn.MSELoss(reduction="none")(x, np.ones((1, 2))).data, [[0, 1]])


def test_mse_never_broadcasts():
    with pytest.raises(ValueError, match="every output with every target"):
        functional.mse_loss(autograd.Value(np.ones((3, 1))), np.ones(3))


F = functional
P, Q = np.array([[0.2, 0.7], [0.9, 0.4]]), np.array([[0.0, 1.0], [1.0, 0.3]])
SIGNS = np.array([[1, -1], [-1, 1]])
SMOOTH = {
    "mse": lambda x: F.mse_loss(x, Q, weight=P),
    "l1": lambda x: F.l1_loss(x, Q, weight=P),
    "smooth_l1": lambda x: F.smooth_l1_loss(x, Q, beta=0.4),
    "huber": lambda x: F.huber_loss(x, Q, delta=0.4, weight=P),
    "poisson": lambda x: F.poisson_nll_loss(x, 3 * Q, full=True),
    "poisson of rates": lambda x: F.poisson_nll_loss(x, Q, log_input=False),
    "gaussian": lambda x: F.gaussian_nll_loss(x, Q, x * x, full=True),
    "bce": lambda x: F.binary_cross_entropy(x, Q, weight=P),
    "bce with logits": lambda x: F.binary_cross_entropy_with_logits(x, Q, P, "mean", P[0]),
    "soft margin": lambda x: F.soft_margin_loss(x, SIGNS),
    "multilabel soft margin": lambda x: F.multilabel_soft_margin_loss(x, Q, P[0]),
    "focal": lambda x: F.sigmoid_focal_loss(x, Q, reduction="mean"),
    "kl": lambda x: F.kl_div(x, Q, "batchmean"),
    "kl of logs": lambda x: F.kl_div(x, x * x, "sum", log_target=True),
    "hinge": lambda x: F.hinge_embedding_loss(x, SIGNS),
    "ranking": lambda x: F.margin_ranking_loss(x, x * x, SIGNS, 0.5),
    "cosine": lambda x: F.cosine_embedding_loss(x, x[::-1] ** 3, np.array([1, -1])),
    "triplet": lambda x: F.triplet_margin_loss(x, P + 1, Q - 1, p=3, swap=True),
    "multi margin": lambda x: F.multi_margin_loss(x, np.array([0, 1]), 2, weight=P[0]),
    "multilabel margin": lambda x: F.multilabel_margin_loss(x, np.array([[1, -1], [0, 1]])),
}


@pytest.mark.parametrize("loss", SMOOTH.values(), ids=SMOOTH)
def test_losses_agree_with_finite_differences(loss):
    assert autograd.gradcheck(loss, P)


@pytest.mark.parametrize("loss", SMOOTH.values(), ids=SMOOTH)
def test_losses_keep_float32_whatever_the_targets_dtype(loss):
    x = autograd.Value(P.astype(np.float32))
    y = loss(x)
    y.backward()
    assert y.dtype == x.grad.dtype == np.float32


def value_and_slope(loss, x):
    x = autograd.Value(x)
    y = loss(x)
    return y.data, autograd.grad(np.sum(y), x)


ONCE = sorted(SMOOTH.keys() - {"bce", "kl of logs", "gaussian", "poisson"})  # x to a power, or e


@pytest.mark.parametrize(
    ("name", "scale"),
    [(name, 1) for name in ONCE] + [(n, 300) for n in ONCE if n not in ("cosine", "ranking")],
)
def test_losses_of_float16_are_those_of_its_numbers_rounded_once(name, scale):
    x = (P * scale).astype(np.float16)
    half, exact = (value_and_slope(SMOOTH[name], x.astype(d)) for d in (np.float16, np.float64))
    assert half[0].dtype == half[1].dtype == np.float16
    for a, b in zip(half, exact, strict=True):
        with np.errstate(over="ignore"):
            np.testing.assert_allclose(a, b.astype(np.float16), rtol=2e-3, atol=1e-7)


@pytest.mark.parametrize(
    "function",
    [
        F.normalize,
        lambda x: F.cosine_similarity(x, x),
        lambda x: F.cosine_embedding_loss(x, x, np.ones(2)),
        lambda x: F.poisson_nll_loss(x, x, log_input=False),
    ],
)
def test_an_epsilon_that_is_0_in_float16_still_counts(function):
    with np.errstate(over="ignore"):  # slopes of 1e12
        half, exact = (
            value_and_slope(function, np.zeros((2, 3), d)) for d in (np.float16, np.float64)
        )
        for a, b in zip(half, exact, strict=True):
            np.testing.assert_array_equal(a, b.astype(np.float16))
    assert np.isfinite(exact[0]).all()


def test_a_float16_input_and_float32_targets_that_are_learned_give_float32():
    x, t = autograd.Value(np.zeros(2, np.float16)), autograd.Value(np.ones(2, np.float32))
    y = F.mse_loss(x, t)
    y.backward()
    assert (y.dtype, x.grad.dtype, t.grad.dtype) == (np.float32, np.float16, np.float32)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_certain_probabilities_have_finite_slopes(dtype):
    x = autograd.Value(np.array([0, 0, 1, 1], dtype))
    y = F.binary_cross_entropy(x, np.array([0, 1, 0, 1]), reduction="none")
    slopes = autograd.grad(np.sum(y), x)
    assert np.isfinite(slopes).all()
    np.testing.assert_array_equal(np.sign(slopes), [0, -1, 1, 0])  # PyTorch's, of float32


UNREDUCED = {
    name: f
    for name, f in vars(F).items()
    if name.endswith(("_loss", "entropy", "with_logits")) and name != "gaussian_nll_loss"
} | {"kl_div": F.kl_div}


@pytest.mark.parametrize("name", sorted(UNREDUCED))
def test_an_unknown_reduction_is_refused(name):
    x = autograd.Value(P)
    few = np.array([0, 1])
    args = {
        "cross_entropy": (few,),
        "nll_loss": (few,),
        "multi_margin_loss": (few,),
        "multilabel_margin_loss": (SIGNS * 0,),
        "ctc_loss": ([1], [2], [1]),
        "margin_ranking_loss": (P, SIGNS),
        "cosine_embedding_loss": (P, SIGNS[0]),
        "triplet_margin_loss": (P, Q),
        "triplet_margin_with_distance_loss": (P, Q),
        "hinge_embedding_loss": (SIGNS,),
        "soft_margin_loss": (SIGNS,),
    }.get(name, (Q,))
    if name == "ctc_loss":
        x = autograd.Value(P[:, None])
    with pytest.raises(ValueError, match=r"reduction.*avg"):
        UNREDUCED[name](x, *args, reduction="avg")


REDUCING = sorted(n for n in dir(nn) if n.endswith("Loss") and not n.startswith("Adaptive"))


@pytest.mark.parametrize("name", REDUCING)
def test_loss_modules_refuse_an_unknown_reduction_when_made(name):
    with pytest.raises(ValueError, match=rf"{name}: reduction must be one of .*'avg'"):
        getattr(nn, name)(reduction="avg")


ROW = np.ones(3)


@pytest.mark.parametrize(
    ("error", "text", "make"),
    [
        (
            ValueError,
            r"l1_loss: .*\(3, 1\), target \(3,\).*squeeze",
            lambda: F.l1_loss(ROW[:, None], ROW),
        ),
        (
            ValueError,
            r"bin.*\(3,\), target \(3, 1\).*target\.squeeze",
            lambda: F.binary_cross_entropy(ROW, ROW[:, None]),
        ),
        (
            TypeError,
            r"mse_loss: input must hold floats.*astype",
            lambda: F.mse_loss(np.arange(3), ROW),
        ),
        (
            TypeError,
            "target must hold real numbers",
            lambda: F.mse_loss(ROW, np.array(["a", "b", "c"])),
        ),
        (
            ValueError,
            "input must lie between 0 and 1, got 2",
            lambda: F.binary_cross_entropy(2 * ROW, ROW),
        ),
        (
            ValueError,
            "target must lie between 0 and 1, got -1",
            lambda: F.binary_cross_entropy_with_logits(ROW, -ROW),
        ),
        (
            ValueError,
            r"pos_weight \(2,\) must broadcast",
            lambda: F.binary_cross_entropy_with_logits(ROW, ROW, pos_weight=[1, 2]),
        ),
        (
            ValueError,
            r"mse_loss: weight \(1,\) must have",
            lambda: F.mse_loss(ROW, ROW, weight=[1.0]),
        ),
        (ValueError, "hold 1 and -1 only, got 0", lambda: F.hinge_embedding_loss(ROW, 0 * ROW)),
        (ValueError, "hold 1 and -1 only, got 2", lambda: F.soft_margin_loss(ROW, 2 * ROW)),
        (ValueError, "target must lie between 0 and inf", lambda: F.poisson_nll_loss(ROW, -ROW)),
        (ValueError, r"var \(2,\)", lambda: F.gaussian_nll_loss(ROW, ROW, np.ones(2))),
        (ValueError, "var must lie", lambda: F.gaussian_nll_loss(ROW, ROW, -1.0)),
        (ValueError, "eps must be more", lambda: F.gaussian_nll_loss(ROW, ROW, 1.0, eps=0)),
        (ValueError, "delta must be more", lambda: nn.HuberLoss(delta=0)),
        (ValueError, "beta must be at least", lambda: nn.SmoothL1Loss(beta=-1)),
        (ValueError, "margin must be more", lambda: nn.TripletMarginLoss(margin=0)),
        (ValueError, "p must be 1 or 2", lambda: nn.MultiMarginLoss(p=3)),
        (
            ValueError,
            "class index 3, but the input has 3",
            lambda: F.multi_margin_loss(ROW, np.array(3)),
        ),
        (
            ValueError,
            "class index -2",
            lambda: F.multilabel_margin_loss(ROW, np.array([0, -2, 1])),
        ),
        (TypeError, r"integers.*astype\(np.int64\)", lambda: F.multi_margin_loss(ROW, 1.0)),
        (
            ValueError,
            r"target must have shape \(\)",
            lambda: F.multi_margin_loss(ROW, np.array([0])),
        ),
        (
            ValueError,
            r"target must have shape \(3,\)",
            lambda: F.cosine_embedding_loss(np.eye(3), np.eye(3), [1]),
        ),
        (ValueError, "same last axis", lambda: F.pairwise_distance(ROW, ROW[:2])),
        (ValueError, "broadcast", lambda: F.cosine_similarity(np.eye(3), np.eye(2))),
        (ValueError, "dim=1 is no axis", lambda: F.cosine_similarity(ROW, ROW)),
        (ValueError, "label_smoothing", lambda: nn.CrossEntropyLoss(label_smoothing=2)),
    ],
)
def test_losses_refuse(error, text, make):
    with pytest.raises(error, match=text):
        make()


def test_logits_of_any_size_are_stable():
    x = autograd.Value(np.float32([-1e4, -30, 30, 1e4]))
    y = F.binary_cross_entropy_with_logits(x, np.array([1, 1, 1, 0]), reduction="none")
    np.testing.assert_allclose(y.data, [1e4, 30, np.exp(-30), 1e4], rtol=1e-6)
    assert np.isfinite(autograd.grad(np.sum(y), x)).all()


@pytest.mark.parametrize(
    "loss",
    [
        lambda x, t: F.binary_cross_entropy_with_logits(x, t, reduction="none"),
        lambda x, t: F.multilabel_soft_margin_loss(x[:, None], t[:, None], reduction="none"),
        lambda x, t: 2 * F.sigmoid_focal_loss(x, t, alpha=0.5, gamma=0),
    ],
)
def test_small_losses_of_sure_logits_do_not_cancel(loss):
    x = autograd.Value(np.float32([-20, -50, 20, 50, 0]))
    y = loss(x, np.array([0, 0, 1, 1, 1]))
    small = np.exp([-20.0, -50])
    np.testing.assert_allclose(y.data, [*small, *small, np.log(2)], rtol=1e-6)
    slopes = autograd.grad(np.sum(y), x)
    np.testing.assert_allclose(slopes, [*small, *-small, -0.5], rtol=1e-6)


def test_a_focal_loss_of_a_small_power_has_slopes_where_it_is_sure():
    x = autograd.Value(np.float32([-300, 300]))
    y = F.sigmoid_focal_loss(x, np.array([0, 1]), gamma=0.5)
    np.testing.assert_array_equal(autograd.grad(np.sum(y), x), [0, 0])


def test_certain_probabilities_cost_at_most_100():
    x = autograd.Value([0.0, 1.0])
    y = F.binary_cross_entropy(x, np.array([1, 0]), reduction="none")
    np.testing.assert_array_equal(y.data, [100, 100])
    assert np.isfinite(autograd.grad(np.sum(y), x)).all()


def test_the_focal_loss_of_gamma_0_is_half_the_cross_entropy():
    a = F.sigmoid_focal_loss(P, Q, alpha=0.5, gamma=0)
    np.testing.assert_allclose(a, F.binary_cross_entropy_with_logits(P, Q, reduction="none") / 2)


def test_vectors_of_length_0_have_a_slope():
    x = autograd.Value(np.zeros((2, 3)))
    for y in (F.normalize(x), F.cosine_similarity(x, np.ones((2, 3))), F.pairwise_distance(x, x)):
        assert np.isfinite(autograd.grad(np.sum(y), x)).all()


def test_probabilities_have_no_ignored_index():
    x, t = autograd.Value(np.zeros((2, 3))), np.full((2, 3), 1 / 3)
    for index in (0, 1):
        with pytest.raises(ValueError, match=f"ignore_index={index} is for class indices"):
            functional.cross_entropy(x, t, ignore_index=index)
        with pytest.raises(ValueError, match=f"ignore_index={index} is for class indices"):
            nn.CrossEntropyLoss(ignore_index=index)(x, t.astype(np.float32))
    assert functional.cross_entropy(x, t, ignore_index=-1).item() == pytest.approx(np.log(3))


def test_class_weights_that_are_tracked_are_refused_and_not_dropped():
    x, w = autograd.Value(np.zeros((2, 3))), autograd.Value(np.ones(3))
    for loss in (functional.cross_entropy, functional.nll_loss):
        for target in (np.array([0, 1]), np.eye(2, 3)):
            with pytest.raises(TypeError):
                loss(x, target, weight=w)
    with pytest.raises(TypeError, match="requires a gradient"):
        nn.CrossEntropyLoss(weight=w)


@pytest.mark.parametrize("classes", [2, 300])  # by NumPy, by the kernel
def test_a_class_of_weight_0_hides_neither_nan_nor_infinity(classes):
    x = np.zeros((2, classes))
    x[0, 0], x[1, 0] = np.nan, -np.inf
    weight = np.ones(classes)
    weight[0] = 0
    for loss in (functional.cross_entropy, functional.nll_loss):
        with np.errstate(invalid="ignore"):
            losses = loss(autograd.Value(x), np.array([0, 0]), weight, reduction="none")
        assert np.isnan(losses.data).all()


def test_a_row_that_is_ignored_may_hold_anything():
    x = autograd.Value([[np.nan, 0.0], [-np.inf, 0.0], [0.0, 0.0]])
    for loss in (functional.cross_entropy, functional.nll_loss):
        y = loss(x, np.array([0, 0, 1]), np.array([2.0, 1.0]), ignore_index=0)
        assert np.isfinite(y.data)
        assert not autograd.grad(y, x)[:2].any()


@pytest.mark.parametrize("create_graph", [False, True])
def test_a_mean_over_no_weight_is_nan_and_so_is_its_gradient(create_graph):
    x = autograd.Value(LOGITS)
    loss = functional.cross_entropy(x, np.full(5, 1), np.array([1.0, 0.0, 1.0, 1.0]))
    assert np.isnan(loss.data)
    g = autograd.grad(loss, x, create_graph=create_graph)
    assert np.isnan(g.data if create_graph else g).all()


def test_stirlings_term_has_a_gradient_to_the_target():
    t = autograd.Value([2.0, 3.0, 1.0, 0.0])
    loss = functional.poisson_nll_loss(np.zeros(4), t, full=True, reduction="sum")
    loss.backward()
    right = [np.log(2) + 1 / 4, np.log(3) + 1 / 6, 0, 0]  # d/dt (t log t - t + log(2 π t) / 2)
    np.testing.assert_allclose(t.grad, right)
    assert autograd.gradcheck(
        lambda t: functional.poisson_nll_loss(np.zeros(3), t, full=True), np.array([1.5, 2.0, 0.5])
    )


@pytest.mark.parametrize("loss", ["huber_loss", "smooth_l1_loss"])
def test_a_rounded_corner_has_a_second_derivative_at_0(loss):
    x = autograd.Value([0.0, 0.5, 2.0])
    losses = getattr(functional, loss)(x, np.zeros(3), "sum")
    g = autograd.grad(losses, x, create_graph=True)
    assert autograd.grad(np.sum(g), x).tolist() == [1, 1, 0]


def test_hinges_have_pytorchs_slope_at_their_kinks():
    def slope(f, *x):
        x = autograd.Value(np.array(x))
        return autograd.grad(np.sum(f(x)), x).tolist()

    one = np.ones(1)
    assert slope(lambda x: functional.hinge_embedding_loss(x, -one), 1.0) == [-1]
    assert slope(lambda x: functional.margin_ranking_loss(x, one, one), 1.0) == [-1]
    assert slope(lambda x: functional.margin_ranking_loss(x, 0.5 * one, one, 0.5), 1.0) == [-1]
    right = np.array([0.0, 1.0])
    assert slope(lambda x: functional.cosine_embedding_loss(x, right, -1), 1.0, 0.0)[
        1
    ] == pytest.approx(1)
    a, n = np.zeros((1, 1)), np.full((1, 1), 2.0)
    triplet = slope(lambda x: functional.triplet_margin_loss(a, x[None], n, eps=0.0), 1.0)
    assert triplet == [1]
    assert slope(lambda x: functional.multi_margin_loss(x, np.array(0)), 1.0, 0.0) == [0, 0]
    first = np.array([0, -1])
    assert slope(lambda x: functional.multilabel_margin_loss(x, first), 1.0, 0.0) == [0, 0]


@pytest.mark.parametrize("shape", [(1, 3), (4, 1), (1, 1), (4,), ()])
def test_a_variance_may_have_axes_of_1(shape):
    rng = np.random.default_rng(0)
    x, t, v = rng.normal(size=(4, 3)), rng.normal(size=(4, 3)), rng.uniform(0.5, 2, shape)
    wide = np.broadcast_to(v[:, None] if shape == (4,) else v, (4, 3))
    right = (np.log(wide) + (x - t) ** 2 / wide) / 2
    y = functional.gaussian_nll_loss(autograd.Value(x), t, v, reduction="none")
    np.testing.assert_allclose(y.data, right)
    with pytest.raises(ValueError, match=r"var \(3, 4\) must have the input's shape \(4, 3\)"):
        functional.gaussian_nll_loss(x, t, np.ones((3, 4)))


def test_an_infinite_variance_is_an_infinite_loss():
    assert functional.gaussian_nll_loss(np.ones(1), np.zeros(1), np.full(1, np.inf)) == np.inf


def test_a_multilabel_loss_of_infinite_logits_is_infinite():
    y = functional.multilabel_soft_margin_loss(np.array([[-np.inf]]), np.ones((1, 1)))
    assert y == np.inf


@pytest.mark.parametrize(
    ("dtype", "size"),
    [(np.float32, 1e10), (np.float32, 1e20), (np.float32, 1e38), (np.float64, 1e160)],
)
def test_cosines_of_long_vectors_stay_in_range(dtype, size):
    x, y = np.array([[0.6, 0.8]], dtype) * dtype(size), np.array([[1, 0]], dtype) * dtype(size)
    for cosine in (
        lambda a: functional.cosine_similarity(a, y),
        lambda a: 1 - functional.cosine_embedding_loss(a, y, [1], reduction="none"),
    ):
        a = autograd.Value(x)
        value = cosine(a)
        np.testing.assert_allclose(value.data, [0.6], rtol=1e-6)
        slope = autograd.grad(np.sum(value), a) * dtype(size)
        np.testing.assert_allclose(slope, [[0.64, -0.48]], rtol=1e-5)
    np.testing.assert_allclose(functional.cosine_similarity(x, y), [0.6], rtol=1e-6)
    np.testing.assert_allclose(functional.normalize(x), [[0.6, 0.8]], rtol=1e-6)


@pytest.mark.parametrize("create_graph", [False, True])
def test_a_target_that_does_not_fit_has_no_gradient_that_is_a_number(create_graph):
    x = autograd.Value(np.random.default_rng(0).normal(size=(3, 2, 3)))
    targets, steps, lengths = np.array([[1, 1, 1], [1, 2, 1]]), [3, 3], [3, 2]

    def slopes(zero_infinity):
        log_p = functional.log_softmax(x, -1)
        loss = functional.ctc_loss(log_p, targets, steps, lengths, 0, "sum", zero_infinity)
        g = autograd.grad(loss, x, create_graph=create_graph)
        return loss.item(), g.data if create_graph else g

    value, g = slopes(False)
    assert value == np.inf
    assert np.isnan(g[:, 0]).all()
    assert np.isfinite(g[:, 1]).all()
    value, zeros = slopes(True)
    assert np.isfinite(value)
    assert not zeros[:, 0].any()
    np.testing.assert_allclose(zeros[:, 1], g[:, 1])
