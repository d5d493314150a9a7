"""The arrows of the design: who may import whom, and what an import costs."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import autograd

ROOT = Path(autograd.__file__).parents[1]
LAYERS = [  # each may import what stands before it
    {"autograd.kernels"},
    {"autograd.dispatch", "autograd.recording", "autograd.random"},
    {"autograd.engine", "autograd.symbol"},
    {"autograd.stale", "autograd.spelling"},
    {"autograd.value"},
    {"autograd.op"},
    {"autograd.sequence_op", "autograd.kernel_op", "autograd.checkpoint"},
    {"autograd.ops"},
    {"autograd.functional"},
    {"autograd.check"},
]
RANK = {name: rank for rank, layer in enumerate(LAYERS) for name in layer}
READER, PACKAGE, NN = len(LAYERS), len(LAYERS) + 1, len(LAYERS) + 2
FILES = sorted(p for package in ("autograd", "nn") for p in (ROOT / package).rglob("*.py"))
KERNELS_MAY_IMPORT = {"numpy", "numba", "llvmlite"} | sys.stdlib_module_names


def module_of(path):
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def rank(module):
    """The layer of a module: that of its longest known prefix; readers come after the core."""
    parts = module.split(".")
    for n in range(len(parts), 0, -1):
        if ".".join(parts[:n]) in RANK:
            return RANK[".".join(parts[:n])]
    if parts[0] == "nn":
        return NN
    return PACKAGE if module == "autograd" else READER


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
    wrong = set()
    for name in ours(imports(source, module)):
        same_package = module.rpartition(".")[0] == name.rpartition(".")[0] or name.startswith(
            f"{module}."
        )
        package = module.split(".")[:2] == name.split(".")[:2]
        if rank(name) > rank(module) or (
            rank(name) == rank(module) and rank(module) < READER and not (same_package or package)
        ):
            wrong.add(name)
        if rank(name) == RANK["autograd.kernels"] and not module.startswith(
            ("autograd.ops", "autograd.kernels")
        ):
            wrong.add(name)
    return wrong


@pytest.mark.parametrize("path", FILES, ids=lambda p: module_of(p))
def test_imports_point_one_way(path):
    assert not reversed_arrows(path.read_text(), module_of(path))


@pytest.mark.parametrize("path", sorted((ROOT / "autograd/kernels").glob("*.py")), ids=module_of)
def test_kernels_import_only_numpy_numba_and_each_other(path):
    names = imports(path.read_text(), module_of(path))
    strangers = {n for n in names if not n.startswith("autograd.kernels")}
    assert {n.split(".")[0] for n in strangers} <= KERNELS_MAY_IMPORT


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("autograd.engine", "from autograd.value import Value"),
        ("autograd.engine", "from autograd import value"),
        ("autograd.value", "import autograd.op"),
        ("autograd.ops.reduce", "from autograd.functional import grad"),
        ("autograd.functional", "from autograd.check import gradcheck"),
        ("autograd.functional", "from autograd.kernels import conv"),
        ("autograd.value", "import importlib\nimportlib.import_module('autograd.kernels.conv')"),
        ("autograd.viz.model", "def late():\n    from nn.module import Module"),
        ("autograd.kernels.conv", "from autograd.ops import conv"),
        ("autograd.op", "import nn"),
        ("autograd.dispatch", "from .engine import Node"),
    ],
)
def test_a_reversed_arrow_is_found(module, source):
    assert reversed_arrows(source, module)


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("nn.layers.conv", "from autograd import Value\nfrom nn.module import Module"),
        ("autograd.ops.conv", "from autograd.kernels.conv import conv2d"),
        ("autograd.ops.reduce", "from autograd.ops.domains import A"),
        ("autograd.viz.svg", "from autograd.viz.model import graph"),
        ("autograd", "from autograd.value import Value"),
    ],
)
def test_an_arrow_that_points_the_right_way_is_let_be(module, source):
    assert not reversed_arrows(source, module)


def test_public_names_are_sorted_and_exist():
    names = autograd.__all__
    assert names == sorted(names)
    assert len(set(names)) == len(names)
    for name in names:
        assert getattr(autograd, name) is not None
        assert not name.startswith("_")


def test_public_functions_and_classes_are_documented():
    assert [n for n in autograd.__all__ if not getattr(autograd, n).__doc__] == []


def loaded_by(statement):
    """The modules in memory after a statement in a process of its own."""
    code = f"import sys; {statement}; print(*sys.modules)"
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
    )
    return {name.split(".")[0] for name in run.stdout.split()}


HEAVY = {"numba", "llvmlite", "graphviz", "graphviz_pure", "rich", "jinja2", "sklearn"}
HEAVY |= {"matplotlib", "latex2mathml", "scipy", "pytest", "IPython"}


def test_importing_autograd_loads_neither_numba_nor_a_drawing_library():
    assert not loaded_by("import autograd") & (HEAVY | {"nn"})


def test_gradients_of_ordinary_ops_load_no_numba():
    work = "import autograd; v = autograd.Value(2.0); (v * v).tanh().backward()"
    assert not loaded_by(work) & HEAVY


@pytest.mark.skipif(not (ROOT / "nn/__init__.py").exists(), reason="nn is not there yet")
def test_importing_nn_loads_neither_numba_nor_scikit_learn():
    assert not loaded_by("import nn") & HEAVY


@pytest.mark.parametrize("path", FILES, ids=lambda p: module_of(p))
def test_nothing_is_imported_with_a_wildcard(path):
    tree = ast.parse(path.read_text())
    assert not [
        n for n in ast.walk(tree) if isinstance(n, ast.ImportFrom) and n.names[0].name == "*"
    ]
