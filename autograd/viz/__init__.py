"""Drawing: readers of a finished graph. `autograd.draw` is the way in."""

from autograd.viz.drawing import Drawing, draw

__all__ = ["Drawing", "draw"]
