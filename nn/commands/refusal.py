"""Refusal: an error that a command reports without a traceback."""


class Refusal(Exception):  # noqa: N818 - an answer, not a fault
    """The command can't be run; the message says why and what to do."""
