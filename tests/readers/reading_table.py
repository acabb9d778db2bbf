"""Reads every sample of a Parquet file; prints by how many bytes the most that was resident grew."""

import sys
from pathlib import Path

from benchmarks.caption_memory import most_resident
from cim.readers.table import Columns, table_chunks

if __name__ == "__main__":
    chunks = table_chunks([Path(sys.argv[1])], Columns("image"), 10_000)
    before = most_resident()
    assert all(item.image for chunk in chunks for item in chunk.items())
    print(most_resident() - before)
