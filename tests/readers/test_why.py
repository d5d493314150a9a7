"""why: the reason for a gradient in one sentence, with the engine's numbers."""

from __future__ import annotations

import numpy as np
import pytest

import autograd
import nn
from autograd import Value, grad, why
from autograd.readers.why.loss import lost

F = nn.functional
RNG = np.random.default_rng(0)
X = RNG.normal(size=(4, 3)).astype(np.float32)
TARGETS = np.array([0, 1, 0, 1])


def net(*layers):
    autograd.seed(0)
    model = nn.Sequential(*layers)
    return model


def neuron(activation=F.relu):
    x, w, b = Value(1.0, name="x"), Value(-2.0, name="w"), Value(0.5, name="b")
    loss = (activation(w * x + b) - 1.0) ** 2
    loss.name = "loss"
    return loss, w


def test_a_dead_relu_is_named_with_its_input_and_what_would_come_without_it():
    loss, w = neuron()
    found = why(loss, w)
    assert found.sentence == "∂loss/∂w = 0 because relu's input was −1.5; without it −2."
    assert found.kind == "zero"
    assert found.without == -2.0
    assert found.node.op.name == "relu"


def test_the_path_has_every_factor():
    loss, w = neuron()
    assert why(loss, w).path.factors == [1.0, 1.0, 0.0, 1.0, -2.0]
    assert "w → multiply ×1 → add ×1 → relu ×0 → subtract ×1 → loss ×−2" in str(why(loss, w))


def test_without_is_the_gradient_of_the_graph_without_the_op():
    rng = np.random.default_rng(1)
    x, c = rng.normal(size=(5, 3)), rng.normal(size=(5, 2))
    w = Value(rng.normal(size=(3, 2)), name="w")
    z = x @ w - np.array([0.0, 20.0])
    found = why(np.sum(F.relu(z) * c), w, element=(1, 1))
    assert found.without == pytest.approx(grad(np.sum(z * c), w)[1, 1])


def test_without_a_unit_of_a_layer_is_the_gradient_that_its_weights_would_get():
    model = net(nn.Linear(3, 5), nn.ReLU(), nn.Linear(5, 2))
    model[0].bias.data[1] = -9
    loss = F.cross_entropy(model(X), TARGETS)
    found = why(loss, model[0].bias, element=1)
    back = grad(loss, loss.inputs[0]) @ model[2].weight.data  # (N, 5), what comes to the relu
    assert found.without == pytest.approx(back[:, 1].sum(), rel=1e-5)
    low, high = (f"{v:.4g}".replace("-", "−") for v in _range(model[0](X).data[:, 1]))
    assert f"1: ReLU's input was {low} … {high} at 4 elements" in found.sentence


def _range(x):
    return x.min(), x.max()


def test_a_second_op_that_would_stop_it_again_is_named():
    w = Value(-2.0, name="w")
    found = why(F.relu(F.relu(w) - 3.0), w)
    assert "relu's input was −3, and relu would stop it again" in found.sentence
    assert found.without == 1.0


def test_what_an_op_stops_may_cancel_without_it():
    x = Value(2.0, name="x")
    sentence = why(F.relu((x - x) - 1.0), x).sentence
    assert sentence == "∂y/∂x = 0 because relu's input was −1; without it still 0."


A = [1.0, 2.0, 3.0]


@pytest.mark.parametrize(
    ("make", "element", "reason"),
    [
        (lambda a: np.max(a), 0, "max took 3, not 1"),
        (lambda a: a[1] * 2, 0, "getitem[1] does not take element [0] of a"),
        (lambda a: np.sum(np.clip(a, 0, 1.5)), 2, "clip's input was 3, outside 0 … 1.5"),
        (lambda a: np.sum(np.where(a.data > 1, a, 0)), 0, "where took the other branch"),
        (lambda a: np.sum(np.maximum(a, 2.5)), 0, "took the other input, 2.5, instead of 1"),
        (lambda a: np.sum(np.minimum(a, 2.5)), 2, "took the other input, 2.5, instead of 3"),
        (lambda a: np.sum(a * np.array([0.0, 1, 2])), 0, "multiply multiplies by 0"),
        (lambda a: np.sum(a @ np.zeros((3, 2))), None, "matmul multiplies by 0: its b is all 0"),
        (lambda a: np.tanh(a[0] * 100), 0, "tanh is saturated: its input was 100"),
        (lambda a: F.sigmoid(a[0] * -1000), 0, "sigmoid is saturated: its input was −1000"),
        (lambda a: F.softmax(a * 1000, -1)[0], None, "softmax is saturated"),
        (lambda a: np.sum(F.softmax(a[:, None], -1) * 2), None, "an axis of length 1"),
        (lambda a: np.sum((a - 2.0) ** 2), 1, "power's input was 0, where its slope is 0"),
        (lambda a: np.sum(F.relu6(a * 10)), 0, "relu6's input was 10, outside 0 … 6"),
        (lambda a: np.sum(F.softshrink(a - 1, 0.5)), 0, "within ±0.5"),
        (lambda a: np.exp(a[0] * -1000), 0, "exp's input was −1000"),
        (lambda a: np.std(a[0] * np.ones(4)), 0, "std's input was 1 at all 4 elements"),
        (lambda a: np.sum(a / np.inf), None, "divisor of divide was ∞"),
        (lambda a: np.sum(0.0 / a), None, "dividend of divide was 0"),
        (
            lambda a: F.cross_entropy(a[None], np.array([-100]), reduction="sum"),
            None,
            "the target is ignore_index = −100",
        ),
        (lambda a: np.exp(a[0] * -1000) * 0.0, 0, "by 0, and exp would stop it again"),
        (lambda a: np.max(a) * 0.0, 0, "by 0, and max would stop it again"),
    ],
)
def test_every_kind_of_zero_has_its_reason(make, element, reason):
    a = Value(np.array(A), name="a")
    y = make(a)
    found = why(y, a, element=element)
    g = grad(y, a)
    assert not np.any(g if element is None else g[element])
    assert found.kind == "zero"
    assert reason in found.sentence


def test_an_ignored_target_is_named():
    logits = Value(RNG.normal(size=(4, 3)), name="logits")
    found = why(F.cross_entropy(logits, np.array([0, 1, -100, 2])), logits, element=(2, 0))
    assert "the target is ignore_index = −100 in row 2" in found.sentence


def test_padding_and_rows_that_no_index_takes_are_told_apart():
    table = nn.Embedding(5, 3, padding_idx=0)
    loss = np.sum(table(np.array([0, 1, 2])) ** 2)
    assert "row 0 of Embedding is its padding_idx" in str(why(loss, table.weight, element=(0, 1)))
    assert "no index of Embedding is 4" in str(why(loss, table.weight, element=(4, 1)))
    assert "9 of 15 elements are 0" in str(why(loss, table.weight))


def test_a_masked_key_is_named():
    q, k, v = (Value(RNG.normal(size=(1, 4, 8)), name=name) for name in "qkv")
    y = np.sum(F.scaled_dot_product_attention(q, k, v, np.array([True, True, True, False])) ** 2)
    assert "masks element [0, 3, 2] of v" in why(y, v, element=(0, 3, 2)).sentence


def test_a_dropped_unit_is_named_by_its_module():
    model = net(nn.Linear(3, 50), nn.Dropout(0.5))
    loss = np.sum(model(X[:1]))
    dropped = int(np.argmin(grad(loss, model[0].bias)))
    found = why(loss, model[0].bias, element=dropped)
    assert (
        found.sentence
        == f"∂y/∂0.bias[{dropped}] = 0 because 1: Dropout multiplies by 0; without it 1."
    )


def test_an_input_that_is_always_zero_is_named_even_for_a_kernel():
    x = np.array(X)
    x[:, 2] = 0
    model = net(nn.Linear(3, 4), nn.Tanh())
    found = why(np.sum(model(x) ** 2), model[0].weight, element=(1, 2))
    assert "its x is 0 wherever it meets element [1, 2] of 0.weight" in found.sentence
    lstm = nn.LSTM(3, 4)
    y, _ = lstm(x[:, None])
    found = why(np.sum(y**2), lstm.weight_ih_l0, element=(0, 2))
    assert "LSTM multiplies by 0: its x is 0" in found.sentence


def test_a_dead_unit_is_what_multiplies_the_next_weights_by_zero():
    model = net(nn.Linear(3, 5), nn.ReLU(), nn.Linear(5, 2))
    model[0].bias.data[1] = -9
    found = why(F.cross_entropy(model(X), TARGETS), model[2].weight, element=(0, 1))
    assert "the result of 1: ReLU is 0 wherever it meets" in found.sentence


def test_paths_that_cancel_are_given():
    w = Value(-2.0, name="w")
    assert why(w - w, w).sentence == "∂y/∂w = 0 because 2 paths cancel: 1 and −1."


def test_a_bias_before_batch_norm_has_only_rounding_noise():
    model = net(nn.Linear(3, 5), nn.BatchNorm1d(5), nn.ReLU(), nn.Linear(5, 2))
    loss = F.cross_entropy(model(X), TARGETS)
    found = why(loss, model[0].bias)
    assert found.kind == "noise"
    assert "1: BatchNorm1d subtracts the mean of each channel" in found.sentence
    wide = copy_of(model).double()
    exact = grad(F.cross_entropy(wide(X.astype(np.float64)), TARGETS), wide[0].bias)
    assert np.abs(exact).max() < 1e-7 * np.abs(found.gradient).max() + 1e-12
    assert why(loss, model[0].weight).kind == "value"
    assert why(loss, model[1].bias).kind == "value"


def copy_of(model):
    twin = net(nn.Linear(3, 5), nn.BatchNorm1d(5), nn.ReLU(), nn.Linear(5, 2))
    twin.load_state_dict(model.state_dict())
    return twin


def test_a_bias_of_keys_has_only_rounding_noise():
    attention = nn.MultiheadAttention(8, 2, batch_first=True)
    x = RNG.normal(size=(2, 4, 8)).astype(np.float32)
    y, _ = attention(x, x, x)
    loss = np.sum(y**2)
    found = why(loss, attention.in_proj_bias, element=9)
    assert found.kind == "noise"
    assert "softmax does not change if the same number is added to all its inputs" in found.sentence
    assert why(loss, attention.in_proj_bias, element=17).kind == "value"


def test_results_that_always_sum_to_one_are_a_reason():
    a = Value(np.array(A), name="a")
    found = why(np.sum(F.softmax(a, -1)), a)
    assert "the results of softmax always sum to 1" in found.sentence


@pytest.mark.parametrize(
    ("make", "value", "reason"),
    [
        (
            lambda w: np.sqrt((w + 2.0) ** 2) * 0.0,
            "NaN",
            "sqrt's input was 0, where its slope is ∞, and 0 came in",
        ),
        (lambda w: np.log(w + 2.0), "∞", "log made −∞ from 0"),
        (lambda w: np.exp(w * -1000.0), "−∞", "exp made ∞ from 2000"),
        (lambda w: np.sqrt(w) * 2.0, "NaN", "sqrt made NaN from −2"),
        (lambda w: w * np.nan, "NaN", "a constant of multiply has NaNs"),
    ],
)
def test_what_made_a_gradient_nan_or_infinite_is_named(make, value, reason):
    w = Value(-2.0, name="w")
    with np.errstate(all="ignore"):
        y = make(w)
    found = why(y, w)
    assert found.kind == "not finite"
    assert found.sentence.startswith(f"∂y/∂w = {value} because ")
    assert reason in found.sentence


def test_a_mask_of_minus_infinity_is_not_blamed():
    a = Value(np.array(A), name="a")
    masked = F.softmax(np.where([True, True, False], a, -np.inf), -1)
    with np.errstate(all="ignore"):
        y = np.sum(np.log(masked[:2])) + np.log(a[0] - 1.0)
    assert "log made −∞ from 0" in why(y, a).sentence


@pytest.mark.parametrize("detach", [lambda w: w.data, lambda w: w.detach()])
def test_a_detached_value_is_said_to_be_so(detach):
    w, x = Value(3.0, name="w"), Value(2.0, name="x")
    found = why(detach(w) * x, w)
    assert found.kind == "detached"
    assert found.sentence == (
        "∂y/∂w = 0 because w is detached: its numbers enter multiply as a constant."
    )


def test_a_value_that_is_not_used_is_said_to_be_so():
    w, x = Value(3.0, name="w"), Value(2.0, name="x")
    assert "no path leads from w to y; it is made of x" in why(x * 2, w).sentence


def test_a_frozen_parameter_is_said_to_be_so():
    layer = nn.Linear(3, 2)
    layer.weight.requires_grad_(False)
    assert "requires_grad is False" in why(np.sum(layer(X)), layer.weight).sentence


def test_a_use_that_is_detached_beside_one_that_is_not_is_noted():
    a = Value(np.array(A), name="a")
    assert "a also enters multiply as a constant, detached." in why(np.sum(a * a.data), a).notes


def test_the_layer_that_loses_the_gradient_is_named_with_its_gain():
    model = net(nn.Linear(3, 5), nn.Sigmoid(), nn.Linear(5, 5), nn.Sigmoid(), nn.Linear(5, 2))
    model[2].bias.data[:] = 12
    loss = F.cross_entropy(model(X), TARGETS)
    found = why(loss, model[0].weight)
    (note,) = found.notes
    step = next(step for step in found.path.shown if step.title == "3: Sigmoid")
    h = loss.inputs[0].inputs[0]
    expected = np.linalg.norm(grad(loss, h.inputs[0])) / np.linalg.norm(grad(loss, h))
    assert step.gain == pytest.approx(expected, rel=1e-5)
    assert "lost at 3: Sigmoid, whose input was" in note
    assert found.node is h


def test_the_shortest_run_of_steps_that_loses_90_percent_is_found():
    rng = np.random.default_rng(3)
    for _ in range(50):
        x = Value(1.0)
        y = x
        for gain in rng.uniform(0.2, 2.0, 12):
            y = y * gain
        gains = why(y, x).path.gains
        products = {(j - i, np.prod(gains[i:j])) for i in range(12) for j in range(i + 1, 13)}
        enough = sorted(pair for pair in products if pair[1] <= 0.1)
        drop = lost(why(y, x).path)
        if not enough:
            assert drop is None
        else:
            assert (len(drop.steps), drop.gain) == pytest.approx(enough[0])


def test_a_loss_over_several_layers_is_given_as_their_product():
    model = net(*(layer for _ in range(4) for layer in (nn.Linear(4, 4), nn.Sigmoid())))
    x = RNG.normal(size=(3, 4)).astype(np.float32)
    found = why(np.sum(model(x) ** 2), model[0].weight)
    (note,) = found.notes
    assert "of the gradient is lost between" in note


def test_zeros_among_other_elements_are_counted_by_their_reason():
    model = net(nn.Linear(3, 5), nn.ReLU(), nn.Linear(5, 2))
    model[0].weight.data[:] = np.abs(model[0].weight.data)
    model[0].bias.data[:] = [9, -9, 9, -9, 9]
    x = np.array(X)
    x[:, 2] = 0
    found = why(F.cross_entropy(model(x), TARGETS), model[0].weight)
    assert "9 of 15 elements are 0:" in found.notes
    assert sum(int(note.split()[0]) for note in found.notes if " because " in note) == 9


def test_the_largest_path_of_a_sum_is_shown():
    a, b = Value(2.0, name="a"), Value(-3.0, name="b")
    found = why(a * b + a**2, a)
    assert found.sentence == "∂y/∂a = 1 over 2 paths; the largest gives 4 = 4 · 1."


def test_a_value_is_the_reason_for_itself():
    w = Value(2.0, name="w")
    assert why(w, w).sentence == "∂w/∂w = 1 because it is w itself."


def test_parameters_have_the_paths_of_their_modules():
    model = net(nn.Linear(3, 5), nn.Tanh(), nn.Linear(5, 2))
    text = str(why(F.cross_entropy(model(X), TARGETS), model[0].weight))
    assert text.startswith("‖∂y/∂0.weight‖")
    assert "0.weight → 0: Linear ×" in text


def test_a_notebook_shows_the_sentence_and_the_path():
    x = Value(-1.0, name="<x>")
    html = why(F.relu(x), x)._repr_html_()
    assert "relu&#x27;s input was −1" in html
    assert "&lt;x&gt;" in html
    assert "<small>× 0</small>" in html


def test_what_cannot_be_asked_is_refused_by_name():
    x = Value([1.0, 2.0], name="x")
    with pytest.raises(ValueError, match="why: Only a single number"):
        why(x * 2, x)
    with pytest.raises(IndexError, match="why: element=5"):
        why(np.sum(x), x, element=5)
    with pytest.raises(TypeError, match="why: y must be a Value"):
        why(1.0, x)
    loss = np.sum(x * x)
    loss.backward()
    with pytest.raises(RuntimeError, match="released"):
        why(loss, x)
