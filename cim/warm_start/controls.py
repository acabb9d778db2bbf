"""Control tokens of pairs that flows.curate has given levels (NoC, arXiv 2212.13563), as a captioner learns them."""

from collections.abc import Mapping
from pathlib import Path

import polars as pl

from cim.errors import CimError
from cim.params import WarmStart

PAIRS, DONE = "pairs", "summary.json"
COLUMNS = ["shard", "key", "id", "caption", "control", "reassigned_to"]
Controls = Mapping[tuple[str, str], str]
"""By id of the image and caption."""


def control_tables(params: WarmStart) -> list[Path]:
    """The folder of tables whose content counts, none where no tokens are asked for.

    Raises CimError for what is no curated corpus, and for one whose curation has not ended.
    """
    if params.controls is None:
        return []
    folder = Path(params.controls).expanduser()
    if not (folder / DONE).is_file() or not (folder / PAIRS).is_dir():
        raise CimError(
            f"no {DONE} and {PAIRS}/ in {folder}",
            "the output of flows.curate, run to its end",
            "mend models.warm_start.controls, or leave it out",
        )
    return [folder / PAIRS]


def read_controls(params: WarmStart) -> dict[tuple[str, str], str]:
    """The token of each kept pair, by the image that its caption is at now. Raises CimError where none has one."""
    found = dict[tuple[str, str], str]()
    for folder in control_tables(params):
        rows = pl.concat([pl.read_parquet(path, columns=COLUMNS) for path in sorted(folder.glob("*.parquet"))])
        place = pl.concat_str("shard", pl.lit("/"), "key")
        owners = rows.select(place.alias("reassigned_to"), owner="id").unique("reassigned_to", keep="first")
        rows = rows.join(owners, "reassigned_to", how="left", maintain_order="left")
        kept = rows.filter(pl.col("control").is_not_null()).select(pl.coalesce("owner", "id"), "caption", "control")
        if kept.is_empty():
            raise CimError(
                f"no pair with a token in {folder}",
                "a corpus curated with `buckets`",
                "set curate.buckets and run flows.curate again, or leave models.warm_start.controls out",
            )
        found |= {(image, caption): token for image, caption, token in kept.iter_rows()}
    return found


def check_known(controls: Controls, captions: Mapping[str, list[str]]) -> None:
    """Raises CimError where no pair of the train images has a token, though some are there."""
    if controls and not any((image, text) in controls for image, several in captions.items() for text in several):
        raise CimError(
            f"{len(controls)} pairs with tokens in models.warm_start.controls, none of them a train pair",
            "the curated corpus that the train images come from",
            "name its tars in shard.sources, or mend models.warm_start.controls",
        )


def with_token(token: str | None, prompt: str) -> str:
    """The prompt, its token before it."""
    return prompt if token is None else f"{token} {prompt}"
