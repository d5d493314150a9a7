from __future__ import annotations

import copy
import gc
import pickle
import subprocess
import sys

import numpy as np
import pytest

import autograd
import nn


class Block(nn.Module):
    def __init__(self):
        self.inner = nn.Linear(2, 2)
        self.scale = nn.Parameter([1.0])
        self.mean = nn.Buffer(np.zeros(2))

    def forward(self, x):
        return self.inner(x) * self.scale


def keys(module):
    return list(module.state_dict())


def test_state_dict_keys_are_pytorchs():
    net = nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 1, bias=False))
    assert keys(net) == ["0.weight", "0.bias", "2.weight"]


def test_own_parameters_come_before_buffers_and_children():
    assert keys(Block()) == ["scale", "mean", "inner.weight", "inner.bias"]


def test_a_module_needs_no_super_init():
    assert Block().training
    assert [name for name, _ in Block().named_modules()] == ["", "inner"]


def test_state_dict_copies():
    net = nn.Linear(2, 2)
    net.state_dict()["weight"][:] = 9
    assert not (net.weight.data == 9).any()


def test_a_shared_parameter_is_counted_once_and_saved_twice():
    net = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))
    net[1].weight = net[0].weight
    assert [name for name, _ in net.named_parameters()] == ["0.weight", "0.bias", "1.bias"]
    assert "1.weight" in net.state_dict()


def test_a_shared_module_is_walked_once():
    layer = nn.Linear(2, 2)
    net = nn.Sequential(layer, nn.ReLU(), layer)
    assert len(list(net.modules())) == 3
    assert len(list(net.children())) == 2
    assert len(list(net.parameters())) == 2
    assert net(np.ones((1, 2), np.float32)).shape == (1, 2)


def test_named_parameters_takes_a_prefix_and_stays_here_when_asked():
    assert [n for n, _ in Block().named_parameters("a", recurse=False)] == ["a.scale"]


def test_named_buffers_are_plain_arrays():
    [(name, mean)] = Block().named_buffers()
    assert name == "mean"
    assert type(mean) is np.ndarray


def test_a_buffer_stays_one_when_assigned_to():
    block = Block()
    block.mean = block.mean + 1
    np.testing.assert_array_equal(block.state_dict()["mean"], [1, 1])


def test_a_buffer_refuses_a_value():
    with pytest.raises(TypeError, match=r"\.data"):
        Block().mean = autograd.Value([1.0, 2.0])


def test_a_buffer_that_is_not_persistent_is_not_saved():
    block = Block()
    block.register_buffer("mask", np.ones(2), persistent=False)
    assert "mask" not in block.state_dict()
    assert "mask" in dict(block.named_buffers())


@pytest.mark.parametrize("name", ["", "a.b", "forward"])
def test_a_bad_name_is_refused(name):
    with pytest.raises(ValueError, match="name"):
        Block().add_module(name, nn.ReLU())


def test_loading_writes_in_place_and_reports():
    net, other = Block(), Block()
    weight = net.inner.weight.data
    report = net.load_state_dict(other.state_dict())
    assert report == ([], [])
    np.testing.assert_array_equal(weight, other.inner.weight.data)


def test_a_refused_state_dict_changes_nothing_and_lists_everything():
    net = Block()
    before = net.state_dict()
    state = {"scale": np.ones(1), "mean": np.ones(3), "inner.weight": np.ones((2, 2)), "x": 1.0}
    with pytest.raises(ValueError, match="nothing was loaded") as error:
        net.load_state_dict(state)
    text = str(error.value)
    assert "mean has shape (3,), the model (2,)" in text
    assert "missing: inner.bias" in text
    assert "unexpected: x" in text
    after = net.state_dict()
    assert all(np.array_equal(before[k], after[k]) for k in before)


def test_loading_refuses_what_a_cast_would_damage():
    with pytest.raises(ValueError, match="dtype complex128"):
        nn.Linear(1, 1).load_state_dict({"weight": np.ones((1, 1)) * 1j, "bias": np.zeros(1)})


def test_not_strict_loads_what_is_there():
    net = nn.Linear(2, 1)
    report = net.load_state_dict({"bias": [5.0], "x": 1}, strict=False)
    assert report.missing_keys == ["weight"]
    assert report.unexpected_keys == ["x"]
    assert net.bias.data == 5


def test_not_strict_still_refuses_shapes():
    with pytest.raises(ValueError, match="does not fit"):
        nn.Linear(2, 1).load_state_dict({"bias": [5.0, 6.0]}, strict=False)


def test_parameters_can_be_loaded_from_each_other():
    a = nn.Linear(2, 2)
    w, b = a.weight.data, a.bias.data.copy()
    a.load_state_dict({"weight": w.T, "bias": a.bias})
    np.testing.assert_array_equal(a.bias.data, b)


def test_loading_makes_a_graph_stale():
    net = nn.Linear(2, 1)
    y = np.sum(np.square(net.weight))
    net.load_state_dict(net.state_dict())
    with pytest.raises(RuntimeError, match="'weight'"):
        y.backward()


def test_a_deep_copy_is_independent():
    net = Block()
    net.inner.other = net.scale
    twin = copy.deepcopy(net)
    twin.scale.data = [5.0]
    assert net.scale.data == 1
    assert twin.inner.other is twin.scale
    assert keys(twin) == keys(net)


def test_a_shallow_copy_has_attributes_of_its_own_and_shares_parameters():
    net, seen = Block(), []
    net.register_forward_hook(lambda *_: seen.append(1))
    twin = copy.copy(net)
    twin.register_forward_hook(lambda *_: seen.append(2))
    twin.other = nn.Buffer([1.0])
    assert twin.scale is net.scale
    assert twin.inner is net.inner
    net(np.ones(2, np.float32))
    assert seen == [1]
    net.other = autograd.Value(1.0)  # no buffer of the original


TRAINED = """
import pickle, sys, numpy as np, nn
net, optimizer = pickle.load(open(sys.argv[1], "rb"))
x = np.linspace(-1, 1, 15, dtype=np.float32).reshape(5, 3)
for _ in range(3):
    optimizer.zero_grad()
    np.mean(np.square(net(x))).backward()
    optimizer.step()
pickle.dump(net.state_dict(), open(sys.argv[1], "wb"))
"""


def test_a_trained_model_trains_on_in_another_process(tmp_path):
    net = nn.Sequential(nn.Linear(3, 4, rng=0), nn.ReLU(), nn.Linear(4, 1, rng=1))
    optimizer = nn.optim.Adam(net.parameters(), lr=0.01)
    x = np.linspace(-1, 1, 15, dtype=np.float32).reshape(5, 3)

    def train():
        for _ in range(3):
            optimizer.zero_grad()
            np.mean(np.square(net(x))).backward()
            optimizer.step()

    train()
    file = tmp_path / "model.pickle"
    file.write_bytes(pickle.dumps((net, optimizer)))
    subprocess.run([sys.executable, "-c", TRAINED, str(file)], check=True)
    train()
    other = pickle.loads(file.read_bytes())
    for key, array in net.state_dict().items():
        np.testing.assert_allclose(other[key], array, rtol=1e-6)


def test_train_and_eval_reach_all_modules():
    net = nn.Sequential(nn.Dropout(), nn.Sequential(nn.Dropout()))
    assert not any(m.training for m in net.eval().modules())
    assert all(m.training for m in net.train().modules())


def test_apply_visits_children_first():
    names = []
    nn.Sequential(nn.ReLU(), nn.Tanh()).apply(lambda m: names.append(type(m).__name__))
    assert names == ["ReLU", "Tanh", "Sequential"]


def test_requires_grad_freezes_all():
    net = Block().requires_grad_(False)
    assert not net(np.ones((1, 2), np.float32)).requires_grad


def test_zero_grad_forgets_or_zeroes():
    net = nn.Linear(2, 1)
    np.sum(net(np.ones((1, 2), np.float32))).backward()
    net.zero_grad(set_to_none=False)
    assert not net.weight.grad.any()
    net.zero_grad()
    assert net.weight.grad is None


def test_to_converts_parameters_and_buffers():
    net = Block().double()
    assert {a.dtype.name for a in net.state_dict().values()} == {"float64"}
    net.float()
    assert net.scale.dtype == np.float32


def test_parameters_are_float32_unless_asked():
    assert nn.Parameter([1.0]).dtype == np.float32
    assert nn.Parameter([1.0], dtype=np.float64).dtype == np.float64
    assert nn.Parameter(2).shape == ()


def test_a_parameter_is_named_by_its_first_attribute():
    assert nn.Linear(1, 1).weight.name == "weight"


def test_repr_is_pytorchs():
    net = nn.Sequential(nn.Linear(1, 2), nn.Sequential(nn.LeakyReLU(0.2), nn.Dropout(0.1)))
    assert repr(net) == (
        "Sequential(\n"
        "  (0): Linear(in_features=1, out_features=2, bias=True)\n"
        "  (1): Sequential(\n"
        "    (0): LeakyReLU(negative_slope=0.2)\n"
        "    (1): Dropout(p=0.1, inplace=False)\n"
        "  )\n"
        ")"
    )


def test_no_forward_says_so():
    with pytest.raises(NotImplementedError, match="Module defines no forward"):
        nn.Module()(1)


class Encoder(nn.Module):
    def __init__(self):
        self.layers = nn.ModuleList([nn.Sequential(nn.ReLU(), nn.Linear(3, 2))])

    def forward(self, x):
        for layer in self.layers:
            x = layer(x)
        return x


def test_an_error_names_the_path_of_its_module_and_the_shapes_of_its_inputs():
    net = nn.Sequential({"encoder": Encoder()})
    for _ in range(2):
        with pytest.raises(ValueError, match="last axis of input") as error:
            net(np.ones((1, 4), np.float32))
        assert error.value.__notes__ == [
            "in encoder.layers.0.1: Linear(in_features=3, out_features=2, bias=True), "
            "called with (1, 4) float32, in Sequential"
        ]


def test_an_error_of_a_single_module_names_its_class():
    with pytest.raises(ValueError, match="last axis") as error:
        nn.Linear(3, 2)(np.ones((1, 4), np.float32))
    [note] = error.value.__notes__
    assert note.startswith("in Linear(in_features=3")


def test_a_new_error_in_a_handler_gets_its_own_path():
    class Try(nn.Module):
        def __init__(self):
            self.layer = nn.Linear(3, 2)

        def forward(self, x, *, scale):
            try:
                return self.layer(x)
            except ValueError as error:
                raise KeyError("mine") from error

    with pytest.raises(KeyError) as error:
        Try()(np.ones((1, 4), np.float32), scale=2)
    assert error.value.__notes__ == ["in Try, called with (1, 4) float32, scale=2"]


def test_paths_lead_to_modules_parameters_and_buffers():
    net = nn.Sequential({"block": Block()})
    assert net.get_submodule("") is net
    assert net.get_submodule("block.inner") is net[0].inner
    assert net.get_parameter("block.inner.weight") is net[0].inner.weight
    assert net.get_buffer("block.mean") is net[0].mean
    with pytest.raises(AttributeError, match="block has no module 'outer'; it has inner"):
        net.get_submodule("block.outer")
    with pytest.raises(AttributeError, match="no parameter 'mean'; it has scale"):
        net.get_parameter("block.mean")
    with pytest.raises(AttributeError, match="no buffer 'scale'; it has mean"):
        net.get_buffer("block.scale")


def test_forward_hooks_see_and_replace_what_goes_in_and_comes_out():
    layer, seen = nn.Identity(), []
    first = layer.register_forward_pre_hook(lambda module, args: args[0] + 1)
    layer.register_forward_pre_hook(lambda module, args: seen.append(args))
    last = layer.register_forward_hook(lambda module, args, y: (args, y * 2))
    assert layer(1.0) == ((2.0,), 4.0)
    assert seen == [(2.0,)]
    last.remove()
    last.remove()
    first.remove()
    assert layer(1.0) == 1.0
    assert layer.forward(1.0) == 1.0


def test_hooks_run_in_order_and_may_be_put_first():
    layer, seen = nn.Identity(), []
    layer.register_forward_hook(lambda *_: seen.append("a"))
    layer.register_forward_hook(lambda *_: seen.append("b"), prepend=True)
    layer(0)
    assert seen == ["b", "a"]


def test_hooks_get_keywords_when_they_ask():
    class Power(nn.Module):
        def forward(self, x, *, n):
            return x**n

    power = Power()
    power.register_forward_pre_hook(lambda m, args, kw: (args, {"n": 3}), with_kwargs=True)
    power.register_forward_hook(lambda m, args, kw, y: y + kw["n"], with_kwargs=True)
    assert power(2, n=1) == 11
    with pytest.raises(TypeError, match="callable"):
        power.register_forward_hook(None)


def test_a_hook_fires_in_the_scope_of_its_module():
    layer = nn.Identity()
    layer.register_forward_hook(lambda module, args, y: y * 2)
    assert owners(layer(autograd.Value(1.0))) == [layer]


def test_a_hook_of_a_copy_is_taken_away_alone():
    layer, seen = nn.Identity(), []
    handle = layer.register_forward_hook(lambda *_: seen.append(1))
    twin = copy.deepcopy(layer)
    handle.remove()
    twin(0)
    layer(0)
    assert seen == [1]


ASKS = {
    "parameters": lambda net: list(net.parameters()),
    "state_dict": lambda net: net.state_dict(),
    "load_state_dict": lambda net: net.load_state_dict({}),
    "to": lambda net: net.double(),
    "optimizer": lambda net: nn.optim.SGD(net.parameters(), lr=0.1),
}


@pytest.mark.parametrize("ask", ASKS.values(), ids=ASKS)
def test_a_module_without_sizes_refuses_until_it_is_called(ask):
    net = nn.Sequential(nn.Linear(None, 2))
    with pytest.raises(RuntimeError, match=r"in_features=None.* at '0'.*[Cc]all the model once"):
        ask(net)
    net(np.ones((1, 3), np.float32))
    assert list(net.state_dict()) == ["0.weight", "0.bias"]


def test_a_first_call_that_fails_leaves_the_sizes_open():
    layer = nn.Linear(None, 2, rng=0)
    for x in (np.float32(1), np.ones(3, int)):
        with pytest.raises((ValueError, TypeError)):
            layer(x)
    assert repr(layer) == "Linear(in_features=None, out_features=2, bias=True)"
    assert layer(np.ones(3, np.float32)).shape == (2,)
    assert repr(layer) == "Linear(in_features=3, out_features=2, bias=True)"


@pytest.mark.parametrize(
    "copied", [copy.copy, copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))]
)
def test_copies_without_sizes_find_their_own(copied):
    layer = nn.Linear(None, 2)
    twin = copied(layer)
    layer(np.ones(3, np.float32))
    twin(np.ones(4, np.float32))
    assert layer.weight.shape == (2, 3)
    assert twin.weight.shape == (2, 4)


UNSIZED = {
    "Linear": (lambda: nn.Linear(None, 2), (5, 3)),
    "Conv1d": (lambda: nn.Conv1d(None, 2, 3), (1, 4, 5)),
    "ConvTranspose2d": (lambda: nn.ConvTranspose2d(None, 2, 3), (1, 4, 5, 5)),
    "BatchNorm1d": (lambda: nn.BatchNorm1d(None), (5, 3)),
    "GroupNorm": (lambda: nn.GroupNorm(2, None), (5, 4)),
    "LSTM": (lambda: nn.LSTM(None, 2), (5, 3)),
    "GRUCell": (lambda: nn.GRUCell(None, 2), (5, 3)),
}


@pytest.mark.parametrize(("make", "shape"), UNSIZED.values(), ids=UNSIZED)
def test_a_module_without_sizes_can_be_pickled(make, shape):
    twin = pickle.loads(pickle.dumps(make()))
    twin(np.ones(shape, np.float32))
    assert all(p.size for p in twin.parameters())


def test_a_module_without_sizes_keeps_its_mode_and_hooks():
    layer, seen = nn.Linear(None, 2).eval(), []
    layer.register_forward_hook(lambda *_: seen.append(1))
    layer(np.ones(3, np.float32))
    assert seen == [1]
    assert not layer.training


def owners(v):
    found, scope = [], v.scope
    while scope is not None:
        found.append(scope.owner)
        scope = scope.inner
    return found


def test_a_call_leaves_its_scope_on_its_output_outermost_first():
    net = nn.Sequential(nn.Linear(2, 2), nn.Tanh())
    assert owners(net(np.ones((1, 2), np.float32))) == [net, net[1]]


def test_a_scope_begins_before_the_calls_nodes_and_after_those_behind():
    first, second = nn.Linear(2, 2), nn.Tanh()
    a = first(np.ones((1, 2), np.float32))
    b = second(a)
    assert a.birth < b.scope.start <= b.birth


def test_scopes_reach_into_tuples_and_dicts():
    class Two(nn.Module):
        def forward(self, x):
            return x + 1, {"b": [x + 2]}

    two = Two()
    a, rest = two(autograd.Value(1.0))
    assert owners(a) == owners(rest["b"][0]) == [two]


def test_a_module_does_not_sign_what_it_hands_through():
    x = autograd.Value(1.0) * 2
    assert nn.Identity()(x) is x
    assert x.scope is None


def test_no_scope_without_recording():
    with autograd.no_grad():
        assert nn.Linear(1, 1)(np.ones((1, 1), np.float32)).scope is None


def test_a_training_step_leaves_no_reference_cycles():
    net = nn.Sequential(nn.Linear(2, 2), nn.ReLU(), nn.Linear(2, 2))
    optimizer = nn.optim.Adam(net.parameters())

    def step():
        nn.CrossEntropyLoss()(net(np.ones((3, 2), np.float32)), [0, 1, 1]).backward()
        optimizer.step()

    step()  # the first may compile, which does leave cycles
    gc.collect()
    gc.disable()
    try:
        step()
        step()
        unused = net(np.ones((3, 2), np.float32))
        del unused
        assert gc.collect() == 0
    finally:
        gc.enable()


def test_a_parameter_is_stepped_in_place_under_no_grad():
    layer = nn.Linear(2, 1)
    weight, array = layer.weight, layer.weight.data
    with autograd.no_grad():
        for p in layer.parameters():
            p -= p.data
    assert layer.weight is weight
    assert weight.data is array
    assert not array.any()
    assert not layer.bias.data.any()


def test_a_recorded_parameter_is_not_changed_in_place():
    layer = nn.Linear(2, 1)
    with pytest.raises(RuntimeError, match=r"Parameter weight \*= .*no_grad"):
        layer.weight *= 2
    frozen = layer.requires_grad_(False).weight
    before = frozen.data.copy()
    layer.weight *= 2
    assert layer.weight is frozen
    np.testing.assert_array_equal(frozen.data, 2 * before)


def test_a_parameter_counts_itself_as_pytorchs_does():
    p = nn.Parameter(np.zeros((2, 3)))
    assert (p.numel(), p.dim()) == (6, 2)


@pytest.mark.parametrize("given", [np.zeros((1, 2), np.float32), [[0.0, 0.0]], "w", 1.0])
def test_a_parameter_is_not_replaced_by_something_that_would_not_learn(given):
    layer = nn.Linear(2, 1)
    with pytest.raises(TypeError, match=r"'weight' is a parameter.*nn.Parameter\(x\) or None"):
        layer.weight = given
    with pytest.raises(TypeError, match="'weight' is a parameter"):
        layer.weight = layer.weight * 2
    assert [name for name, _ in layer.named_parameters()] == ["weight", "bias"]


def test_the_place_of_a_parameter_that_is_none_takes_parameters_only():
    layer = nn.Linear(2, 1, bias=False)
    norm = nn.BatchNorm1d(2, affine=False)
    for module, name in ((layer, "bias"), (norm, "weight"), (norm, "bias")):
        with pytest.raises(TypeError, match=f"{name!r} is a parameter"):
            setattr(module, name, np.zeros(1, np.float32))
    layer.weight = None
    with pytest.raises(TypeError, match="'weight' is a parameter"):
        layer.weight = np.zeros((1, 2))
    layer.bias = nn.Parameter([1.0])
    layer.weight = nn.Parameter([[1.0, 2.0]])
    assert layer(np.ones((1, 2), np.float32)).item() == 4


def test_a_deleted_parameter_leaves_its_name_free():
    layer = nn.Linear(2, 1)
    del layer.weight
    layer.weight = np.zeros((1, 2), np.float32)  # asked for twice
    assert [name for name, _ in layer.named_parameters()] == ["bias"]


def test_a_module_is_not_replaced_by_a_function():
    net = nn.Sequential(nn.Linear(2, 1))
    net.head = nn.ReLU()
    with pytest.raises(TypeError, match="'head' is a module"):
        net.head = np.tanh
    net.head = None
    with pytest.raises(TypeError, match="'head' is a module"):
        net.head = np.tanh
    net.head = nn.Tanh()
    assert isinstance(net.head, nn.Tanh)


def test_a_buffer_takes_arrays_only():
    norm = nn.BatchNorm1d(2)
    for wrong in ("mean", nn, {}):
        with pytest.raises(TypeError, match="'running_mean' takes an array of numbers or None"):
            norm.running_mean = wrong
    with pytest.raises(TypeError, match="data must be an array of numbers, not str"):
        nn.Buffer("mean")
    norm.running_mean = nn.ReLU()
    assert "running_mean" not in norm.state_dict()
    del norm.running_var
    norm.running_var = "free"
    assert [name for name, _ in norm.named_buffers()] == ["num_batches_tracked"]


def test_registering_checks_what_it_is_given():
    layer = nn.Linear(2, 1)
    for wrong in (np.zeros(1), nn.Linear(1, 1).weight * 2, "w"):
        with pytest.raises(TypeError, match=r"'scale' must be an nn.Parameter or None"):
            layer.register_parameter("scale", wrong)
    layer.register_parameter("scale", None)
    with pytest.raises(TypeError, match="'scale' is a parameter"):
        layer.scale = np.zeros(1)
    with pytest.raises(ValueError, match="'weight' already, which is no buffer"):
        layer.register_buffer("weight", np.zeros(1))
    with pytest.raises(ValueError, match="'weight' already, which is no module"):
        layer.add_module("weight", nn.ReLU())
    with pytest.raises(ValueError, match="'in_features' already, which is no parameter"):
        layer.register_parameter("in_features", nn.Parameter([1.0]))


@pytest.mark.parametrize("hide", [list, tuple, lambda layers: dict(enumerate(layers))])
def test_layers_in_a_plain_list_are_warned_of(hide):
    class Net(nn.Module):
        def __init__(self):
            self.first = nn.Linear(2, 2)
            self.layers = hide([nn.Linear(2, 2)])

    net = Net()
    with pytest.warns(UserWarning, match="'layers' holds parameters that parameters"):
        assert len(list(net.parameters())) == 2
    net.layers = [net.first, net.first.weight, nn.ReLU(), "text"]  # registered elsewhere
    assert len(list(net.parameters())) == 2
    net.layers = [nn.Linear(2, 2).requires_grad_(False)]  # a frozen teacher, on purpose
    assert len(list(net.parameters())) == 2


def test_a_module_is_put_at_a_path():
    net = nn.Sequential(nn.Sequential(nn.Linear(2, 2), nn.ReLU()))
    net.set_submodule("0.1", nn.Tanh(), strict=True)
    assert isinstance(net[0][1], nn.Tanh)
    with pytest.raises(AttributeError, match="has no module '7'"):
        net.set_submodule("0.7", nn.Tanh(), strict=True)
    with pytest.raises(AttributeError, match="no module 'weight'"):
        net.set_submodule("0.0.weight", nn.Tanh())
    with pytest.raises(TypeError, match="must be a Module"):
        net.set_submodule("0.1", np.tanh)


def test_a_module_changes_its_type_under_pytorchs_names():
    layer = nn.Linear(2, 1)
    assert layer.half().weight.dtype == np.float16
    assert layer.type(np.float64).weight.dtype == np.float64
    assert layer.cpu() is layer
    with pytest.raises(ValueError, match="no other device than the CPU"):
        layer.cuda()


class HalfTensor:
    """What PyTorch's bfloat16 tensors do: NumPy gets them after `float()` only."""

    dtype = "torch.bfloat16"

    def __init__(self, array):
        self.array = array

    def detach(self):
        return self

    cpu = detach

    def float(self):
        return self.array.astype(np.float32)

    def __array__(self, dtype=None, copy=None):
        raise TypeError("Got unsupported ScalarType BFloat16")


def test_bfloat16_tensors_of_pytorch_are_loaded():
    layer = nn.Linear(2, 1)
    layer.load_state_dict({"weight": HalfTensor(np.ones((1, 2))), "bias": np.zeros(1)})
    assert layer.weight.data.tolist() == [[1, 1]]


def test_a_place_for_a_buffer_or_a_module_keeps_its_kind():
    net = nn.Sequential(nn.ReLU())
    net.register_buffer("mask", None)
    assert not net.state_dict()
    net.mask = np.ones(2)
    assert list(net.state_dict()) == ["mask"]
    with pytest.raises(TypeError, match="takes an array of numbers"):
        net.mask = "mask"
    net.add_module("head", None)
    with pytest.raises(TypeError, match="'head' is a module"):
        net.head = np.tanh
    loss = nn.CrossEntropyLoss()
    loss.weight = np.array([1.0, 3.0])
    assert list(loss.state_dict()) == ["weight"]


@pytest.mark.parametrize("wrong", ["False", 0, None])
def test_methods_take_true_and_false_only(wrong):
    layer = nn.Linear(2, 1)
    optimizer = nn.optim.SGD(layer.parameters(), lr=0.1)
    for call in (
        lambda: layer.requires_grad_(wrong),
        lambda: layer.zero_grad(wrong),
        lambda: optimizer.zero_grad(wrong),
        lambda: layer.register_buffer("x", np.ones(1), wrong),
        lambda: nn.Parameter([1.0], wrong),
        lambda: layer.load_state_dict(layer.state_dict(), wrong),
    ):
        with pytest.raises(TypeError, match="must be True or False"):
            call()


def test_pytorchs_private_dicts_are_live_views():
    norm = nn.BatchNorm1d(2)
    norm.register_parameter("extra", None)
    assert list(norm._parameters) == ["weight", "bias", "extra"]
    assert norm._parameters["extra"] is None
    assert norm._parameters["weight"] is norm.weight
    assert norm._buffers["running_mean"] is norm.running_mean
    net = nn.Sequential(nn.Linear(2, 2), nn.ReLU())
    for name, child in net._modules.items():
        if isinstance(child, nn.ReLU):
            net._modules[name] = nn.Tanh()
    assert isinstance(net[1], nn.Tanh)
    del net[0]._parameters["bias"]
    assert not hasattr(net[0], "bias")
    with pytest.raises(KeyError):
        norm._parameters["running_mean"]
    norm._buffers["mask"] = np.ones(2)
    assert "mask" in norm.state_dict()
    for view, text in ((net._modules, "must be a Module"), (norm._parameters, "nn.Parameter")):
        with pytest.raises(TypeError, match=text):
            view["other"] = 3


def test_a_weight_is_replaced_by_a_computed_one_as_weight_drop_does():
    class WeightDrop(nn.Module):
        def __init__(self, module, name):
            super().__init__()
            self.module, self.name = module, name
            w = getattr(module, name)
            del module._parameters[name]
            module.register_parameter(name + "_raw", nn.Parameter(w.data))

        def forward(self, *args):
            raw = getattr(self.module, self.name + "_raw")
            setattr(self.module, self.name, nn.functional.dropout(raw, 0.5, training=self.training))
            return self.module(*args)

    net = WeightDrop(nn.Linear(3, 2), "weight")
    assert keys(net) == ["module.bias", "module.weight_raw"]
    np.sum(net(np.ones((1, 3), np.float32))).backward()
    assert net.module.weight_raw.grad is not None


def test_to_takes_devices_and_types():
    assert Block().to("cpu", np.float64).scale.dtype == np.float64
    assert Block().to(device="cpu", dtype=np.float64, non_blocking=True).mean.dtype == np.float64
    assert Block().to(device="cpu").scale.dtype == np.float32
    with pytest.raises(ValueError, match="no other device"):
        Block().to("cuda:0", np.float64)


def test_keep_vars_gives_the_parameters_themselves():
    block = Block()
    state = block.state_dict(keep_vars=True)
    assert state["scale"] is block.scale
    assert state["mean"] is block.mean


def test_train_and_eval_reach_children_by_their_own_method():
    class Frozen(nn.Module):
        def __init__(self):
            self.norm = nn.BatchNorm1d(2)

        def train(self, mode=True):
            super().train(mode)
            self.norm.eval()
            return self

    net = nn.Sequential(Frozen()).train()
    assert net[0].training
    assert not net[0].norm.training


def test_overridden_state_dict_methods_of_submodules_are_called():
    class Versioned(nn.Module):
        def __init__(self):
            super().__init__()
            self.weight = nn.Parameter(np.zeros(1))

        def _save_to_state_dict(self, destination, prefix, keep_vars):
            super()._save_to_state_dict(destination, prefix, keep_vars)
            destination[prefix + "old"] = destination.pop(prefix + "weight")

        def _load_from_state_dict(self, state_dict, prefix, *args):
            state_dict[prefix + "weight"] = state_dict.pop(prefix + "old")
            super()._load_from_state_dict(state_dict, prefix, *args)

    class Marked(nn.Linear):
        def state_dict(self, *args, **kwargs):
            state = super().state_dict(*args, **kwargs)
            state[kwargs.get("prefix", "") + "mark"] = 1
            return state

    net = nn.Sequential(Versioned())
    assert keys(net) == ["0.old"]
    assert net.load_state_dict({"0.old": np.ones(1)}) == ([], [])
    assert net[0].weight.data == 1
    assert keys(nn.Sequential(Marked(1, 1))) == ["0.weight", "0.bias", "0.mark"]
