"""Fused losses: cross-entropy, binary cross-entropy, CTC."""
