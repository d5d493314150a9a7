"""ladder: one tensor node as rows, as scalars and as a graph of elementary ops."""
