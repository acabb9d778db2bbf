"""What is in one finished tar, read once without its images: samples, members, fields, whose they are."""

import tarfile
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cim.atomic import write_json
from cim.errors import CimError
from cim.export.fields import NULL, Shape, joined, shape_of
from cim.export.finished import FinishedShard
from cim.export.lineage import lineages_of, refinements_of
from cim.export.records import record_if_any
from cim.fingerprint import code_of, fingerprint
from cim.params.provenance import PROVENANCE, ProvenanceColumns
from cim.provenance import ProvenanceCounts, provenance_of
from cim.readers.base import Problem
from cim.readers.text import read_facts
from cim.readers.untar import open_tar
from cim.readers.webdataset import IMAGES, grouped


@dataclass(frozen=True)
class LookJob:
    """A finished shard to look at. facts: the file for what is seen."""

    shard: FinishedShard
    facts: Path
    columns: ProvenanceColumns

    def __str__(self) -> str:
        return self.shard.tar.name

    def fingerprint(self) -> str:
        """Of what decides the facts."""
        found = self.shard.tar.stat()
        return fingerprint(
            "export", code_of(__name__), self.shard.made_from, found.st_size, found.st_mtime_ns, self.columns
        )


@dataclass
class _Seen:
    """What has been seen of the samples so far. key: of the last one."""

    key: str = ""
    samples: int = 0
    members: Counter[str] = field(default_factory=Counter)
    captions: Counter[str] = field(default_factory=Counter)
    refined: Counter[str] = field(default_factory=Counter)
    shape: Shape = NULL
    provenance: ProvenanceCounts = field(default_factory=ProvenanceCounts)
    columns: ProvenanceColumns = PROVENANCE

    def add(self, facts: Mapping[str, Any], key: str, members: Iterable[str]) -> None:
        self.key = key
        self.samples += 1
        self.members.update(list(members))  # of a mapping it would add the values
        self.captions.update(lineages_of(facts))
        self.refined.update(refinements_of(facts))
        self.shape = joined(self.shape, shape_of(facts))
        self.provenance.add(provenance_of(facts, self.columns))

    def values(self) -> dict[str, Any]:
        return {
            "samples": self.samples,
            "members": dict(sorted(self.members.items())),
            "captions": dict(sorted(self.captions.items())),
            "refined": dict(sorted(self.refined.items())),
            "shape": self.shape,
            "provenance": self.provenance.values(),
        }


def look(job: LookJob) -> dict[str, Any]:
    """Facts of a shard, from an earlier run where it has looked at the same tar.

    samples; bytes of the tar; members: by extension, in how many samples; captions: by their lineage, see
    `lineages_of`; refined: by what refined them, see `refinements_of`; shape: of the samples' JSON; provenance: see
    `ProvenanceCounts`. Raises CimError where the tar is broken, has a sample without an image or with JSON that can't
    be read, or a key twice in a row: no reader would take it.
    """
    made_from = job.fingerprint()
    if (known := record_if_any(job.facts)).get("fingerprint") == made_from:
        return known
    seen = _Seen(columns=job.columns)
    try:
        with open_tar(job.shard.tar, "r:") as tar:
            for key, found in grouped(tar, lambda kind, member: tar.content(member) if kind == "json" else b""):
                seen.add(_checked(job.shard.tar, key, found, again=key == seen.key), key, found)
            if problem := tar.after():
                raise tarfile.ReadError(problem)
    except tarfile.ReadError as error:
        raise _bad(job.shard.tar, f"broken ({error})") from error
    facts = {"fingerprint": made_from, "bytes": job.shard.tar.stat().st_size, **seen.values()}
    if job.fingerprint() != made_from:
        raise CimError(f"{job.shard.tar} changed meanwhile", "shards that stay as they are", "run export again")
    write_json(job.facts, facts)
    return facts


def _checked(tar: Path, key: str, found: Any, *, again: bool) -> dict[str, Any]:
    """The JSON of a sample, {} where it has none."""
    content: dict[str, bytes | Problem] = dict(found)
    if problem := next((one for one in content.values() if not isinstance(one, bytes)), None):
        raise _bad(tar, f"sample {key}: {': '.join(problem)}")
    if again:
        raise _bad(tar, f"sample {key} twice")
    if not IMAGES & content.keys():
        raise _bad(tar, f"sample {key} without an image")
    fields = content.get("json", b"{}")
    assert isinstance(fields, bytes)
    facts, bad = read_facts(fields)
    if bad:
        raise _bad(tar, f"sample {key}: {': '.join(bad)}")
    return facts


def _bad(tar: Path, what: str) -> CimError:
    return CimError(f"{tar}: {what}", "shards as a finished flow leaves them", "run the flow that made it again")
