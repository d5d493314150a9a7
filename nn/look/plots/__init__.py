"""Plots of what nn.look finds, drawn with matplotlib."""
