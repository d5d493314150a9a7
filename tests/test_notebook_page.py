"""A notebook as HTML: what the project writes into it lives there, without a network."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
NOTEBOOK = """# %% [markdown]
# # What a notebook shows
# %%
import numpy as np, autograd, nn
from autograd import Value
w, b = Value([0.5, 0.3], name="w"), Value(0.2, name="b")
y = np.tanh(w @ np.array([1.0, -2.0]) + b)
autograd.draw(y, gradients=True, formulas=True)
# %%
autograd.play(y, title="The player")
# %%
autograd.play(y).animation()
# %%
autograd.explain(y, b)
# %%
autograd.why(y, w)
# %%
autograd.explain(y, b).derivation()
# %%
autograd.seed(0)
X = np.random.default_rng(0).normal(size=(48, 3)).astype(np.float32)
Y = (X[:, 0] > 0).astype(int)
model = nn.Sequential(nn.Linear(3, 8), nn.ReLU(), nn.Linear(8, 2), nn.Softmax(-1))
autograd.check(model, (X, Y), nn.CrossEntropyLoss(), nn.optim.SGD(model.parameters(), lr=0.1))
# %%
def run(shift):
    v = Value(np.full((4, 3), 0.5), name="v")
    v.data[2, 1] += shift
    return np.sum(np.tanh(v @ np.arange(3.0)))
autograd.compare(run(0.0), run(1e-2))
# %%
watch = nn.train.Watch("run.html", every=1)
nn.train.fit(model, (X, Y), "cross_entropy", epochs=2, batch_size=16, rng=0, verbose=False,
             callbacks=[watch])
watch
"""


@pytest.fixture(scope="module")
def notebook(tmp_path_factory):
    """The notebook, run and rendered as `jupyter nbconvert --to html` does."""
    jupytext = pytest.importorskip("jupytext")
    nbclient = pytest.importorskip("nbclient")
    nbconvert = pytest.importorskip("nbconvert")
    pytest.importorskip("ipykernel")
    folder = tmp_path_factory.mktemp("notebook")
    read = jupytext.reads(NOTEBOOK, fmt="py:percent")
    read.metadata["kernelspec"] = {
        "name": "python3",
        "display_name": "Python",
        "language": "python",
    }
    before = os.environ.get("PYTHONPATH")
    os.environ["PYTHONPATH"] = str(ROOT)
    try:
        nbclient.NotebookClient(read, resources={"metadata": {"path": str(folder)}}).execute()
    finally:
        os.environ.pop("PYTHONPATH")
        if before is not None:
            os.environ["PYTHONPATH"] = before
    html, _ = nbconvert.HTMLExporter().from_notebook_node(read)
    (folder / "notebook.html").write_text(html, "utf-8")
    return folder / "notebook.html"


@pytest.fixture
def page(browser, notebook):
    context = browser.new_context(offline=True, viewport={"width": 1300, "height": 900})
    tab = context.new_page()
    tab.set_default_timeout(15_000)
    tab.goto(f"file://{notebook}", wait_until="domcontentloaded")
    yield tab
    context.close()


def frame(page, title):
    """The frame of this title, scrolled to."""
    element = page.locator(f"iframe[title={title!r}]")
    element.scroll_into_view_if_needed()
    return element.content_frame


def test_drawings_and_moving_pictures_are_pictures(page):
    assert page.locator("img[alt*='gradients flow back']").count() == 1
    widths = page.locator("img").evaluate_all("all => all.map(i => i.complete && i.naturalWidth)")
    assert len(widths) == 2
    assert min(widths) > 300


def test_the_player_steps(page):
    player = frame(page, "The player")
    player.locator("#first").click()
    player.locator("#next").click()
    assert player.locator("#now h2").inner_text().startswith("Forward: @")
    assert player.locator("#now math").count() >= 1


def test_the_diff_shows_the_element_that_differs(page):
    diff = frame(page, "Two runs compared")
    assert "[2, 1]" in diff.locator("main").inner_text()


def test_the_check_names_its_finding(page):
    check = frame(page, "Check of Sequential")
    assert "softmax before cross_entropy" in check.locator("h2").first.inner_text()


def test_the_watched_run_draws_its_curves(page):
    run = page.locator("iframe").last
    run.scroll_into_view_if_needed()
    assert run.content_frame.locator("svg path, svg polyline, canvas").count() > 0


def test_formulas_of_derivations_are_mathml_that_the_browser_lays_out(page):
    box = page.locator("math").first.bounding_box()
    assert box["height"] > 10
    assert "\\\\frac" not in page.locator("main, body").first.inner_text()
