"""The player: a page on which backprop is stepped through."""
