"""Plans: a recorded computation as one readable function, compiled by Numba.

`graph` reads what an eager call recorded on a tape, `lowering` writes it as terms (maps over
elements, products, sums, calls of kernels), `schedule` puts maps of one shape into common loops and
gives every result its place in memory, `source` writes it out as a Python file, and `compiled`
keeps the plans of a function and tells when one holds.
"""
