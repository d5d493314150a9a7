"""Drawing of a finished graph: `autograd.draw`, `autograd.play`, and what other readers share."""
