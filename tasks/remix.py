"""remix: one finished shard with other texts is one task; its process keeps the tokenizer for the next."""

from functools import lru_cache
from typing import Any

from prefect import task

from cim.captions.store import Store
from cim.errors import CimError
from cim.mixes.draw import Mixer
from cim.mixes.tokens import open_budget, tokenizer_identity
from cim.params.texts import Mix
from cim.remix.job import MixLineage, RemixJob
from cim.remix.shard import remix_shard
from cim.rewrite.stored import rewrite_into


@task
def remix_task(job: RemixJob, store: Store | None = None) -> dict[str, Any]:
    """Write one shard unless that is done already, in the store where one is given; its facts."""
    return rewrite_into(store, job, lambda: remix_shard(job, mixer_of(job.lineage)))


def mixer_of(lineage: MixLineage) -> Mixer:
    """What draws by it. Raises CimError where its tokenizer can't be loaded, or is another one by now."""
    return _mixer(lineage.mix.model_dump_json(), lineage.tokenizer)


@lru_cache(maxsize=1)
def _mixer(mix_json: str, tokenizer: str) -> Mixer:
    mix = Mix.model_validate_json(mix_json)
    if mix.budget is None:
        return Mixer(mix)
    if tokenizer_identity(mix.budget) != tokenizer:
        raise CimError(f"tokenizer {mix.budget.tokenizer} changed meanwhile", "one that stays as it is", "run again")
    return Mixer(mix, open_budget(mix.budget))
