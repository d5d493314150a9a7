"""Functions: ops that are written out in others, put in the place of their calls."""

from __future__ import annotations

from nn.onnx.graph import Node


def inlined(
    nodes: list[Node], inputs: list[str], outputs: list[str], call: Node, prefix: str
) -> list[Node]:
    """The nodes of a function in place of its call: inputs and outputs are those of the call."""
    names = {"": ""}
    names.update((name, "") for name in inputs)
    names.update(zip(inputs, call.inputs, strict=False))
    results = [(a, b) for a, b in zip(outputs, call.outputs, strict=False) if b]
    names.update((own, given) for own, given in results if own not in inputs)
    for node in nodes:
        _rename(node, names, prefix)
        node.scope = call.scope + node.scope
    for own, given in results:
        if own in inputs:  # passed on as it is
            nodes.append(Node("Identity", [names[own]], [given], opset=13, scope=call.scope))
    return nodes


def _rename(node: Node, names: dict[str, str], prefix: str) -> None:
    def new(name: str) -> str:
        return names.setdefault(name, f"{prefix}/{name}")

    node.inputs = [new(name) for name in node.inputs]
    node.outputs = [new(name) for name in node.outputs]
    for graph in node.subgraphs():
        inner = dict(names)
        for t in [*graph.inputs, *graph.outputs]:
            t.name = inner.setdefault(t.name, f"{prefix}/{t.name}")
        graph.constants = {
            inner.setdefault(k, f"{prefix}/{k}"): x for k, x in graph.constants.items()
        }
        for inside in graph.nodes:
            _rename(inside, inner, prefix)
