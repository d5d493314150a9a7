"""NumPy's array functions: shapes, indexing, joining, ordering, reductions."""
