"""The arrows of the design: who may import whom, and what an import costs."""

from __future__ import annotations

import ast
import importlib
import inspect
import subprocess
import sys
from pathlib import Path

import pytest

import autograd
import nn

ROOT = Path(autograd.__file__).parents[1]
LAYERS = """
autograd.machine
autograd.kernels
autograd.flags autograd.tables
autograd.dispatch autograd.recording autograd.files
autograd.node autograd.symbol
autograd.tape autograd.parts
autograd.contribution autograd.stale autograd.spelling autograd.passes autograd.printable
autograd.engine
autograd.value
autograd.nested
autograd.results autograd.foreign autograd.signature
autograd.random autograd.calls autograd.written
autograd.op
autograd.sequence_op autograd.kernel_op autograd.checkpointing
autograd.ops.axes autograd.ops.samples
autograd.ops.elementwise
autograd.ops.arrays
autograd.ops.algebra
autograd.ops.conv autograd.ops.pooling autograd.ops.embeddings
autograd.ops.attention autograd.ops.normalization autograd.ops.losses autograd.ops.recurrent
autograd.ops.images
autograd.ops
autograd.derivatives
autograd.gradient_check
autograd.plan.terms autograd.plan.results autograd.plan.arguments autograd.plan.state
autograd.plan.lowering autograd.plan.schedule autograd.plan.files
autograd.plan.source autograd.plan.guards
autograd.plan.memory autograd.plan.numbers
autograd.plan.recording
autograd.plan.plan
autograd.plan
autograd.readers.source_lines
autograd.viz
autograd.readers.paths
autograd.readers.derivation
autograd.readers.explain autograd.readers.why
autograd.viz.player
autograd.viz.playground
autograd.readers.compare autograd.readers.detect_anomaly
autograd.readers.ladder autograd.readers.lint autograd.readers.profile
autograd.readers.check
autograd.readers
autograd
nn.name_clash nn.arguments
nn.parameter
nn.module
nn.functional
nn.init nn.utils.rnn
nn.layers
nn.losses nn.optim nn.metrics nn.data nn.files
nn.models nn.look nn.utils
nn.onnx
nn.train
nn.sklearn
nn
nn.commands
nn.cli
"""
"""Each line may import the lines above it and itself, but no other name of its own line."""
RANK = {name: rank for rank, line in enumerate(LAYERS.split("\n")) for name in line.split()}
FILES = sorted(p for package in ("autograd", "nn") for p in (ROOT / package).rglob("*.py"))
KERNELS = sorted(
    {*(ROOT / "autograd/machine").glob("*.py"), *(ROOT / "autograd").rglob("kernel_*.py")}
    - {ROOT / "autograd/kernel_op.py"}
)
KERNELS_MAY_IMPORT = {"numpy", "numba", "llvmlite"} | sys.stdlib_module_names


def module_of(path):
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def place(module):
    """The name in the list that a module belongs to: its longest prefix there."""
    while module not in RANK:
        module = module.rpartition(".")[0]
    return module


def imports(source, module):
    """Every module that the source imports, at any depth, importlib's by name included."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                up = module.split(".")[: -node.level]
                base = ".".join([*up, base]) if base else ".".join(up)
            for alias in node.names:
                whole = f"{base}.{alias.name}"
                is_module = (ROOT / whole.replace(".", "/")).with_suffix(".py").exists()
                found.add(whole if is_module or (ROOT / whole.replace(".", "/")).is_dir() else base)
        elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith("import_module"):
            found.update(a.value for a in node.args if isinstance(a, ast.Constant))
    return found


def ours(names):
    return {n for n in names if n.split(".")[0] in ("autograd", "nn")}


def reversed_arrows(source, module):
    """The imports of a module that point the wrong way."""
    here = place(module)
    return {
        name
        for name in ours(imports(source, module))
        if place(name) != here and RANK[place(name)] >= RANK[here]
    }


@pytest.mark.parametrize("path", FILES, ids=lambda p: module_of(p))
def test_imports_point_one_way(path):
    assert not reversed_arrows(path.read_text(), module_of(path))


@pytest.mark.parametrize("path", KERNELS, ids=module_of)
def test_a_kernel_imports_only_numpy_numba_the_machine_and_kernels_of_its_concept(path):
    module = module_of(path)
    folder = module.rpartition(".")[0]
    strangers = {
        name
        for name in imports(path.read_text(), module)
        if not name.startswith(("autograd.machine", f"{folder}.kernel_"))
    }
    assert {n.split(".")[0] for n in strangers} <= KERNELS_MAY_IMPORT


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("autograd.engine", "from autograd.value import Value"),
        ("autograd.engine", "from autograd import value"),
        ("autograd.value", "import autograd.op"),
        ("autograd.ops.arrays.reduce", "from autograd.derivatives import grad"),
        ("autograd.derivatives", "from autograd.gradient_check import gradcheck"),
        ("autograd.value", "import importlib\nimportlib.import_module('autograd.ops.conv.conv')"),
        ("autograd.viz.model", "def late():\n    from nn.module import Module"),
        ("autograd.viz.model", "from autograd.readers.lint.lint import lint"),
        ("autograd.machine.pool", "from autograd.ops.conv import kernel_conv"),
        ("autograd.ops.conv.conv", "from autograd.ops.recurrent.lstm import lstm"),
        ("autograd.ops.conv", "from autograd.ops.recurrent import lstm"),
        ("autograd.op", "import nn"),
        ("autograd.dispatch", "from .engine import Node"),
        ("nn.functional.linear", "from nn.layers.linear import Linear"),
        ("nn.module", "from nn.models.gpt import GPT"),
        ("nn.layers.container", "from nn.train import fit"),
        ("nn.optim.sgd", "from nn.data import DataLoader"),
    ],
)
def test_a_reversed_arrow_is_found(module, source):
    assert reversed_arrows(source, module)


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("nn.layers.conv", "from autograd import Value\nfrom nn.module import Module"),
        ("autograd.ops.conv.conv", "from autograd.ops.conv.kernel_conv import correlate"),
        ("autograd.ops.arrays.reduce", "from autograd.ops.samples import A"),
        ("autograd.viz.svg", "from autograd.viz.model import graph"),
        ("autograd", "from autograd.value import Value"),
    ],
)
def test_an_arrow_that_points_the_right_way_is_let_be(module, source):
    assert not reversed_arrows(source, module)


def door(module):
    """The names that a package exports: those that its `__init__` imports `as` themselves."""
    tree = ast.parse(Path(module.__file__).read_text())
    froms = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    names = {alias.name for node in froms for alias in node.names if alias.asname == alias.name}
    return names - {"__version__"}


DOORS = [autograd, nn, nn.functional]


@pytest.mark.parametrize("package", DOORS, ids=lambda package: package.__name__)
def test_what_a_package_exports_exists_is_documented_and_is_found_by_tab_completion(package):
    for name in door(package):
        assert not name.startswith("_")
        assert getattr(package, name).__doc__, name
        assert name in dir(package)


@pytest.mark.parametrize("package", DOORS, ids=lambda package: package.__name__)
def test_dir_shows_what_is_exported_and_submodules_only(package):
    shown = {name for name in dir(package) if not name.startswith("_")} - door(package)
    modules = [name for name in shown if inspect.ismodule(getattr(package, name))]
    assert sorted(shown) == sorted(modules)


def test_a_public_name_exists_once():
    first, *others = (door(package) for package in DOORS)
    seen = set(first)
    for names in others:
        assert not seen & names
        seen |= names


@pytest.mark.parametrize(
    ("module", "name", "cure"),
    [
        ("autograd", "softmax", "nn.functional.softmax"),
        ("autograd", "Tensor", "autograd.Value"),
        ("autograd", "numpy", "import numpy as np"),
        ("autograd", "elementwise_grad", "autograd.grad"),
        ("autograd", "default_rng", "np.random.default_rng"),
        ("nn", "LazyLinear", r"nn.Linear\(None, 10\)"),
        ("nn", "LazyConv2d", r"nn.Conv2d\(None"),
        ("nn", "rnn", "nn.utils.rnn"),
        ("nn", "clip_grad_norm_", "nn.utils.clip_grad_norm_"),
        ("nn.optim", "clip_grad_norm_", "nn.utils.clip_grad_norm_"),
        ("nn.models", "draw", "nn.models.sample"),
    ],
)
def test_a_name_that_is_elsewhere_says_where_however_it_is_asked_for(module, name, cure):
    with pytest.raises(AttributeError, match=cure):
        getattr(importlib.import_module(module), name)
    with pytest.raises(ImportError, match=cure):
        exec(f"from {module} import {name}")
    assert not hasattr(importlib.import_module(module), name)


def loaded_by(statement):
    """The modules in memory after a statement in a process of its own."""
    code = f"import sys; {statement}; print(*sys.modules)"
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
    )
    return {name.split(".")[0] for name in run.stdout.split()}


HEAVY = {"numba", "llvmlite", "graphviz", "graphviz_pure", "rich", "jinja2", "sklearn"}
HEAVY |= {"matplotlib", "latex2mathml", "scipy", "pytest", "IPython", "onnx"}


def test_importing_autograd_loads_neither_numba_nor_a_drawing_library():
    assert not loaded_by("import autograd") & (HEAVY | {"nn"})


def test_gradients_of_ordinary_ops_load_no_numba():
    work = "import autograd; v = autograd.Value(2.0); (v * v).tanh().backward()"
    assert not loaded_by(work) & HEAVY


def test_importing_nn_loads_neither_numba_nor_scikit_learn():
    assert not loaded_by("import nn") & HEAVY


@pytest.mark.parametrize("path", FILES, ids=lambda p: module_of(p))
def test_nothing_is_imported_with_a_wildcard(path):
    tree = ast.parse(path.read_text())
    assert not [
        n for n in ast.walk(tree) if isinstance(n, ast.ImportFrom) and n.names[0].name == "*"
    ]


@pytest.mark.parametrize("path", FILES, ids=lambda p: module_of(p))
def test_nobody_reads_the_local_variables_of_a_frame(path):
    assert "f_locals" not in path.read_text()
