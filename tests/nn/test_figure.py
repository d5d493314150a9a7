"""Figures show themselves as the last value of a notebook's cell."""

import os
import pickle
from pathlib import Path

import pytest

import nn

pytest.importorskip("matplotlib", reason="needs matplotlib")

HISTORY = "h = nn.train.History()\nh.append({'loss': 1.0})\nh.append({'loss': 0.5})\nh.plot()"
MAPS = "nn.look.show_maps([[[0.0, 1.0]]])"


def history():
    found = nn.train.History()
    found.append({"loss": 1.0, "accuracy": 0.5})
    found.append({"loss": 0.5, "accuracy": 0.75})
    return found


@pytest.mark.parametrize("pyplot", ["", "import matplotlib.pyplot"], ids=["without", "with"])
def test_a_figure_at_the_end_of_a_cell_is_shown_once_with_and_without_pyplot(pyplot, tmp_path):
    nbformat = pytest.importorskip("nbformat")
    nbclient = pytest.importorskip("nbclient")
    pytest.importorskip("ipykernel")
    cells = [pyplot, "import nn", MAPS, HISTORY]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(c) for c in cells])
    path = os.pathsep.join([str(Path(nn.__file__).parents[1]), os.environ.get("PYTHONPATH", "")])
    settings = {k: v for k, v in os.environ.items() if k != "MPLBACKEND"} | {"PYTHONPATH": path}
    client = nbclient.NotebookClient(notebook, resources={"metadata": {"path": str(tmp_path)}})
    client.execute(env=settings)
    shown = [[set(o.data) for o in cell.outputs] for cell in notebook.cells]
    assert shown == [[], [], [{"image/png", "text/plain"}], [{"image/png", "text/plain"}]]


def test_a_figure_can_be_pickled():
    copy = pickle.loads(pickle.dumps(history().plot()))
    assert copy._repr_png_().startswith(b"\x89PNG")
    assert len(copy.axes) == 2


def test_every_axis_of_a_history_is_named():
    axes = history().plot().axes
    assert [(a.get_xlabel(), a.get_ylabel()) for a in axes] == [
        ("epoch", "loss"),
        ("epoch", "accuracy"),
    ]
