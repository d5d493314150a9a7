"""Figures that show themselves where a notebook's cell ends with them."""

from __future__ import annotations

import functools
import io
from typing import Any

from nn.data.packages import needs


def figure(who: str, width: float, height: float) -> Any:
    """An empty figure of matplotlib, made without pyplot.

    IPython shows a Figure as a picture once pyplot has been imported, and as a line of text before.
    This one can draw itself, so it is a picture in both cases.

    Parameters
    ----------
    who : the function that asks, for errors.
    width, height : in inches.

    Returns
    -------
    matplotlib Figure

    Raises
    ------
    ImportError
        matplotlib is not installed.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise needs(who, "matplotlib", "plot") from error
    made: Any = Figure(figsize=(width, height), layout="constrained")
    made._repr_png_ = functools.partial(_png, made)  # a partial, so that it can be pickled
    return made


def _png(figure: Any) -> bytes:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    return buffer.getvalue()
