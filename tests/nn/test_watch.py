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
from nn.train.watch.measurements import activations_in, layers
from nn.train.watch.record import LIMIT, Record
from nn.train.watch.remarks import Seen, remarks

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
def visit(browser):
    """A page in the browser, with what went wrong on it and what it asked for."""
    pages = []

    def opened(path, width=1200, dark=False):
        page = browser.new_page(
            viewport={"width": width, "height": 700}, color_scheme="dark" if dark else "light"
        )
        page.wrong = []
        page.on("pageerror", lambda error: page.wrong.append(str(error)))
        page.on("console", lambda m: m.type == "error" and page.wrong.append(m.text))
        page.on("request", lambda r: r.url.startswith("file:") or page.wrong.append(r.url))
        page.goto(path.as_uri())
        pages.append(page)
        return page

    yield opened
    for page in pages:
        assert page.wrong == []
        page.close()


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
