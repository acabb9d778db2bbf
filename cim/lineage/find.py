"""What a person names, a caption's key, a shard or a model, as the chain that begins there."""

from collections.abc import Iterator
from pathlib import Path

import polars as pl

from cim.atomic import read_json
from cim.errors import CimError
from cim.layout import Layout
from cim.lineage.caption import caption_links
from cim.lineage.link import Link
from cim.lineage.model import CARD, captioner_links

TABLE = ".parquet"


def links_from(layout: Layout, name: str, captions: Path | None = None) -> Iterator[Link]:
    """The chain back from `name`: a captioner's folder, a captioned shard (path, or its name), the key or id of a row.

    captions: the folder that is searched, with all in it; data/captions/tuned, then base, by default. Raises CimError
    when nothing there has that name.
    """
    path = Path(name)
    if path.is_dir():
        return _model(layout, path)
    if path.suffix in (TABLE, ".tar") and path.with_suffix(TABLE).is_file():
        return caption_links(layout, path.with_suffix(TABLE))
    made = layout.root / "captions"
    folders = [captions] if captions else [made / "tuned", made / "base"]
    stem = path.name.removesuffix(".tar").removesuffix(TABLE)
    for tables in map(_tables, folders):
        if named := [table for table in tables if table.stem == stem]:
            return caption_links(layout, _only(named, name))
        if holding := [table for table in tables if _holds(table, name)]:
            return caption_links(layout, _only(holding, name), name)
    raise CimError(
        f"neither a captioner's folder nor a shard nor a caption {name!r} in {', '.join(map(str, folders))}",
        "the key or id of a caption, the name or path of a captioned shard, or a captioner's folder",
        "look it up in a table, or give --captions the folder that holds it",
    )


def _model(layout: Layout, folder: Path) -> Iterator[Link]:
    card = folder / CARD
    if not card.is_file():
        raise CimError(f"no {CARD} in {folder}", "a captioner's folder, such as data/tuned/model", "mend the path")
    return captioner_links(layout, folder, read_json(card)["fingerprint"], card)


def _holds(table: Path, name: str) -> bool:
    try:
        rows = pl.scan_parquet(table).filter((pl.col("key") == name) | (pl.col("id") == name))
        return bool(rows.select(pl.len()).collect().item())
    except pl.exceptions.PolarsError:  # no captions, or broken: asked for by its name, it is told what is wrong
        return False


def _only(tables: list[Path], name: str) -> Path:
    if len(tables) == 1:
        return tables[0]
    raise CimError(
        f"{name!r} in {', '.join(map(str, tables))}",
        "a name for one of them: keys are unique in a folder, ids of images everywhere",
        "give the image's id, or --captions the folder that is meant",
    )


def _tables(folder: Path) -> list[Path]:
    """Captions in and below a folder; rejects and hidden temporary files are none."""
    found = sorted(folder.rglob(f"*{TABLE}"))
    return [path for path in found if path.parent.name != "rejects" and not path.name.startswith(".")]
