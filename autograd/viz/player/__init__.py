"""The player: a page that steps through backprop."""
