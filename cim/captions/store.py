"""Finished shards moved to an object store: their files first, then a marker that only one worker can put there."""

import json
import math
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cim.atomic import done_facts, mark_done, marker_of, read_json, replacing
from cim.captions.feed import Feed
from cim.captions.job import ShardJob
from cim.captions.output import CARD, SUMMARY, taken_over
from cim.captions.part_identity import PartIdentity
from cim.captions.shard import Outcome, finish_shard
from cim.engines.spec import AnyEngine
from cim.errors import CimError
from cim.lock import file_lock
from cim.readers.address import lies_in
from cim.readers.base import Chunk, Part
from cim.readers.remote import RemoteTar
from cim.readers.stores import store_errors, store_of, version_info

_OURS = re.compile(r"(?:rejects/)?(\d{5})\.(?:tar|parquet|parquet\.done\.json)")


@dataclass(frozen=True)
class Store:
    """A folder of an object store, e.g. `s3://bucket/recaptioned`, for any number of runs on any machines.

    They must have one plan (see `cim.captions.output.prepare`), which the card there names: the last to begin with
    another one takes the store over, and those before it stop at their next shard.
    A shard's marker there names its fingerprint and what the store says of each file: when that no longer fits, the
    shard is not done. Put by "only if there is none" (S3's If-None-Match, Google's ifGenerationMatch), so that of two
    workers at one shard one wins, and the other lets its copy go.
    """

    url: str
    plan: str = ""

    def prepare(self, card: Path, parts: Mapping[str, Part]) -> None:
        """Delete the summary there, put the card, and delete shards that `parts` no longer has.

        Raises CimError for a folder not ours, or one that parts lie in: their tars have the names of ours.
        """
        remote = [part for part in parts.values() if isinstance(part, (RemoteTar, Chunk))]
        if inside := [part.name for part in remote if lies_in(part.url, self.url)]:
            raise CimError(
                f"recaption.store {self.url}, and {inside[0]} of the corpus in it",
                "an address apart from the corpus",
                "set recaption.store to another one",
            )
        with store_errors(self.url, "written"):
            system, root = store_of(self.url)
            system.invalidate_cache()
            names = {name[len(root) :].lstrip("/") for name in system.find(root)}
        if names and CARD not in names:
            raise CimError(
                f"{self.url} with files in it, but no {CARD}",
                "a new or empty address, or an earlier run's",
                "set recaption.store to another one",
            )
        stale = [name for name in names if (found := _OURS.fullmatch(name)) and found[1] not in parts]
        with store_errors(self.url, "written"), suppress(FileNotFoundError):
            if SUMMARY in names:  # it says that all is done, and a run begins here
                system.rm_file(f"{root}/{SUMMARY}")
        self.put(card)
        with store_errors(self.url, "written"):
            for name in sorted(stale, key=lambda name: not name.endswith(".done.json")):  # markers first
                system.rm_file(f"{root}/{name}")

    def put(self, file: Path, name: str = "") -> None:
        """Copy a local file there."""
        with store_errors(f"{self.url}/{name or file.name}", "written"):
            system, root = store_of(self.url)
            system.put_file(str(file), f"{root}/{name or file.name}")

    def facts(self, job: ShardJob, made_from: str) -> dict[str, Any] | None:
        """The shard's facts if the store holds it, made from exactly this and unchanged, else None."""
        return self.facts_in(self.marker(job), job, made_from)

    def facts_in(self, marker: Mapping[str, Any], job: ShardJob, made_from: str) -> dict[str, Any] | None:
        """As `facts`, of a marker that is read already."""
        if marker.get("fingerprint") != made_from or marker["holds"] != self._holds(job):
            return None
        found: dict[str, Any] = marker["facts"]
        return found

    def check_ours(self) -> None:
        """Raise CimError when a run with another plan has taken the store over."""
        if (theirs := self._json(CARD).get("plan")) != self.plan:
            raise taken_over(self.url, theirs, self.plan, "store")

    def publish(
        self, job: ShardJob, made_from: str, facts: dict[str, Any], before: Mapping[str, Any]
    ) -> dict[str, Any]:
        """Copy the shard's files, then mark it done; the facts of whoever did so first.

        before: the marker (`marker`) when work on the shard began, which this one may replace. Raises CimError when
        another run has put one since that was made from something else: to remove it would be answered in kind.
        """
        while (theirs := self.facts(job, made_from)) is None:
            self.check_ours()
            if found := self.marker(job):  # of an earlier run, or of files that are no longer there
                if found.get("fingerprint") != made_from and found != before:
                    raise CimError(
                        f"shard {job.stem} in {self.url} finished by another run meanwhile, made from something else"
                        f" ({found.get('fingerprint')}, here {made_from})",
                        "one configuration at a time in a store, and a corpus that stays as it is",
                        "set recaption.store to another address for each; or run again when the other run has ended",
                    )
                before = {}  # gone for good: should it be there again, somebody puts it there
                with store_errors(self.url, "written"):
                    system, root = store_of(self.url)
                    system.rm_file(f"{root}/{marker_of(job.table).name}")
            for name, file in _files(job).items():
                self.put(file, name)
            self._mark(job, {"fingerprint": made_from, "facts": facts, "holds": self._holds(job)})
        return theirs

    def fetch_table(self, job: ShardJob, made_from: str, facts: dict[str, Any]) -> None:
        """Bring the captions of a shard that was made elsewhere, for the summary."""
        if done_facts(job.table, made_from) is None:
            with store_errors(f"{self.url}/{job.table.name}"), replacing(job.table) as temporary:
                system, path = store_of(f"{self.url}/{job.table.name}")
                system.get_file(path, str(temporary))
            mark_done(job.table, made_from, **facts)

    def _mark(self, job: ShardJob, marker: dict[str, Any]) -> None:
        """Put the marker there unless there is one: another worker's, who was faster."""
        url = f"{self.url}/{marker_of(job.table).name}"
        content = (json.dumps(marker, indent=2, sort_keys=True, ensure_ascii=False) + "\n").encode()
        with store_errors(url, "written"), suppress(FileExistsError):
            system, path = store_of(url)
            system.pipe_file(path, content, mode="create")

    def marker(self, job: ShardJob) -> dict[str, Any]:
        """The shard's done marker, of whatever run; empty where there is none."""
        return self._json(marker_of(job.table).name)

    def _json(self, name: str) -> dict[str, Any]:
        url = f"{self.url}/{name}"
        with store_errors(url):
            system, path = store_of(url)
            system.invalidate_cache(path)
            try:
                found: dict[str, Any] = json.loads(system.cat_file(path))
            except FileNotFoundError:
                return {}
        return found

    def _holds(self, job: ShardJob) -> dict[str, Any]:
        """What the store says of each file of the shard; without those that it does not have."""
        holds = {}
        for name in _files(job):
            with store_errors(f"{self.url}/{name}"):
                system, path = store_of(f"{self.url}/{name}")
                system.invalidate_cache(path)
                if system.exists(path):
                    holds[name] = version_info(system.info(path))
        return holds


@dataclass(frozen=True)
class StoredJob(ShardJob):
    """A shard that is worked on in `folder`, and kept in `store`."""

    store: Store = Store("")

    @property
    def outer_lock(self) -> Path:
        return self.folder / ".moving" / f"{self.stem}.lock"


def finish_in_store(job: StoredJob, engine: Callable[[], AnyEngine | Feed], patience: float = 0.0) -> Outcome | None:
    """As `finish_shard`, but what is done lies in the job's store; its tar is deleted here."""
    store = job.store
    with file_lock(job.outer_lock, patience) as mine:
        if mine is None:
            return None
        if mine.stale:
            with file_lock(job.lock) as staged:
                if staged:
                    job.sweep()
        before = store.marker(job)
        made_from = (
            job.fingerprint(PartIdentity(job).identity()) if before else ""
        )  # read for where there is something there
        if before and (facts := store.facts_in(before, job, made_from)) is not None:
            outcome = Outcome(job.stem, facts, 0.0, facts["images"])
        else:
            store.check_ours()
            made = finish_shard(job, engine, math.inf)
            assert made is not None
            made_from = read_json(marker_of(job.table))["fingerprint"]
            facts = store.publish(job, made_from, made.facts, before)
            outcome = Outcome(job.stem, facts, made.seconds, made.before, made.cost)
        store.fetch_table(job, made_from, facts)
        job.pairs.unlink(missing_ok=True)
        return outcome


def _files(job: ShardJob) -> dict[str, Path]:
    return {f"rejects/{job.rejects.name}": job.rejects, job.pairs.name: job.pairs, job.table.name: job.table}
