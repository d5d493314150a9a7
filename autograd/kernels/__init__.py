"""Numba kernels on plain arrays. Imported only when one of them is first called."""
