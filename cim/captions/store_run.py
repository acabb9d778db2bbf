"""One run into a store: what is done there when it begins, the tables for its summary, what it leaves at its end."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from tqdm import tqdm

from cim.atomic import done_facts
from cim.captions.output import SUMMARY
from cim.captions.staging import Staged
from cim.captions.store import Store, stale_in
from cim.captions.store_index import READERS, StoreIndex, Version
from cim.errors import TransientError
from cim.fingerprint import hash_path
from cim.prefetch import prefetch
from cim.readers.base import Chunk
from cim.readers.remote import RemoteTar, listed_identities
from cim.readers.stores import version_of


@dataclass
class StoreRun:
    """What `begin` found. found: facts of the shards that are done, by stem.

    summary: of all shards, where all were done when the run began and the summary in the store is theirs.
    agrees: whether the shards in the store are those that this run has counted; another run may have replaced one.
    """

    store: Store
    card: Path
    jobs: Sequence[Staged]
    index: StoreIndex
    found: Mapping[str, dict[str, Any]] = field(default_factory=dict)
    summary: dict[str, Any] | None = None
    agrees: bool = False

    def __str__(self) -> str:
        return self.store.url

    @classmethod
    def begin(cls, store: Store, card: Path, jobs: Sequence[Staged]) -> Self:
        """See what is done by one listing of the store and one of each folder of the corpus; take the store over.

        Where all is done, by this plan, nothing is changed there, and the summary is the one that lies there.
        card: the plan's, see `cim.captions.output.prepare`. Raises CimError as `Store.listed`.
        """
        stems = [job.stem for job in jobs]
        listed = store.listed([job.part for job in jobs])
        index = StoreIndex.read(store, listed)
        read = index.update(store, listed, stems)
        run = cls(store, card, jobs, index, _found(jobs, index, listed))
        ours = index.knows_card(card, listed.get(card.name))
        if ours and not read and len(run.found) == len(jobs) and not stale_in(listed, stems):
            run.summary = run._summary(listed.get(SUMMARY))
        if run.summary is None:
            store.take(card, listed, stems)
            index.summary = None
            if read or not ours:
                run._write_index()
        return run

    def bring_tables(self, done: Mapping[str, Mapping[str, Any]]) -> None:
        """Bring the captions tables of the shards `done` (stem -> facts) that were made elsewhere, for the summary.

        Raises TransientError where a shard is no longer in the store.
        """
        wanted = self.compare(done)
        missing = [(job, says) for job, says in wanted if done_facts(job.table, says["fingerprint"]) != says["facts"]]
        brought = prefetch(lambda one: self._bring(*one), missing, READERS, 4 * READERS)
        for _ in tqdm(brought, "collecting tables", len(missing), unit="table", disable=not missing):
            pass

    def compare(self, done: Mapping[str, Mapping[str, Any]]) -> list[tuple[Staged, Mapping[str, Any]]]:
        """See whether the shards there are those `done` (stem -> facts); these, each with what its marker says.

        Raises TransientError where a shard is no longer in the store.
        """
        self.index.update(self.store, self.store.listed([]), [job.stem for job in self.jobs])
        if lost := [stem for stem in done if stem not in self.index.shards]:
            raise TransientError(
                f"shard {lost[0]} and {len(lost) - 1} more gone from {self.store.url} since they were done",
                "a store that nothing else deletes from",
                "run again",
            )
        wanted = [(job, self.index.shards[job.stem]["says"]) for job in self.jobs if job.stem in done]
        self.agrees = all(says["facts"] == done[job.stem] for job, says in wanted)
        return wanted

    def end(self, summary: Path) -> None:
        """Put the summary of all shards there, and what the next run's listing is compared with.

        Raises CimError when another run has taken the store over.
        """
        if self.summary is not None:  # it lies there
            return
        self.store.check_ours()  # another run may have replaced what this one had finished
        self.store.put(summary)
        self.index.summary = version_of(f"{self.store.url}/{summary.name}") if self.agrees else None
        self._write_index()

    def _bring(self, job: Staged, says: Mapping[str, Any]) -> None:
        self.store.fetch_table(job.table, says["fingerprint"], says["facts"])

    def _summary(self, listed: Version | None) -> dict[str, Any] | None:
        """The summary in the store, if it is still the one that was put there for just these shards."""
        if listed is None or listed != self.index.summary:
            return None
        return self.store.json(SUMMARY) or None

    def _write_index(self) -> None:
        version = version_of(f"{self.store.url}/{self.card.name}")
        self.store.check_ours()  # so that it was our card's
        self.index.card = {"sha256": hash_path(self.card), "version": version}
        self.index.write(self.store)


def _found(jobs: Sequence[Staged], index: StoreIndex, listed: Mapping[str, Version]) -> dict[str, dict[str, Any]]:
    """The facts of shards that are done as this run would make them, as far as that is known without reading a part.

    Without those of which something lies here, be it held by another worker or left by a dead one: whoever takes such
    a shard tidies up.
    """
    marked = {job.stem: says for job in jobs if (says := index.whole(job.stem, listed)) is not None}
    tars = listed_identities(job.part for job in jobs if job.stem in marked and isinstance(job.part, RemoteTar))
    left = _left_in(jobs[0].folder)
    found = dict[str, dict[str, Any]]()
    for job in jobs:
        if job.stem not in marked or job.stem in left:
            continue
        identity = _identity(job, tars)
        if identity is not None and job.fingerprint(identity) == marked[job.stem]["fingerprint"]:
            found[job.stem] = marked[job.stem]["facts"]
    return found


def _identity(job: Staged, tars: Mapping[RemoteTar, str]) -> str | None:
    """The part's identity where nothing need be read or asked for it."""
    if isinstance(job.part, RemoteTar):
        return tars.get(job.part)
    if isinstance(job.part, Chunk) and job.part.url:
        return job.part.identity()
    return job.known_identity()


def _left_in(folder: Path) -> set[str]:
    """Stems of shards of which a tar, a lock, a journal or a temporary file lies in the output folder."""
    names = [name for name in os.listdir(folder) if name.startswith(".") or name.endswith(".tar")]
    moving = folder / ".moving"
    names += os.listdir(moving) if moving.is_dir() else []
    return {name.lstrip(".").partition(".")[0] for name in names}
