"""One shard of a corpus captioned by several prompts: a job each, and one picture decoded for all of them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cim.captions.cost import Cost
from cim.captions.feed import Feed
from cim.captions.job import ShardJob
from cim.captions.shard import Outcome, finish_shards
from cim.captions.summary import tallied
from cim.engines.spec import AnyEngine
from cim.readers.base import Part

COUNTS = ("images", "captions", "rejects", "tokens", "tokens_in")


@dataclass(frozen=True)
class PromptsJob:
    """The jobs of one part by several prompts, in their order. folder, plan: of the output that is made of them."""

    jobs: tuple[ShardJob, ...]
    folder: Path
    plan: str

    def __str__(self) -> str:
        return str(self.jobs[0])

    @property
    def part(self) -> Part:
        return self.jobs[0].part

    @property
    def stem(self) -> str:
        return self.jobs[0].stem

    @property
    def outer_lock(self) -> Path:
        """The lock that says who is at it."""
        return min(job.lock for job in self.jobs)


def finish_prompts(job: PromptsJob, engine: Callable[[], AnyEngine | Feed], patience: float = 0.0) -> Outcome | None:
    """As `finish_shards`, in one outcome: counts are of all prompts, its facts `prompts` those of each."""
    found = finish_shards(job.jobs, engine, patience)
    return None if found is None else joined(found)


def joined(found: Sequence[Outcome]) -> Outcome:
    """One outcome for those of a shard's prompts."""
    facts: dict[str, Any] = {name: sum(one.facts[name] for one in found) for name in COUNTS}
    facts["reject_reasons"] = dict(sorted(tallied((one.facts for one in found), "reject_reasons").items()))
    facts["prompts"] = [one.facts for one in found]
    seconds, before = max(one.seconds for one in found), sum(one.before for one in found)
    return Outcome(found[0].shard, facts, seconds, before, sum((one.cost for one in found), Cost()))
