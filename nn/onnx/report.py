"""What a file needs, and what of that is missing."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from nn.onnx.graph import Graph

if TYPE_CHECKING:
    from nn.onnx.file import File


def missing(graph: Graph) -> list[str]:
    """What the table lacks for a graph, each once."""
    return list(dict.fromkeys(text for node in graph.walk() for text in node.missing()))


def described(file: File) -> tuple[str, list[str]]:
    """A file's inputs, outputs, weights and ops as text, and what it needs that is missing."""
    graph, lacking = file.graph, missing(file.graph)
    count = Counter(node.full_op for node in graph.walk())
    without = {text.partition(",")[0] for text in lacking}
    weights = [x for x in graph.constants.values() if x.dtype.kind == "f"]
    lines = [
        f"{file.path.name}: opset {file.opset}" + f", by {file.producer}" * bool(file.producer),
        *(f"  input   {t}" for t in graph.inputs),
        *(f"  output  {t}" for t in graph.outputs),
        f"  {sum(x.size for x in weights):,} numbers in {len(weights)} tensors",
        "",
        *(
            f"  {n:6,}  {op}" + "  - not supported" * (op in without)
            for op, n in sorted(count.items(), key=lambda pair: (-pair[1], pair[0]))
        ),
        "",
        f"Not supported: {'; '.join(lacking)}." if lacking else "Everything is supported.",
    ]
    return "\n".join(lines), lacking
