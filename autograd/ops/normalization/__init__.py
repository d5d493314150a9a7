"""Layer, RMS, batch, group and instance normalization."""
