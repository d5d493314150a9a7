"""Protos: the messages of a file become nodes, graphs and arrays, or are refused."""

from __future__ import annotations

import heapq
import math
import warnings
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from autograd.node import Array
from nn.onnx.functions import inlined
from nn.onnx.graph import Graph, Node, Tensor
from nn.onnx.scopes import scope_of
from nn.onnx.table import MOST

FLOATS = ("float16", "bfloat16", "float32", "float64")
NAMES = 1000  # characters of a name in an error: more would hide it
MAY_LACK = {"DynamicQuantizeLSTM", "Loop", "OptionalGetElement", "Scan"}
"""Ops whose first inputs may be left out."""

DEEPEST, MANY = 32, 200_000  # calls of functions within functions, and in all


def package() -> Any:
    """The package `onnx`, with what to install where it is missing."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # protobuf's about its own classes
            import onnx
            import onnx.numpy_helper
    except ImportError as error:
        raise ImportError("nn.onnx needs the package onnx: pip install glassgrad[onnx]") from error
    return onnx


def domain_of(name: str) -> str:
    """A domain's name; ONNX's own is empty."""
    return "" if name == "ai.onnx" else name


class Parser:
    """Makes nodes, graphs and arrays of messages that nobody vouches for.

    Parameters
    ----------
    who : what errors call the source.
    opsets : domain -> version.
    functions : those that the file defines for itself.
    folder : where external data may be; None where there is none.
    dtype : the type in which floats are computed; None keeps the file's.
    """

    def __init__(
        self,
        who: str,
        opsets: dict[str, int],
        functions: Iterable[Any] = (),
        folder: Path | None = None,
        dtype: Any = None,
    ) -> None:
        self._onnx = package()
        self._who, self._opsets, self._folder, self._dtype = who, opsets, folder, dtype
        self._functions = {(domain_of(f.domain), f.name): f for f in functions}
        self._depth = self._calls = 0
        self._narrow = False  # whether there is a bfloat16 anywhere

    def graph(self, proto: Any) -> Graph:
        """The whole graph of a file."""
        graph = self._graph(proto, set())
        for node in graph.walk() if self._narrow else ():
            node.narrow = True
        return graph

    def function(self, proto: Any, attributes: dict[str, Any]) -> Graph:
        """The body of a function, with the attributes of its call."""
        nodes = self._nodes(proto.node, self._opsets, set(proto.input), attributes)
        graph = Graph(
            proto.name,
            [Tensor(n) for n in proto.input],
            [Tensor(n) for n in proto.output],
            {},
            nodes,
        )
        graph.nodes = self._ordered(graph, set(proto.input))
        return graph

    def _graph(self, proto: Any, around: set[str]) -> Graph:
        constants: dict[str, Array] = {}
        for tensor in proto.initializer:
            if tensor.name in constants:
                raise ValueError(f"{self._who}: two tensors are called {_short(tensor.name)!r}.")
            constants[tensor.name] = self.array(tensor)
        for sparse in proto.sparse_initializer:
            constants[sparse.values.name] = self._dense(sparse)
        inputs = [self._tensor(v) for v in proto.input if v.name not in constants]
        outputs = [self._tensor(v) for v in proto.output]
        known = around | constants.keys() | {t.name for t in inputs}
        graph = Graph(proto.name, inputs, outputs, constants)
        graph.nodes = self._nodes(proto.node, self._opsets, known, {})
        graph.nodes = self._ordered(graph, known)
        return graph

    def _nodes(
        self, protos: Iterable[Any], opsets: dict[str, int], around: set[str], given: dict[str, Any]
    ) -> list[Node]:
        """Nodes as they stand in the file; calls of the file's own functions are written out.

        Parameters
        ----------
        protos : the nodes.
        opsets : domain -> version, of the file or of a function.
        around : names that their subgraphs may read.
        given : attributes of the function that they are in.
        """
        protos = list(protos)
        found: list[Node] = []
        around = around | {name for p in protos for name in p.output}
        for p in protos:
            domain = domain_of(p.domain)
            attributes: dict[str, Any] = {}
            for a in p.attribute:
                if a.ref_attr_name:
                    if a.ref_attr_name in given:
                        attributes[a.name] = given[a.ref_attr_name]
                else:
                    attributes[a.name] = self._attribute(a, around)
            node = Node(
                p.op_type, list(p.input), list(p.output), attributes,
                domain=domain, name=p.name, opset=opsets.get(domain, 1), scope=scope_of(p),
            )  # fmt: skip
            row = node.row()
            if row is not None and node.op not in MAY_LACK:
                first = [*node.inputs, *[""] * row.least][: row.least]
                if not all(first):
                    raise ValueError(
                        f"{self._who}: {node!r} has {sum(map(bool, first))} of the {row.least} "
                        "inputs that it needs."
                    )
            found += self._written_out(node) if (domain, p.op_type) in self._functions else [node]
        return found

    def _written_out(self, node: Node) -> list[Node]:
        """The nodes of the file's own function that a node calls, under names of their own."""
        proto = self._functions[node.domain, node.op]
        self._calls += 1
        if self._depth >= DEEPEST or self._calls > MANY:
            raise ValueError(f"{self._who}: the function {node.full_op} calls itself.")
        self._depth += 1
        opsets = {domain_of(o.domain): o.version for o in proto.opset_import}
        given = {a.name: self._attribute(a, set()) for a in proto.attribute_proto}
        nodes = self._nodes(proto.node, opsets, set(proto.input), given | node.attributes)
        self._depth -= 1
        inputs, outputs = list(proto.input), list(proto.output)
        return inlined(nodes, inputs, outputs, node, f"{node.title}:{self._calls}")

    def _ordered(self, graph: Graph, known: set[str]) -> list[Node]:
        """The nodes, each after those that it reads; refuses cycles and names that nobody makes."""
        makers: dict[str, Node] = {}
        for node in graph.nodes:
            for name in node.outputs:
                if name and (name in makers or name in graph.constants):
                    raise ValueError(f"{self._who}: two tensors are called {_short(name)!r}.")
                makers[name] = node
        seen, ordered = set(known), True
        for node in graph.nodes:
            for name in node.needs() - known:
                if name not in makers:
                    raise ValueError(
                        f"{self._who}: {node!r} reads {_short(name)!r}, which nobody makes."
                    )
            ordered = ordered and not node.needs() - seen
            seen.update(node.outputs)
        for t in graph.outputs:
            if t.name not in seen:
                raise ValueError(f"{self._who}: nobody makes its output {_short(t.name)!r}.")
        return graph.nodes if ordered else self._sorted(graph.nodes, known)

    def _sorted(self, nodes: list[Node], known: set[str]) -> list[Node]:
        """The nodes of a file that does not keep the order that ONNX asks for."""
        makers = {name: i for i, node in enumerate(nodes) for name in node.outputs if name}
        before = [{makers[name] for name in node.needs() - known} for node in nodes]
        after: list[list[int]] = [[] for _ in nodes]
        for i, needs in enumerate(before):
            for j in needs:
                after[j].append(i)
        ready = [i for i, needs in enumerate(before) if not needs]
        order = []
        heapq.heapify(ready)
        while ready:
            i = heapq.heappop(ready)
            order.append(nodes[i])
            for j in after[i]:
                before[j].discard(i)
                if not before[j]:
                    heapq.heappush(ready, j)
        if len(order) < len(nodes):
            left = next(nodes[i] for i, needs in enumerate(before) if needs)
            raise ValueError(f"{self._who}: its nodes form a cycle, through {left!r}.")
        return order

    def _attribute(self, a: Any, around: set[str]) -> Any:
        kinds = self._onnx.AttributeProto
        if a.type == kinds.GRAPH:
            return self._graph(a.g, around)
        if a.type == kinds.TENSOR:
            return self.array(a.t)
        if a.type == kinds.FLOAT:
            return float(a.f)
        if a.type == kinds.INT:
            return self._type_code(a.i) if a.name in ("to", "dtype", "stash_type") else int(a.i)
        if a.type == kinds.STRING:
            return a.s.decode("utf-8", "replace")
        if a.type == kinds.FLOATS:
            return tuple(map(float, a.floats))
        if a.type == kinds.INTS:
            return tuple(map(int, a.ints))
        if a.type == kinds.STRINGS:
            return tuple(s.decode("utf-8", "replace") for s in a.strings)
        if a.type == kinds.SPARSE_TENSOR:
            return self._dense(a.sparse_tensor)
        if a.type == kinds.TENSORS:
            return tuple(map(self.array, a.tensors))
        return a.type  # of types and lists of graphs no reader makes anything

    def _type_code(self, code: int) -> int:
        """The code of a type, or of the one in which the file's floats are computed instead."""
        if self._name(code) in FLOATS and self._dtype is not None:
            return int(self._onnx.helper.np_dtype_to_tensor_dtype(self._dtype))
        return int(code)

    def _name(self, code: int) -> str:
        try:
            name = str(self._onnx.helper.tensor_dtype_to_np_dtype(code).name)
        except KeyError:
            return "undefined"
        self._narrow = self._narrow or (name == "bfloat16" and self._dtype is None)
        return name

    def _tensor(self, v: Any) -> Tensor:
        if not v.type.HasField("tensor_type"):
            return Tensor(v.name)
        kind = v.type.tensor_type
        code = self._type_code(kind.elem_type)
        named = self._name(code)
        dtype = None if named == "undefined" else self._onnx.helper.tensor_dtype_to_np_dtype(code)
        if not kind.HasField("shape"):
            return Tensor(v.name, dtype)
        dims = kind.shape.dim
        sizes = [d.dim_value if d.HasField("dim_value") else d.dim_param or None for d in dims]
        return Tensor(v.name, dtype, tuple(None if n == -1 else n for n in sizes))

    def array(self, proto: Any) -> Array:
        """The array of a tensor, its external data included; refused where sizes don't agree."""
        name, dims = _short(proto.name), list(proto.dims)
        if any(n < 0 for n in dims):
            raise ValueError(f"{self._who}: the tensor {name!r} has the shape {dims}.")
        if math.prod(dims) > MOST:
            raise ValueError(f"{self._who}: the tensor {name!r} of shape {dims} is too large.")
        if proto.data_location == self._onnx.TensorProto.EXTERNAL:
            outside = self._external(proto)
            proto = type(proto).FromString(proto.SerializeToString())
            proto.data_location = self._onnx.TensorProto.DEFAULT
            proto.raw_data = outside
            del proto.external_data[:]
        try:
            array = np.array(self._onnx.numpy_helper.to_array(proto))
        except Exception as error:  # whatever onnx makes of sizes and types that don't agree
            raise ValueError(f"{self._who}: the tensor {name!r} is damaged ({error}).") from error
        if array.shape != tuple(dims):
            raise ValueError(
                f"{self._who}: the tensor {name!r} is damaged: {array.shape}, not {dims}."
            )
        self._narrow = self._narrow or (array.dtype.name == "bfloat16" and self._dtype is None)
        if self._dtype is not None and array.dtype.name in FLOATS:
            array = array.astype(self._dtype)
        return array

    def _dense(self, sparse: Any) -> Array:
        dims = list(sparse.dims)
        if any(n < 0 for n in dims) or math.prod(dims) > MOST:
            raise ValueError(f"{self._who}: a sparse tensor of shape {dims} can't be.")
        values, places = self.array(sparse.values), self.array(sparse.indices)
        array = np.zeros(math.prod(dims), values.dtype)
        try:
            if places.ndim == 2:
                places = np.ravel_multi_index(tuple(places.T), dims)
            array[places] = values
        except (IndexError, ValueError) as error:
            raise ValueError(f"{self._who}: a sparse tensor is damaged ({error}).") from error
        return array.reshape(dims)

    def _external(self, proto: Any) -> bytes:
        """Bytes of a file beside this one; of no other."""
        given = {entry.key: entry.value for entry in proto.external_data}
        name, who = given.get("location", ""), f"the tensor {_short(proto.name)!r}"
        if self._folder is None:
            raise ValueError(f"{self._who}: {who} is in another file.")
        folder = self._folder.resolve()
        beside = (folder / name).resolve() if name and "\0" not in name else folder
        if Path(name).is_absolute() or not beside.is_relative_to(folder) or beside == folder:
            raise ValueError(
                f"{self._who}: {who} is to be read from {_short(name)!r}, outside of the folder "
                f"{folder}; that is refused."
            )
        try:
            offset, size = int(given.get("offset", 0)), beside.stat().st_size
            length = int(given.get("length", size - offset))
        except ValueError:
            raise ValueError(f"{self._who}: {who} has a damaged place in {name!r}.") from None
        except OSError as error:
            raise ValueError(f"{self._who}: {who} is in {name!r}, which can't be read.") from error
        if offset < 0 or length < 0 or offset + length > size or not beside.is_file():
            raise ValueError(f"{self._who}: {who} lies beyond the {size:,} bytes of {name!r}.")
        with beside.open("rb") as file:
            file.seek(offset)
            return file.read(length)


def _short(name: str) -> str:
    return name if len(name) <= NAMES else name[:NAMES] + "…"
