"""Benchmarks: one module per subject, and a harness that runs glassgrad and its peers in turn.

Run ``glassgrad bench [subject ...] [--quick] [--out DIR] [--compare OLD]``, or
``python -m benchmarks`` with the same arguments; ``--setup-peers DIR`` creates environments for the
peers, and ``--help`` describes all options. ``--publish`` keeps the run in ``benchmarks/results``,
one file a processor, and makes README's table from these files.
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
    "compile",
    "import_time",
    "cold_start",
    "memory",
)
