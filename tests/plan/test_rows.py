"""Every row of the table, compiled with its gradients."""

import numpy as np
import pytest

import autograd
from autograd import Value
from autograd.op import ROWS
from autograd.plan.lowering import RefusalError

CASES = [
    pytest.param(row, k, id=f"{row.name}-{k}")
    for row in ROWS
    for k, _ in enumerate(row.samples(np.random.default_rng(3)))
]
MASKS = {("getitem", 4), ("getitem", 7), ("scatter", 3), ("index_update", 4)}
"""Samples whose result's shape depends on how many elements a mask selects."""


def is_float(x):
    return isinstance(x, np.ndarray) and x.dtype.kind == "f"


def differentiated(row, kwargs):
    def weighted(*args):
        y = row(*args, **kwargs)
        total = 0.0
        for part in y if isinstance(y, (tuple, list)) else (y,):
            if isinstance(part, Value) and part.dtype.kind == "f":
                weights = np.cos(np.arange(part.size, dtype=float)).reshape(part.shape)
                total = total + np.sum(part * weights)
        return total

    return weighted


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize(("row", "k"), CASES)
def test_a_row_gives_eagers_value_and_gradients(row, k):
    args, kwargs = list(row.samples(np.random.default_rng(3)))[k]
    places = [
        i
        for i, x in enumerate(args)
        if is_float(x) or (isinstance(x, (list, tuple)) and any(map(is_float, x)))
    ]
    f = autograd.value_and_grad(differentiated(row, kwargs), argnums=tuple(places))
    try:
        expected = f(*args)
    except TypeError:
        pytest.skip("no gradient is defined")
    step = autograd.compile(f)
    if (row.name, k) in MASKS:
        with pytest.raises(RefusalError, match="how many elements a mask selects"):
            step(*args)
        return
    step(*args)  # an eager call, which makes the plan
    assert flat(step(*args)) == pytest.approx(flat(expected), rel=1e-8, abs=1e-10, nan_ok=True)


def flat(x):
    if isinstance(x, (tuple, list)):
        return [number for part in x for number in flat(part)]
    if isinstance(x, dict):
        return [number for part in x.values() for number in flat(part)]
    return np.asarray(x, dtype=float).ravel().tolist()
