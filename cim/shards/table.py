"""Rows that become Arrow columns as they arrive, so that millions of them stay small."""

from typing import Any

import polars as pl

CHUNK = 20_000


class Rows:
    """Rows of one schema, added one at a time and kept as columns."""

    def __init__(self, schema: dict[str, Any]) -> None:
        self._schema = pl.Schema(schema)
        self._waiting: list[tuple[Any, ...]] = []
        self._chunks: list[pl.DataFrame] = []

    def add(self, *values: Any) -> None:
        """Append one row; values in the order of the schema."""
        self._waiting.append(values)
        if len(self._waiting) >= CHUNK:
            self._flush()

    def frame(self) -> pl.DataFrame:
        """All rows so far, in the order added."""
        self._flush()
        return pl.concat(self._chunks) if self._chunks else pl.DataFrame(schema=self._schema)

    def _flush(self) -> None:
        if self._waiting:
            self._chunks.append(pl.DataFrame(self._waiting, schema=self._schema, orient="row"))
            self._waiting = []
