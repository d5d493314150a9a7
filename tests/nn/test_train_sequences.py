"""Random sequences of training, measuring, copying and saving against a loop by hand.

The model of a run is its plain loop: a list of batches, and an optimizer that steps through them
one by one, in one process and without `fit`. Whatever a sequence does between, its weights are
bitwise those of the loop after as many epochs.
"""

from __future__ import annotations

import contextlib
import copy
import pickle
import signal

import numpy as np
import pytest

import autograd
import nn
from nn.train import Callback, EarlyStopping, LearningRateScheduler, ModelCheckpoint

rng = np.random.default_rng(0)
X = rng.normal(size=(36, 4)).astype(np.float32)
Y = rng.integers(3, size=36)
SIZE, BATCHES, EPOCHS = 8, 5, 12
KINDS = ["sgd", "adam", "adamw", "rmsprop", "adagrad", "nadam"]


def made():
    return nn.Sequential(
        nn.Linear(4, 6, rng=1), nn.Tanh(), nn.Dropout(0.2, rng=3), nn.BatchNorm1d(6),
        nn.Linear(6, 3, rng=2),
    )  # fmt: skip


def fresh(kind):
    model = made()
    model.compile(kind, "cross_entropy", ["accuracy", "f1"], lr=0.01)
    return model


def plain(kind):
    """The weights after each epoch, and the losses, of a loop by hand."""
    model = made()
    optimizer = {name.lower(): x for name, x in vars(nn.optim).items()}[kind](
        model.parameters(), lr=0.01
    )
    states, losses = [flat(model)], []
    for _ in range(EPOCHS):
        model.train()
        total = 0.0
        for start in range(0, 36, SIZE):
            x, y = X[start : start + SIZE], Y[start : start + SIZE]
            loss = nn.functional.cross_entropy(model(x), y)
            loss.backward()
            optimizer.step()
            optimizer.zero_grad()
            total += loss.item() * len(y)
        states.append(flat(model))
        losses.append(total / 36)
    return states, losses


def flat(model):
    return {key: array.copy() for key, array in model.state_dict().items()}


class Broken(Exception):  # noqa: N818 - it breaks a run off, like a kill
    pass


class At(Callback):
    """Do something at an update of this fit."""

    def __init__(self, step, do):
        self.step, self.do, self.steps = step, do, 0

    def on_loss(self, state):
        self.steps += 1
        if self.steps == self.step:
            self.do(state)


def press(state):
    signal.raise_signal(signal.SIGINT)


def kill(state):
    raise Broken


class Run:
    """A model under training, and what is to be true of it."""

    def __init__(self, kind, folder, seed):
        self.kind, self.folder, self.pick = kind, folder, np.random.default_rng(seed)
        self.states, self.losses = plain(kind)
        self.model, self.done, self.log = fresh(kind), 0, []
        self.others = []  # models that are left behind, and where they were
        self.early = EarlyStopping("accuracy", patience=99, restore_best_weights=False)
        self.saver = ModelCheckpoint(folder / "best", True, "val_f1")
        self.names = 0

    def check(self):
        for model, done in [(self.model, self.done), *self.others]:
            for key, array in flat(model).items():
                np.testing.assert_array_equal(array, self.states[done][key], f"{self.log} {key}")

    def fit(self, epochs, **settings):
        history = self.model.fit(
            X, Y, epochs=epochs, batch_size=SIZE, shuffle=False, verbose=0, **settings
        )
        start = self.done
        self.done += len(history)
        np.testing.assert_allclose(history["loss"], self.losses[start : self.done], rtol=1e-12)
        return history

    def left(self):
        return EPOCHS - self.done

    def fit_on(self):
        self.fit(1 + int(self.pick.integers(min(2, self.left()))), callbacks=[self.early])

    def fit_with_validation(self):
        self.fit(1, validation_data=(X, Y), callbacks=[self.saver])

    def fit_with_all(self):
        clip = nn.train.GradientClipping(max_norm=1e9)
        constant = LearningRateScheduler(lambda o: nn.optim.lr_scheduler.LambdaLR(o, lambda e: 1.0))
        self.fit(1, callbacks=[clip, constant, nn.train.CSVLogger(self.folder / "log.csv")])

    def fit_steps(self):
        self.fit(1, steps_per_epoch=BATCHES)

    def fit_generator(self):
        batches = ((X[i : i + SIZE], Y[i : i + SIZE]) for i in range(0, 36, SIZE))
        history = self.model.fit(batches, verbose=0)
        self.done += 1
        assert history["loss"][0] == pytest.approx(self.losses[self.done - 1], rel=1e-12)

    def fit_weighted(self):
        # a weight of 1 changes nothing but the rounding of the loss, so it is not kept
        copied = copy.deepcopy(self.model)
        copied.fit(X, Y, batch_size=SIZE, shuffle=False, verbose=0, sample_weight=np.ones(36))
        for key, array in flat(copied).items():
            np.testing.assert_allclose(array, self.states[self.done + 1][key], rtol=1e-3, atol=2e-3)

    def measure(self):
        before = self.model.training
        first = self.model.evaluate(X, Y, batch_size=int(self.pick.integers(1, 40)))
        assert first == pytest.approx(self.model.evaluate(X, Y), rel=1e-5)
        assert first[1] == nn.metrics.accuracy(self.model.predict(X, batch_size=7), Y)
        assert self.model.training is before

    def copied(self):
        self.others.append((self.model, self.done))
        self.model = copy.deepcopy(self.model)

    def pickled(self):
        self.others.append((self.model, self.done))
        self.model = pickle.loads(pickle.dumps(self.model))

    def back(self):
        """Train on with a model that was left behind."""
        if self.others:
            at = int(self.pick.integers(len(self.others)))
            self.others.append((self.model, self.done))
            self.model, self.done = self.others.pop(at)

    def saved(self):
        path = self.folder / f"weights{self.names}.safetensors"
        self.names += 1
        self.model.save_weights(path)
        other = fresh(self.kind)
        other.load_weights(path)
        np.testing.assert_array_equal(other.predict(X), self.model.predict(X))
        self.model.load_weights(path)

    def broken_off_and_resumed(self):
        self.resumed(kill)

    def interrupted_and_resumed(self):
        self.resumed(press)

    def resumed(self, end):
        """A run with a checkpoint, ended at any update and resumed by another object."""
        if self.left() < 2:
            return
        path = self.folder / f"run{self.names}"
        self.names += 1
        start = self.done
        begun = copy.deepcopy(self.model)
        for _ in range(int(self.pick.integers(1, 4))):
            at = At(1 + int(self.pick.integers(2 * BATCHES)), end)
            model = copy.deepcopy(begun)
            with contextlib.suppress(Broken):
                model.fit(X, Y, epochs=2, batch_size=SIZE, shuffle=False, verbose=0,
                          checkpoint=path, checkpoint_every=1, callbacks=[at])  # fmt: skip
        self.model = copy.deepcopy(begun)
        history = self.model.fit(X, Y, epochs=2, batch_size=SIZE, shuffle=False, verbose=0,
                                 checkpoint=path, checkpoint_every=1)  # fmt: skip
        self.done = start + 2
        np.testing.assert_allclose(history["loss"], self.losses[start : self.done], rtol=1e-12)


TRAINS = ["fit_on", "fit_with_validation", "fit_with_all", "fit_steps", "fit_generator"]
OTHERS = ["measure", "copied", "pickled", "back", "saved", "fit_weighted"]
RESUMES = ["broken_off_and_resumed", "interrupted_and_resumed"]


@pytest.mark.parametrize("seed", range(12))
def test_any_sequence_of_calls_gives_the_numbers_of_the_plain_run(seed, tmp_path):
    autograd.seed(seed)
    run = Run(KINDS[seed % len(KINDS)], tmp_path, seed)
    for _ in range(14):
        if run.left() == 0 and not any(done < EPOCHS for _, done in run.others):
            break
        names = [*OTHERS, *([*TRAINS, *TRAINS, *RESUMES] if run.left() else [])]
        name = names[int(run.pick.integers(len(names)))]
        if name == "fit_weighted" and not run.left():
            continue
        run.log.append(name)
        getattr(run, name)()
        run.check()
