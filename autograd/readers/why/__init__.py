"""why: the reason for a gradient in one sentence, one file a kind of reason."""
