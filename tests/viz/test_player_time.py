"""The player's timeline in a real browser: every step of whole models, held against the engine."""

from __future__ import annotations

import re
from collections import Counter
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest

import autograd
import nn
from autograd import Value, play
from nn.functional import cross_entropy, relu

PLAYER = import_module("autograd.viz.player.play")


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
    menu(page, "depth", -1)
    events, nodes = player.story.events, player.story.nodes
    found = page.page.evaluate(STEPS)
    assert found[-1]["count"] == f"{len(found)} / {len(found)}"
    forward = [int(s["event"]) for s in found if s["heading"].startswith("Forward")]
    assert forward == [e.index for e in events if e.kind == "op"]
    backward = [int(s["event"]) for s in found if s["heading"].startswith("Backward")]
    passing = [e for e in events if any("out" in place for place in e.inputs)]
    assert backward == [e.index for e in passing][::-1]
    scale = max(size(g) for g in truth.values() if g is not None)
    for step in found:
        k = int(step["event"])
        if step["heading"].startswith("Forward"):
            if events[k].value is None:
                continue  # several results
            expected, text = size(nodes[k].data), step["box"][1]
            shown = step["numbers"][-1]
        else:
            if events[k].gradient is None:
                continue
            expected, text = size(truth[k]), step["box"][2]
            shown = step["numbers"][0]
        assert shown == pytest.approx(expected, rel=1e-5, abs=1e-7 * scale)
        if "≈" not in text:
            assert read(text) == pytest.approx(expected, rel=0.06, abs=1e-7 * scale)
        for place, numbers in zip(told(events[k], step), step["sums"], strict=True):
            if len(numbers) > 1 and arrived(events, k, place) and truth[place["from"]] is not None:
                total = size(truth[place["from"]])
                assert numbers[-1] == pytest.approx(total, rel=1e-5, abs=1e-7 * scale)


def told(event, step):
    """The inputs of an op to which the panel tells a contribution."""
    backward = step["heading"].startswith("Backward")
    return [place for place in event.inputs if backward and "out" in place]


def arrived(events, k, place):
    """Whether the last contribution to an input comes from this place of event k."""
    places = [(e.index, p) for e in events for p in e.inputs if p.get("from") == place["from"]]
    first = min(u for u, p in places if "out" in p)
    return k == first and place is [p for u, p in places if u == k and "out" in p][-1]


def menu(page, name, choice):
    """Choose an entry of a menu by its index, -1 for the last."""
    page.page.locator(f"#{name}").evaluate(
        "(menu, i) => { menu.selectedIndex = i < 0 ? menu.options.length + i : i;"
        "menu.dispatchEvent(new Event('change')); }",
        choice,
    )


@pytest.mark.parametrize("depth", [0, 1])
def test_a_closed_group_shows_the_engines_value_and_gradient_of_its_result(visit, tmp_path, depth):
    loss = gpt(3)
    player = play(loss)
    page = visit(player.save(tmp_path / "page.html"), reduced_motion="reduce")
    truth, nodes = engines_gradients(player.story, loss), player.story.nodes
    menu(page, "depth", depth)
    out = {g["title"]: g["out"] for g in player.data["groups"]}
    passed = [s for s in page.page.evaluate(STEPS) if not s["event"]]
    assert len(passed) >= 2
    for step in passed:
        way, _, title = step["heading"].partition(": ")
        value, gradient = step["box"][1:]
        assert read(value) == pytest.approx(size(nodes[out[title]].data), rel=0.06)
        if way == "Backward":
            assert read(gradient) == pytest.approx(size(truth[out[title]]), rel=6e-3)


def test_a_large_model_plays_at_a_depth_of_few_steps_and_deeper_if_asked(visit):
    page = visit(gpt(12), reduced_motion="reduce")
    count = lambda: int(page.page.locator("#slider").get_attribute("max"))  # noqa: E731
    assert 20 <= count() <= 100
    offered = page.page.locator("#depth option").all_text_contents()
    page.press("]")
    assert count() > 100
    assert f"({count()} steps)" in page.page.locator("#depth option:checked").text_content()
    menu(page, "depth", -1)
    ops = 2 * len(page.page.evaluate("JSON.parse(data.textContent).events.filter(e => e.op)"))
    assert 0.8 * ops < count() <= ops
    assert "all (" in offered[-1]


def test_play_opens_and_closes_groups_and_the_crumbs_say_where_it_is(visit):
    page = visit(cnn(), reduced_motion="reduce")
    crumbs = [s["crumbs"] for s in page.page.evaluate(STEPS)]
    visited = [name for i, name in enumerate(crumbs) if not i or crumbs[i - 1] != name]
    half = visited[: len(visited) // 2 + 1]
    assert half[:3] == ["the whole graph", "the whole graph › BatchNorm2d", "the whole graph"]
    assert visited[::-1] == visited


def test_a_group_opened_by_hand_keeps_the_time_and_p_goes_back(visit):
    page = visit(gpt(3), reduced_motion="reduce")
    menu(page, "depth", 0)
    page.press("Home", "ArrowRight")
    heading = page.text("#now h2")
    page.page.locator(".box.group", has_text="cross_entropy").focus()
    page.press("Enter")
    assert page.text("#crumbs").endswith("cross_entropy")
    assert page.text("#now h2") == heading
    assert "back to step 1" in page.text("#return")
    page.press("p")
    assert page.text("#crumbs") == "the whole graph"
    assert page.page.locator("#return").is_hidden()
    assert page.text("#now h2") == heading


def test_a_group_opened_by_hand_is_played_op_by_op(visit):
    page = visit(gpt(3), reduced_motion="reduce")
    menu(page, "depth", 0)
    few = int(page.page.locator("#slider").get_attribute("max"))
    page.page.locator(".box.group", has_text="cross_entropy").focus()
    page.press("Enter")
    found = page.page.evaluate(STEPS)
    assert len(found) > few
    assert sum(s["crumbs"].endswith("cross_entropy") for s in found) >= 6
    page.press("p")
    assert int(page.page.locator("#slider").get_attribute("max")) == few


def test_pages_up_and_down_go_from_group_to_group(visit):
    page = visit(cnn(), reduced_motion="reduce")
    page.press("Home")
    seen = []
    for _ in range(4):
        page.press("PageDown")
        seen.append(page.text("#crumbs"))
    assert seen[:3] == ["the whole graph", "the whole graph › BatchNorm2d", "the whole graph"]
    before = page.text("#count")
    page.press("PageDown", "PageUp")
    assert page.text("#count") == before


def test_play_goes_through_groups_as_fast_as_one_likes(visit):
    page = visit(cnn(), reduced_motion="reduce")
    page.page.clock.install(time=0)
    page.page.clock.pause_at(1000)
    menu(page, "speed", -1)
    page.press("Space")
    page.page.clock.run_for(900)
    assert page.text("#count").startswith("8 /")
    page.press("<", "<", "<")
    assert page.page.locator("#speed").input_value() == "1"
    page.page.clock.run_for(900)
    assert page.text("#count").startswith("9 /")
    menu(page, "speed", -1)
    page.page.clock.run_for(60_000)
    steps = page.page.locator("#slider").get_attribute("max")
    assert page.text("#count") == f"{steps} / {steps}"


def test_the_address_holds_depth_and_what_was_opened_by_hand(visit):
    page = visit(gpt(3), reduced_motion="reduce")
    menu(page, "depth", 1)
    page.page.locator(".box.group", has_text="cross_entropy").focus()
    page.press("Enter", "Home", *["ArrowRight"] * 5)
    where = [page.text(f"#{name}") for name in ("crumbs", "count", "now")]
    address = page.page.url
    page.page.goto("about:blank")
    page.page.goto(address)
    assert [page.text(f"#{name}") for name in ("crumbs", "count", "now")] == where


@pytest.mark.parametrize("old", ["#g1s4", "#g2s999", "#g999s2", "#g0s3d77", "#g1s2p999", "#x"])
def test_an_old_or_strange_address_still_opens_the_page(visit, tmp_path, old):
    page = visit(gpt(1))
    page.page.goto("about:blank")
    page.page.goto(f"file://{tmp_path / 'page.html'}{old}")
    assert page.page.locator(".box").count() > 0
    assert re.fullmatch(r"\d+ / \d+", page.text("#count"))
    page.press("Home", "ArrowRight")
    assert page.text("#count").startswith("1 /")


def test_a_leaf_alone_has_no_steps(visit):
    page = visit(Value(2.0, name="x"))
    assert page.text("#count") == "0 / 0"
    assert "x" in page.text(".box")
    page.press("Home", "End", "ArrowRight", " ")
    assert page.text("#count") == "0 / 0"


def neuron():
    x, w, b = Value(2.0, name="x"), Value(-1.5, name="w"), Value(0.5, name="b")
    return np.tanh(x * w + b)


ARROWS = """() => [...document.querySelectorAll("#graph .edge")].map((line) => {
  const tip = line.nextSibling.transform.baseVal.getItem(0).matrix;
  const start = line.getPointAtLength(0), end = line.getPointAtLength(line.getTotalLength());
  const far = (p) => Math.hypot(p.x - tip.e, p.y - tip.f);
  return { back: far(start) < far(end), kind: line.getAttribute("class").split(" "),
    width: parseFloat(getComputedStyle(line).strokeWidth), x: start.x };
})"""


def test_arrows_turn_when_a_gradient_has_flowed(visit):
    page = visit(neuron(), reduced_motion="reduce")
    page.press("Home")
    assert [a["back"] for a in page.page.evaluate(ARROWS)] == [False] * 5
    page.press(*["ArrowRight"] * 4)
    turned = [a for a in page.page.evaluate(ARROWS) if a["back"]]
    assert [("now" in a["kind"], "plus" in a["kind"]) for a in turned] == [(True, True)]
    page.press("End")
    arrows = page.page.evaluate(ARROWS)
    assert all(a["back"] for a in arrows)
    assert sum("minus" in a["kind"] for a in arrows) == 1
    page.press("ArrowLeft")
    assert sum(a["back"] for a in page.page.evaluate(ARROWS)) == 3


def test_the_width_of_an_arrow_follows_the_size_of_the_contribution(visit):
    parts = [Value(10.0**-k, name=f"p{k}") for k in range(5)]
    page = visit(sum(p * 10.0 ** (k - 3) for k, p in enumerate(parts)), reduced_motion="reduce")
    page.press("End")
    arrows = page.page.evaluate(ARROWS)
    leaves = page.page.locator(".box.leaf").count()
    widths = {a["width"] for a in arrows if a["back"]}
    assert leaves == 5
    assert len(widths) >= 5
    assert max(widths) > 2 * min(widths)


def test_no_gradient_leaves_an_arrow_to_a_constant_as_it_is(visit):
    page = visit(Value(2.0, name="x") * 3.0, reduced_motion="reduce")
    page.press("End")
    assert sorted(a["back"] for a in page.page.evaluate(ARROWS)) == [False, True]


def test_tokens_carry_values_forward_and_contributions_back(visit):
    loss = neuron()
    page = visit(loss, reduced_motion="reduce")
    tokens = lambda: page.page.locator(".token text").all_text_contents()  # noqa: E731
    page.press("Home", "ArrowRight")
    assert sorted(tokens()) == ["2", "−1.5"]
    page.press("End")
    product = loss.inputs[0].inputs[0]
    loss.backward(retain_graph=True)
    shown = sorted(float(t.replace("−", "-")) for t in tokens())
    truth = sorted(x.grad.item() for x in product.inputs)
    assert shown == pytest.approx(truth, rel=5e-3)


def test_what_moves_is_short_and_nothing_moves_if_it_should_not(visit):
    longest = "Math.max(0, ...document.getAnimations().map(a => a.effect.getTiming().duration))"
    page = visit(neuron(), reduced_motion="reduce")
    page.press("Home", "ArrowRight")
    assert page.page.evaluate(longest) == 0
    page = visit(neuron())
    page.press("Home", "ArrowRight")
    assert 0 < page.page.evaluate(longest) <= 500


def test_the_sign_of_a_gradient_is_on_its_box(visit):
    page = visit(neuron(), reduced_motion="reduce")
    assert "∂ −" in page.text(".box.leaf", "x")
    assert "∂ +" in page.text(".box.leaf", "w")
    fill = lambda name: page.page.locator(".box.leaf", has_text=name).evaluate(  # noqa: E731
        "g => getComputedStyle(g.querySelector('rect')).fill.match(/[\\d.]+/g).map(Number)"
    )
    red, blue = fill("w"), fill("x")
    assert red[0] > red[2]
    assert blue[2] > blue[0]


def test_boxes_of_a_network_differ_in_shade_whatever_the_gradient_of_its_loss(visit):
    page = visit(cnn(), reduced_motion="reduce")
    fills = page.page.locator(".box.heated rect").evaluate_all(
        "all => all.map(r => getComputedStyle(r).fill)"
    )
    assert len(set(fills)) > len(fills) / 2
    greens = [float(re.findall(r"[\d.]+", fill)[1]) for fill in fills]
    assert max(greens) - min(greens) > 0.2


def test_the_panel_of_a_group_tells_its_gain(visit, tmp_path):
    loss = gpt(3)
    player = play(loss)
    page = visit(player.save(tmp_path / "page.html"), reduced_motion="reduce")
    truth, nodes = engines_gradients(player.story, loss), player.story.nodes
    groups = player.data["groups"]
    menu(page, "depth", 1)
    outs = [next(g["out"] for g in groups if g["title"].startswith(f"blocks.{i}")) for i in (0, 1)]
    norm = lambda x: np.linalg.norm(np.asarray(x, np.float64))  # noqa: E731
    page.press("Home")
    told = {}
    for _ in range(int(page.page.locator("#slider").get_attribute("max"))):
        page.press("ArrowRight")
        told[page.text("#now h2")] = page.text("#now")
    title = next(t for t in told if t.startswith("Forward: blocks.1"))
    gain = norm(nodes[outs[1]].data) / norm(nodes[outs[0]].data)
    assert read(told[title].strip()) == pytest.approx(gain, rel=6e-3)
    title = next(t for t in told if t.startswith("Backward: blocks.1"))
    gain = norm(truth[outs[0]]) / norm(truth[outs[1]])
    shown = re.search(r"‖∂ on‖ / ‖∂ in‖ = (\S+)", told[title])[1]
    assert read(shown) == pytest.approx(gain, rel=6e-3)


def test_a_bar_of_the_strip_goes_to_its_step_and_marks_the_current_one(visit):
    page = visit(lstm(6), reduced_motion="reduce")
    menu(page, "depth", 2)
    page.step_to("Forward: step 1 of 6")
    bars = page.page.locator("#strip .bars").first.locator("span")
    bars.nth(3).click()
    assert "Forward: step 4 of 6" in page.text("#now")
    marked = "bars => bars.map(b => b.classList.contains('current'))"
    assert bars.evaluate_all(marked) == [t == 3 for t in range(6)]
    page.step_to("Backward: step 5 of 6")
    bars.nth(1).click()
    assert "Backward: step 2 of 6" in page.text("#now")
    assert bars.evaluate_all(marked) == [t == 1 for t in range(6)]


def test_a_step_writes_to_what_has_changed_only(visit):
    page = visit(vae(), reduced_motion="reduce")
    page.press("Home", *["ArrowRight"] * 5)
    touched = page.page.evaluate(
        """async () => {
          const seen = new Set();
          const watch = new MutationObserver((all) => all.forEach((m) => {
            const box = (m.target.closest ? m.target : m.target.parentElement).closest(".box");
            if (box) seen.add(box);
          }));
          watch.observe(document.getElementById("graph"),
            { subtree: true, attributes: true, childList: true, characterData: true });
          document.getElementById("next").click();
          await new Promise((done) => setTimeout(done, 50));
          return [seen.size, document.querySelectorAll(".box").length];
        }"""
    )
    assert touched[1] > 30
    assert touched[0] <= 5


PHONE = {"viewport": {"width": 360, "height": 740}, "has_touch": True, "is_mobile": True}


@pytest.mark.parametrize("make", [neuron, lstm])
def test_on_a_phone_all_controls_are_large_and_nothing_hides_the_panel(visit, make):
    page = visit(make(), **PHONE)
    page.press("Home", *["ArrowRight"] * 4)
    sizes = page.page.locator("button, select, #slider").evaluate_all(
        "all => all.filter(e => e.checkVisibility() && !e.closest('nav')).map(e => "
        "[e.id, e.getBoundingClientRect().height])"
    )
    assert [s for s in sizes if s[1] < 44 and s[0] != "slider"] == []
    boxes = page.page.evaluate(
        "['stage', 'now', 'play'].map(id => document.getElementById(id).getBoundingClientRect())"
        ".map(r => [r.top, r.bottom])"
    )
    stage, now, controls = boxes
    assert stage[1] <= now[0]
    assert controls[1] <= 740
    page.page.locator("aside").evaluate("a => a.scrollTo(0, 1e6)")
    foot = page.page.evaluate(
        "[document.querySelector('aside').getBoundingClientRect().bottom,"
        "document.querySelector('footer').getBoundingClientRect().top]"
    )
    assert foot[0] <= foot[1]


def test_a_phone_gives_the_graph_half_of_its_screen_and_no_control_covers_another(visit):
    page = visit(gpt(3), **PHONE)
    found = page.page.evaluate(
        """() => {
          const all = [...document.querySelectorAll("header *, footer *, #zoom *")];
          const own = all.filter((e) => e.matches("button, select, input, summary, output")
            && e.checkVisibility() && !e.closest("nav"));
          const at = own.map((e) => [e.id || e.textContent, e.getBoundingClientRect()]);
          const over = at.flatMap(([a, r], i) => at.slice(i + 1).filter(([, s]) =>
            r.left < s.right - 1 && s.left < r.right - 1 && r.top < s.bottom - 1
            && s.top < r.bottom - 1).map(([b]) => `${a} on ${b}`));
          const canvas = document.createElement("canvas").getContext("2d");
          const cut = [...document.querySelectorAll("#depth, #speed")].filter((menu) => {
            canvas.font = getComputedStyle(menu).font;
            const words = menu.selectedOptions[0].textContent;
            return canvas.measureText(words).width + 24 > menu.clientWidth;
          }).map((menu) => menu.id);
          return { over, cut, high: document.getElementById("stage").clientHeight };
        }"""
    )
    assert found["over"] == found["cut"] == []
    assert found["high"] >= 320


def test_two_fingers_zoom_and_one_moves_the_graph(visit):
    page = visit(vae(), **PHONE)
    touch = page.page.context.new_cdp_session(page.page)
    wide = lambda: page.page.evaluate("document.getElementById('graph').clientWidth")  # noqa: E731
    left = lambda: page.page.evaluate("document.getElementById('scroll').scrollLeft")  # noqa: E731

    def fingers(kind, *places):
        points = [{"x": x, "y": y, "id": i} for i, (x, y) in enumerate(places)]
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    page.page.locator("#larger").click()
    before = wide()
    fingers("touchStart", (150, 250))
    fingers("touchStart", (150, 250), (200, 250))
    for k in range(1, 9):
        fingers("touchMove", (150 - 5 * k, 250), (200 + 5 * k, 250))
    fingers("touchEnd")
    assert wide() == pytest.approx(before * 130 / 50, rel=0.1)
    at = left()
    fingers("touchStart", (250, 220))
    for k in range(1, 9):
        fingers("touchMove", (250 - 10 * k, 220))
    fingers("touchEnd")
    assert left() == pytest.approx(at + 80, abs=12)


def test_no_two_scripts_of_the_page_declare_one_name():
    """They share one scope, where a second declaration stops the page."""
    folder = Path(PLAYER.__file__).parent
    texts = [(folder / name).read_text("utf-8") for name in PLAYER._SCRIPTS]
    declared = re.compile(r"^(?:const|let|function|async function) +(\w+)", re.MULTILINE)
    names = Counter(name for text in texts for name in declared.findall(text))
    assert len(names) > 100
    assert [name for name, times in names.items() if times > 1] == []


def test_every_id_of_the_page_is_there_once(visit):
    page = visit(neuron())
    ids = page.page.locator("[id]").evaluate_all("all => all.map(e => e.id)")
    assert [name for name, times in Counter(ids).items() if times > 1] == []
