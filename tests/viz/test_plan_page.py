"""The page of a compiled plan, in a browser."""

import numpy as np
import pytest

import autograd

X = np.random.default_rng(0).normal(size=(8, 6)).astype(np.float32)
W = np.linspace(-1, 1, 18, dtype=np.float32).reshape(6, 3)


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    @autograd.compile
    @autograd.value_and_grad
    def f(x):
        return np.sum(np.tanh(x @ W) ** 2)

    return autograd.play(f.plan(X)).save(tmp_path_factory.mktemp("plan") / "plan.html")


def test_drawing_source_memory_and_panel_show_one_step(saved, tab):
    page = tab(saved.as_uri())
    count = page.evaluate("JSON.parse(document.getElementById('data').textContent).steps.length")
    assert count > 3
    for i in range(count):
        assert page.inner_text("#place") == f"step {i} of {count - 1}"
        assert page.inner_text("#step h2").startswith(f"Step {i}:")
        assert page.evaluate("[...document.querySelectorAll('.graph .here')].map((x) => x.id)") == [
            f"step{i}"
        ]
        marked = page.eval_on_selector_all("pre .here", "(x) => x.map((e) => e.dataset.step)")
        assert marked
        assert set(marked) == {str(i)}
        page.keyboard.press("ArrowRight")
    page.keyboard.press("Home")
    page.click(f"#step{count - 1}")
    assert page.inner_text("#place") == f"step {count - 1} of {count - 1}"


def test_play_runs_to_the_end_and_stops(saved, tab):
    page = tab(saved.as_uri())
    page.clock.install()
    page.click("#play")
    page.clock.run_for(60_000)
    assert page.inner_text("#play") == "play"
    assert page.evaluate("document.getElementById('slider').value") == page.evaluate(
        "document.getElementById('slider').max"
    )


@pytest.mark.parametrize(("width", "scheme"), [(360, "light"), (1600, "dark"), (1200, "light")])
def test_the_page_is_accessible_and_fits(saved, tab, axe, contrasts, width, scheme):
    page = tab(saved.as_uri(), viewport={"width": width, "height": 800}, color_scheme=scheme)
    assert axe(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert [text for ratio, text in contrasts(page, "header, #step, pre") if ratio < 4.5] == []
