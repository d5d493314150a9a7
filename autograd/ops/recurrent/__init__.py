"""Recurrent layers: cells that define them, fused scans, and the kernels behind."""
