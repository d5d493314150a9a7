"""Every page that the project writes: accessible, on any screen, in light and dark, by itself."""

from __future__ import annotations

import re

import numpy as np
import pytest

import autograd
import nn
from autograd import Value
from nn.cli import main
from nn.functional import cross_entropy
from nn.train import Watch, fit

X = np.random.default_rng(0).normal(size=(48, 3)).astype(np.float32)
Y = (X[:, 0] > 0).astype(int)


def model():
    autograd.seed(0)
    return nn.Sequential(nn.Linear(3, 8), nn.ReLU(), nn.Linear(8, 2))


def loss():
    return cross_entropy(model()(X[:8]), Y[:8])


def neuron():
    w, b = Value([0.5, 0.3], name="w"), Value(0.2, name="b")
    return np.tanh(w @ np.array([1.0, -2.0]) + b)


def player(path):
    autograd.play(loss(), title="A network").save(path)


def watch(path):
    fit(model(), (X, Y), "cross_entropy", epochs=2, batch_size=16, rng=0, verbose=False,
        callbacks=[Watch(path, every=1)], validation=(X, Y))  # fmt: skip


def ladder(path):
    path.write_text(autograd.ladder(neuron()).html(), "utf-8")


def check(path):
    net = nn.Sequential(*model(), nn.Softmax(-1))
    optimizer = nn.optim.SGD(net.parameters(), lr=0.1)
    found = autograd.check(net, (X, Y), nn.CrossEntropyLoss(), optimizer)
    assert found
    found.save(path)


def compare(path):
    def run(shift):
        w = Value(np.full((4, 3), 0.5), name="w")
        w.data[2, 1] += shift
        return np.sum(np.tanh(w @ np.arange(3.0)))

    autograd.compare(run(0.0), run(1e-2)).save(path)


def fragments(path):
    """What a notebook shows of the readers, in a page as a notebook is one."""
    y = neuron()
    w = y.inputs[0].inputs[0].inputs[0]
    shown = [
        autograd.explain(y, w)._repr_html_(),
        autograd.why(y, w)._repr_html_(),
        autograd.profile(loss)._repr_html_(),
        autograd.ladder(y)._repr_html_(),
        autograd.draw(y, gradients=True, formulas=True).svg(),
        autograd.play(y).animation()._repr_html_(),
        autograd.play(y)._repr_html_(),
    ]
    path.write_text(
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>A notebook</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        "</head><body><main><h1>A notebook</h1>"
        + "".join(f'<div tabindex="0" style="overflow:auto">{part}</div>' for part in shown)
        + "</main></body></html>",
        "utf-8",
    )


PAGES = {
    "player": player,
    "watch": watch,
    "ladder": ladder,
    "check": check,
    "compare": compare,
    "fragments": fragments,
    "gallery": None,
}


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    """The path of a page by its name; each is written once."""
    folder = tmp_path_factory.mktemp("pages")

    def page(name):
        path = folder / f"{name}.html"
        if name == "gallery":
            path = folder / "gallery" / "index.html"
            if not path.exists():
                assert main(["gallery", "--out", str(path.parent)]) == 0
        elif not path.exists():
            PAGES[name](path)
        return path

    return page


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1600])
@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_accessible_fits_the_screen_and_asks_for_nothing(
    tab, axe, pages, name, width, scheme
):
    viewport = {"width": width, "height": 800}
    address = f"file://{pages(name)}"
    page = tab(address, viewport=viewport, color_scheme=scheme, reduced_motion="reduce")
    found = axe(page)
    wide = page.evaluate("document.documentElement.scrollWidth")
    dark = page.evaluate(
        "matchMedia('(prefers-color-scheme: dark)').matches && "
        "getComputedStyle(document.documentElement).colorScheme"
    )
    assert found == []
    assert wide <= width, "the page scrolls sideways"
    if scheme == "dark" and name != "fragments":
        assert "dark" in dark


def test_the_gallerys_pictures_stop_on_request(tab, pages):
    page = tab(f"file://{pages('gallery')}", viewport={"width": 1200, "height": 900})
    picture = page.locator("img").first
    page.get_by_role("button", name="Pause all pictures").click()
    page.wait_for_timeout(300)
    still = picture.screenshot()
    page.wait_for_timeout(4000)
    assert picture.screenshot() == still
    page.get_by_role("button", name="Pause all pictures").click()
    moved = False
    for _ in range(40):
        page.wait_for_timeout(200)
        moved = moved or picture.screenshot() != still
    assert moved


def test_text_in_the_gallerys_pictures_is_readable_on_any_screen(tab, pages):
    for width in (360, 1600):
        page = tab(f"file://{pages('gallery')}", viewport={"width": width, "height": 900})
        page.locator("img").evaluate_all("all => all.forEach(img => (img.loading = 'eager'))")
        page.wait_for_function("[...document.images].every(img => img.complete)")
        zooms = page.locator("img").evaluate_all(
            "all => all.map(i => i.clientWidth / i.naturalWidth)"
        )
        assert len(zooms) == 6
        assert min(zooms) * 12.5 >= 11


def test_every_link_of_the_gallery_leads_to_a_page(pages):
    html = pages("gallery").read_text("utf-8")
    links = set(re.findall(r'(?:href|src|srcset)="([^"#]+\.(?:html|svg))"', html))
    assert len(links) == 6 * 3 + 5
    assert all((pages("gallery").parent / link).is_file() for link in links)
