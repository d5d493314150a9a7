"""The player's timeline in a real browser: every step of whole models, held against the engine."""

from __future__ import annotations

import re

import numpy as np
import pytest

import autograd
import nn
from autograd import Value, play
from nn.functional import cross_entropy, relu


def mlp():
    autograd.seed(0)
    model = nn.Sequential(nn.Linear(5, 6), nn.Tanh(), nn.Linear(6, 3))
    x = np.random.default_rng(0).normal(size=(4, 5)).astype(np.float32)
    return cross_entropy(model(x), np.arange(4) % 3)


def cnn():
    autograd.seed(0)
    model = nn.Sequential(
        nn.Conv2d(1, 4, 3, padding=1),
        nn.BatchNorm2d(4),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(4, 6, 3),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(24, 5),
    )
    x = np.random.default_rng(0).normal(size=(6, 1, 8, 8)).astype(np.float32)
    return cross_entropy(model(x), np.arange(6) % 5)


def lstm(steps=4):
    autograd.seed(0)
    x = np.random.default_rng(0).normal(size=(steps, 2, 3)).astype(np.float32)
    y, (_, c) = nn.LSTM(3, 4)(x)
    return np.sum(np.square(y)) + np.sum(c)


def seq2seq():
    autograd.seed(0)
    encoder, decoder, head = nn.GRU(3, 4), nn.GRU(3, 4), nn.Linear(4, 5)
    x = np.random.default_rng(0).normal(size=(3, 2, 3)).astype(np.float32)
    _, h = encoder(x)
    y, _ = decoder(x[::-1].copy(), h)
    return cross_entropy(head(y).reshape(-1, 5), np.arange(6) % 5)


class Block(nn.Module):
    """A pre-norm Transformer block."""

    def __init__(self, width=8, heads=2):
        self.heads = heads
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.mlp = nn.Sequential(
            nn.Linear(width, 2 * width), nn.GELU(), nn.Linear(2 * width, width)
        )

    def forward(self, x):
        B, T, C = x.shape
        qkv = self.qkv(self.norm1(x)).reshape(B, T, 3, self.heads, C // self.heads)
        q, k, v = np.unstack(np.transpose(qkv, (2, 0, 3, 1, 4)))  # (B, heads, T, C / heads)
        y = autograd.ops.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.out(np.transpose(y, (0, 2, 1, 3)).reshape(B, T, C))
        return x + self.mlp(self.norm2(x))


class GPT(nn.Module):
    """A character model of a few Transformer blocks."""

    def __init__(self, depth):
        self.embed, self.head = nn.Embedding(7, 8), nn.Linear(8, 7)
        self.blocks = nn.ModuleList([Block() for _ in range(depth)])

    def forward(self, codes):
        x = self.embed(codes)
        for block in self.blocks:
            x = block(x)
        return self.head(x)


def gpt(depth=1):
    autograd.seed(0)
    codes = np.arange(10).reshape(2, 5) % 7
    return cross_entropy(GPT(depth)(codes).reshape(-1, 7), (codes.ravel() + 1) % 7)


def vae():
    autograd.seed(0)
    rng = np.random.default_rng(0)
    x = rng.uniform(size=(4, 6)).astype(np.float32)
    encoder, mean, spread = nn.Linear(6, 5), nn.Linear(5, 2), nn.Linear(5, 2)
    h = relu(encoder(x))
    m, s = mean(h), spread(h)
    z = m + np.exp(0.5 * s) * rng.normal(size=(4, 2)).astype(np.float32)
    loss = nn.BCEWithLogitsLoss(reduction="sum")
    return loss(nn.Linear(2, 6)(z), x) - 0.5 * np.sum(1 + s - m**2 - np.exp(s))


MODELS = {
    "MLP": mlp,
    "CNN with batch norm": cnn,
    "LSTM": lstm,
    "GRU seq2seq": seq2seq,
    "GPT block": gpt,
    "VAE": vae,
}


def size(x):
    """What the page writes of an array: a single number, else the rms of what is finite."""
    a = np.asarray(x, np.float64)
    return a.item() if a.size == 1 else np.sqrt(np.mean(np.square(a[np.isfinite(a)])))


def engines_gradients(story, loss):
    """The engine's gradient of each event's node, those within opened kernels included."""
    loss.backward(retain_graph=True)
    found = {k: x.grad for k, x in enumerate(story.nodes) if isinstance(x, Value)}
    recorded = {id(x): x for x in story.nodes if isinstance(x, Value)}
    for kernel, ys in story.trace.opened:
        parts = [kernel]
        if type(ys) is tuple:
            parts = [v for v in recorded.values() if v.op is autograd.op.SELECT]
            parts = [v for v in parts if v.inputs[0] is kernel]
        grown = [v for v in parts if v.grad is not None]
        results = [ys if v is kernel else ys[v.static[0]] for v in grown]
        if not results:
            continue
        inner, queue = {}, [*results]
        while queue:
            v = queue.pop()
            if id(v) not in inner and isinstance(v, Value):
                inner[id(v)] = v
                queue += v.inputs
        with autograd.enable_grad():
            total = sum(np.sum(y * v.grad) for y, v in zip(results, grown, strict=True))
        own = [v for v in inner.values() if id(v) in recorded and v.requires_grad and v.inputs]
        gradients = autograd.grad(total, own + results)  # a result may be used inside as well
        places = [story.index[id(v)] for v in own + grown]
        found |= dict(zip(places, gradients, strict=True))
    return found


STEPS = """() => {
  const byId = (id) => document.getElementById(id);
  const numbers = (under) => [...under.querySelectorAll("data")].map((d) => +d.value);
  const texts = (g) => g && [...g.querySelectorAll("text")].map((t) => t.textContent);
  byId("first").click();
  return Array.from({ length: +byId("slider").max }, () => {
    byId("next").click();
    return {
      event: byId("now").dataset.event, heading: byId("now").querySelector("h2").textContent,
      numbers: numbers(byId("now")), box: texts(document.querySelector(".box.active")),
      sums: [...document.querySelectorAll("#now .term")].map(numbers),
      count: byId("count").textContent, crumbs: byId("crumbs").textContent,
    };
  });
}"""


def read(text):
    """The number in a text of the page."""
    return float(re.search(r"[+−-]?[\d.]+(e[−-]?\d+)?$", text)[0].replace("−", "-"))


@pytest.mark.parametrize("make", MODELS.values(), ids=MODELS)
def test_every_step_shows_the_engines_value_and_gradient(visit, tmp_path, make):
    loss = make()
    player = play(loss)
    page = visit(player.save(tmp_path / "page.html"), reduced_motion="reduce")
    truth = engines_gradients(player.story, loss)
    page.page.locator("#depth").evaluate(
        "menu => { menu.selectedIndex = menu.options.length - 1;"
        "menu.dispatchEvent(new Event('change')); }"
    )
    events, nodes = player.story.events, player.story.nodes
    found = page.page.evaluate(STEPS)
    assert found[-1]["count"] == f"{len(found)} / {len(found)}"
    forward = [int(s["event"]) for s in found if s["heading"].startswith("Forward")]
    assert forward == [e.index for e in events if e.kind == "op"]
    backward = [int(s["event"]) for s in found if s["heading"].startswith("Backward")]
    ops = [e.index for e in events if e.kind == "op" and e.gradient is not None]
    assert backward == ops[::-1]
    scale = max(size(g) for g in truth.values() if g is not None)
    for step in found:
        k = int(step["event"])
        if step["heading"].startswith("Forward"):
            if events[k].value is None:
                continue  # several results
            expected, text = size(nodes[k].data), step["box"][1]
            shown = step["numbers"][-1]
        else:
            expected, text = size(truth[k]), step["box"][2]
            shown = step["numbers"][0]
        assert shown == pytest.approx(expected, rel=1e-5, abs=1e-7 * scale)
        if "≈" not in text:
            assert read(text) == pytest.approx(expected, rel=0.06, abs=1e-7 * scale)
