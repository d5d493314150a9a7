"""What each node of a graph costs: time, memory, arithmetic, and how near it comes to the peak."""
