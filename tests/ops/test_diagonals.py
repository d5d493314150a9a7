from __future__ import annotations

import numpy as np
import pytest

from autograd import Value, gradcheck


@pytest.mark.parametrize("k", [-2, -1, 0, 1, 5])
@pytest.mark.parametrize("shape", [(3,), (3, 3), (2, 4), (4, 2)])
@pytest.mark.parametrize("function", [np.diag, np.diagflat, np.tril, np.triu])
def test_diagonals_and_triangles_are_numpys(function, shape, k, rng):
    a = rng.normal(size=shape)
    np.testing.assert_array_equal(function(Value(a), k).data, function(a, k))
    assert gradcheck(lambda x: function(x, k), a)


def test_a_stack_of_matrices_has_diag_refused_with_the_fix():
    with pytest.raises(ValueError, match=r"diag: .*\(2, 2, 2\); use np.diagonal"):
        np.diag(Value(np.ones((2, 2, 2))))
