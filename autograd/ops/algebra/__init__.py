"""Linear algebra: products, einsum, the affine map, factorizations, norms."""
