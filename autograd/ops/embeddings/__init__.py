"""Embedding lookup and its kernel."""
