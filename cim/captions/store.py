"""Finished shards moved to an object store: their files first, then a marker that only one worker can put there."""

import json
import re
from collections.abc import Collection, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cim.atomic import mark_done, marker_of, replacing, unmark
from cim.captions.files import ShardFiles
from cim.captions.output import SUMMARY, taken_over
from cim.errors import CimError
from cim.readers.address import lies_in
from cim.readers.base import Chunk, Part
from cim.readers.remote import RemoteTar
from cim.readers.stores import listed_below, store_errors, store_of, version_info

_OURS = re.compile(r"(?:rejects/)?(\d{5,})\.(?:tar|parquet|parquet\.done\.json)")


@dataclass(frozen=True)
class Store:
    """A folder of an object store, e.g. `s3://bucket/recaptioned`, for any number of runs on any machines.

    section: of the params that name it. The runs must have one plan (see `cim.captions.output.prepare`), which the card
    there names: the last to begin with another one takes the store over, and those before it stop at their next shard.
    A shard's marker there names its fingerprint and what the store says of each file: when that no longer fits, the
    shard is not done. Put by "only if there is none" (S3's If-None-Match, Google's ifGenerationMatch), so that of two
    workers at one shard one wins, and the other lets its copy go.
    """

    url: str
    plan: str = ""
    section: str = "recaption"

    @property
    def card(self) -> str:
        """The name of the card there."""
        return f"{self.section}.json"

    def listed(self, parts: Iterable[Part]) -> dict[str, dict[str, str]]:
        """What the store says of each file there, by name: one listing.

        Raises CimError for a folder not ours, or one that parts lie in: their tars have the names of ours.
        """
        remote = [part for part in parts if isinstance(part, (RemoteTar, Chunk))]
        if inside := [part.name for part in remote if lies_in(part.url, self.url)]:
            raise CimError(
                f"{self.section}.store {self.url}, and {inside[0]} of the corpus in it",
                "an address apart from the corpus",
                f"set {self.section}.store to another one",
            )
        names = listed_below(self.url)
        if names and self.card not in names:
            raise CimError(
                f"{self.url} with files in it, but no {self.card}",
                "a new or empty address, or an earlier run's",
                f"set {self.section}.store to another one",
            )
        return names

    def take(self, card: Path, names: Iterable[str], stems: Collection[str]) -> None:
        """Delete the summary there, put the card, and delete shards that are not among `stems`. names: see `listed`."""
        if SUMMARY in names:  # it says that all is done, and a run begins here
            self._remove([SUMMARY])
        self.put(card)
        self._remove(sorted(stale_in(names, stems), key=lambda name: not name.endswith(".done.json")))  # markers first

    def put(self, file: Path, name: str = "") -> None:
        """Copy a local file there."""
        with store_errors(f"{self.url}/{name or file.name}", "written"):
            system, root = store_of(self.url)
            system.put_file(str(file), f"{root}/{name or file.name}")

    def facts(self, job: ShardFiles, made_from: str) -> dict[str, Any] | None:
        """The shard's facts if the store holds it, made from exactly this and unchanged, else None."""
        return self.facts_in(self.marker(job), job, made_from)

    def facts_in(self, marker: Mapping[str, Any], job: ShardFiles, made_from: str) -> dict[str, Any] | None:
        """As `facts`, of a marker that is read already."""
        if marker.get("fingerprint") != made_from or marker["holds"] != self._holds(_files(job)):
            return None
        found: dict[str, Any] = marker["facts"]
        return found

    def check_ours(self) -> None:
        """Raise CimError when a run with another plan has taken the store over."""
        if (theirs := self.json(self.card).get("plan")) != self.plan:
            raise taken_over(self.url, theirs, self.plan, f"{self.section}.store")

    def publish(
        self, job: ShardFiles, made_from: str, facts: dict[str, Any], before: Mapping[str, Any]
    ) -> dict[str, Any]:
        """Copy the shard's files, then mark it done; the facts of whoever did so first.

        before: the marker (`marker`) when work on the shard began, which this one may replace. Raises CimError when
        another run has put one since that was made from something else: to remove it would be answered in kind.
        """
        mine = False
        while (theirs := self.facts_in(found := self.marker(job), job, made_from)) is None:
            self.check_ours()
            if found:  # of an earlier run, or of files that are no longer there
                if found.get("fingerprint") != made_from and found != before:
                    raise CimError(
                        f"shard {job.stem} in {self.url} finished by another run meanwhile, made from something else"
                        f" ({found.get('fingerprint')}, here {made_from})",
                        "one configuration at a time in a store, and a corpus that stays as it is",
                        f"set {self.section}.store to another address for each; or run again when the other has ended",
                    )
                before = {}  # gone for good: should it be there again, somebody puts it there
                self._remove([marker_of(job.table).name])
            holds = dict[str, Any]()
            for name, file in _files(job).items():
                self.put(file, name)
                holds |= self._holds([name])  # at once: another run's, put since, must not be taken for ours
            mine = self._mark(job, {"fingerprint": made_from, "facts": facts, "holds": holds})
        if not mine:
            unmark(job.table)  # the other's captions may be worded otherwise: the summary is to be of theirs
        return theirs

    def fetch_table(self, table: Path, made_from: str, facts: dict[str, Any]) -> None:
        """Bring the table of a shard that was made elsewhere, for the summary."""
        with store_errors(f"{self.url}/{table.name}"), replacing(table) as temporary:
            system, path = store_of(f"{self.url}/{table.name}")
            system.get_file(path, str(temporary))
        mark_done(table, made_from, **facts)

    def _mark(self, job: ShardFiles, marker: dict[str, Any]) -> bool:
        """Put the marker there unless there is one, another worker's, who was faster; whether this one is there now."""
        url = f"{self.url}/{marker_of(job.table).name}"
        content = (json.dumps(marker, indent=2, sort_keys=True, ensure_ascii=False) + "\n").encode()
        with store_errors(url, "written"):
            system, path = store_of(url)
            try:
                system.pipe_file(path, content, mode="create")
            except FileExistsError:
                return False
        return True

    def _remove(self, names: Iterable[str]) -> None:
        """Delete these files, in this order; another run may have done so."""
        with store_errors(self.url, "written"):
            system, root = store_of(self.url)
            for name in names:
                with suppress(FileNotFoundError):
                    system.rm_file(f"{root}/{name}")

    def marker(self, job: ShardFiles) -> dict[str, Any]:
        """The shard's done marker, of whatever run; empty where there is none."""
        return self.json(marker_of(job.table).name)

    def json(self, name: str) -> dict[str, Any]:
        """The fields of the JSON file `name` there; empty where there is none."""
        content = self.read(name)
        found: dict[str, Any] = json.loads(content) if content else {}
        return found

    def read(self, name: str) -> bytes:
        """The file `name` there, by one request; empty where there is none."""
        with store_errors(f"{self.url}/{name}"):
            system, path = store_of(f"{self.url}/{name}")
            system.invalidate_cache(path)
            try:
                return bytes(system.cat_file(path, start=0))  # without a start S3's driver asks for the size first
            except FileNotFoundError:
                return b""

    def _holds(self, names: Iterable[str]) -> dict[str, Any]:
        """What the store says of each of these files; without those that it does not have."""
        holds = {}
        for name in names:
            with store_errors(f"{self.url}/{name}"):
                system, path = store_of(f"{self.url}/{name}")
                system.invalidate_cache(path)
                with suppress(FileNotFoundError):
                    holds[name] = version_info(system.info(path))
        return holds


NO_STORE = Store("")


def stale_in(names: Iterable[str], stems: Collection[str]) -> list[str]:
    """Those of the files `names` of a store that belong to shards, but to none of `stems`."""
    return [name for name in names if (found := _OURS.fullmatch(name)) and found[1] not in stems]


def _files(job: ShardFiles) -> dict[str, Path]:
    """The files of a shard that a store holds, by their names there."""
    return {f"rejects/{job.rejects.name}": job.rejects, job.pairs.name: job.pairs, job.table.name: job.table}
