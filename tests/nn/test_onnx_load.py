"""Loading ONNX files: names, modules, parameters, backbones, refusals."""

from __future__ import annotations

import copy
import os
import pickle

import numpy as np
import pytest

import autograd
import nn
from autograd import Value

onnx = pytest.importorskip("onnx", reason="nn.onnx reads files with the package onnx")

from onnx import TensorProto, helper, numpy_helper  # noqa: E402


def tensor(name, values, dtype=np.float32):
    return numpy_helper.from_array(np.asarray(values, dtype), name)


def info(name, shape, kind=TensorProto.FLOAT):
    return helper.make_tensor_value_info(name, kind, shape)


def model_of(nodes, inputs, outputs, initializers=(), opset=17, **more):
    graph = helper.make_graph(nodes, "g", inputs, outputs, list(initializers))
    opsets = [helper.make_opsetid("", opset), *more.pop("opsets", ())]
    return helper.make_model(graph, opset_imports=opsets, ir_version=9, **more)


@pytest.fixture
def saved(tmp_path):
    """Write a model to a file, and return its path."""

    def write(model, name="m.onnx"):
        path = tmp_path / name
        path.write_bytes(model.SerializeToString())
        return path

    return write


@pytest.fixture
def network(rng):
    """Two convolutions and a classifier, with the names that PyTorch gives them."""
    w1, w2 = rng.standard_normal((4, 3, 3, 3)), rng.standard_normal((5, 4, 3, 3))
    nodes = [
        helper.make_node(
            "Conv",
            ["image", "features.0.weight", "features.0.bias"],
            ["a"],
            "/features/features.0/Conv",
            pads=[1] * 4,
        ),
        helper.make_node("Relu", ["a"], ["b"], "/features/features.1/Relu"),
        helper.make_node(
            "Conv", ["b", "features.2.weight"], ["c"], "/features/features.2/Conv", strides=[2, 2]
        ),
        helper.make_node("GlobalAveragePool", ["c"], ["d"], "/pool/GlobalAveragePool"),
        helper.make_node("Flatten", ["d"], ["e"], "/Flatten"),
        helper.make_node(
            "Gemm", ["e", "head.weight", "head.bias"], ["scores"], "/head/Gemm", transB=1
        ),
    ]
    weights = [
        tensor("features.0.weight", w1),
        tensor("features.0.bias", rng.standard_normal(4)),
        tensor("features.2.weight", w2),
        tensor("head.weight", rng.standard_normal((2, 5))),
        tensor("head.bias", rng.standard_normal(2)),
    ]
    return model_of(nodes, [info("image", ["N", 3, 8, 8])], [info("scores", ["N", 2])], weights)


def test_parameters_have_the_paths_of_the_authors_modules(network, saved):
    model = nn.onnx.load(saved(network))
    assert list(model.state_dict()) == [
        "features.0.weight",
        "features.0.bias",
        "features.2.weight",
        "head.weight",
        "head.bias",
    ]


def test_a_module_of_the_author_can_be_called_by_itself(network, saved, rng):
    model = nn.onnx.load(saved(network))
    x = rng.standard_normal((2, 3, 8, 8)).astype(np.float32)
    y = model.head(np.reshape(model.pool(model.features(x)), (2, 5)))
    np.testing.assert_array_equal(y.data, model(x).data)


def test_inputs_are_given_by_place_or_by_name(network, saved, rng):
    model = nn.onnx.load(saved(network))
    x = rng.standard_normal((1, 3, 8, 8)).astype(np.float32)
    assert (model.inputs, model.outputs) == (("image",), ("scores",))
    np.testing.assert_array_equal(model(x).data, model(image=x).data)


@pytest.mark.parametrize(
    ("args", "named", "text"),
    [
        ((), {}, r"also needs image \(N, 3, 8, 8\) float32"),
        ((1, 2), {}, "has 1 inputs"),
        ((), {"x": 1}, "no input 'x'"),
    ],
)
def test_inputs_that_do_not_fit_are_refused(network, saved, args, named, text):
    with pytest.raises(TypeError, match=text):
        nn.onnx.load(saved(network))(*args, **named)


def test_gradients_reach_the_input_and_every_weight(network, saved, rng):
    model = nn.onnx.load(saved(network))
    x = Value(rng.standard_normal((2, 3, 8, 8)).astype(np.float32))
    np.sum(model(x) ** 2).backward()
    assert x.grad.any()
    assert all(p.grad.any() for p in model.parameters())


def test_gradcheck_in_double_precision(network, saved, rng):
    model = nn.onnx.load(saved(network), dtype=np.float64)
    assert autograd.gradcheck(model, rng.standard_normal((1, 3, 8, 8)))


def test_a_backbone_shares_its_weights(network, saved, rng):
    model = nn.onnx.load(saved(network))
    backbone = model.cut(at="/Flatten")
    x = rng.standard_normal((2, 3, 8, 8)).astype(np.float32)
    assert backbone(x).shape == (2, 5)
    assert backbone.features.get_parameter("0.weight") is model.features.get_parameter("0.weight")
    assert "head.weight" not in backbone.state_dict()


def test_a_cut_goes_by_tensor_node_or_module_and_may_be_several(network, saved, rng):
    model = nn.onnx.load(saved(network))
    x = rng.standard_normal((2, 3, 8, 8)).astype(np.float32)
    for at in ("c", "/features/features.2/Conv", "features"):
        np.testing.assert_array_equal(model.cut(at)(x).data, model.features(x).data)
    found = model.cut(["d", "scores"])(x)
    assert found["d"].shape == (2, 5, 1, 1)
    np.testing.assert_array_equal(found["scores"].data, model(x).data)


def test_a_cut_at_an_unknown_name_tells_close_ones(network, saved):
    with pytest.raises(KeyError, match="close to it are features"):
        nn.onnx.load(saved(network)).cut("featurs")


def test_a_loaded_model_can_be_copied_and_pickled(network, saved, rng):
    model = nn.onnx.load(saved(network))
    x = rng.standard_normal((1, 3, 8, 8)).astype(np.float32)
    y = model(x).data
    for twin in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        np.testing.assert_array_equal(twin(x).data, y)
        assert twin.head.weight is not model.head.weight
        twin.head.weight.data = twin.head.weight.data * 0
        assert (twin(x).data != y).any()
    np.testing.assert_array_equal(model(x).data, y)


def test_a_backbone_can_be_fine_tuned(network, saved, rng):
    backbone = nn.onnx.load(saved(network)).cut(at="/Flatten")
    model = nn.Sequential(backbone, nn.Linear(5, 3, rng=0))
    optimizer = nn.optim.Adam(model.parameters(), lr=1e-2)
    x, t = rng.standard_normal((12, 3, 8, 8)).astype(np.float32), np.arange(12) % 3
    losses = []
    for _ in range(30):
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(x), t)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < losses[0] / 2
    assert not autograd.lint(nn.functional.cross_entropy(model(x), t))


def test_answers_and_a_training_step_can_be_compiled(network, saved, rng):
    model = nn.onnx.load(saved(network))
    twin = copy.deepcopy(model)
    x, t = rng.standard_normal((4, 3, 8, 8)).astype(np.float32), np.arange(4) % 2

    def stepping(model):
        optimizer = nn.optim.SGD(model.parameters(), lr=0.1)

        def step(x, t):
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(x), t)
            loss.backward()
            optimizer.step()
            return loss

        return step

    with autograd.no_grad():
        answers = autograd.compile(model.forward)
        np.testing.assert_allclose(answers(x).data, model(x).data, rtol=1e-6)
    eager, compiled = stepping(model), autograd.compile(stepping(twin))
    for _ in range(3):
        np.testing.assert_allclose(compiled(x, t).item(), eager(x, t).item(), rtol=1e-5)


def test_readers_and_looks_work_on_it(network, saved, rng):
    model = nn.onnx.load(saved(network))
    x = rng.standard_normal((1, 3, 8, 8)).astype(np.float32)
    image = Value(x, name="image")
    assert "features" in str(autograd.explain(model(image)[0, 1], image))
    assert str(autograd.why(model(image)[0, 1], image))
    saliency = nn.look.saliency(model, x, np.array([1]))
    assert np.asarray(saliency).shape[-2:] == (8, 8)
    assert nn.look.grad_cam(model, x, model.features.get_submodule("2")).shape[-2:] == (8, 8)
    assert nn.look.feature_maps(model, x, "features.0").shape == (1, 4, 8, 8)


def test_a_drawing_folds_as_the_author_built_it(network, saved, rng):
    model = nn.onnx.load(saved(network))
    svg = autograd.draw(model(rng.standard_normal((1, 3, 8, 8)).astype(np.float32))).dot
    assert "features" in svg
    assert [type(m).__name__ for m in model.features.children()] == ["Conv", "Relu", "Conv"]


def test_a_branch_is_taken_by_what_is_given(saved, rng):
    then = helper.make_graph(
        [helper.make_node("Mul", ["x", "w"], ["t"])], "then", [], [info("t", [2])]
    )
    other = helper.make_graph([helper.make_node("Neg", ["x"], ["f"])], "else", [], [info("f", [2])])
    node = helper.make_node("If", ["c"], ["y"], then_branch=then, else_branch=other)
    path = saved(
        model_of(
            [node],
            [info("c", [], TensorProto.BOOL), info("x", [2])],
            [info("y", [2])],
            [tensor("w", [2.0, 3.0])],
        )
    )
    model = nn.onnx.load(path)
    x = Value(np.float32([1.0, 2.0]))
    model(np.array(True), x).backward(np.ones(2, np.float32))
    np.testing.assert_array_equal(x.grad, [2.0, 3.0])
    np.testing.assert_array_equal(model(np.array(False), x).data, [-1.0, -2.0])


def loop_without_end():
    body = helper.make_graph(
        [helper.make_node("Identity", ["go"], ["on"]), helper.make_node("Add", ["v", "v"], ["w"])],
        "body", [info("i", [], TensorProto.INT64), info("go", [], TensorProto.BOOL), info("v", [])],
        [info("on", [], TensorProto.BOOL), info("w", [])],
    )  # fmt: skip
    node = helper.make_node("Loop", ["", "c", "x"], ["y"], body=body)
    return model_of([node], [info("c", [], TensorProto.BOOL), info("x", [])], [info("y", [])])


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_a_loop_without_an_end_is_stopped(saved):
    with pytest.raises(ValueError, match="more than 100,000 steps"):
        nn.onnx.load(saved(loop_without_end()))(np.array(True), np.float32(0.0))


def test_what_is_missing_is_listed_before_anything_runs(saved):
    nodes = [
        helper.make_node("Relu", ["x"], ["a"]),
        helper.make_node("Frobnicate", ["a"], ["b"], domain="acme"),
        helper.make_node("Conv", ["b", "b"], ["y"], wobble=1),
    ]
    acme = [helper.make_opsetid("acme", 1)]
    path = saved(model_of(nodes, [info("x", [2])], [info("y", [2])], opsets=acme))
    with pytest.raises(nn.onnx.Unsupported, match="acme::Frobnicate, Conv, attribute wobble"):
        nn.onnx.load(path)


# Files that nobody vouches for


def test_a_truncated_file_is_refused(network, saved, tmp_path):
    whole = saved(network).read_bytes()
    cut = tmp_path / "cut.onnx"
    cut.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ValueError, match=r"damaged|no ONNX file"):
        nn.onnx.load(cut)


def test_text_is_refused(tmp_path):
    path = tmp_path / "readme.onnx"
    path.write_text("This is no model.")
    with pytest.raises(ValueError, match="no ONNX file"):
        nn.onnx.load(path)


def test_a_cycle_is_refused(saved):
    nodes = [
        helper.make_node("Add", ["x", "b"], ["a"], "first"),
        helper.make_node("Relu", ["a"], ["b"], "second"),
    ]
    with pytest.raises(ValueError, match="form a cycle, through Add 'first'"):
        nn.onnx.load(saved(model_of(nodes, [info("x", [2])], [info("b", [2])])))


def test_a_node_without_the_inputs_that_it_needs_is_refused(saved):
    node = helper.make_node("Conv", ["x"], ["y"], "c")
    with pytest.raises(ValueError, match="Conv 'c' has 1 of the 2 inputs that it needs"):
        nn.onnx.load(saved(model_of([node], [info("x", [2])], [info("y", [2])])))


def test_nodes_out_of_order_are_put_in_order(saved):
    nodes = [helper.make_node("Relu", ["a"], ["y"]), helper.make_node("Neg", ["x"], ["a"])]
    model = nn.onnx.load(saved(model_of(nodes, [info("x", [2])], [info("y", [2])])))
    np.testing.assert_array_equal(model(np.float32([-1, 1])), [1, 0])


def test_a_tensor_that_nobody_makes_is_refused(saved):
    node = helper.make_node("Relu", ["ghost"], ["y"])
    with pytest.raises(ValueError, match="reads 'ghost', which nobody makes"):
        nn.onnx.load(saved(model_of([node], [], [info("y", [2])])))


@pytest.mark.parametrize("dims", [[2**40], [2**31, 2**31, 2**31], [-3], [7]])
def test_a_weight_of_another_size_than_its_data_is_refused(saved, dims):
    weight = TensorProto(name="w", data_type=TensorProto.FLOAT, dims=dims, raw_data=b"\0" * 8)
    node = helper.make_node("Add", ["x", "w"], ["y"])
    with pytest.raises(ValueError, match="'w'"):
        nn.onnx.load(saved(model_of([node], [info("x", [2])], [info("y", [2])], [weight])))


@pytest.mark.parametrize("op", ["ConstantOfShape", "Expand", "Tile"])
def test_a_few_bytes_can_not_ask_for_all_the_memory(saved, op):
    shape = tensor("s", [2**20, 2**20], np.int64)
    inputs = ["s"] if op == "ConstantOfShape" else ["x", "s"]
    node = helper.make_node(op, inputs, ["y"])
    path = saved(model_of([node], [info("x", [1, 1])], [info("y", ["a", "b"])], [shape]))
    with pytest.raises(ValueError, match="elements, more than"):
        nn.onnx.load(path)(np.ones((1, 1), np.float32))


def outside(location, **more):
    weight = TensorProto(name="w", data_type=TensorProto.FLOAT, dims=[2])
    weight.data_location = TensorProto.EXTERNAL
    for key, value in {"location": location, **more}.items():
        weight.external_data.add(key=key, value=value)
    node = helper.make_node("Add", ["x", "w"], ["y"])
    return model_of([node], [info("x", [2])], [info("y", [2])], [weight])


def test_data_beside_the_file_are_read(saved, tmp_path):
    (tmp_path / "w.bin").write_bytes(np.float32([0, 5, 7]).tobytes())
    path = saved(outside("w.bin", offset="4", length="8"))
    np.testing.assert_array_equal(nn.onnx.load(path)(np.float32([0, 0])).data, [5, 7])


@pytest.mark.parametrize(
    "location", ["../secret.bin", "/etc/passwd", "a/../../secret.bin", "", "link.bin"]
)
def test_data_outside_of_the_folder_are_refused(saved, tmp_path, location):
    folder = tmp_path / "folder"
    folder.mkdir()
    (tmp_path / "secret.bin").write_bytes(b"12345678")
    os.symlink(tmp_path / "secret.bin", folder / "link.bin")
    with pytest.raises(ValueError, match="outside of the folder"):
        nn.onnx.load(saved(outside(location), "folder/m.onnx"))


def test_data_beyond_the_end_are_refused(saved, tmp_path):
    (tmp_path / "w.bin").write_bytes(b"1234")
    with pytest.raises(ValueError, match="lies beyond the 4 bytes"):
        nn.onnx.load(saved(outside("w.bin", offset="2", length="8")))


@pytest.mark.parametrize(
    "name", ["__class__", "forward", "_plan", "training", "a.__init__.b", "..", "/"]
)
def test_a_name_can_not_reach_into_the_module(saved, name):
    node = helper.make_node("Add", ["x", f"{name}.w"], ["y"], f"/{name}/{name}/Add")
    path = saved(
        model_of([node], [info("x", [2])], [info("y", [2])], [tensor(f"{name}.w", [1, 2])])
    )
    model = nn.onnx.load(path)
    assert type(model) is nn.onnx.OnnxModule
    np.testing.assert_array_equal(model(np.float32([1, 1])).data, [2, 3])


def test_a_function_that_calls_itself_is_refused(saved):
    f = helper.make_function(
        "own", "f", ["a"], ["b"], [helper.make_node("f", ["a"], ["b"], domain="own")],
        [helper.make_opsetid("", 17), helper.make_opsetid("own", 1)],
    )  # fmt: skip
    own = [helper.make_opsetid("own", 1)]
    node = helper.make_node("f", ["x"], ["y"], domain="own")
    path = saved(model_of([node], [info("x", [2])], [info("y", [2])], opsets=own, functions=[f]))
    with pytest.raises(ValueError, match="calls itself"):
        nn.onnx.load(path)


def test_a_function_of_the_file_is_read(saved):
    f = helper.make_function(
        "own", "twice", ["a"], ["b"], [helper.make_node("Add", ["a", "a"], ["b"])],
        [helper.make_opsetid("", 17)],
    )  # fmt: skip
    own = [helper.make_opsetid("own", 1)]
    nodes = [
        helper.make_node("twice", ["x"], ["t"], domain="own"),
        helper.make_node("twice", ["t"], ["y"], domain="own"),
    ]
    path = saved(model_of(nodes, [info("x", [2])], [info("y", [2])], opsets=own, functions=[f]))
    np.testing.assert_array_equal(nn.onnx.load(path)(np.float32([1, 2])), [4, 8])


def test_a_damaged_file_never_crashes_or_hangs(network, saved, tmp_path, rng):
    whole = bytearray(saved(network).read_bytes())
    path = tmp_path / "damaged.onnx"
    x = rng.standard_normal((1, 3, 8, 8)).astype(np.float32)
    outcomes = set()
    for _ in range(300):
        damaged = bytearray(whole)
        for _ in range(rng.integers(1, 4)):
            at = rng.integers(len(damaged) if rng.random() < 0.5 else 400)
            damaged[at] = rng.integers(256)
        if rng.random() < 0.2:
            del damaged[rng.integers(len(damaged)) :]
        path.write_bytes(damaged)
        try:
            with np.errstate(all="ignore"):
                nn.onnx.load(path)(x)
            outcomes.add("runs")
        except (ValueError, TypeError, KeyError, IndexError, NotImplementedError) as error:
            outcomes.add(type(error).__name__)
    assert {"runs", "ValueError"} <= outcomes
    assert sorted(p.name for p in tmp_path.iterdir()) == ["damaged.onnx", "m.onnx"]


# The commands


def test_the_command_ops_lists_what_a_file_needs(network, saved, capsys):
    from nn.cli import main

    assert main(["ops", str(saved(network))]) == 0
    shown = capsys.readouterr().out
    assert "input   image (N, 3, 8, 8) float32" in shown
    assert "2  Conv" in shown
    assert "Everything is supported." in shown


def test_the_command_ops_reports_what_is_missing(saved, capsys):
    from nn.cli import main

    acme = [helper.make_opsetid("acme", 1)]
    node = helper.make_node("Frobnicate", ["x"], ["y"], domain="acme")
    path = saved(model_of([node], [info("x", [2])], [info("y", [2])], opsets=acme))
    assert main(["ops", str(path)]) == 1
    assert "Not supported: acme::Frobnicate." in capsys.readouterr().out


def test_the_command_play_takes_a_file(network, saved, tmp_path, rng):
    from nn.cli import main

    np.save(tmp_path / "x.npy", rng.standard_normal((1, 3, 8, 8)).astype(np.float32))
    page = tmp_path / "page.html"
    given = f"image={tmp_path / 'x.npy'}"
    assert main(["play", str(saved(network)), "--input", given, "--out", str(page)]) == 0
    assert "features" in page.read_text()


def test_the_command_play_says_which_inputs_it_needs(network, saved, tmp_path, capsys):
    from nn.cli import main

    assert main(["play", str(saved(network)), "--out", str(tmp_path / "page.html")]) == 2
    assert "give --input NAME=ARRAY.npy for image (N, 3, 8, 8)" in capsys.readouterr().err
