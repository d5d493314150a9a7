"""Hooks of the backward pass and of state dicts."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest

import autograd
import nn
from autograd import Value


class Times(nn.Module):
    """Two inputs, two outputs, plain derivatives: (a b, a + 2 b)."""

    def forward(self, a, b):
        return a * b, a + 2 * b


def gradients_of(module, seen, **how):
    return module.register_full_backward_hook(lambda m, gi, go: seen.append((m, gi, go)), **how)


def test_a_backward_hook_gets_the_gradients_of_inputs_and_outputs():
    times, seen, a, b = Times(), [], Value(3.0), Value(5.0)
    gradients_of(times, seen)
    y, z = times(a, b)
    (7 * y + z).backward()
    [(module, grad_input, grad_output)] = seen
    assert module is times
    assert [float(g) for g in grad_output] == [7, 1]
    assert [float(g) for g in grad_input] == [7 * 5 + 1, 7 * 3 + 2]
    assert float(a.grad) == 36
    assert float(b.grad) == 23


def test_an_output_that_is_not_used_has_no_gradient():
    times, seen = Times(), []
    gradients_of(times, seen)
    times(Value(3.0), Value(5.0))[1].backward()
    assert seen[0][2][0] is None
    assert [float(g) for g in seen[0][1]] == [1, 2]


def test_constants_and_what_is_no_value_have_no_gradient():
    class Scaled(nn.Module):
        def forward(self, x, factor, flag):
            return x * factor

    scaled, seen = Scaled(), []
    gradients_of(scaled, seen)
    scaled(Value(2.0), np.array(4.0), "flag").backward()
    [(_, grad_input, _)] = seen
    assert float(grad_input[0]) == 4
    assert grad_input[1:] == (None, None)


def test_a_backward_hook_replaces_the_gradients_of_the_inputs():
    times, a, b = Times(), Value(3.0), Value(5.0)
    times.register_full_backward_hook(lambda m, gi, go: (10 * gi[0], None))
    times(a, b)[0].backward()
    assert float(a.grad) == 50
    assert b.grad is None


def test_a_backward_pre_hook_replaces_the_gradients_of_the_outputs():
    times, seen, a = Times(), [], Value(3.0)
    gradients_of(times, seen)
    times.register_full_backward_pre_hook(lambda m, go: (2 * go[0], go[1]))
    times(a, Value(5.0))[0].backward()
    assert float(seen[0][2][0]) == 2
    assert float(a.grad) == 10


def test_the_gradients_of_parameters_see_what_a_pre_hook_made_of_the_outputs():
    layer = nn.Linear(2, 1, bias=False)
    layer.register_full_backward_pre_hook(lambda m, go: (3 * go[0],))
    np.sum(layer(np.array([[1, 2]], np.float32))).backward()
    np.testing.assert_array_equal(layer.weight.grad, [[3, 6]])


def test_backward_hooks_run_in_order_and_may_be_put_first():
    layer, order = nn.Identity(), []
    for name, first in (("a", False), ("b", False), ("c", True)):
        layer.register_full_backward_hook(lambda *_, name=name: order.append(name), prepend=first)
    layer(Value(1.0)).backward()
    assert order == ["c", "a", "b"]


def test_each_hook_sees_what_the_one_before_returned():
    layer, x = nn.Identity(), Value(1.0)
    layer.register_full_backward_hook(lambda m, gi, go: (gi[0] + 1,))
    layer.register_full_backward_hook(lambda m, gi, go: (gi[0] * 10,))
    layer(x).backward()
    assert float(x.grad) == 20


def test_a_removed_backward_hook_is_silent():
    layer, seen = nn.Identity(), []
    with gradients_of(layer, seen):
        layer(Value(1.0)).backward()
    layer(Value(1.0)).backward()
    assert len(seen) == 1


def test_a_module_called_twice_runs_its_hook_for_each_call():
    layer, seen = nn.Identity(), []
    gradients_of(layer, seen)
    a, b = Value(1.0), Value(2.0)
    (2 * layer(a) + 3 * layer(b)).backward()
    assert sorted(float(gi[0]) for _, gi, _ in seen) == [2, 3]


def test_a_hook_runs_in_every_pass_of_a_graph_that_is_kept():
    layer, seen, x = nn.Identity(), [], Value(1.0)
    gradients_of(layer, seen)
    y = layer(x) * 2
    y.backward(retain_graph=True)
    y.backward()
    assert len(seen) == 2
    assert float(x.grad) == 4


def test_without_gradients_of_the_inputs_the_hook_gets_those_of_the_outputs_and_warns():
    layer, seen = nn.Linear(2, 1), []
    gradients_of(layer, seen)
    y = np.sum(layer(np.ones((3, 2), np.float32)))
    with pytest.warns(UserWarning, match="none of its inputs requires a gradient"):
        y.backward()
    [(_, grad_input, grad_output)] = seen
    assert grad_input == (None,)
    np.testing.assert_array_equal(grad_output[0], np.ones((3, 1)))


def test_what_a_hook_gets_is_read_only():
    layer = nn.Identity()

    def halve(module, grad_input, grad_output):
        grad_input[0][...] /= 2

    layer.register_full_backward_hook(halve)
    with pytest.raises(ValueError, match="read-only"):
        layer(Value(1.0)).backward()


@pytest.mark.parametrize(
    ("answer", "kind", "text"),
    [
        (np.ones(2), TypeError, "full backward hook of Identity must return None or a tuple of 1"),
        ((1.0, 2.0), ValueError, "returned 2 gradients for the 1 of grad_input"),
        ((np.ones(3),), ValueError, r"shape \(3,\) for entry 0, of \(2,\)"),
    ],
)
def test_a_hook_that_returns_what_does_not_fit_is_refused(answer, kind, text):
    layer, x = nn.Identity(), Value([1.0, 2.0])
    layer.register_full_backward_hook(lambda m, gi, go: answer)
    y = np.sum(layer(x))
    with pytest.raises(kind, match=text):
        y.backward()
    assert x.grad is None


def test_a_gradient_for_an_input_without_one_is_refused():
    layer = nn.Linear(2, 1)
    layer.register_full_backward_hook(lambda m, gi, go: (np.ones(1),))
    y = np.sum(layer(np.ones((1, 2), np.float32)))
    with (
        pytest.warns(UserWarning, match="hook of Linear"),
        pytest.raises(ValueError, match="entry 0, which has none"),
    ):
        y.backward()


def test_a_replaced_gradient_keeps_its_dtype():
    layer, x = nn.Identity(), Value(np.ones(2, np.float32))
    layer.register_full_backward_hook(lambda m, gi, go: (gi[0].astype(np.float64),))
    np.sum(layer(x)).backward()
    assert x.grad.dtype == np.float32


def test_hooks_see_the_outputs_of_a_dict_and_of_a_named_tuple():
    class Heads(nn.Module):
        def forward(self, x):
            return {"a": 2 * x, "b": 3 * x}

    heads, seen, x = Heads(), [], Value(1.0)
    gradients_of(heads, seen)
    y = heads(x)
    assert list(y) == ["a", "b"]
    (y["a"] + 5 * y["b"]).backward()
    assert [float(g) for g in seen[0][2]] == [1, 5]
    assert float(x.grad) == 17

    decompose = type("Decompose", (nn.Module,), {"forward": lambda self, x: np.linalg.eigh(x)})()
    gradients_of(decompose, seen)
    assert decompose(Value(np.eye(2))).eigenvalues.shape == (2,)


def test_under_create_graph_hooks_get_values_and_second_derivatives_are_right():
    layer, kinds, x = nn.Tanh(), [], Value(0.3)
    layer.register_full_backward_hook(lambda m, gi, go: kinds.append(type(gi[0])) or (2 * gi[0],))
    slope = autograd.grad(layer(x), x, create_graph=True)
    curvature = autograd.grad(slope, x)
    assert kinds == [Value]
    t = np.tanh(0.3)
    np.testing.assert_allclose(float(slope.data), 2 * (1 - t**2))
    np.testing.assert_allclose(float(curvature), 2 * -2 * t * (1 - t**2))


def test_no_recording_no_backward_hook():
    layer, seen = nn.Identity(), []
    gradients_of(layer, seen)
    x = Value(1.0)
    with autograd.no_grad():
        assert layer(x) is x


def test_a_model_with_backward_hooks_is_copied_pickled_drawn_and_summarized():
    net = nn.Sequential(nn.Linear(2, 3), nn.Tanh(), nn.Linear(3, 1))
    net[1].register_full_backward_hook(print)
    x = np.ones((4, 2), np.float32)
    for twin in (copy.deepcopy(net), pickle.loads(pickle.dumps(net))):
        np.testing.assert_array_equal(twin(x).data, net(x).data)
    assert "backward_hook" in str(autograd.draw(np.sum(net(x))).dot)
    assert nn.summary(net, x).rows[0].multiply_adds is not None


def test_gradients_under_hooks_are_those_without():
    net = nn.Sequential(nn.Conv2d(1, 3, 3), nn.ReLU(), nn.Flatten(), nn.Linear(48, 2))
    x = np.random.default_rng(0).normal(size=(5, 1, 6, 6)).astype(np.float32)

    def found():
        net.zero_grad()
        v = Value(x)
        np.sum(np.square(net(v))).backward()
        return [v.grad, *(p.grad for p in net.parameters())]

    plain = found()
    for module in net.modules():
        module.register_full_backward_hook(lambda m, gi, go: None)
        module.register_full_backward_pre_hook(lambda m, go: None)
    for a, b in zip(found(), plain, strict=True):
        np.testing.assert_array_equal(a, b)


def test_grad_cam_by_hooks_is_that_of_nn_look():
    rng = np.random.default_rng(0)
    net = nn.Sequential(
        nn.Conv2d(1, 4, 3, rng=0), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 36, 3, rng=1)
    ).eval()
    images, maps, slopes = rng.random((2, 1, 8, 8)).astype(np.float32), [], []
    net[1].register_forward_hook(lambda m, args, y: maps.append(y.data))
    net[1].register_full_backward_hook(lambda m, gi, go: slopes.append(go[0]))
    np.sum(net(Value(images))[:, 2]).backward()
    alpha = slopes[0].mean(axis=(2, 3), keepdims=True)
    cam = np.maximum((alpha * maps[0]).sum(axis=1), 0)
    expected = nn.look.grad_cam(net, images, "1", 2, upsample=False)
    np.testing.assert_allclose(cam, expected, rtol=1e-6)


@pytest.mark.torch
def test_backward_hooks_get_what_pytorchs_get():
    torch = pytest.importorskip("torch", reason="the comparison needs torch")
    ours = nn.Sequential(nn.Linear(3, 4), nn.Sigmoid(), nn.Linear(4, 2))
    theirs = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.Sigmoid(), torch.nn.Linear(4, 2))
    theirs.load_state_dict({k: torch.from_numpy(v) for k, v in ours.state_dict().items()})
    x = np.random.default_rng(0).normal(size=(5, 3)).astype(np.float32)
    logs = []
    for net in (ours, theirs):
        log = []

        def see(module, grad_input, grad_output, log=log):
            log.append([(type(module).__name__, g is None or np.asarray(g)) for g in grad_input])
            log.append([(type(module).__name__, np.asarray(g)) for g in grad_output])
            return tuple(None if g is None else g * 0.5 for g in grad_input)

        def before(module, grad_output, log=log):
            log.append([("before", np.asarray(grad_output[0]))])
            return (grad_output[0] * 3,)

        for module in net.modules():
            module.register_full_backward_hook(see)
        net[2].register_full_backward_pre_hook(before)
        logs.append(log)
    v, t = Value(x), torch.from_numpy(x).requires_grad_()
    np.sum(np.square(ours(v))).backward()
    theirs(t).square().sum().backward()
    assert [[name for name, _ in entry] for entry in logs[0]] == [
        [name for name, _ in entry] for entry in logs[1]
    ]
    for mine, other in zip(*logs, strict=True):
        for (_, a), (_, b) in zip(mine, other, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-7)
    np.testing.assert_allclose(v.grad, t.grad.numpy(), rtol=1e-5)
    for (_, p), (_, q) in zip(ours.named_parameters(), theirs.named_parameters(), strict=True):
        np.testing.assert_allclose(p.grad, q.grad.numpy(), rtol=1e-5, atol=1e-6)


# State dicts


class Vocabulary(nn.Module):
    def __init__(self, words):
        self.words, self.weight = tuple(words), nn.Parameter(np.zeros(2))

    def get_extra_state(self):
        return {"words": list(self.words)}

    def set_extra_state(self, state):
        self.words = tuple(state["words"])


def test_extra_state_is_saved_and_set():
    a, b = (nn.Sequential(Vocabulary(words)) for words in ("ab", "cd"))
    assert list(a.state_dict()) == ["0.weight", "0._extra_state"]
    assert b.load_state_dict(a.state_dict()) == ([], [])
    assert b[0].words == ("a", "b")
    with pytest.raises(ValueError, match=r"missing: 0\._extra_state"):
        b.load_state_dict({"0.weight": np.zeros(2)})
    with pytest.raises(ValueError, match="unexpected: _extra_state"):
        nn.Linear(1, 1).load_state_dict({**nn.Linear(1, 1).state_dict(), "_extra_state": 1})


def test_extra_state_goes_through_a_file(tmp_path):
    a, b = Vocabulary("ab"), Vocabulary("cd")
    nn.save(a.state_dict(), tmp_path / "v.safetensors")
    b.load_state_dict(nn.load(tmp_path / "v.safetensors"))
    assert b.words == ("a", "b")


def test_state_dict_hooks_run_around_their_module():
    net, order = nn.Sequential({"a": nn.Linear(1, 1, bias=False)}), []
    net.a.register_state_dict_pre_hook(lambda m, prefix, keep: order.append(("pre", prefix)))

    def post(module, state_dict, prefix, metadata):
        order.append(("post", prefix))
        state_dict[prefix + "kernel"] = state_dict.pop(prefix + "weight")

    net.a.register_state_dict_post_hook(post)
    assert list(net.state_dict()) == ["a.kernel"]
    assert list(net.state_dict(prefix="x.")) == ["x.a.kernel"]
    assert order == [("pre", "a."), ("post", "a."), ("pre", "x.a."), ("post", "x.a.")]


def test_a_state_dict_post_hook_that_returns_something_is_refused():
    layer = nn.Linear(1, 1)
    layer.register_state_dict_post_hook(lambda m, state_dict, prefix, metadata: {})
    with pytest.raises(TypeError, match="in place"):
        layer.state_dict()


def test_a_load_pre_hook_changes_a_copy_of_the_state_dict():
    net = nn.Sequential(nn.Linear(2, 1, bias=False))

    def rename(module, state_dict, prefix, *_):
        state_dict[prefix + "weight"] = state_dict.pop(prefix + "old")

    net[0].register_load_state_dict_pre_hook(rename)
    given = {"0.old": np.ones((1, 2))}
    assert net.load_state_dict(given) == ([], [])
    np.testing.assert_array_equal(net[0].weight.data, [[1, 1]])
    assert list(given) == ["0.old"]


def test_a_load_pre_hook_may_report_errors():
    layer = nn.Linear(2, 1)
    layer.register_load_state_dict_pre_hook(lambda *args: args[-1].append("too old"))
    before = layer.state_dict()
    with pytest.raises(ValueError, match="too old"):
        layer.load_state_dict({k: x + 1 for k, x in before.items()}, strict=False)
    np.testing.assert_array_equal(layer.weight.data, before["weight"])


def test_a_load_post_hook_sees_the_loaded_module_and_may_forgive_missing_keys():
    layer, seen = nn.Linear(1, 1), []

    def forgive(module, incompatible):
        seen.append((float(module.weight.data[0, 0]), list(incompatible.missing_keys)))
        incompatible.missing_keys.clear()

    handle = layer.register_load_state_dict_post_hook(forgive)
    assert layer.load_state_dict({"weight": [[5.0]]}) == ([], [])
    assert seen == [(5, ["bias"])]
    handle.remove()
    layer.register_load_state_dict_post_hook(lambda m, incompatible: None)
    with pytest.raises(ValueError, match="missing: bias"):
        layer.load_state_dict({"weight": [[7.0]]})
    assert layer.weight.data == 5  # as before


def test_what_is_no_mapping_is_refused():
    with pytest.raises(TypeError, match="mapping of path to array, not str"):
        nn.Linear(1, 1).load_state_dict("model.safetensors")


@pytest.mark.torch
def test_state_dict_hooks_get_what_pytorchs_get():
    torch = pytest.importorskip("torch", reason="the comparison needs torch")
    logs = []
    for package, zeros in ((nn, np.zeros), (torch.nn, torch.zeros)):
        net, log = package.Sequential(package.Linear(1, 1, bias=False), package.ReLU()), []
        for module in net.modules():
            module.register_state_dict_pre_hook(
                lambda m, prefix, keep, log=log: log.append(("save", prefix, keep))
            )
            module.register_state_dict_post_hook(
                lambda m, state, prefix, meta, log=log: log.append(("saved", list(state), prefix))
            )
            module.register_load_state_dict_post_hook(
                lambda m, keys, log=log: log.append(("loaded", type(m).__name__, list(keys[0])))
            )
        net[0].register_load_state_dict_pre_hook(
            lambda m, state, prefix, meta, strict, *lists, log=log: log.append(
                ("load", list(state), prefix, strict)
            )
        )
        log.append(list(net.state_dict()))
        log.append(list(net.load_state_dict({"0.weight": zeros((1, 1))}).missing_keys))
        logs.append(log)
    assert logs[0] == logs[1]
