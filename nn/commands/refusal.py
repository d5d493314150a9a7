"""Refusal: what a command says instead of a traceback."""


class Refusal(Exception):  # noqa: N818 - it is an answer
    """The command can't do what was asked; the text says why and what to do."""
