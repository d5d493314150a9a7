"""compare: the first place where two runs diverge, as text and as a page."""
