"""draw: a graph as a drawing for notebooks, files and web pages."""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

from autograd.files import write
from autograd.viz.dot import plural, source
from autograd.viz.model import picture
from autograd.viz.picture import Picture
from autograd.viz.render import render

_DIRECTIONS = ("LR", "TB", "RL", "BT")
_SUFFIXES = (".svg", ".png", ".dot")


class Drawing:
    """A drawn graph. A notebook shows it; `save` writes it to a file.

    Attributes
    ----------
    picture : the graph as plain data (`picture.as_dict()` for JSON).
    direction : direction of the forward pass: "LR", "TB", "RL" or "BT".
    """

    def __init__(self, picture: Picture, direction: str = "LR") -> None:
        self.picture, self.direction = picture, direction

    @cached_property
    def dot(self) -> str:
        """DOT source."""
        return source(self.picture, self.direction)

    @cached_property
    def _svg(self) -> str:
        return render(self.dot, "svg").decode()

    def svg(self) -> str:
        """The drawing as an SVG element, ready for a web page.

        Raises
        ------
        RuntimeError
            Graphviz is missing; the message says what to install.
        """
        return self._svg

    def png(self) -> bytes:
        """The drawing as PNG data; raises as `svg` does."""
        return render(self.dot, "png")

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write it to a file, atomically.

        Parameters
        ----------
        path : the file; its suffix is .svg, .png or .dot.

        Returns
        -------
        The path.

        Raises
        ------
        ValueError
            Another suffix.
        RuntimeError
            Graphviz is missing; a .dot file does not need it.
        """
        target = Path(path)
        suffix = target.suffix.lower()
        if suffix not in _SUFFIXES:
            raise ValueError(
                f"Drawing.save: the name {target.name!r} must end in .svg, .png or .dot."
            )
        if suffix == ".png":
            content = self.png()
        else:
            content = (self.svg() if suffix == ".svg" else self.dot).encode()
        return write(target, content)

    def __repr__(self) -> str:
        nodes = plural(len(self.picture.vertices), "node")
        edges = plural(len(self.picture.edges), "edge")
        return f"<Drawing of {nodes} and {edges}; .save('graph.svg'), .svg(), .png(), .dot>"

    def _repr_svg_(self) -> str:
        return self.svg()

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        return {"image/svg+xml": self.svg(), "text/plain": repr(self)}


def draw(
    value: Any,
    *,
    gradients: bool = False,
    formulas: bool = False,
    depth: int | None = None,
    limit: int = 150,
    direction: str = "LR",
    names: Mapping[str, Any] | None = None,
    open_kernels: bool = False,
) -> Drawing:
    """Draw the graph behind a Value, as micrograd's ``draw_dot`` does, for arrays and modules too.

    Green boxes are tracked leaves, gray boxes constants, white boxes results; circles are ops.
    Module calls are boxes around their nodes. Drawing reads the graph without changing it, so it
    works before `backward`.

    Parameters
    ----------
    value : Value, or a tuple or list of them
        Where to start: usually the loss. Or a compiled plan, ``compiled.plan(*args)``: its steps,
        each with the ops that it computes together, and the time that it takes.
    gradients : bool
        Show the gradient of every Value, from a separate backward pass that leaves `.grad`
        unchanged. For a `value` that is an array it is the gradient of its sum (an incoming
        gradient of ones); for several values, of the sum of all.
    formulas : bool
        Write on each arrow into an op the formula of the gradient that the op passes to this input,
        as its vjp computes it; between scalars also its value.
    depth : int, optional
        Fold the module calls below this level into one box each; 0 folds the outermost.
    limit : int
        About how many boxes to show. In larger graphs module calls are folded, the deepest first;
        then the nodes farthest from `value` are left out. The drawing says so.
    direction : "LR", "TB", "RL" or "BT"
        Direction of the forward pass: left to right, top to bottom, or reversed.
    names : mapping, optional
        Names for Values and arrays without a name: ``names=locals()``.
    open_kernels : bool
        Draw each fused op as the graph of its reference.

    Returns
    -------
    Drawing, which a notebook shows, and which has `save`, `svg`, `png`, `dot` and `picture`.

    Raises
    ------
    TypeError
        `value` is not a Value, or has something else in it.
    ValueError
        A direction, depth or limit out of range.
    RuntimeError
        `gradients` of a graph that `backward` released, or with a leaf that was written to.

    Examples
    --------
    >>> import autograd
    >>> a, b = autograd.Value(2.0, name="a"), autograd.Value(-3.0, name="b")
    >>> autograd.draw(a * b, gradients=True)
    <Drawing of 4 nodes and 3 edges; .save('graph.svg'), .svg(), .png(), .dot>
    """
    if direction not in _DIRECTIONS:
        raise ValueError(f"draw: direction must be one of {_DIRECTIONS}, got {direction!r}.")
    from autograd.plan.plan import Plan

    if isinstance(value, Plan):
        from autograd.viz.plan.page import PlanDrawing

        return PlanDrawing(value, direction)
    return Drawing(
        picture(
            value,
            gradients=gradients,
            formulas=formulas,
            depth=depth,
            limit=limit,
            names=names,
            open_kernels=open_kernels,
        ),
        direction,
    )
