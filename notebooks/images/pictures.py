"""Make the README's pictures: ``python notebooks/images/pictures.py`` writes them beside itself.

player.png, a picture of a page, needs playwright and chromium.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

import autograd
import nn
from autograd import Value
from nn.commands import gallery


def neuron() -> str:
    """The graph of the README's first example."""
    x = np.array([1.0, -2.0])
    w, b = Value([0.5, 0.3], name="w"), Value(0.2, name="b")
    y = np.tanh(w @ x + b)
    return autograd.draw(y, gradients=True, formulas=True, names={"x": x}).svg()


def digit() -> str:
    """A two-layer network that reads a handwritten 3, before it was trained."""
    autograd.seed(0)
    images, labels = nn.data.load_digits()
    image = Value(images[3].reshape(1, 1, 8, 8), name="digit")
    model = nn.Sequential(nn.Flatten(), nn.Linear(64, 16), nn.ReLU(), nn.Linear(16, 10))
    loss = nn.functional.cross_entropy(model(image), labels[3:4])
    loss.name = "loss"
    return autograd.play(loss, title="A network reads a digit").animation().svg()


def player(path: Path) -> None:
    """The player of a neuron, some steps into its backward pass."""
    from playwright.sync_api import sync_playwright

    loss = gallery.neuron()
    loss.name = "loss"
    with sync_playwright() as playwright, TemporaryDirectory() as folder:
        page = autograd.play(loss, title="A neuron").save(Path(folder) / "neuron.html")
        chromium = shutil.which("chromium") or shutil.which("chromium-browser")
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        tab = browser.new_page(viewport={"width": 1240, "height": 600}, reduced_motion="reduce")
        tab.goto(page.as_uri())
        tab.keyboard.press("End")
        tab.keyboard.press("ArrowLeft")
        tab.locator(".box", has_text="w2").hover()
        tab.screenshot(path=path)
        browser.close()


PICTURES: dict[str, Callable[[], str]] = {"neuron.svg": neuron, "digit.svg": digit}


if __name__ == "__main__":
    for name, make in PICTURES.items():
        Path(__file__).with_name(name).write_text(make(), "utf-8")
    player(Path(__file__).with_name("player.png"))
