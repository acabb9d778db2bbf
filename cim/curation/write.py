"""A curated shard: a tar written anew where samples change, and else the corpus's own file under a second name."""

import json
import tarfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from cim.atomic import done_facts, link_or_copy, mark_done, replacing
from cim.captions.tar import sample_key
from cim.curation.identity import known_identity
from cim.errors import CimError
from cim.fingerprint import code_of, fingerprint
from cim.readers.base import Part, Problem
from cim.readers.text import read_facts
from cim.readers.untar import Tar, open_tar
from cim.readers.webdataset import TarPart, grouped
from cim.shards.tar import add_member

Members = list[tuple[str, bytes]]


@dataclass(frozen=True)
class WriteJob:
    """A part, and its samples that are kept as the file `plan`, a table of `cim.curation.tables.SAMPLES`.

    whole: all of the part's samples are kept as they are. number: of the shard, the beginning of made keys.
    """

    part: Part
    hash_cache: Path
    plan: Path
    tar: Path
    number: int
    whole: bool

    def __str__(self) -> str:
        return self.part.name

    def fingerprint(self) -> str:
        """Of what decides the tar."""
        code = code_of(__name__, type(self.part).__module__)
        return fingerprint(
            "curate", code, known_identity(self.part, self.hash_cache), self.number, self.whole, self.plan
        )


def write_curated(job: WriteJob) -> dict[str, Any]:
    """Write the tar of one part unless it is there; its facts: samples, and whether it is linked or written.

    Raises CimError where the part is no longer what was measured.
    """
    made_from = job.fingerprint()
    if (facts := done_facts(job.tar, made_from)) is not None:
        return facts
    copy = job.tar.with_name(f".{job.tar.stem}.{made_from}.source")
    part = job.part.here(copy)
    samples = pl.read_parquet(job.plan)
    how = "written"
    if job.whole and isinstance(part, TarPart) and _is_plain(part.path):
        how = link_or_copy(part.path, job.tar)
    else:
        found = _of_tar(part, samples) if isinstance(part, TarPart) else _of_items(part, samples, job.number)
        with replacing(job.tar) as temporary, tarfile.open(temporary, "w:", format=tarfile.USTAR_FORMAT) as tar:
            for members in found:
                for name, content in members:
                    add_member(tar, name, content)
    copy.unlink(missing_ok=True)
    mark_done(job.tar, made_from, samples=len(samples), how=how)
    return {"samples": len(samples), "how": how}


def _is_plain(path: Path) -> bool:
    try:
        with open_tar(path, "r:"):
            return True
    except tarfile.ReadError:
        return False


def _of_tar(part: TarPart, samples: pl.DataFrame) -> Iterator[Members]:
    """Members of the samples that are kept, byte for byte, but for the texts of those that change."""
    wanted = _by_place(samples)
    with open_tar(part.path) as tar:
        for at, (key, members) in enumerate(_whole_ones(tar)):
            if (sample := wanted.pop(at, None)) is None:
                continue
            content = {kind: found for kind, found in members.items() if isinstance(found, bytes)}
            if sample["changed"]:
                content = _with_texts(content, sample)
            yield [(f"{key}.{kind}", found) for kind, found in content.items()]
    _check_all(wanted, part.name)


def _whole_ones(tar: Tar) -> Iterator[tuple[str, dict[str, bytes | Problem]]]:
    """Key and members of the samples of a tar, up to where it is broken: what lies behind was not measured either."""
    try:
        yield from grouped(tar, lambda kind, member: tar.content(member))
    except tarfile.ReadError:
        return


def _of_items(part: Any, samples: pl.DataFrame, number: int) -> Iterator[Members]:
    """The samples that are kept of a part that is no tar, in img2dataset's layout."""
    wanted = _by_place(samples)
    for at, item in enumerate(part.items()):
        if (sample := wanted.pop(at, None)) is None:
            continue
        if item.image is None:
            raise _changed(part.name)
        facts = {**item.facts, "source_key": item.name, "captions": sample["captions"]}
        content = {sample["suffix"]: item.image, "json": json.dumps(facts).encode()}
        yield [(f"{sample_key(number, at)}.{kind}", found) for kind, found in _with_texts(content, sample).items()]
    _check_all(wanted, part.name)


def _with_texts(content: Mapping[str, bytes], sample: Mapping[str, Any]) -> dict[str, bytes]:
    """The members of a sample by kind, with the texts that it has now in `.txt` and in the JSON's fields.

    The JSON's other fields stay; `curation` is added: scores and control tokens of the texts.
    """
    captions = sample["captions"]
    facts, _ = read_facts(content.get("json", b"{}"))
    facts |= {"captions": captions} if "captions" in facts or len(captions) > 1 else {}
    facts |= {"caption": captions[0]} if "caption" in facts else {}
    facts["curation"] = {"scores": sample["scores"], "controls": sample["controls"]}
    text = json.dumps(facts, sort_keys=True, ensure_ascii=False, allow_nan=False).encode()
    others = {kind: found for kind, found in content.items() if kind not in ("txt", "json")}
    return {**others, "txt": captions[0].encode(), "json": text}


def _by_place(samples: pl.DataFrame) -> dict[int, dict[str, Any]]:
    return {row["at"]: row for row in samples.iter_rows(named=True)}


def _check_all(wanted: Mapping[int, Any], name: str) -> None:
    if wanted:
        raise _changed(name)


def _changed(name: str) -> CimError:
    return CimError(
        f"{name} without samples that were measured in it",
        "a corpus that stays as it is while it is curated",
        "run it again when nothing writes to the corpus",
    )
