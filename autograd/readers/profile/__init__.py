"""What each node of a graph costs: time, memory, arithmetic, and its share of the peak."""
