"""The ladder: one tensor node as rows, as scalars, as a graph of elementary ops."""
