"""The small set for every test here."""

from small_set import small

__all__ = ["small"]
