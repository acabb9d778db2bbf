"""Reads every sample of a Parquet file; prints by how many bytes the most that was resident grew."""

import sys
from pathlib import Path

from benchmarks.caption_memory import most_resident
from cim.readers.columns import Columns
from cim.readers.table import table_parts

if __name__ == "__main__":
    parts = table_parts([sys.argv[1]], Columns("image"), 10_000)
    before = most_resident()
    assert all(item.image for part in parts for item in part.here(Path("copy")).items())
    print(most_resident() - before)
