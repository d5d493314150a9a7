"""What every test file shares."""

from __future__ import annotations

import os
import pathlib
import shutil
import signal

if "PYTEST_XDIST_WORKER" in os.environ:  # a worker a core: more threads would wait for each other
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
import pytest

import autograd
from autograd.op import ROWS

collect_ignore_glob = ["*conftest.py"]
"""Several folders have a file of this name, of which only one could be read for doctests."""


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(0)


@pytest.fixture(autouse=True)
def seeded_torch(request):
    """PyTorch's layers draw their weights from its own generator: the same in every run."""
    if request.node.get_closest_marker("torch"):
        torch = pytest.importorskip("torch", reason="the comparison needs torch")
        torch.manual_seed(0)


@pytest.fixture
def threads():
    """Sets the number of threads that kernels run on, for one test."""
    before = autograd.get_num_threads()
    yield autograd.set_num_threads
    autograd.set_num_threads(before)


@pytest.fixture
def interruptible():
    """Ctrl-C raises KeyboardInterrupt, even in a job that a shell has started in the background."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture
def op_table():
    """Take away the rows that a test adds."""
    before = list(ROWS)
    yield
    ROWS[:] = before


@pytest.fixture(scope="session")
def browser():
    """A real browser, without a window."""
    playwright = pytest.importorskip("playwright.sync_api", reason="needs playwright")
    path = shutil.which("chromium") or shutil.which("chromium-browser")
    if path is None:
        pytest.skip("needs chromium (apt install chromium)")
    with playwright.sync_playwright() as running:
        started = running.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield started
        started.close()


@pytest.fixture
def tab(browser):
    """Open an address; no page may fail, log an error or ask for anything, but for what is given.

    allowed : how addresses begin that a page may ask for.
    expected : how errors begin that it may log.
    """
    contexts, wrong = [], []

    def tab(address, allowed=("file:", "data:"), expected=(), **context):
        context = {"viewport": {"width": 1600, "height": 900}, **context}
        contexts.append(browser.new_context(**context))
        page = contexts[-1].new_page()
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on(
            "console",
            lambda m: m.type != "error" or m.text.startswith(expected) or wrong.append(m.text),
        )
        page.on("request", lambda r: r.url.startswith(allowed) or wrong.append(r.url))
        page.goto(address)
        return page

    yield tab
    for context in contexts:
        context.close()
    assert wrong == []


@pytest.fixture(scope="session")
def axe():
    """What axe-core has to say against an open page: each rule, with the elements."""
    package = pytest.importorskip(
        "axe_playwright_python", reason="needs axe-core (pip install axe-playwright-python)"
    )
    script = pathlib.Path(package.__file__).with_name("axe.min.js").read_text("utf-8")

    def violations(page):
        if page.evaluate("typeof axe === 'undefined'"):
            page.evaluate(script)
        found = page.evaluate("axe.run()")
        assert len(found["passes"]) > 5
        return [(v["id"], [n["html"][:160] for n in v["nodes"][:4]]) for v in found["violations"]]

    return violations


@pytest.fixture(scope="session")
def contrasts():
    """The contrast of each visible text of an open page with what is behind it, and the text."""

    def measured(page, selector="body"):
        return page.evaluate(_CONTRASTS, selector)

    return measured


_CONTRASTS = """(selector) => {
    const parts = (c) => [...c.match(/[\\d.]+/g).map(Number), 1].slice(0, 4);
    const light = (c) => { const [r, g, b] = parts(c).slice(0, 3).map((x) => x / 255)
        .map((x) => x <= 0.04045 ? x / 12.92 : ((x + 0.055) / 1.055) ** 2.4);
        return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
    const found = [];
    for (const part of document.querySelectorAll(selector)) {
        const walk = document.createTreeWalker(part, NodeFilter.SHOW_TEXT);
        while (walk.nextNode()) {
            const node = walk.currentNode.parentElement, style = getComputedStyle(node);
            if (!walk.currentNode.data.trim() || !node.getClientRects().length) continue;
            let behind = node;
            while (behind && parts(getComputedStyle(behind).backgroundColor)[3] === 0)
                behind = behind.parentElement;
            const [a, b] = [light(node instanceof SVGElement ? style.fill : style.color),
                light(getComputedStyle(behind || document.body).backgroundColor)]
                .sort((x, y) => y - x);
            found.push([(a + 0.05) / (b + 0.05), walk.currentNode.data]);
        }
    }
    return found;
}"""
