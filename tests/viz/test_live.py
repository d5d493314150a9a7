"""Live pages: every graph recomputed in a browser by the rows' own script, against the engine."""

from __future__ import annotations

import json
import math
import pathlib

import numpy as np
import pytest

import autograd
import nn
from autograd import Value, play
from autograd.op import ROWS
from autograd.sequence_op import SequenceOp
from autograd.viz.live.live import LIMIT, Live
from autograd.viz.pages import framed
from autograd.viz.player.story import Story
from nn import functional

FOLDER = pathlib.Path(autograd.__file__).parent / "viz" / "live"
RUNTIME = "\n".join((FOLDER / name).read_text() for name in ("numpy.js", "digest.js", "live.js"))
BUILT_IN = list(ROWS)

# The parts of a page that the runtime reads.
AROUND = """
const { events, users } = data, count = events.length, formulas = [];
const headingOf = (k) => events[k].title || events[k].op, number = String;
const special = { nan: NaN, inf: Infinity, "-inf": -Infinity };
"""
CHANGED = """
if (!live.alive) return { why: live.why };
data.changes.forEach(([k, numbers]) => live.set(k, numbers.map((x) => special[x] ?? x)));
if (data.changes.length) live.run();
const told = (a) => a && { shape: a.shape, data: Array.from(a.data, (x) => String(x)) };
const all = (f) => events.map((_, k) => told(f(k)));
return { values: all(live.value), gradients: all(live.gradient) };
"""

REFUSED = {
    *("cholesky", "qr", "eigh", "svd", "half_lower", "over_gaps"),  # factorizations
    *("inv", "det", "logabsdet", "signdet", "solve", "pinv"),
    *("im2col", "col2im"),  # which no graph of ours has
    *("polygamma", "digamma", "lgamma"),
    *("gather_weighted", "scatter_weighted", "weigh_places"),  # grid sampling
}
"""Rows that are named where a page is not alive."""


@pytest.fixture(scope="session")
def blank(browser):
    """An empty page, in which scripts run."""
    page = browser.new_page()
    yield page
    page.close()


class Graph:
    """A graph's story, and what its page would recompute it from."""

    def __init__(self, loss, names=None):
        self.story = Story(loss, names)
        self.live = Live(self.story)

    def event(self, x):
        return self.story.index[id(x)]

    def program(self, changes=()):
        """A call of the page's script that recomputes it with other leaves."""
        data = {
            "events": [e.as_dict() for e in self.story.events],
            "users": self.story.users,
            "live": self.live.data,
            "changes": [[self.event(x), flat(a)] for x, a in changes],
        }
        return f"(() => {{ {self.live.script} return [{json.dumps(data)}, liveRows]; }})()"


def flat(a):
    """An array's numbers as JSON holds them."""
    numbers = np.asarray(a, float).ravel().tolist()
    return [x if math.isfinite(x) else str(x) for x in numbers]


def together(blank, programs, then=CHANGED):
    """What `then` returns for each of several programs, run in one page."""
    run = f"(data, liveRows) => {{ {AROUND}{RUNTIME}{then} }}"
    return blank.evaluate(f"() => [{','.join(programs)}].map((p) => ({run})(...p))")


def as_array(told):
    return np.array([float(x) for x in told["data"]]).reshape(told["shape"])


def assert_equal(found, wanted, tol, name=""):
    wanted = np.asarray(wanted, float)
    scale = np.abs(wanted[np.isfinite(wanted)]).max(initial=1e-300)
    np.testing.assert_allclose(found, wanted, rtol=tol, atol=tol * scale + 1e-14, err_msg=name)


def assert_recomputed(blank, make, leaves, others, tol):
    """The page of make(leaves), given other leaves, has the numbers of make(others)."""
    graph = Graph(make(*leaves))
    assert not graph.live.why
    changes = [(x, y._data) for x, y in zip(leaves, others, strict=True)]
    (told,) = together(blank, [graph.program(changes)])
    assert "why" not in told, told["why"]
    loss = make(*others)
    assert_equal(as_array(told["values"][-1]), loss._data, tol)
    for x, gradient in zip(leaves, autograd.grad(loss, others), strict=True):
        assert_equal(as_array(told["gradients"][graph.event(x)]), gradient, tol)
    return graph


# ---- rows


def call(row, args, kwargs):
    """A weighted sum of what a row gives on Values, and these Values."""
    leaves = []

    def leaf(a):
        if not (isinstance(a, np.ndarray) and a.dtype.kind == "f"):
            return a
        leaves.append(Value(a))
        return leaves[-1]

    if isinstance(row, SequenceOp):
        args = ([leaf(a) for a in args[0]], *args[1:])
    else:
        args = [leaf(a) if i < row.arity else a for i, a in enumerate(args)]
    y = row(*args, **kwargs)
    rng = np.random.default_rng(7)
    parts = y if isinstance(y, (tuple, list)) else [y]
    terms = [np.sum(p * rng.normal(size=p.shape)) for p in parts if getattr(p, "op", None)]
    return sum(terms[1:], terms[0]), leaves


def drawn(row, seed):
    rng = np.random.default_rng(seed)
    return list(row.samples(rng))


def instead(row, args, other):
    """Arguments with other numbers in the inputs that may get gradients."""
    if isinstance(row, SequenceOp):
        return other
    moves = [isinstance(a, np.ndarray) and a.dtype.kind == "f" for a in args]
    pairs = enumerate(zip(args, other, strict=True))
    return [b if moves[i] and i < row.arity else a for i, (a, b) in pairs]


def test_every_row_that_is_not_refused_by_name_is_recomputed_where_inputs_change(blank):
    graphs, bodies = [], []
    for row in BUILT_IN:
        for (args, kwargs), (other, _) in zip(drawn(row, 1), drawn(row, 2), strict=True):
            loss, leaves = call(row, args, kwargs)
            graph = Graph(loss)
            if graph.live.why:
                assert row.name in graph.live.why, (row.name, graph.live.why)
                assert row.name in REFUSED | {"norm"}, (row.name, graph.live.why)
                continue
            wanted, others = call(row, instead(row, args, other), kwargs)
            pairs = zip(leaves, others, strict=True)
            here = [(x, y) for x, y in pairs if id(x) in graph.story.index]
            graphs.append((row.name, graph, here, wanted))
            bodies.append(graph.program([(x, y._data) for x, y in here]))
    for (name, graph, here, wanted), told in zip(graphs, together(blank, bodies), strict=True):
        assert "why" not in told, (name, told["why"])
        assert_equal(as_array(told["values"][-1]), wanted._data, 1e-9, name)
        for (x, _), gradient in zip(here, autograd.grad(wanted, [y for _, y in here]), strict=True):
            found = told["gradients"][graph.event(x)]
            assert_equal(
                np.zeros(x.shape) if found is None else as_array(found), gradient, 1e-9, name
            )
    assert len({name for name, *_ in graphs}) >= len({row.name for row in BUILT_IN}) - len(REFUSED)


# ---- whole graphs


class Recurrent(nn.Module):
    def __init__(self, kind):
        super().__init__()
        self.layer, self.out = kind(3, 5), nn.Linear(5, 1)

    def forward(self, x):
        return self.out(self.layer(x)[0][-1])


class Block(nn.Module):
    """A GPT block between an embedding and the logits."""

    def __init__(self):
        super().__init__()
        self.embedding, self.head = nn.Embedding(11, 16), nn.Linear(16, 11)
        self.first, self.second = nn.LayerNorm(16), nn.LayerNorm(16)
        self.wide = nn.Sequential(nn.Linear(16, 32), nn.GELU(), nn.Linear(32, 16))

    def forward(self, t):
        x = self.embedding(t)
        z = self.first(x)
        x = x + functional.scaled_dot_product_attention(z, z, z, is_causal=True)
        return self.head(x + self.wide(self.second(x)))


class Autoencoder(nn.Module):
    """A variational one, with the noise as an argument."""

    def __init__(self):
        super().__init__()
        self.encode, self.decode = nn.Linear(6, 8), nn.Linear(2, 6)
        self.mean, self.log_var = nn.Linear(8, 2), nn.Linear(8, 2)

    def forward(self, x, noise):
        h = functional.relu(self.encode(x))
        mean, log_var = self.mean(h), self.log_var(h)
        y = self.decode(mean + noise * np.exp(0.5 * log_var))
        fit = functional.binary_cross_entropy_with_logits(y, x, reduction="sum") / len(x)
        apart = np.sum(1 + log_var - np.square(mean) - np.exp(log_var), axis=1)
        return fit - 0.5 * np.mean(apart)


def neuron(rng, dtype):
    x, w, b = (Value(dtype(c), name=n) for c, n in ((1.0, "x"), (-2.0, "w"), (0.5, "b")))
    return [x, w, b], lambda x, w, b: np.tanh(x * w + b) ** 2 + x * w


def of_module(model, loss, dtype):
    """The parameters of a model, and its loss as a function of nothing else."""
    model.to(dtype)
    return list(model.parameters()), lambda *parameters: loss(model)


def mlp(rng, dtype):
    model = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 8), nn.Tanh(), nn.Linear(8, 3))
    x, t = rng.normal(size=(16, 4)).astype(dtype), rng.integers(0, 3, 16)
    return of_module(model, lambda m: functional.cross_entropy(m(x), t), dtype)


def cnn(rng, dtype):
    model = nn.Sequential(
        *(nn.Conv2d(1, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Conv2d(4, 6, 3, stride=2, padding=1), nn.GELU(), nn.AvgPool2d(2)),
        *(nn.Flatten(), nn.Linear(6, 3)),
    )
    x, t = rng.normal(size=(4, 1, 8, 8)).astype(dtype), rng.integers(0, 3, 4)
    return of_module(model, lambda m: functional.cross_entropy(m(x), t), dtype)


def recurrent(kind):
    def make(rng, dtype):
        x, t = rng.normal(size=(6, 2, 3)).astype(dtype), rng.normal(size=(2, 1)).astype(dtype)
        return of_module(Recurrent(kind), lambda m: functional.mse_loss(m(x), t), dtype)

    make.__name__ = kind.__name__
    return make


def gpt_block(rng, dtype):
    t, then = rng.integers(0, 11, (2, 6)), rng.integers(0, 11, 12)
    return of_module(
        Block(), lambda m: functional.cross_entropy(np.reshape(m(t), (-1, 11)), then), dtype
    )


def vae(rng, dtype):
    x, noise = rng.random((5, 6)).astype(dtype), rng.normal(size=(5, 2)).astype(dtype)
    return of_module(Autoencoder(), lambda m: m(x, noise), dtype)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize(
    "make",
    [neuron, mlp, cnn, recurrent(nn.LSTM), recurrent(nn.GRU), gpt_block, vae],
    ids=lambda f: f.__name__,
)
def test_a_graph_with_other_leaves_is_recomputed_as_the_engine_does(blank, make, dtype):
    autograd.seed(0)
    rng = np.random.default_rng(0)
    leaves, loss = make(rng, dtype)
    graph = Graph(loss(*leaves))
    assert not graph.live.why
    moved = [x.data + 0.1 * rng.normal(size=x.shape).astype(x.dtype) for x in leaves]
    (told,) = together(blank, [graph.program(zip(leaves, moved, strict=True))])
    assert "why" not in told, told["why"]
    events = [graph.event(x) for x in leaves]
    for x, a in zip(leaves, moved, strict=True):
        x.data = a
    again = loss(*leaves)
    tol = 1e-9 if dtype is np.float64 else 1e-5
    assert_equal(as_array(told["values"][-1]), again._data, tol)
    found = autograd.grad(again, leaves)
    scale = max(np.abs(g).max() for g in found)
    for k, gradient in zip(events, found, strict=True):
        np.testing.assert_allclose(
            as_array(told["gradients"][k]), gradient, rtol=10 * tol, atol=tol * scale
        )


def test_the_digests_of_the_page_are_those_of_the_engine(blank):
    rng = np.random.default_rng(0)
    x = Value(rng.normal(size=(2, 3, 14, 20)), name="x")
    w = Value(rng.normal(size=(20, 5)), name="w")
    graph = Graph(np.sum(np.tanh(x @ w) * rng.normal(size=5)) + np.sum(w) * 0)
    then = """
    const before = JSON.stringify(events);
    live.refresh(events);
    return [JSON.parse(before), JSON.parse(JSON.stringify(events))];
    """
    ((before, after),) = together(blank, [graph.program()], then)
    for old, new in zip(before, after, strict=True):
        for key in ("value", "gradient"):
            assert (old.get(key) or {}).keys() == (new.get(key) or {}).keys()
            for part, x in (old.get(key) or {}).items():
                assert new[key][part] == pytest.approx(x, rel=1e-5) if part in (
                    "number", "low", "high", "mean", "rms",
                ) else new[key][part] == x  # fmt: skip
        for a, b in zip(old.get("inputs", []), new.get("inputs", []), strict=True):
            assert a.keys() == b.keys()
            for part in a.keys() & {"in", "out", "sum", "local"}:
                assert b[part] == pytest.approx(a[part], rel=1e-5, abs=1e-12)


# ---- what follows the values, and what stays


@pytest.mark.parametrize(
    "f",
    [
        functional.relu,
        lambda x: np.maximum(x, 0.3),
        lambda x: np.clip(x, -1.0, 1.0),
        lambda x: functional.leaky_relu(x, 0.1),
        lambda x: np.max(x, axis=0),
        lambda x: np.sort(x, axis=1),
        lambda x: np.median(x, axis=1),
        lambda x: functional.max_pool1d(x[None], 2, stride=1, padding=1),
        lambda x: np.abs(x),
        lambda x: autograd.ops.logsumexp(x, axis=0),
        lambda x: np.arcsinh(x * 1e200),
        lambda x: np.hypot(x, 1e-3),
    ],
)
def test_branches_follow_the_new_values(blank, f):
    rng = np.random.default_rng(3)
    weights = rng.normal(size=np.shape(f(np.zeros((3, 4)))))
    first, then = rng.normal(size=(2, 3, 4))
    x, y = Value(first), Value(-2 * then)
    graph = Graph(np.sum(f(x) * weights))
    (told,) = together(blank, [graph.program([(x, y.data)])])
    loss = np.sum(f(y) * weights)
    assert_equal(as_array(told["values"][-1]), loss.data, 1e-9)
    assert_equal(as_array(told["gradients"][graph.event(x)]), autograd.grad(loss, y), 1e-9)


def test_a_slope_that_no_taken_branch_leads_to_does_not_make_nan(blank):
    def f(x):
        return np.sum(np.where(np.array([True, False, True]), np.log(x), 0.0) * x)

    x, y = Value([1.0, 2.0, 3.0]), Value([2.0, 0.0, 4.0])
    graph = Graph(f(x))
    (told,) = together(blank, [graph.program([(x, y.data)])])
    found = as_array(told["gradients"][graph.event(x)])
    with np.errstate(divide="ignore"):
        assert_equal(found, autograd.grad(f(y), y), 1e-12)


def test_relu_of_a_root_at_zero_has_the_engines_gradient(blank):
    def f(x, w):
        return functional.relu(np.sqrt(x) * w - 1.0)

    leaves = Value(4.0), Value(2.0)
    others = Value(0.0), Value(2.0)
    assert_recomputed(blank, f, leaves, others, 1e-12)


def test_an_op_with_several_outputs_is_recomputed(blank):
    def f(x):
        first, second, third = np.split(x, 3)
        return np.sum(first * third) + np.sum(np.tanh(second)) + sum(x)[()] * first[0]

    rng = np.random.default_rng(0)
    assert_recomputed(blank, f, [Value(rng.normal(size=6))], [Value(rng.normal(size=6))], 1e-12)


def test_what_was_computed_outside_of_the_graph_is_named():
    x = Value([1.0, -2.0], name="x")
    live = Live(Story(np.sum(np.where(x > 0, x, 0.1 * x))))
    assert any("mask stays" in text for text in live.data["fixed"].values())
    live = Live(Story(np.sum(x * x.data)))
    assert "it holds the numbers of x as they were" in live.data["fixed"].values()
    assert not Live(Story(functional.cross_entropy(Value(np.eye(3)), [0, 1, 2]))).data["fixed"]


# ---- pages that are not alive


def test_a_page_that_would_carry_too_much_says_so():
    w = Value(np.random.default_rng(0).normal(size=(LIMIT // 8, 2)))
    assert "200 kB that a page carries" in Live(Story(np.sum(w * w))).why


def test_an_op_that_has_no_script_is_named():
    a = Value(np.eye(3) * 2)
    assert Live(Story(np.sum(np.linalg.inv(a)))).why.startswith("inv")


def test_a_row_that_takes_numbers_out_is_named(op_table):
    odd = autograd.Op(
        lambda a: np.asarray([float(x) for x in a]), "{a}", lambda g, y, a: g, name="odd"
    )
    assert Live(Story(np.sum(odd(Value([1.0, 2.0]))))).why.startswith("odd")


def test_a_row_that_gives_another_number_in_the_page_is_never_shown(blank, op_table):
    wrong = autograd.Op(
        lambda a: a + (type(a) is not np.ndarray), "{a}", lambda g, y, a: g, name="wrong"
    )
    (told,) = together(blank, [Graph(np.sum(wrong(Value([1.0, 2.0])))).program()])
    assert told["why"] == "wrong is recomputed to another value than the page's"


def test_play_can_be_told_not_to_carry_programs():
    page = play(Value(2.0) * 3.0, live=False).html()
    assert "live=False" in page
    assert "np.multiply(g, b)" not in page


# ---- other sizes


def test_hidden_units_are_evaluated_over_a_grid_of_points(blank):
    rng = np.random.default_rng(0)
    model = nn.Sequential(nn.Linear(2, 8), nn.Tanh(), nn.LayerNorm(8), nn.Linear(8, 3)).to(float)
    x, grid = rng.normal(size=(16, 2)), rng.normal(size=(400, 2))
    hidden = model[1](model[0](x))
    logits = model[3](model[2](hidden))
    graph = Graph(functional.cross_entropy(logits, rng.integers(0, 3, 16)))
    k = graph.story.index[id(x)]
    then = f"""
    const points = {{ shape: [400, 2], data: {json.dumps(grid.ravel().tolist())} }};
    return live.evaluate({{ {k}: points }}, {[graph.event(hidden), graph.event(logits)]})
      .map((a) => ({{ shape: a.shape, data: Array.from(a.data) }}));
    """
    ((some, all_),) = together(blank, [graph.program()], then)
    assert_equal(as_array(some), model[1](model[0](grid)).data, 1e-12)
    assert_equal(as_array(all_), model(grid).data, 1e-12)


def test_a_batch_of_another_size_gives_the_gradients_of_a_mean(blank):
    rng = np.random.default_rng(0)
    model = nn.Sequential(
        nn.Linear(2, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.LayerNorm(8), nn.Linear(8, 1)
    ).to(float)
    (x, y), (other, then_y) = [(rng.normal(size=(n, 2)), rng.normal(size=(n, 1))) for n in (16, 40)]
    graph = Graph(functional.mse_loss(model(x), y))
    sets = "".join(
        f"live.set({graph.story.index[id(a)]}, {b.ravel().tolist()}, {list(b.shape)});"
        for a, b in ((x, other), (y, then_y))
    )
    wanted = autograd.grad(functional.mse_loss(model(other), then_y), list(model.parameters()))
    events = [graph.event(p) for p in model.parameters()]
    then = f"""{sets} live.run();
    return {events}.map(live.gradient).map((a) => ({{ shape: a.shape, data: Array.from(a.data) }}));
    """
    (found,) = together(blank, [graph.program()], then)
    scale = max(np.abs(g).max() for g in wanted)
    for a, gradient in zip(found, wanted, strict=True):
        np.testing.assert_allclose(as_array(a), gradient, rtol=1e-9, atol=1e-12 * scale)


def test_positions_that_hold_for_one_size_are_refused_for_another(blank):
    x = np.random.default_rng(0).normal(size=(4, 2))
    y = np.flip(Value(np.ones(2)) * x, 0)
    graph = Graph(np.sum(np.square(y)))
    at, points = graph.story.index[id(x)], "{ shape: [5, 2], data: Array(10).fill(1) }"
    then = f"""
    try {{ live.evaluate({{ {at}: {points} }}, {graph.event(y)}); }}
    catch (error) {{ return error.message; }}
    """
    (said,) = together(blank, [graph.program()], then)
    assert said == "positions in 8 elements do not hold for (5,2)"


# ---- pages


def test_a_page_recomputes_in_a_frame_of_a_notebook(browser, tmp_path):
    x = Value(np.array([1.0, -2.0]), name="x")
    path = play(np.sum(functional.relu(x) * 3.0)).save(tmp_path / "page.html")
    page = browser.new_page()
    page.set_content(framed(path.read_text(), "page", 600))
    frame = page.frames[1]
    frame.wait_for_selector("#graph")
    assert frame.evaluate("document.documentElement.dataset.live") == "alive"
    page.close()


def test_a_graph_of_thousands_of_scalars_is_alive_and_quick(blank):
    rng = np.random.default_rng(0)
    values = [Value(x) for x in rng.normal(size=30)]
    while len(values) < 4600:
        i, j = rng.integers(max(0, len(values) - 300), len(values), 2)
        a, b = values[i], values[j]
        values.append([a + 0.5 * b, a * b, np.tanh(a), a - b, np.maximum(a, b)][len(values) % 5])
    total = sum(values[-300:], Value(0.0))
    graph = Graph(total)
    assert len(graph.story.events) > 5000
    then = """
    const times = Array.from({ length: 21 }, (_, i) => {
      const start = performance.now();
      if (live.alive) live.set(0, [i]);
      if (live.alive) live.run();
      return performance.now() - start;
    });
    return [live.why, times.sort((a, b) => a - b)[10]];
    """
    ((why, median),) = together(blank, [graph.program()], then)
    assert why == ""
    assert len(json.dumps(graph.live.data)) < 60_000
    print(median)
