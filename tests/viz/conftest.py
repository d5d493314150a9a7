"""The player's page in a browser, for the tests of this folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from autograd import play


class Page:
    """An open page."""

    def __init__(self, page):
        self.page = page

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


@pytest.fixture
def visit(tab, tmp_path):
    """Open the player of a Value, or a saved page, in a browser."""

    def visit(what, **context):
        saved = isinstance(what, Path)
        path = what if saved else play(what).save(tmp_path / "page.html")
        return Page(tab(path.as_uri(), **context))

    return visit


@pytest.fixture
def page_of(tab, tmp_path):
    """Open the player of a Value at an address, without motion."""

    def page_of(value, address="", **context):
        path = play(value).save(tmp_path / "page.html")
        return tab(path.as_uri() + address, reduced_motion="reduce", **context)

    return page_of
