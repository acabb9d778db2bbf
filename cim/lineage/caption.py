"""The first steps back from captions: their table, the row, the shard of the images, the captioner that made them."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import polars as pl

from cim.atomic import read_json
from cim.errors import CimError
from cim.fingerprint import hash_path
from cim.layout import Layout
from cim.lineage.link import Check, Link, files_of
from cim.lineage.model import CARD, captioner_links

SHARED = ["prompt", "decoding", "pipeline_version", "model_fingerprint", "source_shard", "source_sha256"]
"""Columns that say where a caption comes from: the same in all rows of a table."""


def caption_links(layout: Layout, table: Path, key: str | None = None) -> Iterator[Link]:
    """From a table of captions, or the row of it with that key or id, back to the gallery.

    Raises CimError for a row that is not there, and for a captioner that is not in `layout`.
    """
    yield Link("captions", table, table, {}, partial(files_of, table, table.parent))
    row = _row(table, key)
    recorded, shard, sha256 = (row.pop(name) for name in ("model_fingerprint", "source_shard", "source_sha256"))
    yield Link("row" if key else "rows", table, table, row)
    yield _images(layout, table, shard, sha256)
    yield from captioner_links(layout, captioner_folder(layout, table, recorded), recorded, table)


def captioner_folder(layout: Layout, table: Path, fingerprint: str) -> Path:
    """Of the captioner that made the captions: by the folder they lie in, or by what its cim.json says."""
    known = {"base": layout.model("captioner"), "tuned": layout.tuned}
    if (captions := layout.root / "captions") in table.parents:
        return known[table.relative_to(captions).parts[0]]
    for folder in known.values():
        if (folder / CARD).is_file() and read_json(folder / CARD).get("fingerprint") == fingerprint:
            return folder
    raise CimError(
        f"captions by the model {fingerprint}, which is neither of {', '.join(map(str, known.values()))}",
        "a captioner of this pipeline",
        "give --data the folder of the run that made the captioner; of others no more than the fingerprint is known",
    )


def _row(table: Path, key: str | None) -> dict[str, Any]:
    """What the rows share; of one row also its key, id and caption."""
    try:
        frame = pl.scan_parquet(table)
        if key is not None:
            frame = frame.filter((pl.col("key") == key) | (pl.col("id") == key))
        columns = SHARED if key is None else ["key", "id", "caption", *SHARED]
        found = frame.select(columns).unique().collect().to_dicts()
    except pl.exceptions.PolarsError as error:
        raise CimError(f"{table} is no table of captions ({error})", "one as made", "dvc repro caption") from error
    if len(found) != 1:
        raise CimError(
            f"{len(found)} origins in {table} of {key or 'its rows'}",
            "captions of one captioner, prompt and shard",
            "make them again: dvc repro --force caption",
        )
    return found[0]


def _images(layout: Layout, table: Path, shard: str, recorded: str) -> Link:
    """The shard of the captioned images. One that is not among data/shards is named, and can't be looked at."""
    path = next(iter(sorted((layout.root / "shards").glob(f"*/{shard}"))), None)
    if path is None:
        facts = {"sha256": recorded, "not looked at": f"no such shard in {layout.root / 'shards'}"}
        return Link("images", Path(shard), table, facts)

    def checks() -> Iterator[Check]:
        yield Check(str(path), recorded, partial(hash_path, path))

    return Link("images", path, table, {"sha256": recorded}, checks)
