"""One finished shard to refine: what it is made from, and the answers of one that is not written yet."""

import json
from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from cim import __version__
from cim.fingerprint import code_of, fingerprint
from cim.params.refine import Refine
from cim.refine.base import Refiner
from cim.refine.modules import MODULES
from cim.rewrite.job import RewriteJob

_REACHED = ("base_url", "key_env", "parallel", "attempts", "timeout", "device")  # of models; decide no text


@dataclass(frozen=True)
class RefineLineage:
    """What all texts of a run are made by. by, made_with: JSON texts, of the parameters and of models, templates,
    tables. text, name: of the text that is refined and of the new one."""

    by: str
    made_with: str
    text: str
    name: str

    @classmethod
    def of(cls, section: Refine, refiner: Refiner) -> Self:
        """Raises CimError where its model does not say who it is."""
        by = _without(section.by.model_dump(mode="json"))
        return cls(json.dumps(by, sort_keys=True), cls.made_with_now(refiner), section.text, section.new_name)

    @staticmethod
    def made_with_now(refiner: Refiner) -> str:
        """What is there now, as `made_with` has it."""
        return json.dumps(refiner.lineage(), sort_keys=True)

    @property
    def kind(self) -> str:
        """The refiner's."""
        return str(json.loads(self.by)["kind"])

    def values(self) -> dict[str, Any]:
        """JSON-able: for fingerprints, the folder's card and the samples' JSON."""
        return {
            "kind": self.kind,
            "of": self.text,
            "name": self.name,
            "by": json.loads(self.by),
            "made_with": json.loads(self.made_with),
            "pipeline_version": f"{__version__}+{self.code()[:12]}",
        }

    def code(self) -> str:
        """Of what decides a text, a shard's bytes aside from how its tar is read."""
        return code_of("cim.refine.shard", MODULES[self.kind])


@dataclass(frozen=True)
class RefineJob(RewriteJob):
    """A shard whose answers are kept in a journal as they come."""

    lineage: RefineLineage
    section: str = field(default="refine", kw_only=True)

    @property
    def journal(self) -> Path:
        """Answers of a shard that is not written yet."""
        return self.folder / f".{self.stem}.journal"

    @property
    def begun(self) -> Collection[Path]:
        return (self.journal,)

    def settings(self) -> dict[str, Any]:
        """What decides the output beside the part itself, JSON-able: the same for all shards of a run."""
        return {**self.made_by("cim.refine.shard", MODULES[self.lineage.kind]), **self.lineage.values()}

    def fingerprint(self, identity: str) -> str:
        """Of what decides the output: code, refiner, the part by its identity."""
        return fingerprint("refine", self.settings(), self.part.name, identity)


def _without(by: dict[str, Any]) -> dict[str, Any]:
    """The parameters without where a model is and how it is reached: the same model elsewhere writes the same."""
    return {
        part: {name: value for name, value in of.items() if name not in _REACHED} if isinstance(of, dict) else of
        for part, of in by.items()
    }
