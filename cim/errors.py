"""Errors meant for the person at the keyboard."""

from typing import Any


class CimError(Exception):
    """A failure a user can mend: what was found, what was expected, and the remedy.

    Command-line entry points print it without a traceback and exit with code 1.
    """

    def __init__(self, found: str, expected: str, remedy: str) -> None:
        self.found = found
        self.expected = expected
        self.remedy = remedy
        super().__init__(f"found {found}; expected {expected}. Remedy: {remedy}")

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.found, self.expected, self.remedy)  # so that it comes back from a worker's process


class FatalError(CimError):
    """One that every other item of a run would meet as well: the run stops at it."""


class EngineLost(FatalError):
    """One that ends an engine which had worked: what it made before is good, and kept."""


class TransientError(CimError):
    """One that may be over when tried again: a store that does not answer, a process that was killed."""
