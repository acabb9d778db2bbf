"""What a disturbed run of the whole command has left, against an undisturbed one: nothing lost, nothing doubled."""

import json
import tarfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from benchmarks.chaos.kinds import Kind
from benchmarks.chaos.trials import contents

Sample = tuple[str, str]  # shard of the corpus, name there
LEFT = (".tar", ".journal", ".lock", ".source")


@dataclass(frozen=True)
class Output:
    """Every sample of an output folder, as often as it is there. captions: with texts. rejects: with reasons."""

    captions: list[tuple[Sample, str]]
    rejects: list[tuple[Sample, str]]

    @classmethod
    def of(cls, folder: Path) -> "Output":
        """Read from tables; `tar_problems` compares these with the tars."""
        columns = ["source_shard", "source_key", "caption"]
        tables = [pl.read_parquet(path, columns=columns) for path in sorted(folder.glob("*.parquet"))]
        refused = [pl.read_parquet(path) for path in sorted(folder.glob("rejects/*.parquet"))]
        captions = [((shard, key), text) for table in tables for shard, key, text in table.iter_rows()]
        rejects = [((row["shard"], row["id"]), row["reason"]) for table in refused for row in table.to_dicts()]
        return cls(captions, rejects)

    def samples(self) -> Counter[Sample]:
        """How often each is there, captioned or rejected."""
        return Counter(sample for sample, _ in (*self.captions, *self.rejects))


def problems(kind: Kind, out: Path, undisturbed: Path, total: int) -> Iterator[str]:
    """What is lost, doubled, unnamed, left over or otherwise than it should be. total: samples of the corpus."""
    for name in kind.prompts:
        yield from _sample_problems(kind, out / "texts" / name, undisturbed / "texts" / name, total)
    if not kind.prompts:
        yield from _sample_problems(kind, out, undisturbed, total)
        yield from tar_problems(out)
    yield from _file_problems(kind, contents(out), contents(undisturbed))


def _sample_problems(kind: Kind, out: Path, undisturbed: Path, total: int) -> Iterator[str]:
    """Of one folder of captions."""
    found, wanted = Output.of(out), Output.of(undisturbed)
    if wanted.samples().total() != total:
        yield f"the undisturbed run has {wanted.samples().total()} of {total} samples"
    yield from (f"{sample} is lost" for sample in sorted(set(wanted.samples()) - set(found.samples())))
    yield from (f"{sample} is there {times} times" for sample, times in found.samples().items() if times > 1)
    yield from (f"reject {sample} has no reason" for sample, reason in found.rejects if not reason)
    if sorted(found.rejects) != sorted(wanted.rejects) and kind.engine != "vllm":
        yield f"other rejects: {sorted(set(found.rejects) ^ set(wanted.rejects))[:3]}"
    summary = json.loads((out / "summary.json").read_text()) if (out / "summary.json").exists() else {}
    if (summary.get("captions"), summary.get("rejects")) != (len(found.captions), len(found.rejects)):
        yield f"the summary says {summary.get('captions')} captions, {summary.get('rejects')} rejects"


def tar_problems(out: Path) -> Iterator[str]:
    """Tars that don't hold what their tables do."""
    for table in sorted(out.glob("*.parquet")):
        rows = list(pl.read_parquet(table, columns=["key", "caption"]).iter_rows())
        with tarfile.open(table.with_suffix(".tar")) as tar:
            texts = [
                (member.name.removesuffix(".txt"), content.read().decode())
                for member in tar
                if member.name.endswith(".txt") and (content := tar.extractfile(member))
            ]
        if texts != rows:
            yield f"{table.stem}.tar and its table differ"


def _file_problems(kind: Kind, found: dict[str, bytes], wanted: dict[str, bytes]) -> Iterator[str]:
    """Of a store, done markers hold what it says of files, and its index is its own."""
    if kind.store:
        own = ("markers.json.gz", ".done.json")
        found, wanted = ({name: b for name, b in one.items() if not name.endswith(own)} for one in (found, wanted))
    yield from (f"{name} is missing" for name in sorted(set(wanted) - set(found)))
    yield from (f"{name} is left over" for name in sorted(set(found) - set(wanted)))
    if kind.same_bytes:
        yield from (f"{name} differs" for name in sorted(set(found) & set(wanted)) if found[name] != wanted[name])


def left_behind(folder: Path) -> Iterator[str]:
    """Of a worker's own folder beside a store, what should not be there any more."""
    for path in folder.rglob("*"):
        if path.suffix in LEFT or (path.name.startswith(".") and path.is_file()):
            yield f"{path.name} is left in {folder.parent.name}"


def done_before(log: Path) -> bool:
    """Whether the last run found everything done: its line of the log counts no caption that it made."""
    line = json.loads(log.read_text().splitlines()[-1])
    return bool(line["captions_per_second"] == 0.0 and line["shards_not_done"] == 0)
