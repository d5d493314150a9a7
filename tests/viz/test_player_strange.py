"""Strange graphs in the player: no page fails, says undefined, or runs out of its window."""

from __future__ import annotations

import numpy as np
import pytest

import autograd
import nn
from autograd import Value


def weight(*shape):
    return Value(np.random.default_rng(0).normal(size=shape), name="w")


def names():
    wide = Value(2.0, name="an_extremely_long_name_" * 12)
    odd = Value(3.0, name='<img src=x onerror="alert(1)"> & "π̂ 数 \u202e🦔')
    return wide * odd + np.tanh(odd)


def nest():
    net = nn.Sequential(nn.Linear(2, 2), nn.Tanh())
    for _ in range(12):
        net = nn.Sequential(net, nn.Linear(2, 2))
    return np.sum(net(np.ones((3, 2), np.float32)))


def shared():
    layer = nn.Linear(3, 3)
    x = np.ones((2, 3), np.float32)
    return np.sum(layer(np.tanh(layer(layer(x)))))


def not_finite():
    a = Value(np.array([np.inf, 1.0, np.nan]), name="a")
    with np.errstate(all="ignore"):
        return np.sum(np.tanh(a) * a)


def numbers_not_finite():
    a = Value(np.inf, name="a")
    return a * 2.0 + Value(1.0, name="b")


def several():
    q, r = np.linalg.qr(weight(3, 2))
    return np.sum(q[:2]) * np.sum(r)


def apart():
    w = weight(2, 2)
    return np.sum(np.exp(w)) + np.sum(np.sin(w[0]))


STRANGE = {
    "a leaf alone": lambda: Value(2.0, name="x"),
    "one op": lambda: np.tanh(Value(0.5)),
    "not finite": not_finite,
    "numbers that are not finite": numbers_not_finite,
    "empty": lambda: np.sum(weight(0, 3) * 2.0),
    "0-d": lambda: Value(np.array(2.0), name="z") ** 2 * np.array(3.0),
    "names": names,
    "a hundred inputs": lambda: np.sum(np.stack([Value(float(i)) for i in range(100)])),
    "twelve levels": nest,
    "a shared module": shared,
    "one time step": lambda: np.sum(nn.LSTM(2, 3)(np.ones((1, 1, 2), np.float32))[0]),
    "several results": several,
    "two uses of one weight": apart,
    "no gradient": lambda: np.sum(Value(np.arange(4.0), requires_grad=False) * 2.0),
    "a scalar 1-element array": lambda: weight(1) * weight(1, 1),
}
LOOK = """() => ({
  said: document.body.innerText.match(/undefined|\\[object|NaN(?! or)/g),
  sideways: document.documentElement.scrollWidth - innerWidth,
  nowhere: document.querySelectorAll('#graph [d*="NaN"], #graph [transform*="NaN"]').length,
})"""


@pytest.mark.parametrize("kind", STRANGE)
def test_a_strange_graph_is_shown_whole_on_any_screen(visit, kind):
    autograd.seed(0)
    page = visit(STRANGE[kind](), reduced_motion="reduce")
    screens = [(1600, 900, "light"), (360, 740, "dark")]
    for width, height, scheme in screens:
        page.page.set_viewport_size({"width": width, "height": height})
        page.page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        for keys in (["Home"], ["ArrowRight"] * 3, ["End"], ["ArrowLeft"] * 2, ["]", "Escape"]):
            page.press(*keys)
            page.page.locator(".box").first.focus()
            found = page.page.evaluate(LOOK)
            if "not finite" in kind:
                found["said"] = None
            assert found == {"said": None, "sideways": 0, "nowhere": 0}
