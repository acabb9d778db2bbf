"""All shards of a dataset together, as they were looked at one by one."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from cim.captions.summary import tallied
from cim.export.fields import NULL, Shape, feature_of, joined, left_out
from cim.export.finished import Finished
from cim.provenance import added_up
from cim.readers.webdataset import IMAGES

JSON = "json"


@dataclass(frozen=True)
class Seen:
    """facts: of each shard of `finished`, in order, see `cim.export.shard.look`."""

    finished: Finished
    facts: Sequence[Mapping[str, Any]]

    @property
    def samples(self) -> int:
        return sum(one["samples"] for one in self.facts)

    @cached_property
    def members(self) -> dict[str, int]:
        """In how many samples there is a member with each extension."""
        return dict(sorted(tallied(self.facts, "members").items()))

    @cached_property
    def shape(self) -> Shape:
        """Of the samples' JSON."""
        shape: Shape = NULL
        for one in self.facts:
            shape = joined(shape, one["shape"])
        return shape

    @cached_property
    def provenance(self) -> dict[str, Any]:
        return added_up(one["provenance"] for one in self.facts)

    def captions(self) -> list[tuple[dict[str, Any], int]]:
        """How captions were made, and how many samples have one that was made so; by name."""
        found = [(json.loads(text), count) for text, count in tallied(self.facts, "captions").items()]
        return sorted(found, key=lambda one: (one[0]["name"], -one[1], json.dumps(one[0], sort_keys=True)))

    def refined(self) -> list[tuple[dict[str, Any], int]]:
        """By what captions were refined, in that order, and how many samples were."""
        found = [(json.loads(text), count) for text, count in tallied(self.facts, "refined").items()]
        return sorted(found, key=lambda one: (one[0]["step"], -one[1], json.dumps(one[0], sort_keys=True)))

    def by_split(self) -> dict[str, tuple[int, int, int]]:
        """Samples, shards and bytes of each split."""
        found: dict[str, tuple[int, int, int]] = {}
        for shard, one in zip(self.finished.shards, self.facts, strict=True):
            samples, shards, size = found.get(shard.split, (0, 0, 0))
            found[shard.split] = samples + one["samples"], shards + 1, size + one["bytes"]
        return found

    def features(self) -> Any:
        """The columns for `datasets`: the same for every sample, None where it has no such member or field."""
        from datasets import Features, Image, Value

        found: dict[str, Any] = {}
        for name in self.members:
            if name in IMAGES:
                found[name] = Image()
            elif name == JSON and (fields := feature_of(self.shape)) is not None:
                found[name] = fields
            elif name.rpartition(".")[2] == "txt":
                found[name] = Value("string")
        return Features({**found, "__key__": Value("string"), "__url__": Value("string")})

    def left_out(self) -> dict[str, str]:
        """What the tars hold and `features` has not, and why."""
        columns = self.features()
        others = {name: "no text, image or JSON" for name in self.members if name not in columns and name != JSON}
        return others | {f"{JSON}.{name}": why for name, why in left_out(self.shape).items() if name}
