"""Timelapse: a graph's numbers at several updates, kept as they were, and shown on its page."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest

import autograd
import nn
from autograd import Value
from autograd.viz.player.story import Story
from autograd.viz.trace import Trace
from nn.functional import binary_cross_entropy_with_logits, cross_entropy
from nn.train import Timelapse, Watch, fit
from nn.train.watch import timelapse as module
from nn.train.watch.snapshots import MAPPED, Shape, brief, numbers, unpack

RNG = np.random.default_rng(0)
X = RNG.normal(size=(48, 3)).astype(np.float32)
Y = (X[:, 0] > 0).astype(int)


@pytest.fixture(autouse=True)
def unhurried(monkeypatch):
    """Snapshots may take as long as they like, so that a busy machine keeps as many."""
    monkeypatch.setattr(module, "FREE", 1e9)


def net():
    layers = [nn.Linear(3, 8, rng=0), nn.ReLU(), nn.Linear(8, 6, rng=1), nn.Tanh()]
    return nn.Sequential(*layers, nn.Linear(6, 2, rng=2))


def classified(model, shape, classes=3):
    x = RNG.normal(size=shape).astype(np.float32)
    y = RNG.integers(0, classes, shape[0])
    return lambda: cross_entropy(model(x), y)


class Last(nn.Module):
    """A recurrent layer, and a linear map of its last output."""

    def __init__(self, layer):
        super().__init__()
        self.layer, self.head = layer, nn.Linear(5, 3, rng=1)

    def forward(self, x):
        return self.head(self.layer(x)[0][:, -1])


def network(name):
    autograd.seed(0)
    if name == "cnn":
        return nn.Sequential(
            nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),
            nn.Linear(36, 3),
        ), (5, 1, 8, 8)  # fmt: skip
    layer = {"lstm": nn.LSTM, "gru": nn.GRU}[name](2, 5, batch_first=True)
    return Last(layer), (4, 6, 2)


def same(digest, found):
    """Whether two digests hold the same numbers."""
    if digest is None or found is None:
        return digest is found
    if "rms" not in digest:
        return digest.get("number") == pytest.approx(found.get("number"), rel=1e-5)
    atol = 1e-5 * digest["rms"]
    return all(
        digest[key] == pytest.approx(found[key], rel=1e-5, abs=atol)
        for key in ("low", "high", "mean", "rms")
    )


@pytest.mark.parametrize("name", ["cnn", "lstm", "gru"])
def test_a_snapshot_has_what_a_player_of_this_update_would_show(name):
    model, shape = network(name)
    loss_of = classified(model, shape)
    optimizer = nn.optim.SGD(model.parameters(), lr=0.5)
    lapse, stories, grads = Timelapse(), [], []
    for _ in range(3):
        loss = loss_of()
        lapse.add(loss)
        stories.append(Story(loss))
        optimizer.zero_grad()
        loss.backward()
        grads.append([p.grad.copy() for p in model.parameters()])
        optimizer.step()
    lapse.moved()
    assert lapse.steps == [0, 1, 2]
    events = [lapse.events[id(p)] for p in model.parameters()]
    for story, packed, grad in zip(stories, lapse._packed, grads, strict=True):
        found, _ = unpack(packed)
        for event, at in zip(story.events, found, strict=True):
            assert same(event.value, at.get("v"))
            assert same(event.gradient, at.get("g")) or event.gradient.get("noise")
            if event.gradient is None or event.gradient.get("noise"):
                continue
            for place, part in zip(event.inputs, at.get("c", ()), strict=True):
                outs = [place[key] for key in ("out", "sum", "local") if key in place]
                assert (part or []) == pytest.approx(outs, rel=1e-4, abs=1e-9)
        for k, g in zip(events, grad, strict=True):
            if not story.events[k].gradient.get("noise"):
                rms = np.sqrt(np.mean(np.square(g, dtype=np.float64)))
                assert found[k]["g"]["rms"] == pytest.approx(rms, rel=1e-5)


def test_the_relative_update_is_that_of_the_step():
    model, lapse = net(), Timelapse()
    optimizer = nn.optim.SGD(model.parameters(), lr=0.1)
    expected = []
    for _ in range(3):
        loss = cross_entropy(model(X), Y)
        lapse.add(loss)
        optimizer.zero_grad()
        loss.backward()
        p = model[2].weight
        expected.append(0.1 * np.linalg.norm(p.grad) / np.linalg.norm(p.data))
        optimizer.step()
    lapse.moved()
    k = str(lapse.events[id(model[2].weight)])
    found = [unpack(packed)[1][k] for packed in lapse._packed]
    assert found == pytest.approx(expected, rel=1e-4)


def test_dead_units_and_saturated_elements_are_those_of_the_update():
    model = net()
    model[0].bias.data[:3] = -100.0
    model[2].bias.data[:2] = 50.0
    loss = cross_entropy(model(X), Y)
    story = Story(loss)
    found = numbers(Trace([loss], open_kernels=True), Shape(story))
    hidden = np.maximum(X @ model[0].weight.data.T + model[0].bias.data, 0)
    (relu,) = [at for at, e in zip(found, story.events, strict=True) if e.op == "relu"]
    (tanh,) = [at for at, e in zip(found, story.events, strict=True) if e.op == "tanh"]
    assert relu["dead"] == pytest.approx(np.mean(~hidden.any(axis=0)))
    assert relu["dead"] >= 3 / 8
    assert tanh["saturated"] == pytest.approx(2 / 6, abs=0.15)


@pytest.mark.parametrize("bad", [None, np.nan, np.inf])
def test_a_large_array_is_summarized_exactly(bad):
    a = RNG.normal(size=(100, MAPPED // 50)).astype(np.float32)
    if bad is not None:
        a[3, 4] = bad
    fine = a[np.isfinite(a)].astype(np.float64)
    found = brief(a)
    assert "map" not in found
    assert found["low"] == pytest.approx(fine.min(), rel=1e-5)
    assert found["high"] == pytest.approx(fine.max(), rel=1e-5)
    assert found["mean"] == pytest.approx(fine.mean(), rel=1e-5, abs=1e-6)
    assert found["rms"] == pytest.approx(np.sqrt(np.mean(fine**2)), rel=1e-5)
    assert len(found["bins"]) == 16
    assert found.get("odd") == (None if bad is None else 1)


def trained(lapse, updates, lengths=None):
    """A short loop on sequences, of these lengths in turn."""
    w = Value(np.full(3, 0.5), name="w")
    for n in range(updates):
        loss, x = np.sum(np.square(w)), w
        for _ in range(lengths[n % len(lengths)] if lengths else 0):
            x = np.tanh(x)
            loss = np.sum(np.square(x))
        lapse.add(loss)
        loss.backward()
        w.grad = None
        w.data = w.data * 0.99
    return lapse


@pytest.mark.parametrize("total", [None, 200])
def test_a_long_run_is_thinned_evenly_and_keeps_its_first_and_last_update(total):
    lapse = trained(Timelapse(updates=10, total=total, overhead=1.0), 200)
    gaps = np.diff(lapse.steps[:-1])
    assert lapse.steps[0] == 0
    assert len(lapse.steps) == len(lapse._packed)
    assert 6 <= len(lapse.steps) <= 10
    assert gaps.max() <= 3.1 * gaps.min()
    assert lapse.steps[-1] == 199 if total else lapse.steps[-1] >= 170
    for step, packed in zip(lapse.steps, lapse._packed, strict=True):
        found, _ = unpack(packed)
        assert found[lapse.event("w")]["v"]["high"] == pytest.approx(0.5 * 0.99**step, rel=1e-5)


def test_updates_with_another_graph_are_left_out_and_said():
    lapse = trained(Timelapse(), 6, lengths=[2, 2, 3])
    assert lapse.steps == [0, 1, 3, 4]
    assert lapse.differs == (2, 2)


def test_arrays_of_another_size_are_the_same_graph():
    model, lapse = net(), Timelapse()
    for n in (48, 20, 48):
        lapse.add(cross_entropy(model(X[:n]), Y[:n]))
    assert lapse.steps == [0, 1, 2]
    shapes = [next(at["v"]["shape"] for at in unpack(p)[0] if "v" in at) for p in lapse._packed]
    assert [shape[0] for shape in shapes] == [48, 20, 48]


def test_an_unfrozen_layer_makes_another_graph():
    model, lapse = net(), Timelapse()
    for p in model[0].parameters():
        p.requires_grad = False
    lapse.add(cross_entropy(model(X), Y))
    for p in model[0].parameters():
        p.requires_grad = True
    lapse.add(cross_entropy(model(X), Y))
    assert lapse.differs == (1, 1)


def test_each_loss_of_a_gan_has_a_timelapse():
    autograd.seed(0)
    generator, critic = nn.Linear(2, 3, rng=0), nn.Linear(3, 1, rng=1)
    first = nn.optim.SGD(generator.parameters(), lr=0.1)
    second = nn.optim.SGD(critic.parameters(), lr=0.1)
    of_critic, of_generator = Timelapse(title="critic"), Timelapse(title="generator")
    z, one, zero = RNG.normal(size=(16, 2)).astype(np.float32), np.ones((16, 1)), np.zeros((16, 1))
    for _ in range(4):
        fake = generator(z)
        loss = binary_cross_entropy_with_logits(critic(X[:16]), one)
        loss = loss + binary_cross_entropy_with_logits(critic(fake.detach()), zero)
        of_critic.add(loss)
        second.zero_grad()
        loss.backward()
        second.step()
        loss = binary_cross_entropy_with_logits(critic(generator(z)), one)
        of_generator.add(loss)
        first.zero_grad()
        loss.backward()
        first.step()
    assert len(of_critic.steps) == len(of_generator.steps) == 4
    assert id(generator.weight) in of_generator.events
    assert id(generator.weight) not in of_critic.events
    assert "<title>generator</title>" in of_generator.html()


def test_snapshots_keep_to_their_share_of_the_time(monkeypatch):
    clock = [0.0]
    monkeypatch.setattr(module, "FREE", 2.0)
    monkeypatch.setattr(module.time, "perf_counter", lambda: clock[0])
    original = module.numbers

    def slow(*arguments):
        clock[0] += 0.5
        return original(*arguments)

    monkeypatch.setattr(module, "numbers", slow)
    lapse, w = Timelapse(overhead=0.05), Value(np.full(3, 0.5), name="w")
    for _ in range(1000):
        lapse.add(np.sum(np.square(w)))
        clock[0] += 0.1  # of training
    snapshots = (lapse._spent + 0.5) / 0.5  # the first is not counted
    assert 5 <= snapshots <= (2.0 + 0.05 * clock[0]) / 0.5 + 1


def test_a_graph_of_many_nodes_keeps_maps_of_its_leaves_alone(monkeypatch):
    monkeypatch.setattr(module, "BYTES", 300_000)
    w = Value(RNG.normal(size=(20, 20)), name="w")
    x = w
    for _ in range(200):
        x = np.tanh(x) * 1.1
    lapse = Timelapse()
    lapse.add(np.sum(x))
    found, _ = unpack(lapse._packed[0])
    mapped = [k for k, at in enumerate(found) if "bins" in at.get("v", {})]
    assert mapped == [lapse.events[id(w)]]
    assert len(lapse._packed[0]) * lapse.limit <= module.BYTES


def test_what_makes_no_sense_is_refused():
    with pytest.raises(ValueError, match="updates must be at least 2, got 1"):
        Timelapse(updates=1)
    with pytest.raises(ValueError, match="overhead must be greater than 0"):
        Timelapse(overhead=0)
    with pytest.raises(TypeError, match="takes a loss, a Value that ops computed"):
        Timelapse().add(Value(1.0))
    with pytest.raises(RuntimeError, match="no update yet"):
        Timelapse().html()
    loss = np.square(Value(1.0))
    loss.backward()
    with pytest.raises(RuntimeError, match="released"):
        Timelapse().add(loss)


def watched(tmp_path, model=None, epochs=4, **settings):
    watch = Watch(tmp_path / "run.html", every=1, graph=True)
    settings = {"optimizer": "sgd", "lr": 0.1, "batch_size": 16, "rng": 0, **settings}
    model = model or net()
    fit(model, (X, Y), "cross_entropy", epochs=epochs, callbacks=[watch], verbose=False, **settings)
    return watch, model


def data_of(path):
    text = re.search(r'<script type="application/json" id="data">(.*?)</script>', path.read_text())
    return json.loads(text[1])


def test_watch_writes_the_graph_beside_its_page(tmp_path):
    watch, _ = watched(tmp_path)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["run.graph.html", "run.html"]
    assert watch.timelapse.steps == list(range(12))
    kept = data_of(tmp_path / "run.graph.html")["updates"]
    assert kept["steps"] == list(range(12))
    assert kept["losses"][1] == pytest.approx(watch.record.series["loss"][""], rel=1e-5)


def test_watching_the_graph_changes_nothing_about_training(tmp_path):
    _, model = watched(tmp_path)
    alone = net()
    settings = {"optimizer": "sgd", "lr": 0.1, "batch_size": 16, "rng": 0}
    fit(alone, (X, Y), "cross_entropy", epochs=4, verbose=False, **settings)
    for p, q in zip(model.parameters(), alone.parameters(), strict=True):
        assert np.array_equal(p.data, q.data)


def test_accumulated_batches_are_one_update(tmp_path):
    watch, _ = watched(tmp_path, accumulate=3)
    assert watch.timelapse.steps == [0, 1, 2, 3]
    ratios = [unpack(packed)[1] for packed in watch.timelapse._packed]
    assert all(found and all(r > 0 for r in found.values()) for found in ratios)


@pytest.fixture
def visit(tab):
    """A page in the browser, drawn."""

    def visit(path, width=1600, dark=False, at=""):
        viewport, scheme = {"width": width, "height": 900}, "dark" if dark else "light"
        page = tab(path.as_uri() + at, "file:", viewport=viewport, color_scheme=scheme)
        page.wait_for_selector("#at")
        return page

    return visit


def box(page, title):
    return page.locator(".box", has=page.get_by_text(title, exact=True)).first


def shown(page, title):
    """The gradient on a box."""
    text = box(page, title).locator("text").nth(2).text_content()
    return float(text.removeprefix("∂ ").replace("−", "-"))


def test_boxes_show_the_numbers_of_the_chosen_update(tmp_path, visit):
    model, lapse = net(), Timelapse()
    optimizer, norms = nn.optim.SGD(model.parameters(), lr=0.5), []
    for _ in range(5):
        loss = cross_entropy(model(X), Y)
        lapse.add(loss)
        optimizer.zero_grad()
        loss.backward()
        norms.append((loss.item(), np.sqrt(np.mean(np.square(model[2].weight.grad)))))
        optimizer.step()
    page = visit(lapse.save(tmp_path / "run.html"))
    page.focus("#update")
    for u in (4, 3, 2, 1, 0):
        assert page.inner_text("#at") == f"update {u} of 5, loss {norms[u][0]:.4g}"
        assert shown(page, "2.weight") == pytest.approx(norms[u][1], rel=5e-3)
        page.keyboard.press("ArrowLeft")
    page.keyboard.press("End")
    assert page.inner_text("#at").startswith("update 4")
    box(page, "2.weight").focus()
    page.keyboard.press(",")
    assert page.inner_text("#at").startswith("update 3")
    page.keyboard.press(".")
    assert page.inner_text("#at").startswith("update 4")
    assert page.get_attribute("#update", "aria-valuetext") == page.inner_text("#at")


def test_steps_of_the_backward_pass_are_those_of_the_chosen_update(tmp_path, visit):
    w, lapse, expected = Value(3.0, name="w"), Timelapse(), []
    for n in range(3):
        loss = np.square(w * 2.0)
        lapse.add(loss)
        loss.backward()
        expected.append(4.0 * w.item())
        w.grad, w.data = None, w.data - n - 1.0
    page = visit(lapse.save(tmp_path / "run.html"))
    for u in (2, 1, 0):
        page.focus("#update")
        page.keyboard.press("Home")
        for _ in range(u):
            page.keyboard.press("ArrowRight")
        page.locator("#last").click()
        page.locator("#back").click()
        text = page.inner_text("#now").replace("−", "-")
        assert f"1 × {expected[u]:g} = {expected[u]:g}" in text


def test_the_strip_over_time_is_that_of_the_chosen_update(tmp_path, visit):
    autograd.seed(0)
    rnn, head, lapse, expected = nn.RNN(2, 4), nn.Linear(4, 1, rng=1), Timelapse(), []
    x = RNG.normal(size=(7, 3, 2)).astype(np.float32)
    optimizer = nn.optim.SGD([*rnn.parameters(), *head.parameters()], lr=5.0)
    for _ in range(3):
        y, _ = rnn(x)
        loss = np.mean(np.square(head(y[-1]) - 1.0))
        lapse.add(loss)
        (norms,) = nn.look.gradient_norms_over_time(loss).values()
        expected.append((norms[0], norms[-1]))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    path = lapse.save(tmp_path / "lapse.html")
    (group,) = [
        k
        for k, g in enumerate(data_of(path)["groups"])
        if any("repeat" in data_of(path)["groups"][inner] for inner in g["groups"])
    ]
    page = visit(path, at=f"#g{group}s0")
    page.focus("#update")
    for first, last in reversed(expected):
        words = page.inner_text("#strip p").replace("−", "-")
        found = re.search(r": (\S+) after the first, (\S+) after the last", words)
        assert [float(part) for part in found.groups()] == pytest.approx(
            [first, last], rel=5e-3
        )  # 3 digits
        page.keyboard.press("ArrowLeft")


def test_the_chosen_node_has_its_course_over_training(tmp_path, visit):
    watch, _ = watched(tmp_path)
    page = visit(watch.timelapse.save(tmp_path / "lapse.html"))
    box(page, "2.weight").focus()
    course = page.locator("#course")
    assert course.locator("h2").inner_text() == "2.weight over 12 updates"
    k = watch.timelapse.event("2.weight")
    snapshots = [unpack(packed) for packed in watch.timelapse._packed]
    captions = course.locator("figcaption").all_inner_texts()
    assert [c.rsplit(" ", 1)[0] for c in captions] == [
        "weights rms", "gradient rms", "norm of the gradient", "update / weights, ‖Δw‖/‖w‖",
    ]  # fmt: skip
    page.focus("#update")
    for u in (11, 10):
        numbers = [
            float(c.rsplit(" ", 1)[1]) for c in course.locator("figcaption").all_inner_texts()
        ]
        found, ratios = snapshots[u]
        grad = found[k]["g"]["rms"]
        assert numbers == pytest.approx(
            [found[k]["v"]["rms"], grad, grad * np.sqrt(48), ratios[str(k)]], rel=1e-3
        )
        page.keyboard.press("ArrowLeft")
    d = course.locator("path.line").first.get_attribute("d")
    assert d.count("L") == 11


def test_a_box_says_how_many_units_are_dead(tmp_path, visit):
    model = net()
    model[0].bias.data[:6] = -100.0
    watch, _ = watched(tmp_path, model)
    page = visit(watch.timelapse.save(tmp_path / "lapse.html"))
    mark = box(page, "ReLU").locator(".mark").text_content()
    assert float(mark.removesuffix(" % dead")) >= 75
    assert mark in box(page, "ReLU").get_attribute("aria-label")


def test_a_closed_group_names_the_dead_layer_within(tmp_path, visit):
    blocks = [nn.Sequential(nn.Linear(3, 3, rng=k), nn.ReLU(), nn.LayerNorm(3)) for k in range(9)]
    blocks[4][0].bias.data[:] = -100.0
    model, lapse = nn.Sequential(*blocks), Timelapse()
    lapse.add(cross_entropy(model(X), Y))
    page = visit(lapse.save(tmp_path / "lapse.html"))
    marks = page.locator(".box.group.warned .mark")
    assert marks.all_text_contents() == ["ReLU: 100 % dead"]


def test_a_remark_that_holds_still_holds_at_the_last_update(tmp_path, visit):
    model = net()
    model[2].weight.data *= 1e4
    watch = Watch(tmp_path / "run.html", every=3, graph=True)
    fit(model, (X, Y), "cross_entropy", epochs=8, callbacks=[watch], verbose=False, batch_size=16)
    page = visit(tmp_path / "run.graph.html")
    (now,) = [r for r in watch.timelapse.remarks if "saturated" in r["text"]]
    assert now["now"]
    row = page.locator("#remarks li", has_text="saturated")
    assert row.get_attribute("class") == "held"


def test_a_remark_leads_to_its_node_in_the_graph(tmp_path, visit):
    model = net()
    model[2].weight.data *= 1e4
    watched(tmp_path, model)
    page = visit(tmp_path / "run.html")
    row = page.locator("#remarks li", has_text="saturated")
    row.get_by_role("link", name="in the graph").click()
    page.wait_for_selector("#at")
    assert page.locator(".box.lit .title").text_content() == "Tanh"
    summary = page.locator("#remarks summary")
    assert re.fullmatch(r"\d+ remarks? on the training, \d+ at this update", summary.inner_text())


def test_an_address_names_update_and_node(tmp_path, visit):
    watch, _ = watched(tmp_path)
    path = watch.timelapse.save(tmp_path / "lapse.html")
    k = watch.timelapse.event("2.weight")
    page = visit(path, at=f"#n{k}u5")
    assert page.inner_text("#at").startswith("update 5 ")
    assert page.locator(".box.lit .title").text_content() == "2.weight"
    assert page.url.endswith("u5")
    again = visit(path, at=page.url.partition("#")[2].join(["#", ""]))
    assert again.inner_text("#at").startswith("update 5 ")


def test_the_page_says_from_which_update_on_the_graph_differs(tmp_path, visit):
    lapse = trained(Timelapse(), 6, lengths=[2, 2, 3])
    page = visit(lapse.save(tmp_path / "lapse.html"))
    words = "From update 2 on, 2 updates had another graph and are left out."
    assert page.inner_text("#updates p") == words


@pytest.mark.parametrize("width", [360, 1600])
@pytest.mark.parametrize("dark", [False, True])
def test_every_text_can_be_read_and_nothing_overflows(tmp_path, visit, contrasts, width, dark):
    model = net()
    model[0].bias.data[:6] = -100.0
    watched(tmp_path, model)
    page = visit(tmp_path / "run.graph.html", width, dark)
    box(page, "2.weight").focus()
    found = contrasts(page, "#updates, #remarks, #course, .mark")
    assert len(found) > 10
    assert [text for ratio, text in found if ratio < 4.5] == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    for part in ("#training", "#update", "#remarks summary"):
        if page.locator(part).count():
            assert page.locator(part).bounding_box()["height"] >= 24


def test_a_notebooks_frame_shows_it(tmp_path, visit):
    watch, _ = watched(tmp_path)
    (tmp_path / "notebook.html").write_text(
        f"<!doctype html><p id='at'>here</p>{watch.timelapse._repr_html_()}", "utf-8"
    )
    page = visit(tmp_path / "notebook.html")
    frame = page.frame_locator("iframe")
    frame.locator("#at").wait_for()
    assert frame.locator("#at").inner_text().startswith("update 11 of 12")
