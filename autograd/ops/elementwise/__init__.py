"""Elementwise ops and softmax, with the loops that serve large arrays."""
