"""Random programs of NumPy functions, compiled with their gradients, equal eager calls."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import autograd
from autograd import Value
from autograd.ops import sigmoid, softmax

SHAPES = [(), (1,), (3,), (2, 3), (2, 1), (1, 3), (4, 2, 3), (0, 3), (2, 2)]
DTYPES = [np.float64, np.float32, np.int64, np.int32, np.bool_, np.float16, np.int16, np.uint8]


def integers(x):
    return x if x.dtype.kind in "iub" else np.where(x > 0, 1, -1)


UNARY = {
    "tanh": np.tanh,
    "exp": lambda x: np.exp(x * 0.5),
    "log": lambda x: np.log(np.abs(x) + 1.5),
    "sqrt": lambda x: np.sqrt(x * x + 1),
    "negative": lambda x: -(x * 1),
    "square": lambda x: x**2,
    "cube": lambda x: x**3,
    "sin": np.sin,
    "abs": np.abs,
    "relu": lambda x: np.maximum(x, 0),
    "sign": lambda x: np.sign(x * 1),
    "floor": lambda x: np.floor(x * 1.0),
    "sigmoid": lambda x: sigmoid(x * 1.0),
    "reciprocal": lambda x: 1.0 / (np.abs(x) + 1.0),
    "positive": lambda x: x > 0,
    "inverted": lambda x: ~(x > 0.25),
    "integers": integers,
    "halves": lambda x: integers(x) // 2,
    "rest": lambda x: integers(x) % 3,
    "remainder": lambda x: np.mod(x * 1.0, 0.7),
    "float32": lambda x: x.astype(np.float32),
    "float64": lambda x: x.astype(np.float64),
    "clip": lambda x: np.clip(x, -0.5, 0.75),
    "transposed": np.transpose,
    "flat": lambda x: np.reshape(x, -1),
    "column": lambda x: np.reshape(x, (-1, 1)),
    "reversed": lambda x: x[..., ::-1] if np.ndim(x) else x,
    "every other": lambda x: x[..., ::2] if np.ndim(x) else x,
    "last": lambda x: x[..., -1:] if np.ndim(x) else x,
    "new axis": lambda x: x[..., None],
    "twice": lambda x: np.broadcast_to(x, (2, *np.shape(x))),
    "sum": lambda x: np.sum(x),
    "sum of rows": lambda x: np.sum(x, axis=-1) if np.ndim(x) else x,
    "sum of columns": lambda x: np.sum(x, axis=0, keepdims=True) if np.ndim(x) else x,
    "mean": lambda x: np.mean(x * 1.0, axis=-1, keepdims=True) if np.ndim(x) and np.size(x) else x,
    "max": lambda x: np.max(x * 1.0, axis=0) if np.ndim(x) and np.shape(x)[0] else x,
    "min": lambda x: np.min(x * 1.0, axis=-1) if np.ndim(x) and np.shape(x)[-1] else x,
    "cumsum": lambda x: np.cumsum(x * 1.0, axis=-1) if np.ndim(x) else x,
    "sorted": lambda x: np.sort(x * 1.0, axis=-1) if np.ndim(x) else x,
    "largest": lambda x: np.argmax(x * 1.0, axis=-1) if np.ndim(x) and np.shape(x)[-1] else x,
    "softmax": lambda x: softmax(x * 1.0, axis=-1) if np.ndim(x) else x,
    "gram": lambda x: (x * 1.0) @ np.transpose(x * 1.0) if np.ndim(x) == 2 else x,
}
BINARY = {
    "add": lambda x, y: x + y,
    "subtract": lambda x, y: x * 1 - y,
    "multiply": lambda x, y: x * y,
    "divide": lambda x, y: x / (np.abs(y) + 2),
    "maximum": np.maximum,
    "minimum": np.minimum,
    "where": lambda x, y: np.where(x > y, x, y * 2),
    "mask": lambda x, y: np.where(x > 0.1, y, 0),
    "less": lambda x, y: x < y,
    "equal": lambda x, y: (x == y) | (x >= y),
    "hypot": lambda x, y: np.hypot(x * 1.0, y + 1.0),
    "power": lambda x, y: (np.abs(x) + 0.5) ** (y * 0.5),
    "arctan2": lambda x, y: np.arctan2(x * 1.0, y + 3.0),
    "logaddexp": lambda x, y: np.logaddexp(x * 1.0, y * 1.0),
}

names = st.sampled_from(sorted(UNARY)) | st.sampled_from(sorted(BINARY))
lines = st.lists(st.tuples(names, st.integers(0, 9), st.integers(0, 9)), min_size=1, max_size=8)
arguments = st.lists(
    st.tuples(st.sampled_from(SHAPES), st.sampled_from(DTYPES)), min_size=1, max_size=3
)


def run(program, *args):
    """The results of all lines; one whose shapes do not fit is left out."""
    known = list(args)
    for name, i, j in program:
        x, y = known[i % len(known)], known[j % len(known)]
        if name in BINARY and not fit(x, y):
            continue
        known.append(UNARY[name](x) if name in UNARY else BINARY[name](x, y))
    return known[len(args) :]


def fit(x, y):
    try:
        np.broadcast_shapes(np.shape(x), np.shape(y))
    except ValueError:
        return False
    return True


def made(specs, seed):
    rng = np.random.default_rng(seed)
    arrays = [np.round(rng.normal(size=shape), 1) * 2 for shape, _ in specs]
    return [np.asarray(x).astype(dtype) for x, (_, dtype) in zip(arrays, specs, strict=True)]


def bare(x):
    return x._data if isinstance(x, Value) else np.asarray(x)


def assert_same(found, expected, program, specs):
    coarse = "float32" in str(program) or any(dtype is np.float32 for _, dtype in specs)
    tolerance = 1e-4 if coarse else 1e-9
    if any(np.dtype(dtype).itemsize < 4 for _, dtype in specs):  # functions of them in float16
        tolerance = 3e-2
    assert len(found) == len(expected)
    for x, y in zip(found, expected, strict=True):
        x, y = bare(x), bare(y)
        assert (x.shape, x.dtype) == (y.shape, y.dtype)
        scale = np.max(np.abs(y), initial=1.0) if y.dtype.kind == "f" and y.size else 1.0
        np.testing.assert_allclose(x, y, rtol=tolerance, atol=tolerance * scale)


def loss_of(program):
    def loss(*args):
        total = 0.0
        for k, y in enumerate(run(program, *args)):
            if np.size(y):
                total = total + (k + 1) * np.sum(y * np.float64(0.5))
        return total

    return loss


many = settings(
    max_examples=200, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck)
)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@many
@given(lines, arguments, st.integers(0, 5))
def test_a_program_computes_the_same(program, specs, seed):
    step = autograd.compile(lambda *args: run(program, *args))
    for k in range(3):
        args = made(specs, seed + k)
        assert_same(step(*args), run(program, *args), program, specs)
    assert len(step.plans) == 1


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@many
@given(lines, arguments, st.integers(0, 5))
def test_a_program_has_the_same_gradients(program, specs, seed):
    places = tuple(i for i, (_, dtype) in enumerate(specs) if np.dtype(dtype).kind == "f")
    if not places:
        return
    f = autograd.value_and_grad(loss_of(program), argnums=places)
    try:
        f(*made(specs, seed))
    except (TypeError, ValueError):
        return  # nothing that is differentiable
    step = autograd.compile(f)
    for k in range(3):
        args = made(specs, seed + k)
        (y, grads), (value, expected) = step(*args), f(*args)
        assert_same([y, *grads], [value, *expected], program, specs)
