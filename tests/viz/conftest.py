"""The player's page in a browser, for the tests of this folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from autograd import play


class Page:
    """A page that notes errors and requests."""

    def __init__(self, browser, path, **context):
        self.context = browser.new_context(
            **{"viewport": {"width": 1600, "height": 900}, **context}
        )
        self.page = self.context.new_page()
        self.errors, self.requests = [], []
        self.page.on("console", lambda m: self.errors.append(m.text) if m.type == "error" else None)
        self.page.on("pageerror", lambda e: self.errors.append(str(e)))
        self.page.on("request", lambda r: self.requests.append(r.url))
        self.page.goto(f"file://{path}")

    def text(self, selector, has_text=None):
        """The text of an element; of SVG text, piece by piece."""
        found = self.page.locator(selector, has_text=has_text).first
        return found.evaluate(
            "e => e.tagName === 'g' ? [...e.querySelectorAll('text')].map(t => t.textContent)"
            ".join(' ') : e.innerText"
        )

    def press(self, *keys):
        for key in keys:
            self.page.keyboard.press(key)

    def step_to(self, heading):
        """Step back until the panel has this heading."""
        self.press("End")
        for _ in range(int(self.page.locator("#slider").get_attribute("max"))):
            if self.text("#now").startswith(heading):
                return
            self.press("ArrowLeft")
        raise AssertionError(heading)

    def close(self):
        self.context.close()
        assert not self.errors
        network = [r for r in self.requests if not r.startswith(("file:", "data:"))]
        assert not network


@pytest.fixture
def visit(browser, tmp_path):
    """Open the player of a Value, or a saved page, in a browser."""
    opened = []

    def visit(what, **context):
        saved = isinstance(what, Path)
        path = what if saved else play(what).save(tmp_path / "page.html")
        opened.append(Page(browser, path, **context))
        return opened[-1]

    yield visit
    for page in opened:
        page.close()


@pytest.fixture
def page_of(browser, tmp_path):
    """Open the player of a Value at an address, without motion; no error may come up."""
    opened, errors = [], []

    def page_of(value, address="", **context):
        path = play(value).save(tmp_path / "page.html")
        context = {"viewport": {"width": 1600, "height": 900}, **context}
        opened.append(browser.new_context(reduced_motion="reduce", **context))
        page = opened[-1].new_page()
        page.on("pageerror", lambda e: errors.append(str(e)))
        page.goto(f"file://{path}{address}")
        return page

    yield page_of
    for context in opened:
        context.close()
    assert not errors
