"""What every row of the op table must do, generated from the table."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from autograd import KernelOp, SequenceOp, Value, grad, gradcheck, gradgradcheck
from autograd.dispatch import OPS
from autograd.engine import gradients
from autograd.op import ROWS
from autograd.symbol import Symbol

BUILT_IN = list(ROWS)


class Call:
    """One sample of a row, taken apart into array inputs and other arguments."""

    def __init__(self, row, sample, dtype=np.float64):
        self.row, (self.args, self.kwargs) = row, sample
        full = row.bound(self.args, dict(self.kwargs))
        self.sequence = isinstance(row, SequenceOp)
        inputs = full[0] if self.sequence else full[: row.arity]
        self.others = dict(zip(row.parameters[row.arity :], full[row.arity :], strict=True))
        self.inputs = [None if x is None else self.cast(np.asarray(x), dtype) for x in inputs]
        self.places = [  # of the inputs that get a gradient
            i
            for i, x in enumerate(self.inputs)
            if x is not None and x.dtype.kind == "f" and row.differentiates(i)
        ]

    @staticmethod
    def cast(x, dtype):
        return x.astype(dtype) if x.dtype.kind == "f" else x

    def on(self, inputs):
        """The op on these inputs."""
        if self.sequence:
            return self.row(list(inputs), **self.others)
        return self.row(*inputs, **self.others)

    def of(self, *chosen):
        """The op as a function of the inputs that get a gradient."""
        inputs = list(self.inputs)
        for i, x in zip(self.places, chosen, strict=True):
            inputs[i] = x
        return self.on(inputs)

    @property
    def chosen(self):
        return [self.inputs[i] for i in self.places]

    def pulled(self, leaves, function=None):
        """The gradients of a weighted sum of the outputs, with weights that are always the same."""
        ys = tracked((function or self.of)(*leaves))
        rng = np.random.default_rng(1)
        total = sum(np.sum(y * rng.normal(size=y.shape)) for y in ys)
        return grad(total, leaves, allow_unused=True)


def tracked(y):
    return [part for part in outputs(y) if isinstance(part, Value) and part.requires_grad]


def outputs(y):
    return list(y) if isinstance(y, (tuple, list)) else [y]


def samples(row, seed=0):
    return list(row.samples(np.random.default_rng(seed)))


def named(rows):
    return pytest.mark.parametrize("row", rows, ids=[row.name for row in rows])


def each(rows, dtype=np.float64):
    """Parametrise over rows; the test gets a call of every sample, and a failure says of which."""

    def decorate(test):
        @named(rows)
        def on_every_sample(row):
            for k, sample in enumerate(samples(row)):
                try:
                    test(Call(row, sample, dtype))
                except Exception as failure:
                    failure.add_note(f"in sample {k} of {row.name}")
                    raise

        return on_every_sample

    return decorate


ELEMENTWISE = [row for row in BUILT_IN if row.elementwise]
SEVERAL = [row for row in ELEMENTWISE if row.arity > 1]
KERNELS = [row for row in BUILT_IN if isinstance(row, KernelOp)]
CALLS = {row.call: row for row in BUILT_IN}
OF_NUMPY = [(function, CALLS[call]) for function, call in OPS.items() if call in CALLS]


@named(BUILT_IN)
def test_every_row_says_how_it_is_to_be_sampled(row):
    assert samples(row)


@each(BUILT_IN)
def test_gradients_are_those_of_finite_differences(call):
    assert gradcheck(call.of, *call.chosen)


@each(BUILT_IN)
def test_second_derivatives_are_those_of_finite_differences(call):
    assert gradgradcheck(call.of, *call.chosen)


@each([row for row in BUILT_IN if row.parts is not None])
def test_parts_of_an_input_that_is_read_twice_add_up(call):
    x = Value(call.chosen[0])

    def gradient(seeds, **how):
        total = 0.0
        for seed in seeds:
            rng = np.random.default_rng(seed)
            total = total + sum(np.sum(y * rng.normal(size=y.shape)) for y in tracked(call.of(x)))
        found = grad(total, x, **how)
        return found.data if how else found

    apart = gradient([1]) + gradient([2]) + gradient([3])
    np.testing.assert_allclose(gradient([1, 2, 3]), apart, rtol=1e-12)
    np.testing.assert_allclose(gradient([1, 2, 3], create_graph=True), apart, rtol=1e-12)


@each(BUILT_IN)
def test_values_are_those_of_the_plain_function(call):
    plain = call.row.forward(*([call.inputs] if call.sequence else call.inputs), **call.others)
    plain = plain[0] if isinstance(call.row, KernelOp) else plain
    ys = call.of(*map(Value, call.chosen))
    assert type(ys) is type(plain) or not isinstance(plain, (tuple, list))
    for y, p in zip(outputs(ys), outputs(plain), strict=True):
        np.testing.assert_array_equal(y.data, p)
        assert y.shape == np.shape(p)


@each(BUILT_IN, np.float32)
def test_float32_stays_float32_and_its_gradients_are_close(call):
    leaves = [Value(x) for x in call.chosen]
    for y in tracked(call.of(*leaves)):
        assert y.dtype == call.others.get("dtype", np.float32)
    rough = call.pulled(leaves)
    exact = call.pulled([Value(x.astype(np.float64)) for x in call.chosen])
    for x, g, e in zip(leaves, rough, exact, strict=True):
        if g is None:
            continue
        assert g.dtype == np.float32
        assert g.shape == x.shape
        np.testing.assert_allclose(g, e, rtol=1e-3, atol=1e-4 * max(1, np.abs(e).max(initial=0)))


@each(BUILT_IN)
def test_neither_inputs_nor_the_incoming_gradient_are_written_to(call):
    leaves = [Value(x) for x in call.chosen]
    arrays = [x for x in call.inputs if x is not None] + [v.data for v in leaves]
    for y in tracked(call.of(*leaves)):
        seed = np.random.default_rng(1).normal(size=y.shape)
        watched = [*arrays, y.data, seed]
        before = [a.tobytes() for a in watched]
        gradients([y], [seed], leaves)
        assert [a.tobytes() for a in watched] == before


@each(BUILT_IN)
def test_gradients_alias_nothing(call):
    leaves = [Value(x) for x in call.chosen]
    for y in tracked(call.of(*leaves)):
        seed = np.ones(y.shape)
        found = grad(y, leaves, seed, allow_unused=True)
        others = [seed, y.data, *(v.data for v in leaves), *call.chosen]
        for g in (g for g in found if g is not None):
            assert not any(np.shares_memory(g, a) for a in others)
            assert g.flags.writeable
            others.append(g)


LAYOUTS = {  # name -> (base of which the input is a view, the view)
    "transposed": (lambda x: x.T.copy(), lambda v: v.T),
    "strided": (lambda x: np.repeat(x, 2, axis=-1), lambda v: v[..., ::2]),
    "reversed": (lambda x: x[..., ::-1].copy(), lambda v: v[..., ::-1]),
}


@each(BUILT_IN)
def test_views_give_the_numbers_of_contiguous_inputs(call):
    expected = call.pulled([Value(x) for x in call.chosen])
    for layout, (base, view) in LAYOUTS.items():
        views = [view(Value(base(x))) if x.ndim else Value(x) for x in call.chosen]
        for g, e in zip(call.pulled(views), expected, strict=True):
            if e is not None:
                np.testing.assert_allclose(g, e, rtol=1e-12, atol=1e-13, err_msg=layout)


def read_only(x):
    y = x.copy()
    y.flags.writeable = False
    return y


ORIGINS = {
    "transposed": lambda x: x.T.copy().T,
    "reversed": lambda x: x[..., ::-1].copy()[..., ::-1] if x.ndim else x,
    "read_only": read_only,
    "big_endian": lambda x: x.astype(x.dtype.newbyteorder(">")),
}


@each(BUILT_IN)
def test_constants_of_any_layout_and_byte_order_give_the_same_numbers(call):
    expected = call.pulled([Value(x) for x in call.chosen])
    for origin, (n, i) in product(ORIGINS, enumerate(call.places)):
        inputs = [None if x is None else ORIGINS[origin](x) for x in call.inputs]

        def alone(x, i=i, inputs=inputs):  # one input tracked, the others constants
            return call.on([*inputs[:i], x, *inputs[i + 1 :]])

        leaf = Value(inputs[i])
        assert leaf.dtype.isnative
        if not tracked(alone(leaf)):
            continue
        (g,) = call.pulled([leaf], alone)
        if expected[n] is not None:
            assert g.dtype == np.float64, origin
            assert g.dtype.isnative, origin
            np.testing.assert_allclose(g, expected[n], rtol=1e-12, atol=1e-13, err_msg=origin)


SHAPES = {
    "column_row": [(3, 1), (4,), (3, 4)],
    "scalar_left": [(), (2, 3), (3,)],
    "scalar_right": [(2, 3), (), ()],
    "ranks": [(2, 1, 3), (2, 1), (1,)],
}


@pytest.mark.parametrize("shapes", SHAPES.values(), ids=SHAPES)
@named(SEVERAL)
def test_broadcast_inputs_get_gradients_of_their_own_shape(row, shapes, rng):
    args = [draw(rng, shape) for draw, shape in zip(row.domain, shapes, strict=False)]
    call = Call(row, (args, {}))
    assert gradcheck(call.of, *call.chosen)
    assert gradgradcheck(call.of, *call.chosen)


@named(ELEMENTWISE)
def test_a_number_gives_a_value_of_no_axes(row, rng):
    call = Call(row, ([draw(rng, ()) for draw in row.domain], {}))
    leaves = [Value(x) for x in call.chosen]
    y = call.of(*leaves)
    assert type(y.data) is np.ndarray
    assert y.shape == ()
    for g in call.pulled(leaves):
        assert g is None or (type(g) is np.ndarray and g.shape == ())


@named(ELEMENTWISE)
def test_nothing_in_nothing_out(row, rng):
    call = Call(row, ([draw(rng, (0, 3)) for draw in row.domain], {}))
    leaves = [Value(x) for x in call.chosen]
    assert call.of(*leaves).shape == (0, 3)
    for g in call.pulled(leaves):
        assert g is None or g.shape == (0, 3)


@named(ELEMENTWISE)
def test_python_numbers_do_not_widen_float32(row, rng):
    call = Call(row, ([draw(rng, (3,)) for draw in row.domain], {}), np.float32)
    for n, i in enumerate(call.places):
        inputs = [x if x.dtype == bool else float(x.flat[0]) for x in call.inputs]
        inputs[i] = Value(call.chosen[n])
        assert call.on(inputs).dtype == np.float32


@each(KERNELS)
def test_a_kernel_computes_what_its_reference_does(call):

    def reference(*chosen):
        inputs = list(call.inputs)
        for i, x in zip(call.places, chosen, strict=True):
            inputs[i] = x
        return call.row.reference(*inputs, **call.others)

    leaves = [Value(x) for x in call.chosen]
    for y, r in zip(outputs(call.of(*leaves)), outputs(reference(*leaves)), strict=True):
        np.testing.assert_allclose(y.data, r.data, rtol=1e-10, atol=1e-12)
    for g, r in zip(call.pulled(leaves), call.pulled(leaves, reference), strict=True):
        np.testing.assert_allclose(g, r, rtol=1e-9, atol=1e-12)


def made_by(y):
    """The op behind a result, also where the result is one of several."""
    y = outputs(y)[0]
    return y.inputs[0].op if y.op.name == "output" else y.op


@pytest.mark.parametrize(
    ("function", "row"), OF_NUMPY, ids=[f"{f.__name__}-{row.name}" for f, row in OF_NUMPY]
)
def test_numpys_own_function_records_the_op(function, row):
    for args, kwargs in samples(row):
        wrapped, named_ = list(args), dict(kwargs)
        if isinstance(row, SequenceOp):
            wrapped[0] = [Value(x) for x in args[0]]
        else:
            for i, x in enumerate(args[: row.arity]):
                if isinstance(x, np.ndarray):
                    wrapped[i] = Value(x)
            for p in row.parameters[: row.arity]:
                if isinstance(kwargs.get(p), np.ndarray):
                    named_[p] = Value(kwargs[p])
        y = function(*wrapped, **named_)
        assert made_by(y) is row
        for part, plain in zip(outputs(y), outputs(function(*args, **kwargs)), strict=True):
            np.testing.assert_allclose(part.data, plain, rtol=1e-13)


def balanced(tex):
    depth = 0
    for i, c in enumerate(tex):
        if i and tex[i - 1] == "\\":
            continue
        depth += (c == "{") - (c == "}")
        if depth < 0:
            return False
    return depth == 0


def symbols(call):
    names = call.row.parameters if not call.sequence else [f"x_{i}" for i in range(99)]
    return [None if x is None else Symbol(n, x) for n, x in zip(names, call.inputs, strict=False)]


def formulas(row):
    """The LaTeX of the op itself and of each of its derivatives, on the first sample."""
    call = Call(row, samples(row)[0])
    forward = [s.tex for s in outputs(call.on(symbols(call)))]
    return [*forward, *(row.formula(i) for i in range(len(call.inputs)))]


@named(BUILT_IN)
def test_formulas_are_balanced(row):
    for tex in formulas(row):
        assert tex
        assert balanced(tex), tex
        assert "\n" not in tex
        assert "autograd" not in tex


@named(BUILT_IN)
def test_formulas_convert_to_mathml(row):
    converter = pytest.importorskip("latex2mathml.converter")
    for tex in formulas(row):
        assert converter.convert(tex).startswith("<math")


@named(BUILT_IN)
def test_every_row_is_documented(row):
    assert row.call.__doc__
    assert row.call.__name__ == row.name
