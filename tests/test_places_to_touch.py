"""How many files an addition touches: one of each kind is added to a copy of the tree."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import autograd

ROOT = Path(autograd.__file__).parents[1]

# kind -> file: what is added at its end; then a program that uses the addition as users would.
ACTIVATION = {
    "nn/functional/activation.py": '''

def squareplus(input: Tensor) -> Value:
    """(x + sqrt(x² + 4)) / 2."""
    return (input + np.sqrt(np.square(input) + 4)) / 2
''',
    "nn/functional/__init__.py": """
from nn.functional.activation import squareplus as squareplus
""",
    "nn/layers/activation.py": '''

class Squareplus(_Activation):
    """(x + sqrt(x² + 4)) / 2."""

    _function = staticmethod(functional.squareplus)
''',
    "nn/__init__.py": """
from nn.layers.activation import Squareplus as Squareplus
""",
}
LOSS = {
    "nn/functional/regression.py": '''

def log_cosh_loss(input: Tensor, target: Array, reduction: str = "mean") -> Value:
    """log cosh (input − target)."""
    return reduced(np.log(np.cosh(input - target)), reduction, "log_cosh_loss")
''',
    "nn/functional/__init__.py": """
from nn.functional.regression import log_cosh_loss as log_cosh_loss
""",
    "nn/losses/regression.py": '''

class LogCoshLoss(Loss):
    """log cosh (input − target); see `functional.log_cosh_loss`."""

    def forward(self, input: Any, target: Any) -> Value:
        return functional.log_cosh_loss(input, target, self.reduction)
''',
    "nn/__init__.py": """
from nn.losses.regression import LogCoshLoss as LogCoshLoss
""",
}
OPTIMIZER = {
    "nn/optim/signum.py": '''"""Signum."""

from nn.optim.optimizer import at_least_zero
from nn.optim.rules import UpdateRule
from nn.optim.stepwise import StepwiseOptimizer, settings


@UpdateRule
def signum(c, p, g, m):
    """Steps along the sign of a running mean."""
    lr, keep, rise, one, zero = c
    m *= keep
    m += rise * g
    p -= lr * ((m > zero) * one - (m < zero) * one)
    return p, m


class Signum(StepwiseOptimizer):
    """p ← p − lr · sign(m)."""

    @settings()
    def __init__(self, params, lr=1e-3, momentum=0.9): ...

    def check(self, group):
        at_least_zero(group, "lr", "momentum")

    def arrays(self, group):
        return {"m": 0.0}

    def rule(self, group, now):
        lr, keep = group["lr"], group["momentum"]
        return signum, (False, 0.0, lr, keep, 1 - keep, 1, 0)
''',
    "nn/optim/__init__.py": """
from nn.optim.signum import Signum as Signum
""",
}
READER = {
    "autograd/readers/census.py": '''"""census: how often each op occurs."""

from collections import Counter

from autograd.engine import topological


def census(value):
    """How often each op occurs in the graph behind a Value."""
    return Counter(v.op.name for v in topological([value])[0])
''',
    "autograd/__init__.py": """
_LATER["census"] = "autograd.readers.census"
""",
}
MODEL = {
    "nn/models/logistic.py": '''"""Logistic regression."""

from nn.layers.linear import Linear
from nn.module import Module


class Logistic(Module):
    """One linear map."""

    def __init__(self, features: int, classes: int) -> None:
        self.head = Linear(features, classes)

    def forward(self, x):
        return self.head(x)
''',
    "nn/models/__init__.py": """
from nn.models.logistic import Logistic as Logistic
""",
}


def renamed(file):
    """The source of one of the GRU's files, for a cell of another name."""
    text = (ROOT / "autograd/ops/recurrent" / file).read_text()
    return text.replace("GRU", "Twin").replace("gru", "twin")


CELL = {
    "autograd/ops/recurrent/kernel_twin.py": renamed("kernel_gru.py"),
    "autograd/ops/recurrent/twin.py": renamed("gru.py"),
    "nn/layers/recurrent.py": '''

from autograd.ops.recurrent.twin import twin


class Twin(_Recurrent):
    """Stacked layers of twin cells."""

    _gates = 3

    def forward(self, input: Any, hx: Any = None, lengths: Any = None) -> tuple[Any, Value]:
        return self._run(twin, input, (hx,), lengths)
''',
    "nn/__init__.py": """
from nn.layers.recurrent import Twin as Twin
""",
}
ONNX_OP = {
    "nn/onnx/ops/arithmetic.py": """

@reads("Thrice", domain="acme")
def _thrice(x: Any, *, plus: float = 0.0) -> Any:
    return 3 * x + plus
""",
}

KINDS = {
    "ONNX op": (
        ONNX_OP,
        1,
        "import nn.onnx.ops; from nn.onnx.graph import Node; "
        "node = Node('Thrice', ['x'], ['y'], {'plus': 1.0}, domain='acme', opset=1); "
        "assert node.run(np.ones(1)) == (4,) and not node.missing()",
    ),
    "activation": (
        ACTIVATION,
        4,
        "assert nn.Squareplus()(np.zeros(1)) == nn.functional.squareplus(np.zeros(1)) == 1",
    ),
    "loss": (LOSS, 4, "assert nn.LogCoshLoss()(autograd.Value([1.0]), np.ones(1)).item() == 0"),
    "optimizer": (
        OPTIMIZER,
        2,
        "p = nn.Parameter([1.0]); p.grad = np.ones(1, 'f4'); nn.optim.Signum([p], lr=0.5).step(); "
        "assert p.data == 0.5",
    ),
    "recurrent cell": (
        CELL,
        4,
        "twin, gru = nn.Twin(3, 4, rng=0), nn.GRU(3, 4, rng=0); x = np.ones((5, 2, 3), 'f4'); "
        "ys = [layer(x)[0] for layer in (twin, gru)]; [np.sum(y).backward() for y in ys]; "
        "assert np.array_equal(ys[0].data, ys[1].data); "
        "assert np.array_equal(twin.weight_hh_l0.grad, gru.weight_hh_l0.grad)",
    ),
    "reader": (
        READER,
        2,
        "x = autograd.Value(2.0); assert autograd.census(x * x + x) == {'multiply': 1, 'add': 1}; "
        "assert 'census' in dir(autograd)",
    ),
    "model": (MODEL, 2, "assert nn.models.Logistic(3, 2)(np.ones((4, 3), 'f4')).shape == (4, 2)"),
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_new_one_touches_few_files(kind, tmp_path):
    added, budget, use = KINDS[kind]
    for package in ("autograd", "nn"):
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / package, tmp_path / package, ignore=ignored)
    for file, text in added.items():
        with (tmp_path / file).open("a") as out:
            out.write(text)
    assert len(added) <= budget
    subprocess.run(
        [sys.executable, "-c", f"import numpy as np, autograd, nn; {use}"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        check=True,
    )
