from __future__ import annotations

import json
import math
import re

import numpy as np
import pytest

import nn
from autograd import Value
from nn.train import Callback, GradientClipping, Watch, fit
from nn.train.watch import callback
from nn.train.watch.histogram import BINS, MOST, histogram, spread
from nn.train.watch.measurements import activations_in, along_depth, chance, layers, together
from nn.train.watch.record import LIMIT, Record
from nn.train.watch.remark import Seen
from nn.train.watch.remarks import remarks

X = np.random.default_rng(0).normal(size=(48, 3)).astype(np.float32)
Y = (X[:, 0] > 0).astype(int)


def net():
    return nn.Sequential(
        nn.Linear(3, 8, rng=0), nn.Tanh(), nn.Linear(8, 6, rng=1), nn.ReLU(), nn.Linear(6, 2, rng=2)
    )


def run(watch, model=None, epochs=2, before=(), **settings):
    settings = {"optimizer": "sgd", "lr": 0.1, "batch_size": 16, "rng": 0, **settings}
    model = model or net()
    callbacks = [*before, watch]
    return fit(model, (X, Y), "cross_entropy", epochs=epochs, callbacks=callbacks, verbose=False,
               **settings)  # fmt: skip


def data_of(path):
    text = re.search(r'<script type="application/json" id="data">(.*?)</script>', path.read_text())
    return json.loads(text[1])


def test_a_finished_page_holds_the_whole_run_and_asks_for_nothing(tmp_path):
    watch = Watch(tmp_path / "deep" / "run.html", every=1)
    history = run(watch, validation=(X, Y), metrics=["accuracy"])
    data, page = data_of(watch.path), watch.path.read_text()
    assert data["live"] is False
    assert data["steps"] == [0, 1, 2, 3, 4, 5]
    assert data["ends"] == [3, 6]
    np.testing.assert_allclose(data["curves"]["val_accuracy"], history["val_accuracy"], rtol=1e-4)
    np.testing.assert_allclose(
        np.mean(data["series"]["loss"][""][:3]), history["loss"][0], rtol=1e-4
    )
    assert not re.search(r"(src|href)=[\"'](?!data:)", page)
    assert [p.name for p in watch.path.parent.iterdir()] == ["run.html"]
    assert watch.path.name in repr(watch)
    assert "srcdoc" in watch._repr_html_()


def test_numbers_of_some_epochs_stand_where_these_ended(tmp_path):
    watch = Watch(tmp_path / "run.html", every=1)
    run(watch, epochs=5, validation=(X, Y), validation_freq=2)
    data = data_of(watch.path)
    assert data["places"] == {"loss": [3, 6, 9, 12, 15], "val_loss": [6, 12]}
    assert len(data["curves"]["val_loss"]) == 2


def test_gradient_norms_and_updates_are_those_of_the_step(tmp_path):
    seen = []

    class Note(Callback):
        def on_gradients(self, state):
            seen.append([(p.data.copy(), p.grad.copy()) for p in state.model[2].parameters()])

    watch = Watch(tmp_path / "run.html", every=1)
    run(watch, before=[Note()])
    for k, parameters in enumerate(seen):
        g = math.sqrt(sum(np.sum(grad.astype(float) ** 2) for _, grad in parameters))
        w = math.sqrt(sum(np.sum(data.astype(float) ** 2) for data, _ in parameters))
        series = watch.record.series
        assert series["gradient"]["2: Linear"][k] == pytest.approx(g, rel=1e-4)
        assert series["ratio"]["2: Linear"][k] == pytest.approx(0.1 * g / w, rel=1e-3)


def test_behind_clipping_it_sees_the_clipped_gradients(tmp_path):
    watch = Watch(tmp_path / "run.html", every=1)
    run(watch, before=[GradientClipping(max_norm=1e-3)])
    norms = watch.record.series["gradient"]
    whole = np.sqrt(np.sum(np.square(list(norms.values())), axis=0))
    np.testing.assert_allclose(whole, 1e-3, rtol=1e-2)


def test_accumulated_batches_are_one_sample(tmp_path):
    watch = Watch(tmp_path / "run.html", every=1)
    run(watch, accumulate=2)
    assert watch.record.steps == [0, 1, 2, 3]
    assert None not in watch.record.series["ratio"]["0: Linear"]


def test_steps_between_samples_read_nothing(tmp_path, monkeypatch):
    read = []
    monkeypatch.setattr(
        callback, "activations_in", lambda loss: read.append(loss) or activations_in(loss)
    )
    monkeypatch.setattr(callback.Layer, "copies", lambda self, o=callback.Layer.copies: (
        read.append(self), o(self))[1])  # fmt: skip
    watch = Watch(tmp_path / "run.html", every=4)
    run(watch, epochs=3)
    assert watch.record.steps == [0, 4, 8]
    assert len(read) == 3 * (1 + 3)


def test_watching_changes_nothing_about_training(tmp_path):
    alone, watched = net(), net()
    fit(alone, (X, Y), "cross_entropy", rng=0, verbose=False)
    fit(watched, (X, Y), "cross_entropy", rng=0, verbose=False,
        callbacks=[Watch(tmp_path / "run.html", every=1)])  # fmt: skip
    for p, q in zip(alone.parameters(), watched.parameters(), strict=True):
        np.testing.assert_array_equal(p.data, q.data)


def test_samples_keep_to_their_share_of_the_time(tmp_path, monkeypatch):
    clock = [0.0]

    class Tick(Callback):
        def on_epoch_begin(self, state):
            clock[0] += 10.0

        def on_step_end(self, state):
            clock[0] += 1.0

    def costly(loss):
        clock[0] += 3.0
        return activations_in(loss)

    monkeypatch.setattr(callback.time, "perf_counter", lambda: clock[0])
    monkeypatch.setattr(callback, "activations_in", costly)
    watch = Watch(tmp_path / "run.html", overhead=0.2)
    run(watch, epochs=100, before=[Tick()])
    spent = 3.0 * len(watch.record.steps)
    assert 0.06 * clock[0] < spent < 0.11 * clock[0]


def test_saturated_and_dead_units_are_counted():
    x = np.array([[-3.0, 0.1, 3.0, 4.0], [-5.0, 0.2, -3.0, -1.0]], np.float32)

    class Net(nn.Module):
        def __init__(self):
            self.last = nn.Linear(4, 1, rng=0)

        def forward(self, x):
            x = Value(x)
            first, second = np.maximum(x, 0), nn.functional.relu(x)
            return nn.functional.sigmoid(self.last(np.tanh(x) + first + second) * 0)

    found = activations_in(np.sum(Net()(x)))
    assert found["Net · tanh"].saturated == 5 / 8
    assert found["Net · tanh"].hidden
    assert found["Net · maximum"].dead == found["Net · relu"].dead == 1 / 4
    assert found["Net · sigmoid"].saturated == 0
    assert not found["Net · sigmoid"].hidden


@pytest.mark.parametrize(
    ("model", "shape", "dead"),
    [
        (nn.Conv1d(2, 4, 3, rng=0), (3, 2, 9), 1 / 4),
        (nn.Linear(2, 4, rng=0), (3, 9, 2), 1 / 4),
        (nn.Conv2d(2, 4, 3, rng=0), (3, 2, 9, 9), 1 / 4),
        (nn.Linear(2, 4, rng=0), (9, 2), 1 / 4),
    ],
)
def test_units_are_channels_of_images_and_features_of_sequences(model, shape, dead):
    model.bias.data[:] = [100, -100, 100, 100]
    x = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    (found,) = activations_in(np.sum(nn.Sequential(model, nn.ReLU())(x))).values()
    assert found.dead == dead


@pytest.mark.parametrize(
    ("model", "measured"),
    [
        (nn.RNN(3, 4, rng=0), "saturated"),
        (nn.RNN(3, 4, nonlinearity="relu", rng=0), "dead"),
        (nn.GRU(3, 4, rng=0), "saturated"),
    ],
)
def test_recurrent_outputs_are_looked_at(model, measured):
    y, _ = model(np.ones((5, 2, 3), np.float32))
    ((name, found),) = activations_in(np.sum(y)).items()
    assert name == type(model).__name__
    assert getattr(found, measured) is not None


def test_frozen_and_unreached_layers_are_told_apart(tmp_path):
    class Net(nn.Module):
        def __init__(self):
            self.used, self.unused = nn.Linear(3, 2, rng=0), nn.Linear(3, 2, rng=1)
            self.frozen = nn.Linear(3, 3, rng=2).requires_grad_(False)

        def forward(self, x):
            return self.used(self.frozen(x))

    model, watch = Net(), Watch(tmp_path / "run.html", every=1)
    assert [layer.name for layer in layers(model)] == ["used: Linear", "unused: Linear"]
    run(watch, model)
    assert watch.record.series["gradient"]["unused: Linear"] == [None] * 6
    assert [remark["text"] for remark in data_of(watch.path)["remarks"]] == [
        "unused: Linear gets no gradient: the loss does not depend on it.",
        "unused: Linear hardly learns: the relative update is 0. Its gradients vanish, or the "
        "learning rate is too small.",
    ]


def test_remarks_name_what_is_saturated_dead_or_not_finite():
    record = Record()
    for step in range(6):
        record.add(
            step,
            {
                "gradient": {"a": math.inf, "b": 1.0},
                "ratio": {"b": 1e-3},
                "saturated": {"s": 0.9, "output": 1.0},
                "dead": {"r": 0.75, "fine": 0.1},
            },
        )
    found = remarks(record, Seen({"s", "r", "fine"}))
    assert [remark.text.split()[0] for remark in found] == ["a", "s:", "r:"]


@pytest.mark.parametrize(
    ("dtype", "size"), [(np.float32, 1e25), (np.float32, 1e-30), (np.float16, 6e4)]
)
def test_gradients_near_the_end_of_their_range_have_finite_norms(dtype, size, tmp_path):
    class Scaled(Callback):
        def on_gradients(self, state):
            for p in state.model.parameters():
                p.grad[...] = size

    watch = Watch(tmp_path / "run.html", every=1)
    run(watch, nn.Linear(3, 2, rng=0), before=[Scaled()], lr=1e-35)
    assert watch.record.series["gradient"]["Linear"] == pytest.approx([size * 8**0.5] * 6)
    assert not any("not finite" in r["text"] for r in data_of(watch.path)["remarks"])
    assert together([np.full(8, size, dtype)]) == pytest.approx(
        float(dtype(size)) * 8**0.5, rel=1e-3
    )


def test_an_update_beyond_the_range_of_float16_is_measured():
    layer = nn.Linear(4, 1, bias=False, rng=0)
    layer.weight.data = np.full((1, 4), 6e4, np.float16)
    (found,) = layers(layer)
    before = found.copies()
    layer.weight.data = -layer.weight.data
    assert found.moved(before) == 2.0


def test_histograms_count_what_numpy_counts(rng):
    x, y = rng.normal(size=(40, 30)), rng.normal(size=70).astype(np.float32)
    found = histogram([x, y])
    whole = np.concatenate([x.ravel(), y.astype(float)])
    counts, edges = np.histogram(whole, BINS)
    assert found.counts == counts.tolist()
    assert (found.low, found.high, found.size) == (edges[0], edges[-1], 1270)
    of_logs = histogram([x], log=True)
    counts, edges = np.histogram(np.log10(abs(x)), BINS)
    assert (of_logs.counts, of_logs.low, of_logs.high) == (counts.tolist(), edges[0], edges[-1])


@pytest.mark.parametrize(
    ("x", "counted", "zeros", "wild"),
    [
        ([2.0, 2.0], 2, 0, 0),
        ([0.0, 0.0, 0.0], 3, 3, 0),
        ([np.nan, -np.inf, 1.0, 3.0], 2, 0, 2),
        ([np.nan], 0, 0, 1),
        ([5e-324, 0.0], 2, 1, 0),
        ([-1.7e308, 1.7e308], 2, 0, 0),
    ],
)
def test_histograms_of_odd_numbers_count_each_once(x, counted, zeros, wild):
    found = histogram([np.array(x)])
    assert (sum(found.counts), found.zeros, found.wild) == (counted, zeros, wild)


def test_a_layer_without_numbers_has_no_histogram():
    assert histogram([]) is histogram([np.zeros((0, 3))]) is None


def test_elements_of_a_large_matrix_are_taken_from_all_columns():
    width = 512
    x = np.broadcast_to(np.arange(width), (256, width))
    taken = spread(x, x.size // MOST)
    assert len(np.unique(taken)) == width
    assert taken.size <= MOST
    found = histogram([x])
    assert (sum(found.counts), found.size) == (taken.size, x.size)


def test_histograms_are_those_of_the_step(tmp_path):
    seen = []

    class Note(Callback):
        def on_loss(self, state):
            z = state.batch[0] @ state.model[0].weight.data.T + state.model[0].bias.data
            seen.append([np.tanh(z.astype(float)), state.outputs.data.copy()])

        def on_gradients(self, state):
            parameters = [*state.model[2].parameters()]
            for kind in ("data", "grad"):
                arrays = [getattr(p, kind) for p in parameters]
                seen[-1].append(np.concatenate([x.ravel() for x in arrays]).astype(float))

    watch = Watch(tmp_path / "run.html", every=1)
    run(watch, before=[Note()])
    data = data_of(watch.path)
    assert data["columns"] == [0, 1, 2, 3, 4, 5]
    for k, (tanh, outputs, weights, grads) in enumerate(seen):
        for kind, name, x in (
            ("activations", "1: Tanh", tanh),
            ("activations", "outputs", outputs),
            ("weights", "2: Linear", weights),
            ("gradients", "2: Linear", np.log10(abs(grads[grads != 0]))),
        ):
            low, high, counts, zeros, wild, size = data["histograms"][kind][name][k]
            assert (low, high) == pytest.approx((x.min(), x.max()), rel=1e-4)
            assert sum(abs(np.subtract(counts, np.histogram(x, BINS)[0]))) <= 2  # at an edge
            assert (wild, size) == (0, sum(counts) + (zeros if kind == "gradients" else 0))
            assert zeros == (np.count_nonzero(grads == 0) if kind == "gradients" else 0)


def test_histograms_of_a_long_run_are_few_and_evenly_spaced(tmp_path):
    watch = Watch(tmp_path / "run.html", every=1)
    run(watch, epochs=60)
    gaps = np.diff(watch.histograms.steps)
    assert 30 <= len(watch.histograms.steps) <= 60
    assert gaps.max() <= 2 * gaps.min() + 1
    assert watch.histograms.steps[-1] > 170


def test_the_learning_rate_is_that_of_each_layer(tmp_path):
    model = net()
    groups = [{"params": model[0].parameters(), "lr": 0.5}, {"params": model[4].parameters()}]
    watch = Watch(tmp_path / "run.html", every=1)
    run(watch, model, epochs=1, optimizer=nn.optim.SGD(groups, lr=0.25), lr=None)
    assert watch.record.series["rate"] == {
        "0: Linear": [0.5] * 3,
        "2: Linear": [None] * 3,
        "4: Linear": [0.25] * 3,
    }


def test_depth_follows_the_graph():
    class Net(nn.Module):
        def __init__(self):
            self.last, self.first = nn.Linear(4, 2, rng=0), nn.Linear(3, 4, rng=1)

        def forward(self, x):
            return self.last(np.tanh(self.first(x)))

    model = Net()
    assert along_depth(np.sum(model(X)), layers(model)) == ["first: Linear", "last: Linear"]


@pytest.mark.parametrize(
    ("criterion", "outputs", "targets", "expected"),
    [
        (nn.functional.cross_entropy, np.zeros((4, 10)), np.zeros(4, int), math.log(10)),
        (nn.CrossEntropyLoss(label_smoothing=0.1), np.zeros((4, 3, 5)), np.zeros((4, 5), int),
         math.log(3)),
        (nn.BCEWithLogitsLoss(), np.zeros((4, 1)), np.ones((4, 1)), math.log(2)),
        (nn.MSELoss(), np.zeros((4, 1)), np.ones((4, 1)), None),
        (nn.CrossEntropyLoss(reduction="sum"), np.zeros((4, 3)), np.zeros(4, int), None),
    ],
)  # fmt: skip
def test_chance_is_the_loss_of_equal_probabilities(criterion, outputs, targets, expected):
    loss = criterion(Value(outputs), targets)
    assert chance(loss, criterion) == expected
    if expected is not None:
        assert loss.item() == pytest.approx(expected)


def recorded(count=40, **series):
    """A record of samples: of each kind one function of the update, or a dict of them."""
    record = Record()
    for k in range(count):
        numbers = {}
        for kind, f in series.items():
            lines = f if isinstance(f, dict) else {"" if kind in ("loss", "chance") else "fc": f}
            numbers[kind] = {name: line(k) for name, line in lines.items()}
        record.add(10 * k, numbers)
    return record


def texts(record, **seen):
    return [remark.text.split(":")[0] for remark in remarks(record, Seen(**seen))]


def test_a_remark_tells_from_which_update_to_which_it_held():
    record = recorded(saturated=lambda k: 0.9 if 10 <= k < 20 else 0.1)
    (found,) = remarks(record, Seen({"fc"}))
    assert (found.first, found.last, found.now) == (80, 210, False)  # medians of five samples
    (found,) = remarks(recorded(saturated=lambda k: 0.9 if k >= 30 else 0.1), Seen({"fc"}))
    assert (found.first, found.now) == (280, True)
    assert found.last == 390


def test_a_loss_that_stays_at_equal_probabilities_is_remarked_on():
    ends = [(100, 2.3), (200, 2.3), (300, 2.3), (400, 2.3)]
    flat = {"chance": lambda k: math.log(10), "loss": lambda k: 2.3 + 0.01 * (-1) ** k}
    (found,) = remarks(recorded(**flat), Seen(curves={"loss": ends}))
    assert found.text.startswith("The loss stays at 2.303 = ln 10")
    warming = {"rate": lambda k: 1e-4 * k}
    assert texts(recorded(**flat, **warming), curves={"loss": ends}) == []
    falling = {**flat, "loss": lambda k: 2.33 - 0.004 * k}
    assert texts(recorded(**falling), curves={"loss": ends}) == []


def test_a_loss_that_jumps_after_large_updates_is_put_down_to_the_learning_rate():
    jumps = {"loss": lambda k: 5.0 if k % 10 == 9 else 1.0 / (1 + k)}
    assert texts(recorded(**jumps, ratio=lambda k: 0.05)) == [
        "The loss jumped 4 times above where it began, after updates of up to 5 % of the weights"
    ]
    assert texts(recorded(**jumps, ratio=lambda k: 1e-3)) == []  # noise of the batches
    (found,) = remarks(recorded(loss=lambda k: 1.0 + k, ratio=lambda k: 0.05))
    assert found.text.startswith("The loss is larger than at the start, 38 against 5,")


def test_a_gradient_that_vanishes_along_depth_is_remarked_on():
    names = [f"layer {k}" for k in range(6)]
    falling = {name: lambda k, i=i: 10.0 ** (i - 5) for i, name in enumerate(names)}
    (found,) = remarks(recorded(gradient=falling), Seen(depth=names))
    assert "from layer 5 back to layer 0 its norm goes from 1 to 1e-05" in found.text
    assert "a factor of 0.1 a layer" in found.text
    (found,) = remarks(recorded(gradient=falling), Seen(depth=names[::-1]))
    assert found.text.startswith("The gradient explodes")
    alone = {name: lambda k: 1.0 for name in names} | {"layer 0": lambda k: 1e-5}
    assert texts(recorded(gradient=alone), depth=names) == []


def test_a_validation_loss_that_rises_again_is_overfitting():
    train = [(10 * k, 1 / k) for k in range(1, 9)]
    held = [(10 * k, y) for k, y in enumerate([1, 0.8, 0.7, 0.6, 0.7, 0.8, 0.9, 1.0], 1)]
    (found,) = remarks(Record(), Seen(curves={"loss": train, "val_loss": held}))
    assert (found.first, found.last, found.now) == (40, 80, True)
    assert "lowest, 0.6, after update 40 and is 1 now" in found.text
    assert "fell from 0.25 to 0.125" in found.text
    shaky = [(step, y if step != 70 else 0.61) for step, y in held]
    assert texts(Record(), curves={"loss": train, "val_loss": shaky}) == []


@pytest.mark.parametrize(
    "series",
    [
        {"ratio": lambda k: None if k == 0 else 1 / k},  # weights that began at 0
        {"ratio": {"a": lambda k: 1e-9, "b": lambda k: 1e-3}, "rate": {
            "a": lambda k: None, "b": lambda k: 0.1}},  # a is in no optimizer
        {"ratio": lambda k: 1e-14 * k**4, "rate": lambda k: 1e-12 * k**4},  # warm-up
        {"ratio": lambda k: 10.0 ** -(3 + k / 5), "rate": lambda k: 10.0 ** -(1 + k / 5),
         "loss": lambda k: 2.0 / (1 + k)},  # decayed
        {"ratio": {"g": lambda k: [1e-3, 0.0][k % 2], "d": lambda k: [0.0, 1e-3][k % 2]},
         "gradient": {"g": lambda k: [1.0, None][k % 2], "d": lambda k: [None, 1.0][k % 2]}},
        {"ratio": lambda k: 1e-9, "loss": lambda k: 0.01 if k else 1.0},  # converged
    ],
    ids=["began at 0", "head only", "warm-up", "decayed", "in turns", "converged"],
)  # fmt: skip
def test_healthy_runs_are_not_remarked_on(series):
    assert texts(recorded(**series)) == []


class Residual(nn.Module):
    """Blocks that begin as the identity: the last layer of each is 0."""

    def __init__(self):
        self.first, self.head = nn.Linear(3, 16, rng=0), nn.Linear(16, 2, rng=1)
        self.inner = nn.ModuleList([nn.Linear(16, 16, rng=k) for k in range(8)])
        self.outer = nn.ModuleList([nn.Linear(16, 16, rng=k) for k in range(8)])
        for layer in self.outer:
            layer.weight.data[:] = layer.bias.data[:] = 0

    def forward(self, x):
        h = self.first(x)
        for inner, outer in zip(self.inner, self.outer, strict=True):
            h = h + outer(nn.functional.relu(inner(h)))
        return self.head(h)


class Adversaries(nn.Module):
    """A generator and a discriminator that are trained in turns."""

    def __init__(self):
        self.generator, self.turn = nn.Linear(3, 3, rng=0), 0
        self.discriminator = nn.Sequential(
            nn.Linear(3, 8, rng=1), nn.Tanh(), nn.Linear(8, 2, rng=2)
        )

    def forward(self, x):
        self.turn += 1
        fake = self.generator(x)
        return self.discriminator(fake.detach() if self.turn % 2 else fake)


class Last(nn.Module):
    """An LSTM over 30 steps, of which the last one counts."""

    def __init__(self):
        self.lstm, self.head = nn.LSTM(1, 8, batch_first=True, rng=0), nn.Linear(8, 2, rng=1)

    def forward(self, x):
        y, _ = self.lstm(np.tile(x, (1, 10))[..., None])
        return self.head(y[:, -1])


def deep(activation, init, count=12):
    layers = [nn.Linear(16, 16, rng=k) for k in range(count)]
    for k, layer in enumerate(layers):
        init(layer.weight, rng=k)
    parts = [part for layer in layers for part in (layer, activation())]
    return nn.Sequential(nn.Linear(3, 16, rng=20), activation(), *parts, nn.Linear(16, 2, rng=21))


def normalized():
    """A net whose batch normalization is frozen."""
    model = nn.Sequential(
        nn.Linear(3, 8, rng=0), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 2, rng=1)
    )
    model[1].train = lambda mode=True: model[1]
    model[1].training = False
    return model


@pytest.mark.parametrize(
    ("make", "settings"),
    [
        (net, {}),
        (Residual, {"optimizer": "adam", "lr": 3e-3}),
        (Adversaries, {"optimizer": "adam", "lr": 3e-3}),
        (Last, {"optimizer": "adam", "lr": 3e-3}),
        (lambda: deep(nn.Tanh, nn.init.xavier_uniform_), {"lr": 0.05}),
        (normalized, {}),
    ],
    ids=["MLP", "residual", "GAN", "LSTM", "deep tanh", "frozen batch norm"],
)
def test_healthy_nets_are_not_remarked_on(make, settings, tmp_path):
    watch = Watch(tmp_path / "run.html", every=1)
    run(watch, make(), epochs=15, **settings)
    assert [remark["text"] for remark in data_of(watch.path)["remarks"]] == []


def test_a_run_that_diverges_at_once_is_remarked_on(tmp_path):
    watch = Watch(tmp_path / "run.html", every=1)
    with pytest.raises(FloatingPointError), np.errstate(all="ignore"):
        run(watch, lr=1e9)
    data = data_of(watch.path)
    assert 2 <= len(data["steps"]) < 5
    (first, *_) = data["remarks"]
    assert first["text"].startswith("The loss is larger than at the start")
    assert first["now"]


@pytest.mark.parametrize(
    ("make", "settings", "cause"),
    [
        (net, {"lr": 4.0}, "the learning rate is too large"),
        (
            lambda: deep(nn.Sigmoid, nn.init.xavier_uniform_),
            {},
            "The gradient vanishes along depth",
        ),
        (net, {"lr": 1e-9}, "No layer learns"),
    ],
)
def test_ill_runs_are_remarked_on_with_their_cause(make, settings, cause, tmp_path):
    watch = Watch(tmp_path / "run.html", every=1)
    run(watch, make(), epochs=15, **settings)
    assert any(cause in remark["text"] for remark in data_of(watch.path)["remarks"])


def test_layers_of_a_kind_share_a_remark():
    ratios = {f"fc{k}": lambda k: 1e-9 for k in range(5)} | {"head": lambda k: 1e-3}
    (found,) = remarks(recorded(ratio=ratios))
    assert found.text.startswith("fc0 hardly learns")
    assert found.text.endswith("The same holds for fc1, fc2, fc3, fc4.")


def test_weights_that_stay_0_are_remarked_on():
    stuck = {"ratio": lambda k: None, "gradient": lambda k: 0.0, "rate": lambda k: 0.1}
    assert texts(recorded(**stuck)) == ["fc"]


def test_a_loss_that_begins_far_too_large_is_remarked_on():
    scaled = {"loss": lambda k: 100.0 / (1 + k), "chance": lambda k: math.log(10)}
    (found,) = remarks(recorded(**scaled))
    assert found.text.startswith("The loss began at 100; equal probabilities for 10 classes")
    assert (found.first, found.last, found.now) == (0, 90, False)


def test_small_batches_do_not_make_units_dead(tmp_path):
    watch = Watch(tmp_path / "run.html", every=1)
    run(watch, batch_size=1)
    assert max(x for x in watch.record.series["dead"]["3: ReLU"] if x is not None) > 0.5
    assert data_of(watch.path)["remarks"] == []


def test_an_earlier_run_is_copied_into_the_page(tmp_path):
    first, second = (Watch(tmp_path / f"{name}.html", every=1) for name in "ab")
    run(first, validation=(X, Y))
    second = Watch(tmp_path / "b.html", every=1, beside={"before": first.path})
    run(second, epochs=1)
    own, (other,) = data_of(first.path), data_of(second.path)["beside"]
    assert other.pop("name") == "before"
    assert other == {key: own[key] for key in other}
    assert {"series", "curves", "histograms"} <= other.keys()
    assert Watch(tmp_path / "c.html", beside=first.path).beside[0]["name"] == "a"
    (tmp_path / "d.html").write_text("<p>no run</p>")
    with pytest.raises(ValueError, match=r"d\.html"):
        Watch(tmp_path / "c.html", beside=[tmp_path / "d.html"])


def test_a_long_run_is_thinned_evenly(tmp_path):
    watch = Watch(tmp_path / "run.html", every=1)
    run(watch, nn.Linear(3, 2, rng=0), epochs=450, batch_size=48, optimizer="adam", lr=1e-4)
    gaps = np.diff(watch.record.steps)
    assert LIMIT / 2 <= len(watch.record.steps) <= LIMIT
    assert set(gaps) == {2}
    assert watch.record.steps[-1] >= 448


def test_a_resumed_run_goes_on_with_its_page(tmp_path):
    checkpoint = tmp_path / "run.safetensors"
    run(Watch(tmp_path / "a.html", every=1), epochs=1, checkpoint=checkpoint)
    second = Watch(tmp_path / "b.html", every=1)
    run(second, epochs=2, checkpoint=checkpoint)
    whole = Watch(tmp_path / "c.html", every=1)
    run(whole, epochs=2)
    assert second.record.state_dict() == whole.record.state_dict()
    assert second.ends == whole.ends == [3, 6]


def test_a_second_run_starts_a_page_of_its_own(tmp_path):
    watch = Watch(tmp_path / "run.html", every=1)
    run(watch, epochs=1)
    run(watch, epochs=1)
    assert watch.record.steps == [0, 1, 2]
    assert watch.ends == [3]


def test_infinite_numbers_stay_on_the_page_as_words(tmp_path):
    class Spoil(Callback):
        def on_gradients(self, state):
            state.model[4].weight.grad[0, 0] = np.inf if state.step == 1 else np.nan

    watch = Watch(tmp_path / "run.html", every=1)
    with pytest.raises(FloatingPointError):
        run(watch, before=[Spoil()])
    data = data_of(watch.path)
    assert data["live"] is False
    assert data["series"]["gradient"]["4: Linear"] == ["nan"]


def test_a_run_that_fails_before_it_begins_keeps_its_own_error(tmp_path):
    class Fail(Callback):
        def on_train_begin(self, state):
            raise OSError("no room")

    watch = Watch(tmp_path / "run.html")
    with pytest.raises(OSError, match="no room"):
        run(watch, before=[Fail()])
    assert not watch.path.exists()


@pytest.mark.parametrize(
    "settings",
    [
        {"path": "run.txt"},
        {"every": 0},
        {"every": 1.5},
        {"every": True},
        {"overhead": 0},
        {"seconds": 0},
        {"seconds": math.inf},
    ],
)
def test_what_makes_no_sense_is_refused(settings):
    with pytest.raises(ValueError, match="Watch"):
        Watch(**settings)


@pytest.fixture
def visit(tab):
    """A page in the browser."""

    def visit(path, width=1200, dark=False):
        viewport, scheme = {"width": width, "height": 700}, "dark" if dark else "light"
        return tab(path.as_uri(), "file:", viewport=viewport, color_scheme=scheme)

    return visit


@pytest.mark.parametrize("width", [360, 1600])
@pytest.mark.parametrize("dark", [False, True])
def test_the_page_shows_every_layer_at_any_width(tmp_path, visit, width, dark):
    watch = Watch(tmp_path / "run.html", every=1, title='<script>"& run')
    run(watch, validation=(X, Y), metrics=["accuracy"])
    page = visit(watch.path, width, dark)
    assert page.title() == page.inner_text("h1") == '<script>"& run'
    assert page.inner_text("#status") == "finished: epoch 2 of 2, 6 updates"
    assert page.locator("#curves figure").count() == 2
    names = page.locator("#layers .name:not(.head)").all_inner_texts()
    assert names == ["0: Linear", "2: Linear", "4: Linear"]
    assert page.locator("#activations .name").all_inner_texts() == ["1: Tanh", "3: ReLU"]
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    background = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (sum(map(int, re.findall(r"\d+", background))) < 300) == dark


def test_the_keyboard_goes_through_the_samples(tmp_path, visit):
    watch = Watch(tmp_path / "run.html", every=1)
    run(watch)
    page, norms = visit(watch.path), watch.record.series["gradient"]["0: Linear"]

    def shown():
        text = page.locator("#layers .spark b").first.inner_text().replace("−", "-")
        return page.inner_text("#at"), float(text)

    assert shown() == ("update 5", pytest.approx(norms[5], rel=1e-2))
    page.keyboard.press("ArrowLeft")
    assert shown() == ("update 4", pytest.approx(norms[4], rel=1e-2))
    page.keyboard.press("Home")
    assert shown() == ("update 0", pytest.approx(norms[0], rel=1e-2))
    page.focus("#cursor")
    page.keyboard.press("ArrowRight")
    assert shown() == ("update 1", pytest.approx(norms[1], rel=1e-2))
    assert page.get_attribute("#cursor", "aria-valuetext") == "update 1"


def test_the_page_shows_the_histogram_at_the_cursor(tmp_path, visit):
    before = Watch(tmp_path / "before.html", every=1)
    run(before, lr=0.5)
    watch = Watch(tmp_path / "run.html", every=1, beside=before.path)
    run(watch)
    page = visit(watch.path)

    def shares():
        """Areas under the bars of the first layer, between the corners of its outline."""
        d = page.get_attribute("#histograms .bar >> nth=0", "d")
        heights = np.array([80 - float(y) for y in re.findall(r"V([\d.]+)H", d)])
        return heights / heights.sum()

    for kind in ("weights", "gradients"):
        page.check(f"#kind-{kind}")
        page.focus("#cursor")
        for key, k in (("Home", 0), ("End", 5)):
            page.keyboard.press(key)
            _, _, counts, zeros, *_ = watch.histograms.series[kind]["0: Linear"][k]
            np.testing.assert_allclose(shares(), np.array(counts) / sum(counts), atol=2e-3)
            caption = page.inner_text("#histograms .spread p >> nth=1")
            assert caption.startswith(f"update {k}: 32 numbers")
            assert (f"{zeros / 32:.0%}".replace("%", " %") in caption) == (zeros > 0)
    assert page.locator("#histograms .spread").count() == 3
    assert page.locator("#histograms svg >> nth=0").locator(".run1").count() == 1
    keys = page.locator("#curves .key").first.inner_text()
    assert "before, training, by epoch" in keys


def test_a_remark_leads_to_its_update_by_keyboard(tmp_path, visit):
    model = net()
    model[0].weight.data *= 1e4
    watch = Watch(tmp_path / "run.html", every=1)
    run(watch, model)
    (remark,) = [r for r in data_of(watch.path)["remarks"] if "saturated" in r["text"]]
    page = visit(watch.path)
    row = page.locator("#remarks li", has_text="saturated")
    assert row.inner_text() == f"since update {remark['first']}{remark['text']}"
    row.locator("button").focus()
    page.keyboard.press("Enter")
    assert page.inner_text("#at") == f"update {remark['first']}"


@pytest.mark.parametrize("width", [360, 1600])
@pytest.mark.parametrize("dark", [False, True])
def test_every_text_can_be_read_and_is_in_a_landmark(tmp_path, visit, contrasts, width, dark):
    model = net()
    model[0].weight.data *= 1e4
    first = Watch(tmp_path / "a.html", every=1)
    run(first)
    watch = Watch(tmp_path / "run.html", every=1, beside=first.path)
    run(watch, model, epochs=4, validation=(X, Y))
    page = visit(watch.path, width, dark)
    found = contrasts(page)
    assert len(found) > 30
    assert [text for ratio, text in found if ratio < 4.5] == []
    assert page.evaluate(
        "[...document.body.children].every((e) => e.matches('header, main, footer, script'))"
    )
    assert page.locator("main").count() == 1
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_a_live_page_follows_the_run_and_keeps_its_place(tmp_path, visit):
    watch, seen = Watch(tmp_path / "run.html", every=1, seconds=0.01), {}

    class Due(Callback):
        def on_gradients(self, state):
            watch._next_page = 0.0

    class Look(Callback):
        def on_train_begin(self, state):
            page = seen["page"] = visit(watch.path)
            seen["start"] = page.inner_text("#status")

        def on_epoch_begin(self, state):
            page = seen["page"]
            if state.epoch == 2:
                page.wait_for_function("document.getElementById('at').innerText == 'update 2'")
                page.focus("#cursor")
                page.keyboard.press("Home")

        def on_train_end(self, state):
            page = seen["page"]
            page.wait_for_function("document.getElementById('cursor').max == 5")
            seen["end"] = page.inner_text("#status")
            seen["at"] = page.inner_text("#at"), page.evaluate("document.activeElement.id")

    fit(net(), (X, Y), "cross_entropy", epochs=2, batch_size=16, callbacks=[Due(), watch, Look()],
        verbose=False)  # fmt: skip
    assert seen["start"].startswith("running: epoch 0 of 2, 0 updates")
    assert seen["at"] == ("update 0", "cursor")
    page = seen["page"]
    page.wait_for_function("document.getElementById('status').innerText.startsWith('finished')")
    assert page.is_hidden("#hold")


def test_a_run_that_was_killed_is_said_to_be_silent(tmp_path, visit):
    class Killed(BaseException):
        pass

    class Kill(Callback):
        def on_epoch_end(self, state):
            raise Killed

    watch = Watch(tmp_path / "run.html", every=1)
    watch.on_train_end = lambda state: None
    with pytest.raises(Killed):
        run(watch, before=[Kill()])
    page = visit(watch.path)
    assert page.inner_text("#status").startswith("running")
    page.clock.install()
    page.reload()
    page.click("#hold")
    page.clock.fast_forward(60_000)
    page.click("#hold")
    assert "no update for 6" in page.inner_text("#status")
