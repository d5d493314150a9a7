"""Resampling and grid sampling of images."""
