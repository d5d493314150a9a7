"""Saving and loading: whole files or none, damaged ones refused."""

from __future__ import annotations

import json
import pickle

import numpy as np
import pytest

import autograd
import nn
from nn.files import safetensors as files


def test_a_module_comes_back(tmp_path):
    net, twin = (nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4)) for _ in range(2))
    net(np.ones((2, 3), np.float32))
    nn.save(net, tmp_path / "net.safetensors")
    assert twin.load_state_dict(nn.load(tmp_path / "net.safetensors")) == ([], [])
    for key, a in net.state_dict().items():
        b = twin.state_dict()[key]
        np.testing.assert_array_equal(a, b)
        assert a.dtype == b.dtype


def test_a_part_is_loaded_into_a_module_of_its_own(tmp_path):
    net = nn.Sequential({"encoder": nn.Linear(3, 4), "head": nn.Linear(4, 2)})
    nn.save(net, tmp_path / "net")
    encoder = nn.Linear(3, 4)
    assert encoder.load_state_dict(nn.load(tmp_path / "net", prefix="encoder.")) == ([], [])
    np.testing.assert_array_equal(encoder.weight.data, net[0].weight.data)
    with pytest.raises(ValueError, match=r"starts with 'decoder\.'; it has .*encoder\.bias"):
        nn.load(tmp_path / "net", prefix="decoder.")


def views():
    a = np.arange(24.0).reshape(2, 3, 4)
    return {
        "transposed": a.T,
        "stepped": a[:, ::2, ::-1],
        "broadcast": np.broadcast_to(np.arange(3), (4, 3)),
        "fortran": np.asfortranarray(a),
        "big endian": a.astype(">f4"),
        "number": np.array(5),
        "empty": np.zeros((0, 3)),
        "half": a.astype(np.float16),
        "bytes": np.frombuffer(b"abc", np.uint8)[::-1],
        "flags": a[..., 1] > 5,
    }


@pytest.mark.parametrize("name", views())
def test_arrays_of_any_layout_come_back(tmp_path, name):
    given = views()[name]
    nn.save({"x": given}, tmp_path / "a")
    found = nn.load(tmp_path / "a")["x"]
    np.testing.assert_array_equal(found, given)
    assert found.shape == given.shape
    assert found.dtype == given.dtype.newbyteorder("=")
    found[...] = 0  # it is ours


def test_nested_states_come_back_as_they_were(tmp_path):
    state = {
        "rng": np.random.default_rng(0).bit_generator.state,
        "state": {0: {"step": 3, "moment": np.ones((2, 2), np.float32)}, 1: {}},
        "groups": [{"lr": 0.1, "betas": (0.9, 0.999), "params": [0, 1], "name": None}],
        "best": float("inf"),
        "scalar": np.float32(1.5),
        "$odd": {"a/b": np.zeros(1), "a": {"b": np.ones(1)}},
        "value": nn.Parameter([2.0]),
    }
    nn.save(state, tmp_path / "a")
    found = nn.load(tmp_path / "a")
    assert found["rng"] == state["rng"]
    assert found["groups"] == state["groups"]
    assert found["best"] == np.inf
    assert type(found["scalar"]) is np.float32
    assert list(found["state"]) == [0, 1]
    np.testing.assert_array_equal(found["state"][0]["moment"], 1)
    assert (found["$odd"]["a/b"], found["$odd"]["a"]["b"]) == ([0], [1])
    np.testing.assert_array_equal(found["value"], [2])


@pytest.mark.parametrize(
    ("state", "text"),
    [
        ({"a": {"b": object()}}, "'a/b' is a object"),
        ({"a": np.array(["x"])}, "'a' holds <U1"),
        ({"a": np.zeros(2, complex)}, "'a' holds complex128"),
        ({"a": [1, {2}]}, "'a/1' is a set"),
        ({"a": np.zeros(2, np.longdouble)}, "safetensors does not support"),
    ],
)
def test_what_can_not_be_saved_is_refused_before_anything_is_written(tmp_path, state, text):
    nn.save({"old": np.ones(1)}, tmp_path / "a")
    with pytest.raises(TypeError, match=text):
        nn.save(state, tmp_path / "a")
    assert list(nn.load(tmp_path / "a")) == ["old"]
    assert [p.name for p in tmp_path.iterdir()] == ["a"]


def test_a_failed_write_leaves_the_old_file(tmp_path, monkeypatch):
    nn.save({"old": np.ones(1)}, tmp_path / "a")

    def full(number):
        raise OSError("disk full")

    monkeypatch.setattr(files.os, "fsync", full)
    with pytest.raises(OSError, match="disk full"):
        nn.save({"new": np.ones(1)}, tmp_path / "a")
    assert list(nn.load(tmp_path / "a")) == ["old"]
    assert len(list(tmp_path.iterdir())) == 1


def hostile():
    header = json.dumps({"x": {"dtype": "F32", "shape": [9], "data_offsets": [0, 36]}}).encode()
    deep = json.dumps({"__metadata__": {files.STATE: "[" * 100_000}}).encode()
    lost = json.dumps({"__metadata__": {files.STATE: '{"$array": "y"}'}}).encode()
    mark = json.dumps({"__metadata__": {files.STATE: '{"$call": "os.system"}'}}).encode()
    return {
        "empty": b"",
        "text": b"hello, this is no such file",
        "header longer than the file": (2**60).to_bytes(8, "little") + b"{}",
        "data missing": len(header).to_bytes(8, "little") + header,
        "too deep": len(deep).to_bytes(8, "little") + deep,
        "array missing": len(lost).to_bytes(8, "little") + lost,
        "unknown mark": len(mark).to_bytes(8, "little") + mark,
        "pickle": pickle.dumps({"x": 1}),
        "torch.save's zip": b"PK\x03\x04" + bytes(50),
    }


@pytest.mark.parametrize("name", hostile())
def test_damaged_and_hostile_files_are_refused(tmp_path, name):
    (tmp_path / "a").write_bytes(hostile()[name])
    with pytest.raises(ValueError, match=r"a can't be read") as error:
        nn.load(tmp_path / "a")
    assert ("pickle" in str(error.value)) == (name in ("pickle", "torch.save's zip"))


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9, 0.999])
def test_files_cut_off_are_refused(tmp_path, share):
    nn.save(nn.Linear(10, 10), tmp_path / "a")
    data = (tmp_path / "a").read_bytes()
    (tmp_path / "a").write_bytes(data[: int(share * len(data))])
    with pytest.raises(ValueError, match="can't be read"):
        nn.load(tmp_path / "a")


def test_bfloat16_becomes_float32(tmp_path):
    header = json.dumps({"x": {"dtype": "BF16", "shape": [2], "data_offsets": [0, 4]}}).encode()
    numbers = np.float32([1.5, -2]).view(np.uint32) >> 16
    data = len(header).to_bytes(8, "little") + header + numbers.astype("<u2").tobytes()
    (tmp_path / "a").write_bytes(data)
    np.testing.assert_array_equal(nn.load(tmp_path / "a")["x"], np.float32([1.5, -2]))


def test_a_home_is_expanded(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    nn.save({"x": np.ones(1)}, "~/a")
    assert list(nn.load("~/a")) == list(nn.load(tmp_path / "a")) == ["x"]
    nn.Checkpoint("~/run", model=nn.Linear(1, 1)).save(epoch=3)
    assert (tmp_path / "run").exists()
    assert nn.Checkpoint("~/run", model=nn.Linear(1, 1)).load() == {"epoch": 3}


def test_weights_are_saved_through_a_symbolic_link(tmp_path):
    nn.save({"x": np.zeros(2)}, tmp_path / "target")
    (tmp_path / "link").symlink_to(tmp_path / "target")
    nn.save({"x": np.ones(2)}, tmp_path / "link")
    assert (tmp_path / "link").is_symlink()
    assert nn.load(tmp_path / "target")["x"].tolist() == [1, 1]


@pytest.mark.parametrize(
    "state", [{"__metadata__": np.ones(1)}, {"__metadata__": np.ones(1), "step": 3}]
)
def test_the_one_name_that_safetensors_reserve_is_refused_before_writing(tmp_path, state):
    with pytest.raises(ValueError, match=r"'__metadata__'.*rename the key"):
        nn.save(state, tmp_path / "a")
    assert not list(tmp_path.iterdir())
    nn.save({"__metadata__": 3, "a": {"__metadata__": np.ones(1)}}, tmp_path / "a")
    assert nn.load(tmp_path / "a")["a"]["__metadata__"].tolist() == [1]


def test_a_masked_array_is_refused_not_unmasked(tmp_path):
    with pytest.raises(TypeError, match=r"'x' is a masked array.*filled"):
        nn.save({"x": np.ma.array([1.0, 2.0], mask=[0, 1])}, tmp_path / "a")


def test_files_of_numpy_and_keras_are_told_from_those_of_torch(tmp_path):
    np.savez(tmp_path / "a.npz", x=np.ones(1))
    np.save(tmp_path / "a.npy", np.ones(1))
    (tmp_path / "a.h5").write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(100))
    for name, cure in (("a.npz", "numpy.load"), ("a.npy", "numpy.load"), ("a.h5", "Keras")):
        with pytest.raises(ValueError, match=cure) as error:
            nn.load(tmp_path / name)
        assert "torch" not in str(error.value)


@pytest.mark.torch
def test_a_checkpoint_of_pytorch_computes_the_same_numbers(tmp_path):
    torch = pytest.importorskip("torch", reason="the comparison needs torch")
    from safetensors.torch import load_file, save_file

    def net(lib):
        return lib.Sequential(
            lib.Conv2d(2, 4, 3), lib.BatchNorm2d(4), lib.ReLU(), lib.Flatten(), lib.Linear(64, 3)
        )

    theirs, ours = net(torch.nn), net(nn)
    x = np.random.default_rng(0).normal(size=(5, 2, 6, 6)).astype(np.float32)
    theirs(torch.tensor(x))
    save_file(theirs.state_dict(), tmp_path / "theirs")
    assert ours.load_state_dict(nn.load(tmp_path / "theirs")) == ([], [])
    expected = theirs.eval()(torch.tensor(x)).detach().numpy()
    np.testing.assert_allclose(ours.eval()(x).data, expected, rtol=1e-5, atol=1e-6)
    nn.save(ours, tmp_path / "ours")
    theirs.load_state_dict(load_file(tmp_path / "ours"))
    torch.testing.assert_close(theirs(torch.tensor(x)).detach().numpy(), expected)
    assert isinstance(ours(x), autograd.Value)
