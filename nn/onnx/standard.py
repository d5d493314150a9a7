"""Ops that the standard itself defines by others: run so where the table has no row."""

from __future__ import annotations

from typing import Any

import numpy as np

from nn.onnx.table import plain


def _schema(node: Any) -> Any:
    from nn.onnx.protos import package

    onnx = package()
    try:
        return onnx.defs.get_schema(node.op, node.opset, node.domain)
    except onnx.defs.SchemaError:
        return None


def defines(node: Any) -> bool:
    """Whether the standard writes the op of a node out in others."""
    schema = None if node.takes_graphs else _schema(node)
    return schema is not None and (schema.has_function or schema.has_context_dependent_function)


class WrittenOut:
    """Runs a node by the standard's definition, which may depend on the types of its inputs."""

    def __init__(self, node: Any) -> None:
        self.node = node
        self.bodies: dict[Any, Any] = {}

    def __call__(self, *inputs: Any) -> tuple[Any, ...]:
        kinds = tuple(None if x is None else np.dtype(x.dtype) for x in map(plain, inputs))
        if kinds not in self.bodies:
            self.bodies[kinds] = self._body(inputs)
        body = self.bodies[kinds]
        given = [*inputs, *(None for _ in body.inputs[len(inputs) :])]
        return tuple(body.run(given, {}))

    def _body(self, inputs: tuple[Any, ...]) -> Any:
        from nn.onnx.protos import Parser, domain_of, package

        onnx, node, schema = package(), self.node, _schema(self.node)
        given = {k: x for k, x in node.attributes.items() if not isinstance(x, np.ndarray)}
        call = onnx.helper.make_node(
            node.op, node.inputs, node.outputs, domain=node.domain, **given
        )
        if schema.has_context_dependent_function:
            types = [self._type(x).SerializeToString() for x in inputs]
            version = max(
                v for v in schema.context_dependent_function_opset_versions if v <= node.opset
            )
            text = schema.get_context_dependent_function_with_opset_version(
                version, call.SerializeToString(), types
            )
            proto = onnx.FunctionProto.FromString(text)
        else:
            proto = schema.function_body
        opsets = {domain_of(o.domain): o.version for o in proto.opset_import}
        opsets.setdefault("", onnx.defs.onnx_opset_version())
        parser = Parser(f"the standard's {node.full_op}", opsets)
        defaults = {
            name: onnx.helper.get_attribute_value(a.default_value)
            for name, a in schema.attributes.items()
            if a.default_value.type
        }
        texts = {k: v.decode() if isinstance(v, bytes) else v for k, v in defaults.items()}
        return parser.function(proto, texts | node.attributes)

    def _type(self, x: Any) -> Any:
        from nn.onnx.protos import package

        helper = package().helper
        if x is None:
            return package().TypeProto()
        a = np.asarray(plain(x))
        return helper.make_tensor_type_proto(helper.np_dtype_to_tensor_dtype(a.dtype), a.shape)
