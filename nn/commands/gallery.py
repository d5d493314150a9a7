"""`glassgrad gallery`: six networks in motion, a page to step through each, and other pages."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

import autograd
from autograd.files import located, write
from autograd.value import Value
from autograd.viz.pages import fill
from nn.commands.playground import example
from nn.commands.refusal import Refusal

NAME = "gallery"
SUMMARY = "show six networks in motion, with an interactive page for each"
DESCRIPTION = (
    "Write six networks to a directory, each as a moving picture and as a page to step through: a "
    "neuron, a multilayer perceptron on digits, LeNet, an LSTM on text, a Transformer block and "
    "one training step of a GAN. Five more pages show a playground, a training run, two runs on "
    "one graph, a check of a broken network, and a product down to single numbers. index.html "
    "shows them all."
)

_TEMPLATE = Path(__file__).with_name("gallery.html")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments to its parser."""
    parser.add_argument("--out", metavar="DIR", required=True, help="output directory")


def neuron() -> Value:
    """A neuron with two inputs, as in micrograd's README."""
    x1, x2 = Value(2.0, name="x1"), Value(0.0, name="x2")
    w1, w2, b = Value(-3.0, name="w1"), Value(1.0, name="w2"), Value(6.88, name="b")
    y: Value = np.tanh(x1 * w1 + x2 * w2 + b)  # type: ignore[assignment]
    return y


def digits_mlp() -> Value:
    """Cross-entropy of a two-layer perceptron on eight digits."""
    import nn

    images, labels = _digits(8)
    digits = Value(images.reshape(8, 64), name="digits", requires_grad=False)
    model = nn.Sequential(nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 10))
    return nn.functional.cross_entropy(model(digits), labels)


def lenet() -> Value:
    """Cross-entropy of LeNet on four digits, upsampled to 28 × 28."""
    import nn

    images, labels = _digits(4)
    model = nn.Sequential(
        nn.Upsample((28, 28), mode="bilinear"),
        nn.Conv2d(1, 6, 5, padding=2),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(6, 16, 5),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(400, 120),
        nn.ReLU(),
        nn.Linear(120, 84),
        nn.ReLU(),
        nn.Linear(84, 10),
    )
    return nn.functional.cross_entropy(model(images), labels)


def lstm_on_text() -> Value:
    """An LSTM that predicts the next character of a sentence."""
    import nn

    text = "the quick brown fox jumps"
    letters = sorted(set(text))
    codes = np.array([letters.index(c) for c in text])

    class Speller(nn.Module):
        def __init__(self) -> None:
            self.embed = nn.Embedding(len(letters), 8)
            self.lstm = nn.LSTM(8, 16)
            self.head = nn.Linear(16, len(letters))

        def forward(self, codes: Any) -> Any:
            y, _ = self.lstm(self.embed(codes))
            return self.head(y)

    logits = Speller()(codes[:-1, None])
    return nn.functional.cross_entropy(logits[:, 0], codes[1:])


def transformer_block() -> Value:
    """A pre-norm Transformer block: attention and MLP, each with a residual connection."""
    import nn

    class Block(nn.Module):
        def __init__(self, width: int = 16, heads: int = 2) -> None:
            self.heads = heads
            self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
            self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
            self.mlp = nn.Sequential(
                nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width)
            )

        def forward(self, x: Any) -> Any:
            B, T, C = x.shape
            qkv = self.qkv(self.norm1(x)).reshape(B, T, 3, self.heads, C // self.heads)
            q, k, v = np.unstack(np.transpose(qkv, (2, 0, 3, 1, 4)))  # (B, heads, T, C / heads)
            y = autograd.ops.scaled_dot_product_attention(q, k, v, is_causal=True)
            x = x + self.out(np.transpose(y, (0, 2, 1, 3)).reshape(B, T, C))
            return x + self.mlp(self.norm2(x))

    x = np.random.default_rng(0).normal(size=(1, 6, 16)).astype(np.float32)
    loss: Value = np.mean(np.square(Block()(x)))
    return loss


def gan_step() -> Value:
    """Discriminator loss in one step of a GAN: real digits against generated ones."""
    import nn

    images, _ = _digits(4)
    generator = nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 64), nn.Sigmoid())
    discriminator = nn.Sequential(nn.Linear(64, 32), nn.LeakyReLU(0.2), nn.Linear(32, 1))
    noise = np.random.default_rng(0).normal(size=(4, 8)).astype(np.float32)
    loss = nn.BCEWithLogitsLoss()
    real = discriminator(Value(images.reshape(4, 64), name="digits", requires_grad=False))
    fake = discriminator(generator(Value(noise, name="noise", requires_grad=False)))
    return loss(real, np.ones((4, 1))) + loss(fake, np.zeros((4, 1)))


def _digits(n: int) -> tuple[Any, Any]:
    import nn

    images, labels = nn.data.load_digits()
    return images[:n].reshape(n, 1, 8, 8), labels[:n]


@dataclass(frozen=True)
class Network:
    """One network of the gallery.

    Attributes
    ----------
    title, about : its heading, and what to look at.
    make : its loss.
    view : the group whose story the moving picture tells; 0 is the whole graph.
    """

    title: str
    about: str
    make: Callable[[], Value]
    view: str | int = 0


NETWORKS = {
    "neuron": Network(
        "A neuron",
        "Six numbers and one tanh. Follow a gradient back: at each box it is multiplied by the "
        "local derivative, and you can check every product by hand.",
        neuron,
    ),
    "digits_mlp": Network(
        "A multilayer perceptron on digits",
        "Eight handwritten digits, two layers. A bias is used by every row of the batch, so its "
        "gradient is a sum over them: compare the heat maps of bias and output.",
        digits_mlp,
    ),
    "lenet": Network(
        "LeNet",
        "The kernels are small pictures, and so are their gradients. Max pooling passes a gradient "
        "to the pixel that won, and to no other.",
        lenet,
    ),
    "lstm": Network(
        "An LSTM on text",
        "One of 24 equal steps: three gates, and the cell c that carries the gradient past them. "
        "The page shows all steps, and the gradient's norm after each.",
        lstm_on_text,
        "step 2 of 24",
    ),
    "transformer": Network(
        "A Transformer block",
        "Its attention, opened: the mask cuts off the future. The first position sees only itself, "
        "so softmax lets no gradient through its row.",
        transformer_block,
        "attention",
    ),
    "gan": Network(
        "One step of a GAN",
        "Real and generated digits go through the same discriminator, so each of its weights gets "
        "two gradients, which add up.",
        gan_step,
    ),
}


def playground(folder: Path) -> None:
    """A perceptron that trains in the page."""
    example((8, 8), seed=0).save(folder / "playground.html")


def training(folder: Path) -> None:
    """The page of a training run, and its graph over time."""
    import nn
    from nn.train import Watch, fit

    images, labels = _digits(320)
    model = nn.Sequential(nn.Flatten(), nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 10))
    watch = Watch(folder / "run.html", every=1, graph=True)
    fit(
        model,
        (images[:256], labels[:256]),
        "cross_entropy",
        validation=(images[256:], labels[256:]),
        epochs=12,
        rng=0,
        verbose=False,
        callbacks=[watch],
    )


def two_runs(folder: Path) -> None:
    """Two runs of one network, one with a weight that was changed, on one graph."""
    import nn

    images, labels = _digits(8)

    def loss(change: float) -> Value:
        autograd.seed(0)
        model = nn.Sequential(nn.Flatten(), nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 10))
        dict(model.named_parameters())["3.weight"].data[7, 20] += change
        return nn.functional.cross_entropy(model(images), labels)

    autograd.compare(loss(0.0), loss(0.02)).save(folder / "diff.html")


def broken(folder: Path) -> None:
    """The check of a network that learns, but less than it could."""
    import nn

    images, labels = _digits(320)
    model = nn.Sequential(nn.Flatten(), nn.Linear(64, 32), nn.Linear(32, 10), nn.Softmax(-1))
    found = autograd.check(
        model, (images, labels), nn.CrossEntropyLoss(), nn.optim.SGD(model.parameters(), lr=0.1)
    )
    found.save(folder / "check.html")


def numbers(folder: Path) -> None:
    """A matrix product, down to single numbers."""
    w, x = Value([[0.5, 0.3], [-0.4, 0.1]], name="w"), Value([1.0, -2.0], name="x")
    html = autograd.ladder(w @ x).html()
    write(folder / "ladder.html", html.encode())


@dataclass(frozen=True)
class Page:
    """Another page of the gallery: its file, heading and code, and what to look at."""

    file: str
    title: str
    code: str
    about: str
    make: Callable[[Path], None]


PAGES = (
    Page(
        "playground.html",
        "A network that trains in the page",
        "playground(model, X, y)",
        "Press train, and watch each neuron draw its part of the border. Click to add points of "
        "your own; open any step in the player.",
        playground,
    ),
    Page(
        "run.html",
        "A training run, watched",
        'fit(model, data, callbacks=[Watch("run.html", graph=True)])',
        "Loss, gradients, updates and histograms of each layer; and its graph at every moment of "
        "the training, with a slider over time.",
        training,
    ),
    Page(
        "diff.html",
        "Two runs on one graph",
        'compare(a, b).save("diff.html")',
        "One weight of 320 was changed. The page opens where the runs part, with both arrays, "
        "their difference, and the index of the element.",
        two_runs,
    ),
    Page(
        "check.html",
        "A broken network, checked",
        "check(model, data, loss, optimizer)",
        "Softmax before cross-entropy, and two layers with nothing between them: what it saw, why "
        "it matters, what to do, and the place in the graph.",
        broken,
    ),
    Page(
        "ladder.html",
        "Down to single numbers",
        "ladder(y)",
        "One matrix product, the same in rows, in scalars, and in micrograd's steps: all levels "
        "are checked to agree.",
        numbers,
    ),
)


def run(arguments: argparse.Namespace) -> int:
    """Write the gallery; return the exit status."""
    folder = located(arguments.out)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _draw_all(folder)
    except BrokenPipeError:  # of the output, not of the files
        raise
    except OSError as error:
        raise Refusal(f"can't write to {folder}: {error}") from error
    except (ImportError, RuntimeError) as error:  # without scikit-learn or Graphviz
        raise Refusal(str(error)) from error
    print(f"Open {folder / 'index.html'} in a browser.")
    return 0


def _draw_all(folder: Path) -> None:
    """Write the pictures, the pages and their index."""
    shown = []
    for name, network in NETWORKS.items():
        autograd.seed(0)
        with autograd.source_lines():
            loss = network.make()
        loss.name = "loss"
        player = autograd.play(loss, title=network.title)
        player.save(folder / f"{name}.html")
        wide = player.animation(network.view)
        narrow = player.animation(network.view, narrow=True)
        wide.save(folder / f"{name}.svg")
        narrow.save(folder / f"{name}-narrow.svg")
        shown.append((name, network, wide, narrow))
        print(f"{network.title}: {len(player.story.events):,} nodes, {name}.svg and {name}.html")
    for page in PAGES:
        autograd.seed(0)
        page.make(folder)
        print(f"{page.title}: {page.file}")
    html = fill(_TEMPLATE, title="glassgrad: gallery", data="{}", networks=shown, pages=PAGES)
    write(folder / "index.html", html.encode())
