"""Losses as modules: each keeps the settings of a function in `nn.functional`."""
