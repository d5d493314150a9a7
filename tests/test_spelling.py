"""PyTorch's names on Values: what is there, and what the error says where it is not."""

from __future__ import annotations

import pydoc

import numpy as np
import pytest

import autograd
from autograd import Value
from autograd.spelling import Instead, TorchSpelling

NAMES = [name for name, x in vars(TorchSpelling).items() if isinstance(x, Instead)]


@pytest.mark.parametrize("name", NAMES)
def test_pytorchs_names_are_not_there_and_the_error_says_what_to_write(name):
    v = Value([1.0])
    assert not hasattr(v, name)
    assert name not in dir(v)
    with pytest.raises(AttributeError, match=name) as error:
        getattr(v, name)
    assert getattr(Value, name).write in str(error.value)


def test_an_unknown_name_is_pythons_own_error_with_its_suggestion():
    with pytest.raises(AttributeError, match="'Value' object has no attribute 'reshap'"):
        Value([1.0]).reshap  # noqa: B018 - the access is the test


def test_help_lists_the_spellings():
    assert "here np.expand_dims(v, axis)" in pydoc.plain(pydoc.render_doc(Value))


def test_requires_grad_tracks_a_leaf_and_freezes_it():
    v = Value([1.0, 2.0], requires_grad=False)
    assert v.requires_grad_() is v
    assert v.requires_grad
    assert not v.requires_grad_(False).requires_grad
    with pytest.raises(TypeError, match="int64 data"):
        Value(np.array([1, 2])).requires_grad_()
    y = v.requires_grad_() * 2
    with pytest.raises(RuntimeError, match=r"multiply.*detach"):
        y.requires_grad_(False)
    assert y.requires_grad_() is y


@pytest.mark.parametrize(
    ("step", "want"),
    [
        (lambda v, x: v.__iadd__(x), [1.5, 6.0]),
        (lambda v, x: v.__isub__(x), [0.5, 2.0]),
        (lambda v, x: v.__imul__(x), [0.5, 8.0]),
        (lambda v, x: v.__itruediv__(x), [2.0, 2.0]),
    ],
)
def test_under_no_grad_a_tracked_leaf_is_written_to_as_pytorch_does(step, want):
    v = Value([1.0, 4.0])
    array, x = v.data, np.array([0.5, 2.0])
    with autograd.no_grad():
        assert step(v, x) is v
        assert step(Value([1.0, 4.0]), Value(x)).data.tolist() == want
    assert v.data is array
    assert array.tolist() == want
    assert v.requires_grad


def test_a_step_over_a_list_of_leaves_reaches_them():
    w, b = Value([1.0, 2.0]), Value(0.5)
    (w.sum() * b).backward()
    with autograd.no_grad():
        for p in (w, b):
            p -= 0.1 * p.grad
    np.testing.assert_allclose(w.data, [0.95, 1.95])
    np.testing.assert_allclose(b.data, 0.2)


def test_a_step_between_forward_and_backward_is_noticed():
    w, x = Value([1.0, 2.0]), Value([3.0, 4.0])
    y = (w * x).sum()
    with autograd.no_grad():
        w += 1.0
    with pytest.raises(RuntimeError, match="was written to"):
        y.backward()


def test_elsewhere_an_augmented_assignment_makes_a_new_value():
    v = first = Value([1.0])
    v += 1.0
    assert v is not first
    assert first.data.tolist() == [1.0]
    assert v.op is not None
    with autograd.no_grad():
        y = constant = Value([1.0]) * 2.0
        y += 1.0
    assert y is not constant
    assert constant.data.tolist() == [2.0]


def test_a_step_that_does_not_fit_changes_nothing():
    v = Value([1.0, 2.0])
    with autograd.no_grad(), pytest.raises(ValueError, match="broadcast"):
        v += np.ones((2, 2))
    assert v.data.tolist() == [1.0, 2.0]


def test_shapes_typed_as_in_pytorch_are_explained():
    v = Value(np.ones((2, 3, 4)))
    with pytest.raises(ValueError, match=r"swapaxes\(i, j\)"):
        v.transpose(0, 1)
    with pytest.raises(TypeError, match=r"nn\.functional\.flatten\(v, start_dim\)"):
        v.flatten(1)
    with pytest.raises(TypeError, match=r"nn\.functional\.flatten\(v, start_dim\)"):
        v.flatten(start_dim=1)
    assert v.flatten().shape == (24,)
