"""Convolution over one to three axes: rows, geometry, and the kernels that compute it."""
