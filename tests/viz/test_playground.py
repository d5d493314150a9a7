"""The playground: what a page trains and shows is what nn trains, and its script runs."""

from __future__ import annotations

import copy
import io
from contextlib import redirect_stdout

import numpy as np
import pytest

import autograd
import nn
from autograd import Value, playground
from nn.functional import binary_cross_entropy_with_logits, cross_entropy, mse_loss, relu

OPTIMIZERS = {
    "SGD": lambda p: nn.optim.SGD(p, lr=0.1),
    "momentum": lambda p: nn.optim.SGD(p, lr=0.1, momentum=0.9),
    "Adam": lambda p: nn.optim.Adam(p, lr=0.1),
}


class Ground:
    """An open page."""

    def __init__(self, page):
        self.page, self.find = page, page.locator

    def click(self, *ids):
        for name in ids:
            self.find(f"#{name}").click()

    def script(self):
        """The script that the page gives, up to its loss: what it printed, and its names."""
        self.click("python")
        text = self.find("#text").input_value()
        self.page.keyboard.press("Escape")
        printed, names = io.StringIO(), {}
        with redirect_stdout(printed):
            exec(text.partition("optimizer =")[0], names)
        return text, float(printed.getvalue().split()[1]), names

    def loss(self, which="trainloss"):
        return float(self.find(f"#{which}").inner_text().split()[0].replace("−", "-"))

    def pixel(self, selector, x, y):
        return self.find(selector).evaluate(
            "(c, [x, y]) => [...c.getContext('2d').getImageData(x * c.width, y * c.height, 1, 1)"
            ".data].slice(0, 3)",
            [x, y],
        )


@pytest.fixture
def visit(tab, tmp_path):
    def visit(page, address="", **context):
        path = page.save(tmp_path / "page.html")
        context = {"viewport": {"width": 1600, "height": 1000}, **context}
        return Ground(tab(path.as_uri() + address, **context))

    return visit


def samples(n=40):
    X = np.random.default_rng(0).normal(size=(n, 2)).round(3)
    return X, X[:, 0] * X[:, 1] > 0


def network(activation=nn.Tanh, out=1, features=2):
    layers = (nn.Linear(features, 5, rng=0), activation(), nn.Linear(5, out, rng=1))
    return nn.Sequential(*layers).double()


def split(ground):
    """The samples that a page trains on."""
    _, _, names = ground.script()
    return names["X"], names["t"]


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_twenty_steps_in_the_page_are_those_of_nn(visit, name):
    model = network()
    ground = visit(playground(model, *samples()), f"#optimizer={name}&rate=0.1")
    X, t = split(ground)
    optimizer = OPTIMIZERS[name](model.parameters())
    for _ in range(20):
        ground.click("one")
        optimizer.zero_grad()
        binary_cross_entropy_with_logits(model(X), t).backward()
        optimizer.step()
    _, loss, names = ground.script()
    for path, expected in model.state_dict().items():
        found = names["model"].state_dict()[path]
        np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-11)
    expected = binary_cross_entropy_with_logits(model(X), t).item()
    assert loss == pytest.approx(expected, rel=1e-8)
    assert ground.loss() == pytest.approx(expected, rel=1e-3)


def test_the_script_gives_the_loss_that_the_page_shows_with_the_visitors_points(visit):
    ground = visit(playground(network(), *samples()))
    ground.page.locator("#points").click(position={"x": 40, "y": 40})
    ground.page.locator("#points").click(position={"x": 300, "y": 40}, modifiers=["Shift"])
    ground.click("one", "one", "one")
    text, loss, names = ground.script()
    assert len(names["X"]) == 30
    assert names["y"][-2:].tolist() == [1, 0]
    assert "the last 2 are the visitor's own" in text
    assert float(text.partition("the page shows ")[2].split()[0]) == pytest.approx(loss, rel=1e-8)
    assert ground.loss() == pytest.approx(loss, rel=1e-3)
    assert all(len(line) <= 100 for line in text.splitlines())


def test_the_whole_script_runs_and_trains_on(visit):
    ground = visit(playground(network(), *samples()), "#batch=10&optimizer=Adam&rate=0.03")
    ground.click("python")
    printed = io.StringIO()
    with redirect_stdout(printed):
        exec(ground.find("#text").input_value(), {})
    first, last = (float(line.split()[1]) for line in printed.getvalue().splitlines())
    assert last < first


def test_batches_train_too(visit):
    ground = visit(playground(network(), *samples()), "#batch=10&optimizer=SGD&rate=1")
    before = ground.loss()
    for _ in range(12):
        ground.click("one")
    assert "step 12 · epoch 4.3" in ground.find("#taken").inner_text()
    assert ground.loss() < before
    assert ground.loss() == pytest.approx(ground.script()[1], rel=1e-3)


def test_another_activation_is_the_same_model_with_it(visit):
    model = network()
    ground = visit(playground(model, *samples()))
    X, t = split(ground)
    for name, kind in (("ReLU", nn.ReLU), ("Sigmoid", nn.Sigmoid), ("Tanh", nn.Tanh)):
        ground.find("#activation").select_option(name)
        exchanged = copy.deepcopy(model)
        exchanged[1] = kind()
        expected = binary_cross_entropy_with_logits(exchanged(X), t).item()
        assert ground.loss() == pytest.approx(expected, rel=1e-3)
        assert f"nn.{name}()" in ground.script()[0]


def test_tiles_and_surface_have_the_signs_of_the_neurons(visit):
    model = network()
    ground = visit(playground(model, *samples()))
    X, _ = samples()
    low, high = X.min(0), X.max(0)
    low, high = low - 0.15 * (high - low), high + 0.15 * (high - low)
    for fx, fy in ((0.2, 0.3), (0.7, 0.9), (0.9, 0.2)):
        at = low + np.array([fx, 1 - fy]) * (high - low)
        hidden = np.tanh(model[0](at[None])).data[0]
        for j, h in enumerate(hidden):
            if abs(h) > 0.1:
                red, _, blue = ground.pixel(f".tile >> nth={2 + j} >> canvas", fx, fy)
                assert (red > blue) == (h > 0)
        output = model(at[None]).item()
        if abs(output) > 0.05:
            red, _, blue = ground.pixel("#surface", fx, fy)
            assert (red > blue) == (output > 0)


def test_a_weight_shows_its_number_and_gradient_and_can_be_changed(visit):
    model = network()
    ground = visit(playground(model, *samples()))
    X, t = split(ground)
    binary_cross_entropy_with_logits(model(X), t).backward()
    ground.find(".tile").nth(2 + 3).click()  # the fourth neuron of the first layer
    row = ground.find("#neuron .row").nth(1)
    shown = float(row.locator(".slope").inner_text().replace("∂", "").replace("−", "-"))
    assert shown == pytest.approx(model[0].weight.grad[3, 1], rel=1e-2)
    assert float(row.locator("input[type=number]").input_value()) == pytest.approx(
        model[0].weight.data[3, 1], rel=1e-4
    )
    row.locator("input[type=range]").fill("2.5")
    model[0].weight.data[3, 1] = 2.5
    expected = binary_cross_entropy_with_logits(model(X), t).item()
    assert ground.loss() == pytest.approx(expected, rel=1e-3)


def test_a_neuron_that_is_zero_everywhere_is_called_dead(visit):
    model = network(nn.ReLU)
    model[0].bias.data[1] = -100
    ground = visit(playground(model, *samples()))
    assert ground.find(".dead").count() == 1
    assert "neuron 2 of layer 1, dead" in ground.find(".dead").get_attribute("aria-label")


def test_hovering_over_a_line_shows_the_weight(visit):
    model = network()
    ground = visit(playground(model, *samples()))
    ground.find(".reach").first.dispatch_event("mouseenter", {"clientX": 300, "clientY": 300})
    text = ground.find("#tip").inner_text().replace("−", "-")
    assert text.startswith(f"0.weight[0, 0] = {model[0].weight.data[0, 0]:.4g}")
    assert "∂loss =" in text


def test_lines_show_where_descent_takes_the_weights(visit):
    model = network()
    ground = visit(playground(model, *samples()))
    X, t = split(ground)
    binary_cross_entropy_with_logits(model(X), t).backward()
    ground.find("#lines").select_option(index=1)
    for k, gradient in enumerate(model[2].weight.grad[0]):
        color = ground.find(".weight").nth(2 * 5 + k).evaluate("e => getComputedStyle(e).stroke")
        red, _, blue = (int(c) for c in color[4:-1].split(","))
        assert (red > blue) == (gradient < 0)


def test_the_player_opens_on_the_weights_of_the_step(visit):
    ground = visit(playground(network(), *samples()))
    ground.page.locator("#points").click(position={"x": 40, "y": 40})
    for _ in range(5):
        ground.click("one")
    ground.click("inside")
    inside = ground.page.frame_locator("#player")
    heading = inside.locator("#now h2")
    heading.wait_for()
    assert float(heading.inner_text().split("= ")[1]) == pytest.approx(ground.loss(), rel=1e-3)
    assert "the weights of step 5" in inside.locator("#changed").inner_text()
    assert "29×2" in inside.locator(".box", has_text="x").first.text_content()
    inside.locator("#back").click()
    assert "Backward" in heading.inner_text()


def test_settings_are_in_the_address_and_come_from_it(visit):
    page = playground(network(), *samples())
    ground = visit(page)
    ground.find("#optimizer").select_option("momentum")
    ground.find("#batch").select_option("4")
    ground.find("#activation").select_option("ReLU")
    address = ground.page.evaluate("location.hash")
    again = visit(page, address)
    shown = [again.find(f"#{name}").input_value() for name in ("optimizer", "batch", "activation")]
    assert shown == ["momentum", "4", "ReLU"]
    assert visit(page, "#rate=-1&batch=x&optimizer=no&%").find("#optimizer").input_value() == "Adam"


def test_it_works_in_the_frame_of_a_notebook(tab, tmp_path):
    path = tmp_path / "notebook.html"
    page = playground(network(), *samples())
    path.write_text(f"<!doctype html><meta charset=utf-8>{page._repr_html_()}")
    ground = Ground(tab(path.as_uri()))
    inside = ground.page.frame_locator("iframe")
    inside.locator("#optimizer").select_option("SGD")
    inside.locator("#one").click()
    assert "step 1 " in inside.locator("#taken").inner_text()
    inside.locator("#inside").click()
    inside.frame_locator("#player").locator("#now h2").wait_for()


def test_points_are_added_and_taken_away_by_mouse_and_by_keys(visit):
    ground = visit(playground(network(), *samples()))
    said = ground.find("#said")
    assert "28 samples" in said.inner_text()
    ground.find("#points").click(position={"x": 100, "y": 60})
    assert "29 samples to train on, 1 of them yours" in said.inner_text()
    ground.find("#points").click(position={"x": 103, "y": 61})
    assert "28 samples" in said.inner_text()
    ground.find("#plane").focus()
    for key in ("ArrowLeft", "ArrowLeft", "0", "ArrowUp", "ArrowUp", "ArrowUp", "ArrowUp", "1"):
        ground.page.keyboard.press(key)
    assert "30 samples" in said.inner_text()
    ground.click("undo")
    assert "29 samples" in said.inner_text()
    ground.click("clear", "one")
    assert "no samples" in ground.find("#trouble").inner_text()
    ground.click("original")
    assert "28 samples" in said.inner_text()


def test_training_runs_until_it_is_paused_and_starts_again(visit):
    ground = visit(playground(network(), *samples()))
    before = ground.loss()
    ground.click("train")
    ground.page.wait_for_function("taken.textContent.match(/step (\\d+)/)[1] > 20")
    ground.click("train")
    assert ground.loss() < before
    stopped = ground.find("#taken").inner_text()
    ground.page.wait_for_timeout(100)
    assert ground.find("#taken").inner_text() == stopped
    ground.click("again")
    assert ground.loss() == before
    ground.click("other")
    assert ground.loss() != before


def test_a_learning_rate_that_is_too_large_is_said(visit):
    X = np.linspace(-1, 1, 20)
    ground = visit(playground(nn.Linear(1, 1).double(), X, 1000 * X), "#optimizer=SGD&rate=10")
    ground.click("train")
    ground.page.wait_for_function("trouble.textContent.includes('too large')")
    assert "train" in ground.find("#train").inner_text()


def test_regression_on_one_feature(visit):
    X = np.linspace(-2, 2, 40)
    model = network(features=1)
    ground = visit(playground(model, X, np.sin(X), test=0))
    expected = mse_loss(model(X[:, None]), np.sin(X)[:, None]).item()
    assert ground.loss() == pytest.approx(expected, rel=1e-3)
    assert ground.script()[1] == pytest.approx(expected, rel=1e-8)


def test_three_classes_in_five_features_have_histograms(visit):
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(30, 5)), np.arange(30) % 3
    model = network(out=3, features=5)
    ground = visit(playground(model, X, y, test=(X[:6], y[:6])))
    expected = cross_entropy(model(X), y).item()
    assert ground.loss() == pytest.approx(expected, rel=1e-3)
    assert ground.loss("testloss") == pytest.approx(cross_entropy(model(X[:6]), y[:6]).item(), 1e-3)
    assert ground.script()[1] == pytest.approx(expected, rel=1e-8)
    assert "histogram" in ground.find("#netsays").inner_text()


def test_a_function_of_values_trains(visit, rng):
    w1, b1 = Value(rng.normal(size=(2, 4)), name="w1"), Value(np.zeros(4), name="b1")
    w2 = Value(rng.normal(size=(4, 1)), name="w2")

    def model(x):
        return np.tanh(x @ w1 + b1) @ w2

    ground = visit(playground(model, *samples()))
    before = ground.loss()
    assert ground.find(".weight").count() == 2 * 4 + 4
    assert not ground.find("#activation").is_visible()
    ground.click("one", "one")
    assert ground.loss() < before
    ground.click("python")
    assert "your_model" in ground.find("#text").input_value()


def test_layers_in_evaluation_mode_are_part_of_the_page(visit):
    model = nn.Sequential(nn.Linear(2, 4, rng=0), nn.BatchNorm1d(4), nn.Dropout(), nn.Tanh())
    model = nn.Sequential(*model, nn.Linear(4, 1, rng=1)).double()
    model(samples()[0])  # running statistics
    model.eval()
    ground = visit(playground(model, *samples()))
    X, t = split(ground)
    expected = binary_cross_entropy_with_logits(model(X), t).item()
    assert ground.loss() == pytest.approx(expected, rel=1e-3)


def test_a_loss_of_ones_own(visit):
    model = network()

    def hinge(z, t):
        return np.mean(relu(1 - (2 * t - 1) * z))

    ground = visit(playground(model, *samples(), loss=hinge, test=0))
    X, y = samples()
    assert ground.loss() == pytest.approx(hinge(model(X), y[:, None] * 1.0).item(), rel=1e-3)
    ground.page.locator("#points").click(position={"x": 40, "y": 40})
    ground.click("one")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"y": np.arange(39)}, "takes samples"),
        ({"y": np.arange(40)}, "don't fit the output"),
        ({"y": np.arange(40) - 1}, "class indices from 0"),
        ({"X": np.full((40, 2), np.nan)}, "finite"),
        ({"loss": lambda z, t: z}, "a Value of one number"),
        ({"loss": lambda z, t: np.mean(z * np.arange(len(z))[:, None])}, "keeps an array"),
        ({"loss": lambda z, t: np.sum((z - t) ** 2) / len(z)}, "number of samples"),
        ({"model": nn.Sequential(network(), nn.Dropout(0.5))}, "model.eval"),
        ({"model": nn.Sequential(network(), nn.BatchNorm1d(1).double())}, "model.eval"),
        ({"test": 1.0}, "leaves no samples"),
        ({"X": {}, "y": None}, "no samples"),
        ({"y": np.arange(80.0).reshape(40, 2)}, "takes samples"),
    ],
)
def test_what_does_not_fit_is_refused_in_words(change, message):
    X, y = samples()
    given = {"model": network(), "X": X, "y": y, **change}
    with pytest.raises(ValueError, match=message):
        playground(**given)


def test_the_model_is_left_as_it_was():
    model = network()
    before = copy.deepcopy(model.state_dict())
    playground(model, *samples()).html()
    assert [type(m).__name__ for m in model] == ["Linear", "Tanh", "Linear"]
    for path, array in model.state_dict().items():
        np.testing.assert_array_equal(array, before[path])
    assert all(p.grad is None for p in model.parameters())


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_on_a_phone_nothing_overflows_and_targets_are_large(visit, scheme):
    page = playground(network(), *samples())
    ground = visit(page, viewport={"width": 360, "height": 740}, color_scheme=scheme)
    assert ground.page.evaluate("document.documentElement.scrollWidth") <= 360
    small = ground.find("button, select, input[type=number]").evaluate_all(
        "all => all.filter(e => e.checkVisibility() && e.getBoundingClientRect().height < 44)"
        ".map(e => e.id || e.className)"
    )
    assert not small


def test_the_command_writes_a_page(tmp_path, capsys):
    from nn.cli import main

    out = tmp_path / "page.html"
    assert main(["playground", "--out", str(out), "--hidden", "3"]) == 0
    assert "circles" in out.read_text(encoding="utf-8")
    assert main(["playground", "--out", str(out), "--hidden", "0"]) == 2
    assert "1 to 64" in capsys.readouterr().err


def test_the_visitor_chooses_among_data_sets(visit):
    X, y = samples()
    model = network()
    ground = visit(playground(model, {"product": (X, y), "sum": (X, X.sum(1) > 0)}, test=0))
    ground.click("one")
    ground.find("#set").select_option("sum")
    t = (X.sum(1) > 0)[:, None].astype(float)
    expected = binary_cross_entropy_with_logits(model(X), t).item()
    assert ground.loss() == pytest.approx(expected, rel=1e-3)
    assert "data=sum" in ground.page.evaluate("location.hash")
    assert ground.script()[1] == pytest.approx(expected, rel=1e-8)


def test_it_is_a_public_name():
    assert "playground" in dir(autograd)
