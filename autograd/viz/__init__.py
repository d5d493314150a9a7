"""Drawing: readers of a finished graph. `autograd.draw` and `autograd.play` are the ways in."""
