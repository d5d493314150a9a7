"""Figures show themselves as the last value of a notebook's cell."""

import os
import pickle
from pathlib import Path

import numpy as np
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


def test_a_history_of_one_epoch_shows_a_mark():
    of_one = nn.train.History()
    of_one.append({"loss": 0.5, "val_loss": 0.7})
    (axes,) = of_one.plot().axes
    assert [(line.get_xydata().tolist(), line.get_marker()) for line in axes.lines] == [
        ([[1, 0.5]], "o"),
        ([[1, 0.7]], "o"),
    ]
    assert all(tick == round(tick) for tick in axes.get_xticks())


def test_a_number_of_the_validation_alone_has_its_panel():
    only = nn.train.History()
    only.append({"loss": 0.5, "val_f1": 0.25})
    assert [axes.get_ylabel() for axes in only.plot().axes] == ["loss", "f1"]


def test_an_infinite_number_leaves_a_gap_in_a_history():
    burst = nn.train.History()
    for loss in (1.0, np.inf, 0.5):
        burst.append({"loss": loss})
    (line,) = burst.plot().axes[0].lines
    np.testing.assert_array_equal(line.get_ydata(), [1, np.inf, 0.5])
