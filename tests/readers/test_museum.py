"""The museum of broken networks: each defect, planted once, is named; its healthy twin is not."""

from __future__ import annotations

import copy

import numpy as np
import pytest

import autograd
import nn
from autograd import Value, check, detect_anomaly, lint
from autograd.readers.detect_anomaly import AnomalyError

F = nn.functional
RNG = np.random.default_rng(0)
X = RNG.normal(size=(32, 6)).astype(np.float32)
LABELS = RNG.integers(0, 3, 32)
TARGETS = RNG.normal(size=32).astype(np.float32)
MANY = RNG.normal(size=(80, 6)).astype(np.float32)
KINDS = (MANY @ RNG.normal(size=(6, 3))).argmax(1)
YES = (MANY[:, :1] * MANY[:, 1:2] > 0).astype(np.float32)
SUMS = (MANY @ RNG.normal(size=(6, 1))).astype(np.float32)
STEPS = RNG.normal(size=(40, 10, 3)).astype(np.float32)
LAST = (STEPS[:, -1, 0] > 0).astype(int)
TOKENS = np.cumsum(RNG.integers(1, 3, (20, 11)), 1) % 9


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


def cleared_before_the_update(broken):
    model = classifier()
    optimizer = adam(model)

    def step():
        if not broken:
            optimizer.zero_grad()
        class_loss(model).backward()
        if broken:
            optimizer.zero_grad()
        optimizer.step()

    return lint(step, model, optimizer)


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
    cleared_before_the_update: "gradients cleared before the update",
    layers_in_a_plain_list: "hidden layers",
}


@pytest.mark.filterwarnings("ignore:.*holds parameters that parameters")
@pytest.mark.parametrize("exhibit", MUSEUM, ids=lambda x: x.__name__)
def test_a_broken_network_is_found_out(exhibit):
    assert MUSEUM[exhibit] in checks(exhibit(broken=True))


@pytest.mark.parametrize("exhibit", MUSEUM, ids=lambda x: x.__name__)
def test_its_healthy_twin_draws_no_finding(exhibit):
    assert not exhibit(broken=False)


class Net(nn.Module):
    """Two layers and what comes between them and after."""

    def __init__(self, body, end=3, width=16, features=6):
        self.a, self.b = nn.Linear(features, width), nn.Linear(width, end)
        self.body = body

    def forward(self, x):
        return self.body(self, x)


def plain(net, x):
    return net.b(F.relu(net.a(x)))


def adam(model, **settings):
    return nn.optim.Adam(model.parameters(), **{"lr": 1e-2, **settings})


def diagnosed(body=plain, data=None, loss=F.cross_entropy, optimizer=adam, validation=None, **net):
    """What `check` finds in a small network."""
    data = (MANY, KINDS) if data is None else data
    model = Net(body, **net)
    return check(model, data, loss, optimizer and optimizer(model), validation=validation)


def sigmoid_before_logits(broken):
    end = F.sigmoid if broken else lambda y: y
    body = lambda net, x: end(plain(net, x))  # noqa: E731
    return diagnosed(body, (MANY, YES), F.binary_cross_entropy_with_logits, end=1)


def relu_before_cross_entropy(broken):
    return diagnosed(lambda net, x: F.relu(plain(net, x)) if broken else plain(net, x))


def softmax_by_hand(broken):
    def body(net, x):
        e = np.exp(plain(net, x))
        return e / np.sum(e, 1, keepdims=True) if broken else plain(net, x)

    return diagnosed(body)


def likelihood_of_logits(broken):
    body = plain if broken else lambda net, x: F.log_softmax(plain(net, x), 1)
    return diagnosed(body, loss=F.nll_loss)


def likelihood_of_probabilities(broken):
    last = F.softmax if broken else F.log_softmax
    return diagnosed(lambda net, x: last(plain(net, x), 1), loss=F.nll_loss)


def log_softmax_over_the_batch(broken):
    axis = 0 if broken else 1
    return diagnosed(lambda net, x: F.log_softmax(plain(net, x), axis), loss=F.nll_loss)


def divergence_of_probabilities(broken):
    last = F.softmax if broken else F.log_softmax
    targets = np.eye(3, dtype=np.float32)[KINDS] * np.float32(0.7) + np.float32(0.1)
    return diagnosed(lambda net, x: last(plain(net, x), 1), (MANY, targets), F.kl_div)


def too_much_smoothing(broken):
    s = np.float32(1.8 if broken else 0.1)

    def smoothed(y, t):
        targets = np.eye(3, dtype=np.float32)[t] * (1 - s) + s / 3
        return -np.mean(np.sum(targets * F.log_softmax(y, 1), 1))

    return diagnosed(loss=smoothed)


def softmax_of_one(broken):
    last = (lambda y: F.softmax(y, 1)) if broken else F.sigmoid
    body = lambda net, x: last(plain(net, x))  # noqa: E731
    return diagnosed(body, (MANY, YES), F.mse_loss, end=1)


class Attention(nn.Module):
    """One head that weighs the steps of a sequence."""

    def __init__(self, axis):
        self.p, self.q, self.k, self.v = (nn.Linear(n, 8) for n in (3, 8, 8, 8))
        self.end, self.axis = nn.Linear(8, 2), axis

    def forward(self, x):
        h = F.relu(self.p(x))
        weights = F.softmax(self.q(h) @ np.swapaxes(self.k(h), 1, 2) / 8**0.5, self.axis)
        return self.end(np.mean(weights @ self.v(h), 1))


def attention_over_the_queries(broken):
    model = Attention(1 if broken else -1)
    return check(model, (STEPS, LAST), F.cross_entropy, adam(model))


def scores_that_are_not_scaled(broken):
    class Sharp(Attention):
        def forward(self, x):
            h = F.relu(self.p(x)) * (100 if broken else 1)
            weights = F.softmax(self.q(h) @ np.swapaxes(self.k(h), 1, 2) / 8**0.5, -1)
            return self.end(np.mean(weights @ self.v(h), 1))

    model = Sharp(-1)
    return check(model, (STEPS, LAST), F.cross_entropy, adam(model))


def relu_before_signed_targets(broken):
    body = lambda net, x: F.relu(plain(net, x)) if broken else plain(net, x)  # noqa: E731
    return diagnosed(body, (MANY, SUMS), F.mse_loss, end=1)


def masks_with_another_axis(broken):
    model = nn.Sequential(nn.Conv2d(1, 4, 3, padding=1), nn.ReLU(), nn.Conv2d(4, 1, 3, padding=1))
    images = RNG.normal(size=(12, 1, 5, 5)).astype(np.float32)
    masks = (images > 0).astype(np.float32)
    masks = masks[:, 0] if broken else masks
    return check(model, (images, masks), lambda y, t: np.mean((y - t) ** 2), adam(model))


def constant_weights(broken):
    model = Net(plain)
    if broken:
        nn.init.constant_(model.a.weight, 0.1)
    return check(model, (MANY, KINDS), F.cross_entropy, adam(model))


def zero_weights(broken):
    model = Net(lambda net, x: net.b(np.tanh(net.a(x))))
    for p in model.parameters() if broken else model.b.parameters():
        nn.init.zeros_(p)  # a head of zeros alone is a good start
    return check(model, (MANY, KINDS), F.cross_entropy, adam(model))


def no_activation(broken):
    return diagnosed(lambda net, x: net.b(net.a(x)) if broken else plain(net, x))


def a_residual_that_is_detached(broken):
    def body(net, x):
        h = F.relu(net.a(x))
        return net.b(h + (h.data if broken else h))

    return diagnosed(body)


def a_step_function(broken):
    return diagnosed(lambda net, x: net.b((np.sign if broken else np.tanh)(net.a(x))))


def a_loss_of_the_argmax(broken):
    def wrong(y, t):
        return np.mean((y.data.argmax(1) != t).astype(np.float32) + 0 * np.sum(y, 1))

    return diagnosed(loss=wrong if broken else F.cross_entropy)


def a_negated_loss(broken):
    sign = -1 if broken else 1
    return diagnosed(loss=lambda y, t: sign * F.cross_entropy(y, t))


def outputs_without_a_graph(broken):
    return diagnosed(lambda net, x: plain(net, x).data if broken else plain(net, x))


def everything_frozen(broken):
    model = Net(plain)
    for p in model.parameters() if broken else model.a.parameters():
        p.requires_grad = False
    return check(model, (MANY, KINDS), F.cross_entropy)


def a_trunk_and_head_frozen(broken):
    model = Net(plain)
    for p in (*model.a.parameters(), model.b.weight) if broken else model.a.parameters():
        p.requires_grad = False
    return check(model, (MANY, KINDS), F.cross_entropy, adam(model))


def normalized_over_the_batch(broken):
    def body(net, x):
        h = net.a(x)
        return net.b(F.relu(h - np.mean(h, 0 if broken else 1, keepdims=True)))

    return diagnosed(body)


def a_reshape_in_place_of_a_transpose(broken):
    def body(net, x):
        turned = np.reshape(x, (6, -1)) if broken else x.T
        return plain(net, turned.T)

    return diagnosed(body)


class Recurrent(nn.Module):
    """An LSTM whose last step decides."""

    def __init__(self, batch_first, cell=nn.LSTM):
        self.cell, self.end = cell(3, 8, batch_first=batch_first), nn.Linear(8, 2)

    def forward(self, x):
        return self.end(self.cell(x)[0][:, -1])


def batch_first_is_missing(broken):
    model = Recurrent(batch_first=not broken)
    return check(model, (STEPS, LAST), F.cross_entropy, adam(model))


class Language(nn.Module):
    """A model of the next token."""

    def __init__(self, both_ways=False, tied=False):
        self.look = nn.Embedding(9, 12)
        self.cell = nn.GRU(12, 12, batch_first=True, bidirectional=both_ways)
        self.end = nn.Linear(24 if both_ways else 12, 9)
        if tied:
            self.end.weight = self.look.weight

    def forward(self, x):
        return self.end(self.cell(self.look(x))[0])


def token_loss(y, t):
    return F.cross_entropy(np.reshape(y, (-1, y.shape[-1])), np.reshape(t, -1))


def the_future_is_seen(broken):
    model = Language(both_ways=broken)
    return check(model, (TOKENS[:, :-1], TOKENS[:, 1:]), token_loss, adam(model))


def attention_without_a_mask(broken):
    class Block(nn.Module):
        def __init__(self):
            self.look, self.end = nn.Embedding(9, 12), nn.Linear(12, 9)
            self.place = nn.Parameter(RNG.normal(size=(10, 12)).astype(np.float32))

        def forward(self, x):
            h = self.look(x) + self.place[: x.shape[1]]
            return self.end(h + F.scaled_dot_product_attention(h, h, h, is_causal=not broken))

    model = Block()
    return check(model, (TOKENS[:, :-1], TOKENS[:, 1:]), token_loss, adam(model))


def targets_that_are_not_shifted(broken):
    model = Language()
    targets = TOKENS[:, :-1] if broken else TOKENS[:, 1:]
    return check(model, (TOKENS[:, :-1], targets), token_loss, adam(model))


def padding_in_the_loss(broken):
    tokens = TOKENS.copy()
    tokens[::2, 7:] = 0
    tokens[:, 0] = 1
    model = Language()
    model.look = nn.Embedding(9, 12, padding_idx=0)
    settings = {} if broken else {"ignore_index": 0}

    def loss(y, t):
        return F.cross_entropy(np.reshape(y, (-1, 9)), np.reshape(t, -1), **settings)

    return check(model, (tokens[:, :-1], tokens[:, 1:]), loss, adam(model))


def a_state_with_its_graph(broken):
    class Stateful(nn.Module):
        def __init__(self):
            self.cell, self.end, self.h = nn.RNNCell(3, 8), nn.Linear(8, 2), None

        def forward(self, x):
            known = self.h is not None and len(self.h) == len(x)
            h = self.h if known else np.zeros((len(x), 8), np.float32)
            for t in range(x.shape[1]):
                h = self.cell(x[:, t], h)
            self.h = h if broken else h.data
            return self.end(h)

    model = Stateful()
    return check(model, (STEPS, LAST), F.cross_entropy, adam(model))


def a_velocity_that_never_decays(broken):
    momentum = 1.0 if broken else 0.9
    return diagnosed(
        optimizer=lambda net: nn.optim.SGD(net.parameters(), lr=0.1, momentum=momentum)
    )


def a_head_that_was_replaced(broken):
    model = Net(plain)
    optimizer = adam(model) if broken else None
    model.b = nn.Linear(16, 3)
    return check(model, (MANY, KINDS), F.cross_entropy, optimizer or adam(model))


def a_head_in_no_optimizer(broken):
    return diagnosed(optimizer=lambda net: adam(net.a if broken else net))


def the_optimizer_of_a_copy(broken):
    return diagnosed(optimizer=lambda net: adam(copy.deepcopy(net) if broken else net))


def too_large_a_rate(broken):
    return diagnosed(optimizer=lambda net: adam(net, lr=3.0 if broken else 1e-2))


def too_large_a_rate_for_squares(broken):
    """Adam comes back from anywhere, so the few samples are learnt in the end."""
    data = (MANY, SUMS)
    rate = 1.0 if broken else 1e-2
    return diagnosed(data=data, loss=F.mse_loss, optimizer=lambda n: adam(n, lr=rate), end=1)


def too_small_a_rate(broken):
    return diagnosed(optimizer=lambda net: adam(net, lr=1e-8 if broken else 1e-3))


def too_much_decay(broken):
    def decayed(net):
        return nn.optim.SGD(net.parameters(), lr=0.1, weight_decay=1.0 if broken else 1e-4)

    return diagnosed(optimizer=decayed)


def uphill(broken):
    return diagnosed(optimizer=lambda net: adam(net, maximize=broken))


def inputs_that_do_not_arrive(broken):
    return diagnosed(lambda net, x: net.b(np.tanh(net.a(x * (0 if broken else 1)))))


def pixels(broken):
    scale = 255 if broken else 1
    return diagnosed(data=(np.abs(MANY) * np.float32(scale), KINDS))


def columns(broken):
    scale = np.array([1, 1, 1, 1, 1, 1e5 if broken else 10], np.float32)
    return diagnosed(data=(MANY * scale, KINDS))


def far_targets(broken):
    offset = np.float32(300 if broken else 1)
    return diagnosed(data=(MANY, SUMS + offset), loss=F.mse_loss, end=1)


def a_missing_value(broken):
    x = MANY.copy()
    x[3, 2] = np.nan if broken else 0
    return diagnosed(data=(x, KINDS))


def labels_in_order(broken):
    order = np.argsort(KINDS, kind="stable") if broken else np.arange(len(KINDS))
    return diagnosed(data=nn.data.DataLoader((MANY[order], KINDS[order]), 8))


def a_column_that_tells(broken):
    noise = RNG.normal(size=len(KINDS))
    told = KINDS + 0.01 * noise if broken else noise
    x = np.column_stack([MANY, told]).astype(np.float32)
    return diagnosed(data=(x, KINDS), features=7)


def repeated_rows(broken):
    x = np.concatenate([MANY, MANY if broken else -MANY])
    return diagnosed(data=(x, np.concatenate([KINDS, KINDS])))


def rows_shuffled_in_one_array(broken):
    labels = (KINDS + 1) % 3 if broken else KINDS
    x = np.concatenate([MANY, MANY[:20] if broken else -MANY[:20]])
    return diagnosed(data=(x, np.concatenate([KINDS, labels[:20]])))


def validation_in_training(broken):
    train = (MANY, KINDS) if broken else (MANY[:60], KINDS[:60])
    return diagnosed(data=train, validation=(MANY[60:], KINDS[60:]))


def validation_that_is_not_scaled(broken):
    scale = np.float32(20 if broken else 1)
    train = (MANY[:60], KINDS[:60])
    return diagnosed(data=train, validation=(MANY[60:] * scale, KINDS[60:]))


CHECKED = {
    sigmoid_before_logits: "sigmoid before binary_cross_entropy_with_logits",
    relu_before_cross_entropy: "relu before cross_entropy",
    softmax_by_hand: "softmax by hand before cross_entropy",
    likelihood_of_logits: "logits in a negative log-likelihood",
    likelihood_of_probabilities: "probabilities in a negative log-likelihood",
    log_softmax_over_the_batch: "log_softmax over the wrong axis",
    divergence_of_probabilities: "probabilities in a negative log-likelihood",
    too_much_smoothing: "targets are no probabilities",
    softmax_of_one: "softmax of one element",
    scores_that_are_not_scaled: "saturated softmax",
    attention_over_the_queries: "softmax over the wrong axis",
    relu_before_signed_targets: "targets out of range",
    masks_with_another_axis: "broadcast",
    constant_weights: "equal units",
    zero_weights: "equal units",
    no_activation: "no nonlinearity",
    a_residual_that_is_detached: "detached",
    a_step_function: "no gradient passes",
    a_loss_of_the_argmax: "no gradient passes",
    a_negated_loss: "the loss is negated",
    outputs_without_a_graph: "nothing to learn",
    everything_frozen: "nothing to learn",
    a_trunk_and_head_frozen: "frozen parameters",
    normalized_over_the_batch: "samples are mixed",
    a_reshape_in_place_of_a_transpose: "samples are mixed",
    batch_first_is_missing: "samples are mixed",
    the_future_is_seen: "the future is seen",
    attention_without_a_mask: "the future is seen",
    targets_that_are_not_shifted: "targets are the inputs",
    padding_in_the_loss: "padding is counted",
    a_state_with_its_graph: "a graph is kept from step to step",
    a_velocity_that_never_decays: "momentum too large",
    a_head_that_was_replaced: "optimizer of replaced parameters",
    a_head_in_no_optimizer: "parameters in no optimizer",
    the_optimizer_of_a_copy: "optimizer of another model",
    too_large_a_rate: "learning rate too large",
    too_large_a_rate_for_squares: "learning rate too large",
    too_small_a_rate: "learning rate too small",
    too_much_decay: "weight decay too large",
    uphill: "the loss is maximized",
    inputs_that_do_not_arrive: "one batch is not overfitted",
    pixels: "inputs are not scaled",
    columns: "columns of different scale",
    far_targets: "loss at the start",
    a_missing_value: "data that are not finite",
    labels_in_order: "labels in order",
    a_column_that_tells: "a column tells the target",
    repeated_rows: "duplicates",
    rows_shuffled_in_one_array: "equal inputs, different targets",
    validation_in_training: "validation data in the training data",
    validation_that_is_not_scaled: "validation data of another scale",
}


@pytest.mark.parametrize("exhibit", CHECKED, ids=lambda x: x.__name__)
def test_check_names_the_cause(exhibit):
    assert CHECKED[exhibit] in checks(exhibit(broken=True))


@pytest.mark.parametrize("exhibit", CHECKED, ids=lambda x: x.__name__)
def test_check_finds_nothing_in_the_healthy_twin(exhibit):
    assert not exhibit(broken=False)


def frozen_batch_norm():
    model = classifier(nn.BatchNorm1d(8))
    model[2].eval()
    return check(model, (MANY, KINDS), F.cross_entropy, adam(model))


def pairs():
    model = Net(plain, end=1)

    def ranked(y, t):
        return np.mean(F.softplus((y - y.T) * np.sign(t[None, :, 0] - t)))

    return check(model, (MANY, SUMS), ranked, adam(model))


def critic_of_a_gan():
    """The critic's step: the generator is detached on purpose."""
    generator, critic = nn.Linear(2, 6), Net(plain, end=1)
    optimizer = adam(critic)

    def step():
        optimizer.zero_grad()
        fake = generator(RNG.normal(size=(32, 2)).astype(np.float32)).data
        loss = np.mean(F.softplus(-critic(X))) + np.mean(F.softplus(critic(fake)))
        loss.backward()
        optimizer.step()

    return lint(step, critic, optimizer)


def both_steps_of_a_gan():
    """The generator's gradients reach the critic, which clears them before it uses them."""
    generator, critic = nn.Linear(2, 6), Net(plain, end=1)
    g, d = adam(generator), adam(critic)

    def step():
        z = RNG.normal(size=(32, 2)).astype(np.float32)
        d.zero_grad()
        real, fake = critic(X), critic(generator(z).data)
        (np.mean(F.softplus(-real)) + np.mean(F.softplus(fake))).backward()
        d.step()
        g.zero_grad()
        np.mean(F.softplus(-critic(generator(z)))).backward()
        g.step()

    return lint(step, critic, [g, d])


def both_steps_of_a_gan_in_one_module():
    """The critic's loss does not reach the generator; the second loss does."""
    generator, critic = nn.Linear(2, 6), Net(plain, end=1)
    g, d = adam(generator), adam(critic)

    def step():
        z = RNG.normal(size=(32, 2)).astype(np.float32)
        d.zero_grad()
        (
            np.mean(F.softplus(-critic(X))) + np.mean(F.softplus(critic(generator(z).data)))
        ).backward()
        d.step()
        g.zero_grad()
        np.mean(F.softplus(-critic(generator(z)))).backward()
        g.step()

    return lint(step, nn.ModuleList([generator, critic]), [g, d])


def deep_relu():
    """Deep layers in their default initialization give nearly the same for all samples."""
    layers = [m for n in (6, *[32] * 5) for m in (nn.Linear(n, 32), nn.ReLU())]
    model = nn.Sequential(*layers, nn.Linear(32, 3))
    return check(model, (MANY, KINDS), F.cross_entropy, adam(model, lr=1e-3))


def accumulated():
    model = classifier()
    optimizer = adam(model)

    def step():
        optimizer.zero_grad()
        for half in (slice(16), slice(16, 32)):
            (F.cross_entropy(model(X[half]), LABELS[half]) / 2).backward()
        optimizer.step()

    return lint(step, model, optimizer)


def head_only():
    return diagnosed(optimizer=lambda net: adam(net.b))


def tied():
    model = Language(tied=True)
    return check(model, (TOKENS[:, :-1], TOKENS[:, 1:]), token_loss, adam(model))


def deep_tanh():
    layers = []
    for i in range(10):
        layer = nn.Linear(16 if i else 6, 16)
        nn.init.xavier_uniform_(layer.weight)
        layers += [layer, nn.Tanh()]
    model = nn.Sequential(*layers, nn.Linear(16, 3))
    return check(model, (MANY, KINDS), F.cross_entropy, adam(model, lr=1e-3))


class Residual(nn.Module):
    """Thirty blocks with skip connections."""

    def __init__(self):
        self.first = nn.Linear(6, 8)
        self.blocks = nn.ModuleList(
            [nn.Sequential(nn.LayerNorm(8), nn.Linear(8, 8), nn.ReLU()) for _ in range(30)]
        )
        self.last = nn.Linear(8, 3)

    def forward(self, x):
        h = self.first(x)
        for block in self.blocks:
            h = h + block(h)
        return self.last(h)


def residual():
    model = Residual()
    return check(model, (MANY, KINDS), F.cross_entropy, adam(model, lr=1e-3))


def long_lstm():
    model = Recurrent(batch_first=True)
    x = RNG.normal(size=(24, 30, 3)).astype(np.float32)
    return check(model, (x, LAST[:24]), F.cross_entropy, adam(model))


def loop_over_a_cell():
    class Loop(nn.Module):
        def __init__(self):
            self.cell, self.end = nn.RNNCell(3, 8), nn.Linear(8, 2)

        def forward(self, x):
            h = np.zeros((len(x), 8), np.float32)
            for t in range(x.shape[1]):
                h = self.cell(x[:, t], h)
            return self.end(h)

    model = Loop()
    return check(model, (STEPS, LAST), F.cross_entropy, adam(model))


def masked_attention():
    mask = np.where(np.tri(10, dtype=bool), 0, -np.inf).astype(np.float32)

    class Masked(Attention):
        def forward(self, x):
            h = F.relu(self.p(x))
            weights = F.softmax(self.q(h) @ np.swapaxes(self.k(h), 1, 2) + mask, -1)
            return self.end((weights @ self.v(h))[:, -1])

    model = Masked(-1)
    return check(model, (STEPS, LAST), F.cross_entropy, adam(model))


def sparse_codes():
    x = np.eye(24, dtype=np.float32)[RNG.integers(0, 24, 60)]
    return diagnosed(data=(x, x.argmax(1) % 3), features=24)


def doubles():
    model = Net(plain).to(np.float64)
    return check(model, (MANY.astype(np.float64), KINDS), F.cross_entropy, adam(model))


def small_gpt():
    model = nn.models.GPT(9, 12, 2, 2, 16)
    optimizer = nn.optim.AdamW(model.parameters(), lr=3e-3)
    return check(model, (TOKENS[:, :-1], TOKENS[:, 1:]), token_loss, optimizer)


def gru_over_a_hundred_steps():
    class Each(Recurrent):
        def forward(self, x):
            return self.end(self.cell(x)[0])

    model = Each(batch_first=True, cell=nn.GRU)
    x = RNG.normal(size=(8, 100, 3)).astype(np.float32)
    labels = (x[..., 0] > 0).astype(int)

    def loss(y, t):
        return F.cross_entropy(np.reshape(y, (-1, 2)), np.reshape(t, -1))

    return check(model, (x, labels), loss, adam(model))


def linear_autoencoder():
    model = nn.Sequential(nn.Linear(6, 2), nn.Linear(2, 6))
    return check(model, MANY, F.mse_loss, adam(model))


def straight_through():
    def body(net, x):
        h = net.a(x)
        return net.b(h + (np.sign(h) - h).data)

    return diagnosed(body)


def detached_advantage():
    model = Net(lambda net, x: (net.b(F.relu(net.a(x))), np.mean(net.a(x), 1)))

    def loss(y, t):
        logits, value = y
        advantage = 1.0 - value.data
        chosen = F.log_softmax(logits, 1)[np.arange(len(t)), t]
        return -np.mean(advantage * chosen) + np.mean((value - 1.0) ** 2)

    return check(model, (MANY, KINDS), loss, adam(model))


def convolutions():
    model = nn.Sequential(
        nn.Conv2d(1, 4, 3),
        nn.BatchNorm2d(4),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(36, 3),
    )
    x = RNG.normal(size=(24, 1, 8, 8)).astype(np.float32)
    return check(model, (x, KINDS[:24]), F.cross_entropy, adam(model))


def multihead_attention():
    class Weighed(nn.Module):
        def __init__(self):
            self.first, self.end = nn.Linear(3, 8), nn.Linear(8, 2)
            self.weigh = nn.MultiheadAttention(8, 2, batch_first=True)

        def forward(self, x):
            h = self.first(x)
            return self.end(self.weigh(h, h, h)[0].mean(1))

    model = Weighed()
    return check(model, (STEPS, LAST), F.cross_entropy, adam(model))


def low_rank_update():
    class Adapted(nn.Module):
        def __init__(self):
            self.fixed, self.end = nn.Linear(6, 16), nn.Linear(16, 3)
            self.down = nn.Parameter(RNG.normal(size=(6, 2)).astype(np.float32))
            self.up = nn.Parameter(np.zeros((2, 16), np.float32))

        def forward(self, x):
            return self.end(np.tanh(self.fixed(x) + (x @ self.down) @ self.up))

    model = Adapted()
    for p in (*model.fixed.parameters(), *model.end.parameters()):
        p.requires_grad = False
    return check(model, (MANY, KINDS), F.cross_entropy, adam(model))


def layers_of_a_fixed_graph():
    neighbours = (np.eye(80) + np.eye(80, k=1) + np.eye(80, k=-1)).astype(np.float32) / 3
    return diagnosed(lambda net, x: net.b(F.relu(neighbours @ net.a(x))))


def too_few_weights_for_noise():
    x, noise = MANY[:, :2], RNG.normal(size=(80, 1)).astype(np.float32)
    model = nn.Linear(2, 1)
    return check(model, (x, noise), F.mse_loss, adam(model))


def a_series_in_its_order():
    wave = np.sin(0.05 * np.arange(140)).astype(np.float32)
    windows = np.lib.stride_tricks.sliding_window_view(wave, 7)
    model = Net(plain, end=1)
    loader = nn.data.DataLoader((windows[:, :6].copy(), windows[:, 6:].copy()), 16)
    return check(model, loader, F.mse_loss, adam(model))


HEALTHY = [
    frozen_batch_norm, pairs, critic_of_a_gan, both_steps_of_a_gan,
    both_steps_of_a_gan_in_one_module, deep_relu, accumulated, head_only, tied,
    deep_tanh, residual, long_lstm, loop_over_a_cell, masked_attention, sparse_codes, doubles,
    small_gpt, gru_over_a_hundred_steps, linear_autoencoder, straight_through,
    detached_advantage, convolutions, multihead_attention, low_rank_update,
    layers_of_a_fixed_graph, too_few_weights_for_noise, a_series_in_its_order,
]  # fmt: skip


@pytest.mark.parametrize("net", HEALTHY, ids=lambda x: x.__name__)
def test_a_healthy_network_is_not_accused(net):
    assert not net()


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
