"""Compiled plans made visible: their steps as a drawing, as a table, and one by one."""
