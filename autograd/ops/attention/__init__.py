"""Scaled dot-product attention, its reference and its kernel."""
