"""Benchmarks: one file a subject, one harness that runs them side by side.

``python -m benchmarks [subject ...] [--peers torch,micrograd] [--quick] [--out DIR]``
"""

SUBJECTS = (
    "op_chain",
    "scalar_graph",
    "elementwise",
    "matmul",
    "conv",
    "pooling",
    "recurrent",
    "norm_softmax_attention",
    "import_time",
)
