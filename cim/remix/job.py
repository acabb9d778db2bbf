"""One finished shard to write again with other texts: what it is made from, where its files go, what is there."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Self

from cim.atomic import done_facts
from cim.captions.files import ShardFiles
from cim.captions.lineage import Lineage
from cim.fingerprint import code_of, fingerprint
from cim.mixes.tokens import tokenizer_identity
from cim.params.provenance import PROVENANCE, ProvenanceColumns
from cim.params.texts import Mix
from cim.remix.captioned import CaptionTables


@dataclass(frozen=True)
class MixLineage:
    """What all texts of a run are drawn by. tokenizer: its identity, "" without a budget.

    captions: how those of each named prompt are made, where the run makes them itself.
    """

    mix: Mix
    tokenizer: str = ""
    captions: tuple[tuple[str, Lineage], ...] = ()

    @classmethod
    def of(cls, mix: Mix, captions: Mapping[str, Lineage] = MappingProxyType({})) -> Self:
        """With the tokenizer as it is now. Raises CimError where it is not there."""
        plain = Mix.model_validate({name: getattr(mix, name) for name in Mix.model_fields})
        return cls(plain, tokenizer_identity(mix.budget) if mix.budget else "", tuple(captions.items()))

    def values(self) -> dict[str, Any]:
        """JSON-able."""
        found = {"texts": self.mix.model_dump(mode="json"), "tokenizer": self.tokenizer}
        made = {name: lineage.values() for name, lineage in self.captions}
        return found | ({"captions": made} if made else {})


@dataclass(frozen=True)
class RemixJob(ShardFiles):
    """The tar `part`, to be written into `folder` as `<stem>.tar`, `<stem>.parquet` and `rejects/<stem>.parquet`.

    plan: of the run, see `cim.captions.output`. tables: where the texts are, None where the part's own JSON has them;
    the part may then be of any corpus. section: of the params that name the folder.
    """

    lineage: MixLineage
    plan: str = ""
    tables: CaptionTables | None = None
    section: str = "remix"
    provenance: ProvenanceColumns = PROVENANCE

    @property
    def copy(self) -> Path:
        """Where a remote part is kept while it is worked on."""
        return self.folder / f".{self.stem}.source"

    def settings(self) -> dict[str, Any]:
        """What decides the output beside the part itself, JSON-able: the same for all shards of a run."""
        code = code_of("cim.remix.shard", "cim.mixes.tokens", type(self.part).__module__)
        other = {} if self.provenance == PROVENANCE else {"provenance": self.provenance.model_dump(mode="json")}
        return {"code": code, **other, **self.lineage.values()}

    def fingerprint(self, identity: str) -> str:
        """Of what decides the output: code, mix, tokenizer, the part by its identity, the tables by theirs."""
        tables = [self.tables.number, *self.tables.identity()] if self.tables else []
        return fingerprint("remix", self.settings(), self.part.name, identity, tables)

    def done(self, made_from: str) -> dict[str, Any] | None:
        """The facts of an earlier run if all files are there and made from exactly this, else None."""
        facts = done_facts(self.table, made_from)
        return facts if facts is not None and self.rejects.exists() and self.has_pairs(facts) else None

    def discard(self) -> None:
        """Delete what a worker that was killed had begun. For the holder of its lock."""
        self.copy.unlink(missing_ok=True)

    def sweep(self) -> None:
        """Delete the temporary files of a worker that was killed at this shard. For the holder of its lock."""
        self.delete_temporary(set())
