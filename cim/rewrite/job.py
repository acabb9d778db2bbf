"""One finished shard to write again with other texts: where its files go, what is there, what a killed worker left."""

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cim.atomic import done_facts
from cim.captions.files import ShardFiles
from cim.fingerprint import code_of
from cim.params.provenance import PROVENANCE, ProvenanceColumns


@dataclass(frozen=True, kw_only=True)
class RewriteJob(ShardFiles):
    """The tar `part`, to be written into `folder` as `<stem>.tar`, `<stem>.parquet` and `rejects/<stem>.parquet`.

    plan: of the run, see `cim.captions.output`. section: of the params that name the folder.
    """

    plan: str = ""
    section: str
    provenance: ProvenanceColumns = PROVENANCE

    @property
    def copy(self) -> Path:
        """Where a remote part is kept while it is worked on."""
        return self.folder / f".{self.stem}.source"

    @property
    def begun(self) -> Collection[Path]:
        """What of a shard that is not written yet the next worker goes on from."""
        return ()

    def fingerprint(self, identity: str) -> str:
        """Of what decides the output; `identity`: the part's."""
        raise NotImplementedError

    def made_by(self, *modules: str) -> dict[str, Any]:
        """Of what decides the output the code, that of `modules`, and the columns, JSON-able."""
        code = code_of(*modules, type(self.part).__module__)
        other = {} if self.provenance == PROVENANCE else {"provenance": self.provenance.model_dump(mode="json")}
        return {"code": code, **other}

    def known_identity(self) -> str | None:
        """The part's where nothing need be read for it; nothing is known of local tars so."""
        return None

    def done(self, made_from: str) -> dict[str, Any] | None:
        """The facts of an earlier run if all files are there and made from exactly this, else None."""
        facts = done_facts(self.table, made_from)
        return facts if facts is not None and self.rejects.exists() and self.has_pairs(facts) else None

    def discard(self) -> None:
        """Delete what is kept of a shard while it is worked on. For the holder of its lock."""
        for path in (self.copy, *self.begun):
            path.unlink(missing_ok=True)

    def sweep(self) -> None:
        """Delete the temporary files of a worker that was killed at this shard. For the holder of its lock."""
        self.delete_temporary({*self.begun})
