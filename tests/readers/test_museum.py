"""The museum of broken networks: each defect, planted once, is named; its healthy twin is not."""

from __future__ import annotations

import numpy as np
import pytest

import autograd
import nn
from autograd import Value, detect_anomaly, lint
from autograd.readers.detect_anomaly import AnomalyError

RNG = np.random.default_rng(0)
X = RNG.normal(size=(32, 6)).astype(np.float32)
LABELS = RNG.integers(0, 3, 32)
TARGETS = RNG.normal(size=32).astype(np.float32)


@pytest.fixture(autouse=True)
def seeded():
    autograd.seed(0)


def classifier(*layers, end=3, width=8):
    return nn.Sequential(nn.Linear(6, width), nn.ReLU(), *layers, nn.Linear(width, end))


def class_loss(model, x=X):
    return nn.functional.cross_entropy(model(x), LABELS)


def checks(report):
    return [finding.check for finding in report]


def softmax_before_cross_entropy(broken):
    model = classifier()
    if broken:
        model.append(nn.Softmax(1))
    return lint(class_loss(model), model)


def broadcast_targets(broken):
    model = classifier(end=1)
    targets = TARGETS if broken else TARGETS[:, None]
    return lint(np.mean((model(X) - targets) ** 2), model)


def float64_data(broken):
    model = classifier()
    y = model(X) * (np.ones(3, np.float64) if broken else np.ones(3, np.float32))
    return lint(nn.functional.cross_entropy(y, LABELS), model)


class Skips(nn.Module):
    """Two layers; the broken one forgets the second."""

    def __init__(self, broken):
        self.a, self.b = nn.Linear(6, 3), nn.Linear(3, 3)
        self.broken = broken

    def forward(self, x):
        h = self.a(x)
        return h if self.broken else self.b(h)


def unreachable_parameters(broken):
    model = Skips(broken)
    return lint(class_loss(model), model)


def layers_shared_by_accident(broken):
    if broken:
        hidden = [nn.Linear(8, 8), nn.Tanh()] * 3
    else:
        hidden = [layer for _ in range(3) for layer in (nn.Linear(8, 8), nn.Tanh())]
    model = classifier(*hidden)
    return lint(class_loss(model), model)


def saturated_gates(broken):
    model = nn.LSTM(6, 5)
    if broken:
        for name, p in model.named_parameters():
            if "weight_ih" in name:
                p.data[...] *= 300.0
    y, _ = model(X.reshape(8, 4, 6))
    return lint(np.sum(np.square(y)), model)


def dead_relus(broken):
    model = classifier()
    if broken:
        model[0].bias.data[...] = -10.0
    return lint(class_loss(model), model)


def deep(make, gain):
    layers = []
    for _ in range(12):
        layer = nn.Linear(6, 6)
        nn.init.orthogonal_(layer.weight, gain)
        layers += [layer, make()]
    return nn.Sequential(*layers, nn.Linear(6, 3))


def vanishing_over_depth(broken):
    model = deep(nn.Sigmoid if broken else nn.Tanh, 1.0)
    return lint(class_loss(model, 0.1 * X), model)


def exploding_over_depth(broken):
    model = deep(nn.Identity, 3.0 if broken else 1.0)
    return lint(class_loss(model, 1e-5 * X), model)


def recurrent(gain, steps=40):
    """A plain RNN whose last output decides."""
    model = nn.RNN(6, 6, nonlinearity="relu" if gain > 1 else "tanh")
    nn.init.orthogonal_(model.weight_hh_l0, gain)
    nn.init.zeros_(model.bias_ih_l0)
    nn.init.zeros_(model.bias_hh_l0)
    x = RNG.normal(size=(steps, 4, 6)).astype(np.float32)
    y, _ = model(0.01 * x)
    return lint(np.sum(np.square(y[-1])), model)


def vanishing_over_time(broken):
    return recurrent(0.5 if broken else 1.0)


def exploding_over_time(broken):
    return recurrent(2.0 if broken else 1.0)


def wrong_mode(broken):
    model = classifier(nn.BatchNorm1d(8), nn.Dropout(0.2))
    model.train(not broken)
    return lint(class_loss(model), model)


def training_step(model, optimizer, zero=True):
    def step():
        loss = class_loss(model)
        if zero:
            optimizer.zero_grad()
        loss.backward()
        optimizer.step()

    return step


def missing_zero_grad(broken):
    model = classifier()
    optimizer = nn.optim.SGD(model.parameters(), lr=0.1)
    return lint(training_step(model, optimizer, zero=not broken), model)


def untrained_layer(broken):
    model = classifier()
    trained = model[2].parameters() if broken else model.parameters()
    return lint(training_step(model, nn.optim.SGD(trained, lr=0.1)), model)


class Listed(nn.Module):
    """Layers in a list; the broken one keeps a plain list."""

    def __init__(self, broken):
        layers = [nn.Linear(6, 6), nn.Linear(6, 3)]
        self.layers = layers if broken else nn.ModuleList(layers)
        self.head = nn.Linear(3, 3)

    def forward(self, x):
        for layer in self.layers:
            x = layer(x)
        return self.head(x)


def layers_in_a_plain_list(broken):
    model = Listed(broken)
    return lint(class_loss(model), model)


MUSEUM = {
    softmax_before_cross_entropy: "softmax before cross_entropy",
    broadcast_targets: "broadcast",
    float64_data: "float64 leak",
    unreachable_parameters: "unreachable parameter",
    layers_shared_by_accident: "shared layer",
    saturated_gates: "saturated sigmoid",
    dead_relus: "dead relu",
    vanishing_over_depth: "vanishing gradients over depth",
    exploding_over_depth: "exploding gradients over depth",
    vanishing_over_time: "vanishing gradients over time",
    exploding_over_time: "exploding gradients over time",
    wrong_mode: "wrong mode",
    missing_zero_grad: "missing zero_grad",
    untrained_layer: "untrained layer",
    layers_in_a_plain_list: "hidden layers",
}


@pytest.mark.filterwarnings("ignore:.*holds parameters that parameters")
@pytest.mark.parametrize("exhibit", MUSEUM, ids=lambda x: x.__name__)
def test_a_broken_network_is_found_out(exhibit):
    assert MUSEUM[exhibit] in checks(exhibit(broken=True))


@pytest.mark.parametrize("exhibit", MUSEUM, ids=lambda x: x.__name__)
def test_its_healthy_twin_draws_no_finding(exhibit):
    assert not exhibit(broken=False)


def exploding_exponential(broken):
    h = classifier()(X)
    return np.mean(np.exp(h * (1e4 if broken else 1.0)))


def logarithm_of_zero(broken):
    p = nn.functional.softmax(classifier()(X) * (1e4 if broken else 1.0), 1)
    return -np.mean(np.log(p))


def root_at_zero(broken):
    return np.sum(np.sqrt(Value(np.zeros(3) if broken else np.ones(3))))


@pytest.mark.parametrize(
    ("exhibit", "op"),
    [(exploding_exponential, "exp"), (logarithm_of_zero, "log"), (root_at_zero, "sqrt")],
    ids=["exp", "log", "sqrt"],
)
def test_the_op_that_made_a_nan_is_blamed_and_its_twin_is_not(exhibit, op):
    with pytest.raises(AnomalyError, match=op), detect_anomaly():
        exhibit(broken=True).backward()
    with detect_anomaly():
        exhibit(broken=False).backward()


def test_a_finding_says_what_it_saw_why_it_matters_and_what_to_do():
    (finding,) = missing_zero_grad(broken=True)
    assert "2 of 3 steps" in finding.saw
    assert "why: gradients accumulate" in str(finding)
    assert "fix: call optimizer.zero_grad()" in str(finding)


def test_a_factor_per_step_is_given():
    report = vanishing_over_time(broken=True)
    assert "a factor of 0.5 a step" in str(report)


def test_nothing_is_changed_by_looking():
    model = classifier()
    loss = class_loss(model)
    before = model.state_dict()
    lint(loss, model)
    assert all(p.grad is None for p in model.parameters())
    assert all(np.array_equal(before[k], v) for k, v in model.state_dict().items())
    loss.backward()


def test_what_cannot_be_checked_is_refused():
    model = classifier()
    with pytest.raises(TypeError, match="takes a loss, or a function"):
        lint(3.0)
    with pytest.raises(TypeError, match="needs its model"):
        lint(lambda: None)
    with pytest.raises(ValueError, match="no backward"):
        lint(lambda: None, model)
    with pytest.raises(ValueError, match="at least 2"):
        lint(lambda: None, model, steps=1)
