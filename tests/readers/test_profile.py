"""profile: whole passes with nothing attached, and what each node costs."""

import json
import sys

import numpy as np
import pytest

import autograd
import nn
from autograd import Value
from autograd.readers.profile.report import Cost
from autograd.readers.profile.work import Memory, flops


@pytest.fixture
def network(rng):
    model = nn.Sequential(nn.Linear(6, 5), nn.Tanh(), nn.Linear(5, 3))
    x, t = rng.standard_normal((4, 6)).astype(np.float32), np.array([0, 1, 2, 0])
    return model, lambda: autograd.ops.cross_entropy(model(x), t)


def named(found):
    return {(cost.inside[-1] if cost.inside else "", cost.op): cost for cost in found.costs}


def test_every_node_has_a_cost_under_its_module(network):
    found = named(autograd.profile(network[1], repeat=2))
    assert list(found) == [
        ("0: Linear", "affine"),
        ("1: Tanh", "tanh"),
        ("2: Linear", "affine"),
        ("", "cross_entropy"),
    ]


def test_flops_of_an_affine_map_are_counted_by_hand(network):
    first = named(autograd.profile(network[1], repeat=1))["0: Linear", "affine"]
    assert first.flops == (2 * 4 * 6 * 5 + 4 * 5) + (2 * 4 * 6 * 5 + 4 * 5)  # x takes no gradient


def test_whole_passes_run_with_nothing_attached(op_table):
    calls, hooks = [], []
    x = Value(np.ones(3))

    def forward(a):
        calls.append(len(hooks))
        return np.square(a)

    op = autograd.Op(forward, "{a}", lambda g, y, a: g * 2 * a, name="watched", domain=None)

    def step():
        hooks.append(sys.getprofile())
        return np.sum(op(x))

    outer = sys.getprofile()
    autograd.profile(step, repeat=3)
    assert hooks == [outer] * 5
    assert calls[:5] == [1, 2, 3, 4, 5]  # once a pass: no replay before the last of them
    assert sys.getprofile() is outer


def test_ops_are_replayed_on_what_they_were_recorded_with(op_table, rng):
    seen = []

    def forward(a):
        seen.append(a)
        return a * 1.0

    op = autograd.Op(forward, "{a}", lambda g, y, a: g, name="looked_at")
    x = Value(rng.standard_normal(4))
    autograd.profile(lambda: np.sum(op(np.exp(x))), repeat=2)
    assert len(seen) == 4 + 2 + 1  # passes, replays, and one to see who computes
    assert all(np.array_equal(a, np.exp(x.data)) for a in seen)


def test_gradients_stay_as_they_were(network):
    model, step = network
    step().backward()
    before = {name: p.grad for name, p in model.named_parameters()}
    copies = {name: g.copy() for name, g in before.items()}
    autograd.profile(step, repeat=2)
    for name, p in model.named_parameters():
        assert p.grad is before[name]
        np.testing.assert_array_equal(p.grad, copies[name])


def test_nodes_and_the_remainder_make_up_the_whole(network):
    found = autograd.profile(network[1], repeat=2)
    there, back = found.rest
    assert there + sum(c.forward for c in found.costs) == pytest.approx(found.forward)
    assert back + sum(c.backward for c in found.costs) == pytest.approx(found.backward)
    assert all(c.forward >= 0 and c.backward >= 0 for c in found.costs)


@pytest.mark.parametrize("by", ["node", "module", "op"])
def test_groups_sum_to_the_whole_and_are_sorted(network, by):
    found = autograd.profile(network[1], repeat=2)
    rows = found.table(by)
    assert sum(row["count"] for row in rows) == 4
    assert sum(row["kept"] for row in rows) == sum(c.kept for c in found.costs)
    times = [row["forward"] + row["backward"] for row in rows]
    assert times == sorted(times, reverse=True)
    assert sum(times) == pytest.approx(sum(c.seconds for c in found.costs))


def test_a_buffer_is_kept_once_and_parameters_are_not_counted():
    x = Value(np.ones((4, 5)))
    y = np.exp(x)  # 160 bytes
    view = np.reshape(y, 20)  # the same memory
    constant = np.ones(20)
    z = view * constant  # 160 of the result, 160 of the constant
    memory = Memory([x])
    assert [memory.kept(v) for v in (y, view, z)] == [160, 0, 320]
    assert memory.kept(z) == 0


def test_what_a_kernel_saved_is_kept(rng):
    x = Value(rng.standard_normal((5, 3, 4)).astype(np.float32))
    lstm = nn.LSTM(4, 6)
    found = autograd.profile(lambda: np.sum(lstm(x)[0]), repeat=1)
    scan = next(c for c in found.costs if c.op == "lstm_scan")
    outputs = (5 * 3 * 6 + 3 * 6 + 3 * 6) * 4
    assert scan.kept > outputs
    assert scan.engines == ("kernel lstm.forward", "kernel scan.backward")


def test_engines_are_found_by_who_is_called(rng):
    x = Value(rng.standard_normal((200, 200)))
    found = autograd.profile(lambda: np.sum(np.sin(x) @ x.data), repeat=1)
    engines = {c.op: c.engines for c in found.costs}
    assert engines["matmul"] == ("kernel matmul.matmul", "kernel matmul.matmul")
    assert engines["sin"] == ("NumPy", "NumPy")
    small = autograd.profile(lambda: np.sum(x[:2, :2] @ x.data[:2, :2]), repeat=1)
    assert {c.op: c.engines for c in small.costs}["matmul"] == ("NumPy's BLAS",) * 2
    spd = Value(np.eye(3))
    inverse = autograd.profile(lambda: np.sum(np.linalg.inv(spd)), repeat=1)
    assert inverse.costs[0].engines[0] == "NumPy's LAPACK"


def test_unknown_arithmetic_is_unknown_not_nothing():
    x = Value(np.eye(3))
    found = autograd.profile(lambda: np.sum(np.linalg.inv(x)), repeat=1)
    assert found.costs[0].flops is None
    assert found.costs[0].of_peak is None
    assert "unknown" in found.text()
    assert next(r for r in found.table("module") if r["count"] == 2)["flops"] is None


@pytest.mark.parametrize(
    ("make", "there", "back"),
    [
        (lambda a: np.einsum("ij,kj->ik", a, np.ones((3, 4))), 2 * 2 * 3 * 4, 2 * 2 * 3 * 4),
        (lambda a: np.tensordot(a, np.ones((4, 3)), 1), 2 * 2 * 3 * 4, 2 * 2 * 3 * 4),
        (lambda a: np.transpose(a), 0, 0),
        (lambda a: np.exp(a), 8, 16),
        (lambda a: np.sum(a, axis=0), 8, 16),
        (lambda a: a[0], 0, 0),
    ],
)
def test_arithmetic_follows_the_shapes(make, there, back):
    y = make(Value(np.ones((2, 4))))
    xs = [x.data if isinstance(x, Value) else x for x in y.inputs]
    assert flops(y, xs, [isinstance(x, Value) for x in y.inputs]) == (there, back)


def test_arithmetic_of_a_convolution_and_its_gradients():
    x, w = Value(np.ones((2, 3, 5, 5))), Value(np.ones((4, 3, 2, 2)))
    y = autograd.ops.conv2d(x, w)
    each = 2 * y.size * 3 * 2 * 2
    assert flops(y, [x.data, w.data], [True, True]) == (each, 2 * each)


def test_the_share_of_the_peak_is_the_rooflines():
    cost = Cost("a", "a", (), None, 2e-6, 2e-6, 0, 8.0, 1e-6, ("NumPy",))
    assert cost.of_peak == 0.25
    assert Cost("a", "a", (), None, 2e-6, 2e-6, 0, None, None, ()).of_peak is None


def test_a_drawing_shades_each_op_by_its_time(network):
    found = autograd.profile(network[1], repeat=1)
    ops = [v for v in found.drawing().picture.vertices if v.kind == "op"]
    assert [v.cost for v in ops] == [c.seconds for c in found.costs]
    assert "time, forward and backward" in found.drawing().dot
    folded = found.drawing(depth=0, direction="TB")
    (box,) = [v for v in folded.picture.vertices if v.kind == "fold"]
    assert box.cost == pytest.approx(sum(c.seconds for c in found.costs[:3]))
    assert folded.direction == "TB"


def test_a_drawing_without_a_profile_has_no_costs(network):
    drawing = autograd.draw(network[1]())
    assert all(v.cost is None for v in drawing.picture.vertices)
    assert "time, forward" not in drawing.dot


def test_a_chrome_trace_nests_ops_in_modules_in_passes(network, tmp_path):
    found = autograd.profile(network[1], repeat=1)
    path = found.chrome_trace(tmp_path / "trace.json")
    spans = [e for e in json.loads(path.read_text())["traceEvents"] if e["ph"] == "X"]
    for outer in spans:
        for inner in spans:  # two spans lie apart, or one lies in the other
            a, b = (
                (outer["ts"], outer["ts"] + outer["dur"]),
                (inner["ts"], inner["ts"] + inner["dur"]),
            )
            apart = a[1] <= b[0] + 1e-6 or b[1] <= a[0] + 1e-6
            nested = (a[0] <= b[0] + 1e-6 and b[1] <= a[1] + 1e-6) or (
                b[0] <= a[0] + 1e-6 and a[1] <= b[1] + 1e-6
            )
            assert apart or nested
    ways = {e["name"]: e for e in spans if e["name"] in ("forward", "backward")}
    assert ways["forward"]["dur"] <= ways["backward"]["ts"] + 1e-6
    ops = [e["name"] for e in spans if e["cat"] == "forward" and "engine" in e["args"]]
    assert ops == ["affine", "tanh", "affine", "cross_entropy"]
    assert [e["name"] for e in spans if e["cat"] == "backward" and "engine" in e["args"]] == ops[
        ::-1
    ]
    assert {"Sequential", "0: Linear", "1: Tanh", "2: Linear"} <= {e["name"] for e in spans}
    with pytest.raises(ValueError, match=r"must end in \.json"):
        found.chrome_trace(tmp_path / "trace.txt")


def test_text_and_html_tell_all_rows_and_escape_names():
    x = Value(np.ones(3))

    def step():
        y = np.exp(x)
        y.name = "<script>"
        return np.sum(y)

    found = autograd.profile(step, repeat=1)
    assert "<script>" in str(found)
    assert "Python and recording" in str(found)
    assert "&lt;script&gt;" in found._repr_html_()
    assert "<script>" not in found._repr_html_()
    assert "1 more" in found.text(limit=1)


def test_broadcasting_masks_and_several_outputs_are_replayed(rng):
    x = Value(rng.standard_normal((3, 4)))
    b = Value(rng.standard_normal(4))

    def step():
        left, right = np.split(np.maximum(x + b, 0.0), 2, axis=1)
        return np.sum(np.log(left + 2) * right)

    found = autograd.profile(step, repeat=2)
    assert "split" in [c.op for c in found.costs]
    assert "output" not in [c.op for c in found.costs]


def test_refusals_say_what_to_give(network):
    with pytest.raises(TypeError, match="fn must be a function"):
        autograd.profile(network[1]())
    with pytest.raises(TypeError, match="must return a Value"):
        autograd.profile(lambda: 3.0)
    with pytest.raises(ValueError, match="shape"):
        autograd.profile(lambda: Value(np.ones(3)) * 2)
    with pytest.raises(RuntimeError, match="requires a gradient"):
        autograd.profile(lambda: Value(1.0, requires_grad=False) * 2)
    with pytest.raises(ValueError, match="repeat must be at least 1"):
        autograd.profile(network[1], repeat=0)
    with pytest.raises(ValueError, match="by must be one of"):
        autograd.profile(network[1], repeat=1).text(by="layer")


def test_a_checkpoint_is_replayed_whole(network):
    model, _ = network
    x = np.ones((4, 6), np.float32)
    found = autograd.profile(lambda: np.sum(autograd.checkpoint(model, x)), repeat=1)
    assert [c.op for c in found.costs] == ["checkpoint", "sum"]
    assert found.costs[0].flops is None
    assert found.costs[0].kept == 4 * 3 * 4 + x.nbytes


def test_a_view_takes_no_share_of_the_peak_and_hides_none(rng):
    x = Value(rng.standard_normal((60, 50)))
    found = autograd.profile(lambda: np.sum(np.exp(np.reshape(x, (50, 60)))), repeat=1)
    costs = {c.op: c for c in found.costs}
    assert costs["reshape"].least == 0
    assert costs["reshape"].of_peak is None
    assert costs["exp"].least > 0
    assert found.grouped("module")[0].least == sum(c.least for c in found.costs)


def test_attention_and_its_kernel_are_named(rng):
    q = Value(rng.standard_normal((2, 8, 4)).astype(np.float32))
    found = autograd.profile(
        lambda: np.sum(autograd.ops.scaled_dot_product_attention(q, q, q)), repeat=1
    )
    attention = found.costs[0]
    assert attention.engines == ("kernel attention.forward", "kernel attention.backward")
    assert attention.flops == 3.5 * 2 * 8 * 8 * (2 * 4 + 2 * 4 + 5)


class Summing(nn.Module):
    """A loop over the columns of its input."""

    def forward(self, x):
        return sum(np.sum(x[:, t]) for t in range(x.shape[1]))


def test_equal_ops_of_a_loop_share_a_row():
    model, x = Summing(), Value(np.ones((4, 30)))
    found = autograd.profile(lambda: model(x), repeat=2)
    rows = {row["name"]: row for row in found.table("alike")}
    slices = rows["getitem in Summing"]
    alone = [cost for cost in found.costs if cost.op == "getitem"]
    assert (slices["count"], len(alone)) == (30, 30)
    assert slices["backward"] == pytest.approx(sum(cost.backward for cost in alone))
    assert "30 × getitem in Summing" in str(found)
    assert "30 × getitem in Summing" in found._repr_html_()
    assert found.text(limit=1).splitlines()[2].endswith("more")


def test_calls_of_one_module_are_alike():
    model = nn.Linear(3, 3)

    def step():
        y = np.ones((2, 3), np.float32)
        for _ in range(4):
            y = model(y)
        return np.sum(y)

    (row, *_) = [r for r in autograd.profile(step, repeat=1).table("alike") if r["count"] > 1]
    assert (row["name"], row["count"]) == ("affine in Linear", 4)


def judged(costs, outside=0.0, first=0.0, **each):
    """The advice on costs of (op, module, count, seconds, shape), with so many seconds outside."""
    made = [
        Cost(
            label=f"{module}: {op}", op=op, inside=(module,), shape=shape, forward=seconds / count,
            backward=0.0, kept=0, flops=None, least=each.get("least"), engines=(),
            dtype=each.get("dtype", "float32"),
        )
        for op, module, count, seconds, shape in costs
        for _ in range(count)
    ]  # fmt: skip
    found = autograd.profile(lambda: np.sum(Value(np.ones(2))), repeat=1)
    found.costs = made
    found.forward, found.backward = sum(cost.forward for cost in made) + outside, 0.0
    found.first = first
    return found.advice


@pytest.mark.parametrize(
    ("costs", "settings", "expected"),
    [
        (
            [("getitem", "MinGRU", 60, 1.2e-4, (16, 16)), ("add", "MinGRU", 60, 1e-4, (16, 16))],
            {"outside": 7.8e-4},
            ("78% of the step is Python", "120 ops", "60 × getitem in MinGRU, 12% of the time",
             "take all slices in one op", "a fused layer", "a larger batch"),
        ),
        (
            [("affine", "0: Linear", 1, 1e-5, (64, 16)), ("relu", "1: ReLU", 1, 1e-5, (64, 16))],
            {"outside": 2e-5},
            ("50% of the step is Python", "2 ops", "a larger batch takes little longer"),
        ),
        (
            [("affine", "0: Linear", 1, 9e-3, (64, 2048))],
            {"outside": 1e-3, "least": 7e-3},
            ("0: Linear: affine takes 90% of the step, at 78% of the machine's peak",
             "near the limit"),
        ),
        (
            [("affine", "0: Linear", 1, 9e-3, (64, 2048))],
            {"dtype": "float64"},
            ("takes 100% of the step", "float32 takes half of the time or less"),
        ),
        (  # too much for Python: memory was allocated, or other programs ran
            [("affine", "0: Linear", 1, 4e-3, (64, 2048))],
            {"outside": 6e-3, "dtype": "float64"},
            ("affine takes 40% of the step", "float32"),
        ),
        (
            [("tanh", "Cell", 50, 5e-3, (8, 8))],
            {},
            ("50 × tanh in Cell takes 100% of the step", "in place of the loop"),
        ),
        (
            [("affine", "0: Linear", 1, 1e-3, (64, 16))],
            {"first": 3.0},
            ("The first step took 3 s", "glassgrad warmup"),
        ),
    ],
)  # fmt: skip
def test_the_advice_says_what_dominates_and_what_would_help(costs, settings, expected):
    said = judged(costs, **settings)
    assert "\n" not in said
    for part in expected:
        assert part in said


def test_float32_arrays_are_not_advised_to_become_float32():
    assert "float32" not in judged([("affine", "0: Linear", 1, 9e-3, (64, 2048))])


def test_the_drawing_has_the_advice_below_it(network):
    found = autograd.profile(network[1], repeat=1)
    notes = " ".join(found.drawing().picture.notes)
    assert found.advice in notes
