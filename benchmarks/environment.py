"""The environment that sides run in: without settings that would hold one of them back."""

from __future__ import annotations

import os
from collections.abc import Mapping

PREFIXES = (
    *("OPENBLAS", "MKL", "BLIS", "VECLIB", "NPY", "OMP", "GOMP", "KMP", "ONEDNN", "DNNL", "ATEN"),
    *("TORCH", "PYTORCH", "XLA", "JAX", "NUMBA", "GLASSGRAD", "MALLOC"),
)
NAMES = frozenset({"GLIBC_TUNABLES", "LD_PRELOAD", "PYTHONMALLOC", "PYTHONDEVMODE"})
KEPT = frozenset({"NUMBA_CACHE_DIR", "GLASSGRAD_PEERS", "JAX_PLATFORMS"})
"""Settings that say where something is, not how fast."""


def dropped(environment: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Variables that libraries read their settings from: threads, kernels, malloc, debugging."""
    return {
        name: value
        for name, value in sorted(environment.items())
        if name not in KEPT and (name in NAMES or name.partition("_")[0] in PREFIXES)
    }


def clean(environment: Mapping[str, str] = os.environ) -> dict[str, str]:
    """The environment of the sides."""
    out = dropped(environment)
    return {name: value for name, value in environment.items() if name not in out}
