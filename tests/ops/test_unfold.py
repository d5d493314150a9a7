from __future__ import annotations

import numpy as np
import pytest

from autograd import Value, grad, gradcheck
from autograd.ops import unfold

sliding_window_view = np.lib.stride_tricks.sliding_window_view
WINDOWS = {
    "all axes": ((2, 3), None),
    "one axis": (2, 1),
    "axes in another order": ((2, 3), (1, 0)),
    "one axis twice": ((2, 2), (1, 1)),
    "lists": ([2, 2], [0, 1]),
    "longer than its steps": (4, -1),
}


@pytest.mark.parametrize(("window", "axis"), WINDOWS.values(), ids=WINDOWS)
def test_windows_are_numpys(window, axis, rng):
    a = rng.normal(size=(3, 5))
    want = sliding_window_view(a, window, axis)
    np.testing.assert_array_equal(unfold(Value(a), window, axis).data, want)
    np.testing.assert_array_equal(sliding_window_view(Value(a), window, axis).data, want)
    assert gradcheck(lambda x: unfold(x, window, axis), a)


def test_an_element_gets_the_gradient_of_every_window_that_it_is_in():
    x = Value(np.ones(5))
    np.testing.assert_array_equal(grad(np.sum(unfold(x, 3)), x), [1, 2, 3, 2, 1])


def test_windows_are_not_copied():
    x = Value(np.ones(1000))
    assert np.shares_memory(unfold(x, 500).data, x.data)


def test_a_window_that_is_too_large_is_an_error_with_the_shape():
    with pytest.raises(ValueError, match=r"unfold: window shape cannot be larger.*\(3,\)"):
        unfold(Value(np.ones(3)), 4)
