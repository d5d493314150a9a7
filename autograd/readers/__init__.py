"""Readers: what a finished graph tells besides its picture; `autograd` exports them."""
