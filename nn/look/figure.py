"""Matplotlib figures that display themselves as the last value of a notebook cell."""

from __future__ import annotations

import functools
import io
from typing import Any

from nn.data.packages import needs


def figure(who: str, width: float, height: float) -> Any:
    """An empty matplotlib Figure, made without pyplot.

    IPython displays a Figure as a picture only after pyplot has been imported. This one has a PNG
    representation, so that it is displayed in either case.

    Parameters
    ----------
    who : the caller, for errors.
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
