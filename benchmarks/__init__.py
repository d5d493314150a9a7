"""Benchmarks: one file a subject, one harness that runs them side by side.

``python -m benchmarks [subject ...] [--quick] [--out DIR] [--compare OLD]``; ``--setup-peers DIR``
makes environments for the peers, and ``--help`` tells the rest.
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
    "optimizer",
    "training",
    "import_time",
    "cold_start",
    "memory",
)
