"""The folder of a curated corpus: ours, or not touched; what was measured brought together; what is decided written."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from cim.atomic import write_bytes, write_json, write_parquet
from cim.captions.output import check_no_others
from cim.curation.decide import Corpus, Decision
from cim.curation.measure import MeasureJob
from cim.curation.tables import COLUMNS, SAMPLES, counts, key_lists, pair_table, sample_table
from cim.curation.vectors import Rows
from cim.curation.write import WriteJob
from cim.errors import CimError
from cim.lock import file_lock, holder
from cim.readers.base import Part
from cim.readers.remote import RemoteTar
from cim.readers.webdataset import TarPart

CARD, SUMMARY, SCORER = "curate.json", "summary.json", "scorer.safetensors"


@dataclass(frozen=True)
class Output:
    """Where everything lies below `root`."""

    root: Path

    @property
    def measured(self) -> Path:
        """Rows and vectors of each part, from which everything else is decided."""
        return self.root / "measured"

    @property
    def plans(self) -> Path:
        """The samples of each shard to write; there only until all are written."""
        return self.root / ".plan"

    @property
    def lock(self) -> Path:
        return self.root / ".lock"

    @property
    def scorer(self) -> Path:
        return self.root / SCORER

    def hash_cache(self, stem: str) -> Path:
        """What saves reading a part again to know its content: of this machine's files, so beside the folder."""
        return self.root.with_name(f"{self.root.name}.hashes") / f"{stem}.json"

    def pairs(self, stem: str) -> Path:
        """The table of one part's pairs."""
        return self.root / "pairs" / f"{stem}.parquet"

    def keys(self, subset: str) -> Path:
        """Lines SHARD<tab>KEY of the corpus's samples in a subset."""
        return self.root / "keys" / f"{subset}.txt"

    def tar(self, stem: str) -> Path:
        return self.root / f"{stem}.tar"


@contextmanager
def owned(output: Output) -> Iterator[None]:
    """Hold the folder alone. Raises CimError where another run has it."""
    with file_lock(output.lock) as mine:
        if mine is None:
            raise CimError(
                f"{output.root} in use by another run ({holder(output.lock) or 'unknown'})",
                "one run at a time in a folder",
                "wait until it has ended, or set curate.output to another folder",
            )
        yield


def prepare(output: Output, stems: Sequence[str]) -> None:
    """Make the folder ours by its card, and clear away what this run will not have. For the holder of its lock.

    The summary goes first and comes back last. Raises CimError for a folder with other files in it.
    """
    root = output.root
    check_no_others(root / CARD, "curate")
    (root / SUMMARY).unlink(missing_ok=True)
    if not (root / CARD).is_file():
        write_json(root / CARD, {"made by": "flows.curate"})
    kept = set(stems)
    ours = [*output.measured.glob("*"), *(root / "pairs").glob("*"), *root.glob("*.tar"), *root.glob("*.tar.done.json")]
    for path in [*ours, *root.glob(".*.source")]:
        if path.name.lstrip(".").split(".")[0] not in kept or path.name.startswith("."):
            path.unlink()
    for path in (root / "keys").glob("*.txt"):
        path.unlink()


def read_measured(jobs: Sequence[MeasureJob]) -> Corpus:
    """All parts together, in order."""
    images, captions = (Rows.open([getattr(job, name) for job in jobs]) for name in ("images", "captions"))
    frames = []
    for number, job in enumerate(jobs):
        shifts = {"image_row": int(images.starts[number]), "caption_row": int(captions.starts[number])}
        shifted = [(pl.col(name) + first).alias(name) for name, first in shifts.items()]
        frames.append(pl.read_parquet(job.table).with_columns(*shifted, part=pl.lit(number, pl.Int64)))
    return Corpus(pl.concat(frames), images, captions)


def write_tables(
    output: Output, decision: Decision, parts: Mapping[str, Part]
) -> tuple[dict[str, Any], list[WriteJob]]:
    """Write the tables of pairs and the lists of keys; the counts, and the shards that are to be written.

    parts: by stem, in order.
    """
    stems, names = list(parts), [part.name for part in parts.values()]
    numbered = [not isinstance(part, TarPart | RemoteTar) for part in parts.values()]
    shards = pl.DataFrame({"part": np.arange(len(stems)), "shard": stems, "source_shard": names, "numbered": numbered})
    pairs, samples = pair_table(decision, shards), sample_table(decision)
    by_part = pairs.partition_by("part", as_dict=True)
    jobs = []
    for number, (stem, part) in enumerate(parts.items()):
        own = samples.filter(pl.col("part") == number).select(SAMPLES.names())
        plan = output.plans / f"{stem}.parquet"
        write_parquet(plan, own)
        rows = by_part.get((number,), pairs.clear())
        write_parquet(output.pairs(stem), rows.select(COLUMNS))
        whole = rows["at"].n_unique() == len(own) and not own["changed"].any()
        jobs.append(WriteJob(part, output.hash_cache(stem), plan, output.tar(stem), number, whole))
    for subset, keys in key_lists(pairs, samples).items():
        lines = "".join(f"{shard}\t{key}\n" for shard, key in keys.iter_rows())
        write_bytes(output.keys(subset), lines.encode())
    return counts(pairs, samples, decision.edges), jobs


def finish(output: Output, summary: Mapping[str, Any]) -> None:
    """Write the summary: all is there. Plans go."""
    for path in [*output.plans.glob("*")]:
        path.unlink()
    output.plans.rmdir()
    write_json(output.root / SUMMARY, summary)
