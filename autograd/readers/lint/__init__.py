"""lint: checks on a finished graph, one function a check."""
