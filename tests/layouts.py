"""Arrays in every layout that memory may have, other lengths of axes, and poisoned memory.

What is left unwritten, or is written into a copy, is then NaN in the result.
"""

from __future__ import annotations

import itertools

import numpy as np

from autograd import Value, grad
from autograd.machine import workspace

POISON = {"f": np.nan, "i": -1, "u": 99, "b": True}
STRETCH = 9  # times: more elements than a vector holds
REFUSALS = (ValueError, TypeError, IndexError, ZeroDivisionError, OverflowError)


class Call:
    """A function and its inputs; subclasses say how it runs on other float inputs."""

    def __init__(self, inputs):
        self.inputs = inputs
        self.floats = [i for i, x in enumerate(inputs) if x is not None and x.dtype.kind == "f"]
        self.chosen = [np.array(inputs[i], order="C") for i in self.floats]

    def with_floats(self, chosen):
        """All inputs, with these in place of the float ones."""
        inputs = list(self.inputs)
        for i, x in zip(self.floats, chosen, strict=True):
            inputs[i] = x
        return inputs

    def on(self, chosen):
        """The outputs with these in place of the float inputs."""
        raise NotImplementedError

    def more_leaves(self):
        """What else to differentiate the latest outputs by."""
        return []

    def pulled(self, arrays, see=lambda v: v, through=lambda y: y, create_graph=False):
        """Outputs and gradients where the function sees leaves, and the loss outputs, in some way.

        The gradients are seen in the same way.
        """
        leaves = [Value(x) for x in arrays]
        ys = self.on([see(v) for v in leaves])
        outputs = [array(y) for y in ys]
        live = [y for y in ys if isinstance(y, Value) and y.requires_grad]
        if not live:
            return outputs
        rng = np.random.default_rng(1)
        total = sum(np.sum(through(y * rng.normal(size=y.shape))) for y in live)
        more = self.more_leaves()
        found = grad(total, leaves + more, allow_unused=True, create_graph=create_graph)
        found = [None if g is None else array(g) for g in found]
        seen = [None if g is None else see(g) for g in found[: len(leaves)]]
        return outputs + seen + found[len(leaves) :]


def array(y):
    """The numbers of a Value or an array."""
    return np.asarray(y.data if isinstance(y, Value) else y)


def resized(arrays):
    """The arrays as they are, then with axes of other lengths: many that the row refuses.

    All axes of one length together are cut to 0 or 1, or stretched, and each axis of each array
    alone is cut.
    """
    yield "as it is", arrays
    lengths = {(i, k): n for i, x in enumerate(arrays) for k, n in enumerate(np.shape(x))}
    alike = {tuple(p for p in lengths if lengths[p] == n) for n in lengths.values()}
    places = sorted(alike | {(p,) for p in lengths})
    for some, length in itertools.product(places, (0, 1, None)):
        if length is not None or len(some) > 1:
            name = "stretched" if length is None else f"cut to {length}"
            yield f"axes {some} {name}", changed(arrays, some, length)


def changed(arrays, places, length):
    """The arrays with axes of this length at the places; None stretches them."""
    rng = np.random.default_rng(2)
    arrays = list(arrays)
    for i, axis in places:
        x = arrays[i]
        if length is None:
            x = np.concatenate([x] * STRETCH, axis)
            x = x * rng.uniform(0.9, 1, x.shape) if x.dtype.kind == "f" else x  # no two alike
        elif x.shape[axis]:
            x = np.take(x, range(length), axis)
        arrays[i] = x
    return arrays


def permuted(x, k):
    """The same numbers, with the k-th order of axes in memory."""
    orders = list(itertools.permutations(range(x.ndim)))
    axes = orders[k % len(orders)]
    return np.transpose(np.array(np.transpose(x, axes), order="C"), np.argsort(axes))


def strided(x):
    """Every second element of each axis of a larger array of NaN."""
    room = np.full([2 * n + 1 for n in x.shape], np.nan, x.dtype)
    seen = room[(..., *(slice(1, None, 2) for _ in x.shape))]
    seen[...] = x
    return seen


def read_only(x):
    x = x.copy()
    x.flags.writeable = False
    return x


def unaligned(x):
    seen = np.zeros(x.nbytes + 1, np.uint8)[1:].view(x.dtype).reshape(x.shape)
    seen[...] = x
    return seen


CONSTANTS = {
    "strided": strided,
    "reversed": lambda x: np.flip(np.array(np.flip(x), order="C")),
    "read-only": read_only,
    "unaligned": unaligned,
    "byte-swapped": lambda x: x.astype(x.dtype.newbyteorder()),
}
LEAVES = {  # how a leaf is made of the numbers, and how the row sees them in it
    "strided": (
        lambda x: np.repeat(x, 2, -1) if x.ndim else x,
        lambda v: v[..., ::2] if v.ndim else v,
    ),
    "reversed": (np.flip, np.flip),
    "read-only": (lambda x: x[None], lambda v: np.broadcast_to(v, v.shape)[0]),
}
THROUGH = {  # the way on from the outputs: so the incoming gradient is laid out
    "reversed": np.flip,
    "transposed": np.transpose,
    "strided": lambda y: np.concatenate([y, y], -1)[..., y.shape[-1] :] if y.ndim else y,
}


class Poison:
    """While it is active `np.empty` and the buffers of kernels hold NaN, or no number at all."""

    def __init__(self, monkeypatch):
        self.patch = monkeypatch
        self.makers = {name: getattr(np, name) for name in ("empty", "empty_like")}

    def __enter__(self):
        for name, make in self.makers.items():
            self.patch.setattr(np, name, self.poisoned(make))
        for buffer in vars(workspace._buffers).values():
            buffer[...] = 0xFF

    def __exit__(self, *error):
        for name, make in self.makers.items():
            self.patch.setattr(np, name, make)

    @staticmethod
    def poisoned(make):
        def filled(*args, **kwargs):
            y = make(*args, **kwargs)
            if y.dtype.kind in POISON:
                y[...] = POISON[y.dtype.kind]
            return y

        return filled


def same(found, expected, layout):
    for a, b in zip(found, expected, strict=True):
        assert np.shape(a) == np.shape(b), layout
        if b is not None:
            np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-11, err_msg=layout)


def checked(call, poison):
    """Hold a call in all layouts to itself on contiguous arrays; whether the row takes it."""
    chosen = call.chosen
    try:
        outputs = [array(y) for y in call.on(chosen)]
    except REFUSALS:
        return False
    try:
        expected = call.pulled(chosen)  # an answer has a gradient
    except np.linalg.LinAlgError:  # but for some factorizations
        return False
    except ValueError as error:  # and what the engine refuses by name
        if "a vjp returned an array of shape" not in str(error):
            raise
        return False
    with poison:
        same(call.pulled(chosen), expected, "contiguous")
        same(call.pulled(chosen, create_graph=True), expected, "recorded, or by the reference")
        for name, lay in CONSTANTS.items():
            try:
                found = [array(y) for y in call.on([lay(x) for x in chosen])]
            except TypeError:
                assert name == "byte-swapped"
            else:
                same(found, outputs, f"{name} constants")
        for k in range(1, max((24 if x.ndim > 3 else 6 for x in chosen), default=0)):
            arrays = [np.transpose(permuted(x, k)) for x in chosen]
            same(call.pulled(arrays, np.transpose), expected, f"axes permuted, {k}")
        for name, (make, see) in LEAVES.items():
            same(call.pulled([make(x) for x in chosen], see), expected, f"{name} leaves")
        for name, through in THROUGH.items():
            same(call.pulled(chosen, through=through), expected, f"{name} gradients")
    return True
