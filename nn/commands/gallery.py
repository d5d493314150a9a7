"""`glassgrad gallery`: draw six networks, and make a page to step through each."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

import autograd
from autograd.files import located, write
from autograd.value import Value
from autograd.viz.pages import fill
from nn.commands.refusal import Refusal

NAME = "gallery"
SUMMARY = "draw six networks, and make an interactive page for each"
DESCRIPTION = (
    "Write six computational graphs to a directory, each as an SVG drawing and as a page to step "
    "through: a neuron, a multilayer perceptron on digits, LeNet, an LSTM on text, a Transformer "
    "block and one training step of a GAN. index.html lists them."
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
    model = nn.Sequential(nn.Flatten(), nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 10))
    return nn.functional.cross_entropy(model(images), labels)


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
    real = discriminator(images.reshape(4, 64))
    fake = discriminator(generator(noise))
    return loss(real, np.ones((4, 1))) + loss(fake, np.zeros((4, 1)))


def _digits(n: int) -> tuple[Any, Any]:
    import nn

    images, labels = nn.data.load_digits()
    return images[:n].reshape(n, 1, 8, 8), labels[:n]


NETWORKS: dict[str, tuple[str, Callable[[], Value]]] = {
    "neuron": ("A neuron", neuron),
    "digits_mlp": ("A multilayer perceptron on digits", digits_mlp),
    "lenet": ("LeNet", lenet),
    "lstm": ("An LSTM on text", lstm_on_text),
    "transformer": ("A Transformer block", transformer_block),
    "gan": ("One step of a GAN", gan_step),
}


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
    """Write the drawings, the pages and their index."""
    for name, (title, make) in NETWORKS.items():
        autograd.seed(0)
        with autograd.source_lines():
            loss = make()
        loss.name = "loss"
        scalar = len(autograd.play(loss).story.events) <= 20
        autograd.draw(loss, gradients=True, formulas=scalar).save(folder / f"{name}.svg")
        player = autograd.play(loss, title=title)
        player.save(folder / f"{name}.html")
        print(f"{title}: {len(player.story.events):,} nodes, {name}.svg and {name}.html")
    networks = [(name, title) for name, (title, _) in NETWORKS.items()]
    html = fill(_TEMPLATE, title="glassgrad: gallery", networks=networks)
    write(folder / "index.html", html.encode())
