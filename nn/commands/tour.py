"""`glassgrad tour`: differentiate a neuron, train a network, draw both."""

from __future__ import annotations

import argparse
import hashlib
import math
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

import autograd
from autograd.files import located
from autograd.node import Array
from autograd.value import Value
from nn.commands.refusal import Refusal
from nn.data import DataLoader, load_digits, train_test_split
from nn.layers.activation import ReLU
from nn.layers.container import Sequential
from nn.layers.linear import Linear
from nn.losses.classification import CrossEntropyLoss
from nn.optim import AdamW

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

NAME = "tour"
SUMMARY = "start here: differentiate a neuron, train a network, draw both"
DESCRIPTION = (
    "Differentiate a neuron step by step, train a network on 80 % of 1,797 handwritten digits, "
    "test it on the rest, and draw both graphs with all gradients. Takes a few seconds."
)

SIZES = (64, 256, 128, 10)
EPOCHS, BATCH, RATE = 40, 32, 3e-3
SMOOTHING = 0.1  # chosen on a validation set, never on the test set
CLASSES = SIZES[-1]
TARGET, OTHERS = 1 - SMOOTHING + SMOOTHING / CLASSES, SMOOTHING / CLASSES
LEAST_LOSS = -TARGET * math.log(TARGET) - (CLASSES - 1) * OTHERS * math.log(OTHERS)
"""The entropy of the smoothed targets."""
SHADES = " ░▒▓█"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments to its parser."""
    parser.add_argument(
        "--out",
        type=Path,
        default=Path("glassgrad-tour"),
        metavar="DIR",
        help="output directory of the drawings (default: ./glassgrad-tour)",
    )
    parser.add_argument(
        "--seed", type=_at_least(0), default=0, metavar="N", help="random seed (default: 0)"
    )
    parser.add_argument(
        "--epochs",
        type=_at_least(1),
        default=EPOCHS,
        metavar="N",
        help=f"training epochs (default: {EPOCHS})",
    )


def _at_least(low: int) -> Callable[[str], int]:
    def number(text: str) -> int:
        n = int(text)
        if n < low:
            raise argparse.ArgumentTypeError(f"must be at least {low}, not {n}")
        return n

    return number


def run(arguments: argparse.Namespace) -> int:
    """Run the tour; return the exit status."""
    from rich.console import Console

    console = Console(highlight=False)
    out = _folder(arguments.out)
    try:
        X, y = load_digits()
    except ImportError as error:
        raise Refusal(str(error)) from error
    started = time.perf_counter()
    console.print(f"The drawings go to {out}", soft_wrap=True, markup=False)
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Refusal(f"can't write to {out}: {error}") from error
    written = tour_neuron(console, out)
    written += tour_digits(console, out, X, y, arguments.seed, arguments.epochs)
    _headline(console, "4. Files and next steps")
    for path in written:
        console.print(f"  {path}", soft_wrap=True, markup=False)
    console.print(
        "\nOpen the SVG files in a browser. Then try it yourself, in Python:\n\n"
        "    import numpy as np, autograd\n"
        "    x = autograd.Value(2.0, name='x')\n"
        "    y = np.sin(x) * x**2\n"
        "    y.backward(); print(x.grad)\n"
        "    autograd.draw(y, gradients=True, formulas=True).save('y.svg')\n\n"
        "and run the tour again with other initial weights: glassgrad tour --seed 1",
        markup=False,
    )
    console.print(f"\nThe tour took {time.perf_counter() - started:.1f} s.")
    return 0


def _folder(path: Path) -> Path:
    out = located(path).absolute()
    for part in (out, *out.parents):
        if part.exists():
            if not part.is_dir():
                raise Refusal(f"{part} is a file; give a directory with --out DIR.")
            break
    return out


def _headline(console: Console, text: str) -> None:
    console.print(f"\n[bold]{text}[/bold]\n")


def tour_neuron(console: Console, out: Path) -> list[Path]:
    """Part 1: one neuron, each step of its backward pass, and its drawing."""
    _headline(console, "1. One neuron, differentiated step by step")
    x1 = Value(2.0, name="x1")
    x2 = Value(0.5, name="x2")
    w1, w2 = Value(-3.0, name="w1"), Value(1.0, name="w2")
    b = Value(6.0, name="b")

    def neuron(w1: Any) -> Any:
        p1, p2 = x1 * w1, x2 * w2
        p1.name, p2.name = "p1", "p2"
        s = p1 + p2
        s.name = "s"
        z = s + b
        z.name = "z"
        y: Any = np.tanh(z)
        y.name = "y"
        return y

    y = neuron(w1)
    console.print("y = tanh(x1·w1 + x2·w2 + b), with x1 = 2, x2 = 0.5, w1 = −3, w2 = 1, b = 6")
    console.print(f"y = tanh(0.5) = {y.item():.6f}\n")
    console.print(
        "Backward pass: ȳ is the gradient that reaches a step's output; the step passes on "
        "ȳ × its local derivative.\n"
    )
    console.print(backward_steps(y))
    y.backward(retain_graph=True)
    leaves = ", ".join(f"{v.name} {_short(v.grad)}" for v in (x1, x2, w1, w2, b))
    console.print(f"\nSo the derivatives of y are: {leaves}.")
    h = 1e-4
    rise = (neuron(Value(-3 + h)).item() - neuron(Value(-3 - h)).item()) / (2 * h)
    console.print(f"Check by finite differences: changing w1 by ±{h:g} gives ∂y/∂w1 ≈ {rise:.6f}.")
    return _draw(console, y, out / "neuron")


def backward_steps(y: Value) -> Table:
    """The backward pass from y as a table: each step's rule and its numbers."""
    from rich import box
    from rich.table import Table

    from autograd.viz import formula

    passed: list[tuple[Any, Any]] = []  # every Value and its gradient, outputs first
    autograd.grad(y, [], watch=lambda v, g: passed.append((v, g)))
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for column in ("step", "passes to", "by the rule", "ȳ × local = contribution"):
        table.add_column(column)
    for v, g in passed:
        if v.op is None:
            continue
        called = formula.letters(v.op, v.inputs, [getattr(x, "name", None) for x in v.inputs])
        for i, x in enumerate(v.inputs):
            if isinstance(x, Value) and x.requires_grad:
                rule = formula.derivative(v, i, called, g)
                local = formula.derivative(v, i, called, None).number
                numbers = f"{_short(g)} × {_short(local)} = {_short(rule.number)}"
                step = f"{v.name} = {v.op.name}({', '.join(called)})" if i == 0 else ""
                table.add_row(step, called[i], rule.text, numbers)
    return table


def _short(x: Any) -> str:
    return f"{float(x):.4g}".replace("-", "−")


def tour_digits(
    console: Console, out: Path, X: Array, y: Array, seed: int, epochs: int
) -> list[Path]:
    """Parts 2 and 3: a digit classifier, its mistakes, and its drawing."""
    _headline(console, "2. A network that classifies handwritten digits")
    X_train, X_test, y_train, y_test = train_test_split(X, y, rng=seed)
    rng = np.random.default_rng(seed)
    net = multilayer_perceptron(rng)
    count = sum(p.size for p in net.parameters())
    console.print(
        f"{'-'.join(map(str, SIZES))} with ReLU, {count:,} parameters, AdamW; "
        f"{len(y_train):,} training samples, {len(y_test)} test samples\n"
    )
    console.print(
        f"The loss is cross-entropy with label smoothing {SMOOTHING}: the targets are {TARGET:.2f} "
        f"for the true class and {OTHERS:.2f} for each other class, not 1 and 0. So the loss can't "
        f"fall below {LEAST_LOSS:.2f}, even at an accuracy of 100 %.\n"
    )
    seconds, steps = train(console, net, X_train, y_train, epochs, rng)
    with autograd.no_grad():
        guesses = np.argmax(net(X_test).data, axis=1)
    right = int((guesses == y_test).sum())
    console.print(
        f"\nTest accuracy: [bold]{right / len(y_test):.2%}[/bold] "
        f"({right} of {len(y_test)} digits not seen in training)"
    )
    console.print(
        f"Training: {seconds:.2f} s, {steps} steps of {BATCH} samples, "
        f"{1e3 * seconds / steps:.2f} ms per step"
    )
    console.print(f"Weights: sha256 {checksum(net)} (reproducible for equal --seed and --epochs)\n")
    console.print(confusion(y_test, guesses))
    wrong = np.flatnonzero(guesses != y_test)
    if wrong.size:
        k = wrong[0]
        console.print(f"\nOne of its mistakes: a {y_test[k]} classified as a {guesses[k]}.\n")
        console.print(picture(X_test[k]), markup=False)
    _headline(console, "3. The graph of that network's loss")
    console.print("On four test digits, with all values, gradients and local derivatives.")
    digits, labels = X_test[:4], y_test[:4]
    loss = CrossEntropyLoss()(net(digits), labels)
    return _draw(console, loss, out / "network", names={"digits": digits})


def multilayer_perceptron(rng: np.random.Generator) -> Sequential:
    """The tour's network."""
    net = Sequential()
    for fan_in, fan_out in pairwise(SIZES):
        net.append(Linear(fan_in, fan_out, rng=rng))
        if fan_out != SIZES[-1]:
            net.append(ReLU())
    return net


def train(
    console: Console,
    net: Sequential,
    X: Array,
    y: Array,
    epochs: int,
    rng: np.random.Generator,
) -> tuple[float, int]:
    """Train with linear learning rate decay to 0; return seconds and steps."""
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    loader = DataLoader((X, y), BATCH, shuffle=True, rng=rng)
    optimizer = AdamW(net.parameters(), lr=RATE)
    criterion = CrossEntropyLoss(label_smoothing=SMOOTHING)
    steps, total = 0, epochs * len(loader)
    columns = ("epoch {task.completed}/{task.total}", "{task.fields[state]}")
    live = console.is_terminal
    with Progress(
        TextColumn(columns[0]),
        BarColumn(),
        TextColumn(columns[1]),
        TextColumn("ETA"),
        TimeRemainingColumn(),
        console=console,
        disable=not live,
    ) as progress:
        task = progress.add_task("", total=epochs, state="")
        started = time.perf_counter()
        for epoch in range(1, epochs + 1):
            losses, right = 0.0, 0
            for digits, labels in loader:
                optimizer.param_groups[0]["lr"] = RATE * (1 - steps / total)
                logits = net(digits)
                loss = criterion(logits, labels)
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                steps += 1
                losses += loss.item() * len(labels)
                right += int((logits.data.argmax(axis=1) == labels).sum())
            speed = epoch * len(y) / (time.perf_counter() - started)
            state = (
                f"loss {losses / len(y):.4f}  accuracy {right / len(y):7.2%}  "
                f"{speed:,.0f} samples/s"
            )
            progress.update(task, completed=epoch, state=state)
            if not live and (epoch in (1, epochs) or epoch % 10 == 0):
                console.print(f"epoch {epoch:3d}/{epochs}  {state}")
        return time.perf_counter() - started, steps


def checksum(net: Sequential) -> str:
    """First 16 hexadecimal digits of the sha256 of all weights."""
    digest = hashlib.sha256()
    for name, array in net.state_dict().items():
        digest.update(name.encode() + array.tobytes())
    return digest.hexdigest()[:16]


def confusion(y: Array, guesses: Array) -> Table:
    """Confusion matrix of the digits as a table."""
    from rich import box
    from rich.table import Table

    counts = np.zeros((10, 10), int)
    np.add.at(counts, (y, guesses), 1)
    table = Table(
        title="true digit (rows), predicted digit (columns)", box=box.SIMPLE_HEAD, title_style=""
    )
    table.add_column("")
    for k in range(10):
        table.add_column(str(k), justify="right")
    for k, row in enumerate(counts):
        cells = [
            "·" if n == 0 else f"[green]{n}[/green]" if k == i else f"[bold red]{n}[/bold red]"
            for i, n in enumerate(row)
        ]
        table.add_row(f"[bold]{k}[/bold]", *cells)
    return table


def picture(digit: Array) -> str:
    """A digit as block characters."""
    rows = digit.reshape(8, 8) * (len(SHADES) - 1)
    return "\n".join(
        "    " + "".join(2 * SHADES[round(float(gray))] for gray in row) for row in rows
    )


def _draw(
    console: Console, value: Any, stem: Path, names: dict[str, Any] | None = None
) -> list[Path]:
    """Draw as SVG and PNG; without Graphviz write DOT and say so."""
    from autograd import draw

    drawing = draw(value, gradients=True, formulas=True, names=names)
    try:
        return [drawing.save(stem.with_suffix(suffix)) for suffix in (".svg", ".png")]
    except RuntimeError as error:
        console.print(f"Not drawn: {error}", markup=False)
        return [drawing.save(stem.with_suffix(".dot"))]
    except OSError as error:
        raise Refusal(f"can't write to {stem.parent}: {error}") from error
