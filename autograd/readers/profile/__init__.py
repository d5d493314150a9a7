"""profile: the cost of each node: time, memory, FLOPs, and the share of the machine's peak."""
