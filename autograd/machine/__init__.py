"""What kernels are built on: compilation, threads, memory, register tiles. It knows no concept."""
