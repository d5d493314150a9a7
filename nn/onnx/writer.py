"""Writer: recorded nodes become those of an ONNX file, each by the row of its op."""

from __future__ import annotations

import os
import warnings
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np

import nn.onnx.ops  # noqa: F401 - enters the rows of the table
from autograd.files import located
from autograd.kernel_op import KernelOp
from autograd.node import Array, Node, tick
from autograd.op import SELECT
from autograd.recording import enable_grad
from autograd.value import Value
from autograd.viz.trace import Trace
from nn.module import Module
from nn.onnx.protos import package
from nn.onnx.recordings import Axes, Recordings, Unwritable
from nn.onnx.table import WRITERS

OLDEST, NEWEST = 18, 23
MANY = 2**31 - 2**20
"""Bytes of the largest file that protobuf holds."""


class Recorded:
    """One node in all recordings.

    Attributes
    ----------
    op : name.
    nodes : one for each recording.
    inputs : for each input what it is in each recording.
    static : for each other argument its value in each recording.
    shape, dtype : of its output, in the first recording.
    """

    def __init__(self, nodes: Sequence[Node]) -> None:
        first = nodes[0]
        self.op, self.nodes = str(first.op.name), tuple(nodes)
        self.inputs = list(zip(*(v.inputs for v in nodes), strict=True))
        self.static = list(zip(*(v.static for v in nodes), strict=True))
        self.shape = np.shape(first._data) if type(first._data) is not tuple else ()
        self.dtype = first._data.dtype if type(first._data) is not tuple else None

    def __repr__(self) -> str:
        return f"{self.op} {self.shape}"

    def sizes(self, i: int | None = None) -> list[tuple[int, ...]]:
        """The shape of input i, or of the output: each size in each recording."""
        values = [v._data for v in self.nodes] if i is None else self.inputs[i]
        return list(zip(*(np.shape(_plain(x)) for x in values), strict=True))

    def ndim(self, i: int) -> int:
        """The number of axes of input i."""
        return np.ndim(_plain(self.inputs[i][0]))

    def same(self, i: int) -> Any:
        """Argument i, which must be the same in all recordings."""
        first, *others = self.static[i]
        if any(not _equal(first, other) for other in others):
            raise Unwritable(f"{self.op}: an argument depends on a free size: {self.static[i]}.")
        return first


def _plain(x: Any) -> Any:
    return x._data if isinstance(x, Node) else x


def _equal(a: Any, b: Any) -> bool:
    if isinstance(a, (tuple, list)) and isinstance(b, (tuple, list)):
        return len(a) == len(b) and all(_equal(x, y) for x, y in zip(a, b, strict=True))
    if isinstance(a, np.ndarray) or isinstance(b, np.ndarray):
        return np.array_equal(a, b)
    return bool(a == b) or repr(a) == repr(b)


class Writer:
    """Collects the nodes and constants of a file.

    Parameters
    ----------
    model : whose parameters have their paths as names.
    recordings : of it.
    opset : version of ONNX's ops.
    """

    def __init__(self, model: Module, recordings: Recordings, opset: int) -> None:
        self._onnx = package()
        self.recordings, self.opset = recordings, opset
        self.nodes: list[Any] = []
        self.constants: dict[str, Array] = {}
        self.names: dict[int, Any] = {}  # id of a node in the first recording -> its name or names
        self.dtypes: dict[str, Any] = {}
        self._pool: dict[Any, str] = {}
        self._taken: set[str] = set()
        self._scope, self._count = "", 0
        self._keep: list[Any] = []
        self._beside: dict[int, int] = {}  # id of a node in a recording -> that in the first one
        for name, leaves, arrays in zip(
            recordings.names, recordings.leaves, recordings.given, strict=True
        ):
            self._taken.add(name)
            self.dtypes[name] = arrays[0].dtype
            if isinstance(leaves[0], Node):
                self.names[id(leaves[0])] = name
                self._beside.update((id(leaf), id(leaves[0])) for leaf in leaves)
        self._weights = {id(p): path for path, p in model.named_parameters()}
        self._named_buffers = {path: np.asarray(b) for path, b in model.named_buffers()}
        self._buffers = {id(b): path for path, b in model.named_buffers()}
        self._sizes: dict[Any, str] = {}

    # What writers use

    def node(self, op: str, *inputs: str, count: int = 1, **attributes: Any) -> Any:
        """Add a node; its output's name, or a tuple of `count` names."""
        self._count += 1
        label = f"{self._scope}/{op}_{self._count}"
        outputs = [self._name(f"{op.lower()}_{self._count}") for _ in range(count)]
        given = list(inputs)
        while given and not given[-1]:
            given.pop()
        self.nodes.append(self._onnx.helper.make_node(op, given, outputs, label, **attributes))
        return outputs[0] if count == 1 else tuple(outputs)

    def constant(self, x: Any, dtype: Any = None, hint: str = "constant") -> str:
        """The name of an array that is the same for all sizes."""
        array = np.ascontiguousarray(x, dtype).reshape(np.shape(x))
        key = (array.dtype.str, array.shape, array.tobytes()) if array.size < 4096 else id(x)
        if key not in self._pool:
            self._keep.append(x)
            name = self._name(hint)
            self._pool[key] = name
            self.constants[name], self.dtypes[name] = array, array.dtype
        return self._pool[key]

    def integers(self, numbers: Any) -> str:
        """The name of a list of whole numbers."""
        return self.constant(np.atleast_1d(np.asarray(numbers, np.int64)))

    def cast(self, name: str, dtype: Any) -> str:
        """A tensor in another type."""
        known = self.dtypes.get(name)
        if known is not None and known == dtype:  # a dtype is equal to None, if it is float64
            return name
        code = self._onnx.helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
        found: str = self.node("Cast", name, to=code)
        self.dtypes[found] = np.dtype(dtype)
        return found

    def size(self, sizes: Sequence[int], what: str = "a size") -> str:
        """A whole number as a tensor of one: a constant, or made of the free sizes."""
        if len(set(sizes)) == 1:
            return self.integers(sizes[0])
        key = tuple(sizes)
        if key not in self._sizes:
            self._sizes[key] = self._of_free(key, what)
        return self._sizes[key]

    def _of_free(self, sizes: tuple[int, ...], what: str) -> str:
        """Σ k · free + constant, as the recordings tell."""
        free = self.recordings.free
        base, slopes = sizes[0], []
        for i, f in enumerate(free):
            step, change = f.sizes[i + 1] - f.sizes[0], sizes[i + 1] - base
            if change % step:
                raise Unwritable(f"{what} depends on {f.name} other than linearly: {sizes}.")
            slopes.append(change // step)
        rest = base - sum(k * f.sizes[0] for k, f in zip(slopes, free, strict=True))
        for r, size in enumerate(sizes):
            if size != rest + sum(k * f.sizes[r] for k, f in zip(slopes, free, strict=True)):
                raise Unwritable(f"{what} depends on the free sizes other than linearly: {sizes}.")
        total = ""
        for k, f in zip(slopes, free, strict=True):
            if not k:
                continue
            name, axis = f.places[0]
            part = self.node("Shape", name, start=axis, end=axis + 1)
            part = part if k == 1 else self.node("Mul", part, self.integers(k))
            total = self.node("Add", total, part) if total else part
        return total if not rest else str(self.node("Add", total, self.integers(rest)))

    def shape(self, sizes: Sequence[Sequence[int]]) -> str:
        """A shape as a tensor; each size in each recording is given."""
        if all(len(set(n)) == 1 for n in sizes):
            return self.integers([n[0] for n in sizes])
        return str(self.node("Concat", *[self.size(n) for n in sizes], axis=0))

    def reshape(self, x: str, sizes: Sequence[Sequence[int]]) -> str:
        """x in another shape; one size that is not constant needs no arithmetic."""
        open_ = [i for i, n in enumerate(sizes) if len(set(n)) > 1]
        if len(open_) == 1 and all(sizes[i][0] for i in range(len(sizes)) if i not in open_):
            found = [-1 if i in open_ else n[0] for i, n in enumerate(sizes)]
            return str(self.node("Reshape", x, self.integers(found)))
        return str(self.node("Reshape", x, self.shape(sizes), allowzero=1))

    def array(self, arrays: Sequence[Any], dtype: Any = None, what: str = "an array") -> str:
        """An array of the model's: a constant, an input, or one that the free sizes determine."""
        arrays = [np.asarray(_plain(a)) for a in arrays]
        first = arrays[0]
        for name, given in zip(self.recordings.names, self.recordings.given, strict=True):
            found = self._as_input(name, given, arrays)
            if found is not None:
                return self.cast(found, first.dtype if dtype is None else dtype)
        if all(_equal(first, a) for a in arrays[1:]):
            return self._fixed(first, dtype)
        wide = arrays[0].dtype if dtype is None else dtype
        if all(a.size and (a == a.flat[0]).all() and a.flat[0] == first.flat[0] for a in arrays):
            if first.dtype == bool:
                warnings.warn(
                    f"{what} of shape {first.shape} was {first.flat[0]} everywhere, and is written "
                    "so: if NumPy made it of an input, the file does not know.",
                    stacklevel=2,
                )
            fill = self.constant(first.flat[0], wide)
            sizes = list(zip(*(a.shape for a in arrays), strict=True))
            return str(self.node("Expand", fill, self.shape(sizes)))
        if all(a.ndim == 1 and np.array_equal(a, np.arange(a.size)) for a in arrays):
            return self.cast(self._range(arrays), wide)
        if all(a.ndim == 0 and a.dtype.kind in "iuf" for a in arrays):
            return self._number(arrays, wide)
        found = self._beginning(arrays)
        if found is not None:
            return found
        if first.ndim >= 2:
            sizes = list(zip(*(a.shape for a in arrays), strict=True))
            for upper, cut in ((0, np.tril), (1, np.triu)):
                if first.dtype == bool and all(
                    np.array_equal(a, cut(np.ones_like(a))) for a in arrays
                ):
                    ones = self.node("Expand", self.constant(True), self.shape(sizes))
                    return str(self.node("Trilu", ones, upper=upper))
        raise Unwritable(
            f"{what} of shape {first.shape} differs between recordings of other numbers and sizes, "
            "and is neither an input nor constant: NumPy made it of an input, unseen."
        )

    def _fixed(self, x: Array, dtype: Any) -> str:
        path = self._buffers.get(id(x))
        return self.constant(x, dtype, hint=path or "constant")

    def _range(self, arrays: Sequence[Array]) -> str:
        n = self.node("Squeeze", self.size([a.size for a in arrays]))
        zero, one = self.constant(np.int64(0)), self.constant(np.int64(1))
        name = str(self.node("Range", zero, n, one))
        self.dtypes[name] = np.dtype(np.int64)
        return name

    def _number(self, arrays: Sequence[Array], dtype: Any) -> str:
        """A number that a free size makes, or one divided by such a number."""
        numbers = [float(a) for a in arrays]
        turned = not all(n.is_integer() for n in numbers) and 0 not in numbers
        if turned:
            numbers = [1 / n if np.isclose(round(1 / n) * n, 1) else 0.5 for n in numbers]
        if not all(abs(n - round(n)) < 1e-6 for n in numbers):
            raise Unwritable(f"The number {arrays[0]} depends on a free size in an unknown way.")
        name = self.cast(self.node("Squeeze", self.size([round(n) for n in numbers])), dtype)
        name = str(self.node("Reciprocal", name)) if turned else name
        self.dtypes[name] = np.dtype(dtype)
        return name

    def _beginning(self, arrays: Sequence[Array]) -> str | None:
        """As many rows of a buffer as a free size says."""
        for path, buffer in self._named_buffers.items():
            rows = [
                next((n for n in (len(buffer), *a.shape) if a.size == buffer[:n].size), 0)
                for a in arrays
            ]
            if buffer.ndim < 2 or not all(rows):
                continue
            if all(
                np.array_equal(a.ravel(), buffer[:n].ravel())
                for a, n in zip(arrays, rows, strict=True)
            ):
                whole = self.constant(buffer, hint=path)
                ends = self.integers(0), self.size(rows), self.integers(0)
                found = self.reshape(
                    self.node("Slice", whole, *ends),
                    list(zip(*(a.shape for a in arrays), strict=True)),
                )
                self.dtypes[found] = buffer.dtype
                return found
        return None

    def _as_input(self, name: str, given: Sequence[Array], arrays: Sequence[Array]) -> str | None:
        """The input, reshaped or transposed, that an array is in all recordings."""
        if given[0].dtype.kind == "f" or not given[0].size:
            return None
        if all(np.array_equal(a, x) for a, x in zip(arrays, given, strict=True)):
            return name
        if all(np.array_equal(a, x.T) for a, x in zip(arrays, given, strict=True)):
            return str(self.node("Transpose", name))
        if all(
            a.size == x.size and np.array_equal(a.ravel(), x.ravel())
            for a, x in zip(arrays, given, strict=True)
        ):
            found = self.reshape(name, list(zip(*(a.shape for a in arrays), strict=True)))
            self.dtypes[found] = given[0].dtype
            return found
        return None

    # The walk

    def value(self, xs: Sequence[Any], like: Any = None) -> str:
        """The name of an input of a node: a result, a parameter, an array, or a number."""
        first = xs[0]
        if first is None:
            return ""
        if isinstance(first, Node):
            if id(first) in self.names or id(first) in self._weights:
                self._check_beside(xs)
            if id(first) in self.names:
                return str(self.names[id(first)])
            path = self._weights.get(id(first))
            if path is not None:
                name = self._name(path)
                self.constants[name], self.dtypes[name] = first._data, first._data.dtype
                self.names[id(first)] = name
                return name
        number = isinstance(_plain(first), (bool, int, float))
        return self.array(xs, like if number else None, "a constant")

    def _check_beside(self, xs: Sequence[Any]) -> None:
        """Refuse a node whose inputs are different ones in different recordings."""
        first = xs[0]
        if any(self._beside.get(id(x), id(x)) != id(first) for x in xs[1:]):
            raise Unwritable(
                "The model takes other ways for other numbers or sizes: its graph depends on its "
                "input."
            )

    def emit(self, traces: Sequence[Trace]) -> None:
        """Write the nodes behind the roots of the recordings."""
        for nodes in zip(*(trace.order for trace in traces), strict=True):
            self._beside.update((id(v), id(nodes[0])) for v in nodes)
            if id(nodes[0]) in self.names:
                continue
            if traces[0].calls.get(id(nodes[0])) is not None or not self._within:
                self._scope = _path(traces[0].calls.get(id(nodes[0])))
            v = Recorded(nodes)
            if nodes[0].op is SELECT:
                found = self.names[id(nodes[0].inputs[0])][nodes[0].static[0]]
            else:
                found = self._written(v)
            self.names[id(nodes[0])] = found
            if isinstance(found, str):
                self.dtypes[found] = v.dtype
            else:
                for name, y in zip(found, nodes[0]._data, strict=False):
                    self.dtypes[name] = y.dtype

    _within = False

    def _written(self, v: Recorded) -> Any:
        op: Any = v.nodes[0].op
        write = WRITERS.get(v.op)
        if write is not None:
            names = [self.value(xs, v.dtype) for xs in v.inputs]
            found = write(self, v, *names)
            if found is not NotImplemented:
                return found
        if isinstance(op, KernelOp):
            return self._reference(v)
        raise Unwritable(
            f"{v.op}: there is no ONNX op for it"
            + (f" with the arguments {tuple(s[0] for s in v.static)}" if v.static else "")
            + (f", in {self._scope.lstrip('/').replace('/', '.')}" if self._scope else "")
            + "."
        )

    def _reference(self, v: Recorded) -> Any:
        """A kernel as the ops that its reference is composed of."""
        roots, leaves = [], []
        for k, node in enumerate(v.nodes):
            tick()
            twins = [
                Value(x._data) if isinstance(x, Node) and x._data.dtype.kind == "f" else x
                for x in node.inputs
            ]
            with enable_grad():
                ys = node.op.reference(*twins, *node.static)
            roots.append(list(ys) if isinstance(ys, (tuple, list)) else [ys])
            leaves.append(twins)
            if not k:
                for twin, xs in zip(twins, v.inputs, strict=True):
                    if isinstance(twin, Node):
                        self.names[id(twin)] = self.value(xs)
        for twins in zip(*leaves, strict=True):
            self._beside.update((id(x), id(twins[0])) for x in twins if isinstance(x, Node))
        self._keep.append((roots, leaves))
        before, self._within = self._within, True
        self.emit([Trace([y for y in ys if isinstance(y, Node)]) for ys in roots])
        self._within = before
        names = tuple(self.value(ys) for ys in zip(*roots, strict=True))
        return names if len(names) > 1 else names[0]

    def _name(self, hint: str) -> str:
        name, k = hint, 1
        while name in self._taken:
            k += 1
            name = f"{hint}_{k}"
        self._taken.add(name)
        return name

    def model(self, title: str) -> Any:
        """The message of the whole file."""
        helper = self._onnx.helper
        recordings = self.recordings
        outputs = []
        for name, ys in recordings.outputs:
            own = self._name(name)
            self._scope = ""
            source = self.value(ys)
            self.nodes.append(helper.make_node("Identity", [source], [own], f"/{own}"))
            shapes = list(zip(*(np.shape(_plain(y)) for y in ys), strict=True))
            shape = [self._symbol(sizes) for sizes in shapes]
            dtype = np.asarray(_plain(ys[0])).dtype
            outputs.append(self._info(own, dtype, shape))
        inputs = []
        for name, arrays in zip(recordings.names, recordings.given, strict=True):
            sizes = list(arrays[0].shape)
            for f in recordings.free:
                for owner, axis in f.places:
                    if owner == name:
                        sizes[axis] = f.name
            inputs.append(self._info(name, arrays[0].dtype, sizes))
        nodes = _used(self.nodes, [o.name for o in outputs])
        read = {name for node in nodes for name in node.input}
        weights = [
            self._onnx.numpy_helper.from_array(np.ascontiguousarray(x).reshape(x.shape), name)
            for name, x in self.constants.items()
            if name in read
        ]
        if sum(x.nbytes for x in self.constants.values()) > MANY:
            raise Unwritable("The weights have more than 2 GB, which one ONNX file can't hold.")
        graph = helper.make_graph(nodes, title, inputs, outputs, weights)
        return helper.make_model(
            graph, opset_imports=[helper.make_opsetid("", self.opset)], ir_version=10,
            producer_name="glassgrad",
        )  # fmt: skip

    def _info(self, name: str, dtype: Any, shape: Any) -> Any:
        helper = self._onnx.helper
        return helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(dtype), shape)

    def _symbol(self, sizes: Sequence[int]) -> int | str | None:
        if len(set(sizes)) == 1:
            return sizes[0]
        return next((f.name for f in self.recordings.free if f.sizes == tuple(sizes)), None)


def _path(call: Any) -> str:
    """The modules that a node was recorded in, as PyTorch's exporter writes them."""
    chain = call.chain() if call is not None else []
    owners = [c.owner for c in chain]
    names = []
    for outer, inner in pairwise(owners):
        if isinstance(outer, Module):
            path = next((p for p, m in outer.named_modules() if m is inner), None)
            names += [path or type(inner).__name__]
    return "".join(f"/{part}" for name in names for part in name.split("."))


def _used(nodes: list[Any], outputs: list[str]) -> list[Any]:
    wanted, kept = set(outputs), []
    for node in reversed(nodes):
        if wanted & set(node.output):
            kept.append(node)
            wanted.update(node.input)
    return kept[::-1]


def written(
    model: Module, path: str | os.PathLike[str], inputs: Sequence[Any], axes: Axes, opset: int
) -> None:
    """Record a model, write its file, and have onnx check it."""
    onnx = package()
    if not isinstance(model, Module):
        raise TypeError(f"save: model must be a Module, not {type(model).__name__}.")
    if not inputs:
        raise TypeError("save: give the inputs that the model is called with.")
    if not OLDEST <= opset <= NEWEST:
        raise ValueError(f"save: opset must be {OLDEST} to {NEWEST}, got {opset}.")
    out = Writer(model, Recordings(model, inputs, axes), opset)
    out.emit(out.recordings.traces)
    message = out.model(type(model).__name__)
    onnx.checker.check_model(message, full_check=True)
    located(path).write_bytes(message.SerializeToString())
