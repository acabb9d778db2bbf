"""One finished shard to write again with the texts of a mix: what it is made from."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Self

from cim.captions.lineage import Lineage
from cim.fingerprint import fingerprint
from cim.mixes.tokens import tokenizer_identity
from cim.params.texts import Mix
from cim.remix.captioned import CaptionTables
from cim.rewrite.job import RewriteJob


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
class RemixJob(RewriteJob):
    """tables: where the texts are, None where the part's own JSON has them; the part may then be of any corpus."""

    lineage: MixLineage
    section: str = field(default="remix", kw_only=True)
    tables: CaptionTables | None = None

    def settings(self) -> dict[str, Any]:
        """What decides the output beside the part itself, JSON-able: the same for all shards of a run."""
        return {**self.made_by("cim.remix.shard", "cim.mixes.tokens"), **self.lineage.values()}

    def fingerprint(self, identity: str) -> str:
        """Of what decides the output: code, mix, tokenizer, the part by its identity, the tables by theirs."""
        tables = [self.tables.number, *self.tables.identity()] if self.tables else []
        return fingerprint("remix", self.settings(), self.part.name, identity, tables)
