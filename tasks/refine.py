"""refine: one finished shard with refined captions is one task; its process keeps the refiner for the next."""

from functools import lru_cache
from typing import Any

from prefect import task
from pydantic import TypeAdapter

from cim.captions.store import Store
from cim.errors import FatalError
from cim.languages.known import language_of
from cim.params.refiners import Refiner
from cim.refine.base import Refiner as Opened
from cim.refine.job import RefineJob, RefineLineage
from cim.refine.open import open_refiner
from cim.refine.shard import refine_shard
from cim.rewrite.stored import rewrite_into


@task
def refine_task(job: RefineJob, by: str, language: str, store: Store | None = None) -> dict[str, Any]:
    """Refine one shard unless that is done already, in the store where one is given; its facts.

    by: JSON text of the parameters. language: its code.
    """
    return rewrite_into(store, job, lambda: refine_shard(job, checked(by, language, job.lineage.made_with)))


@lru_cache(maxsize=1)
def refiner_of(by: str, language: str) -> Opened:
    """The refiner of these parameters. Raises CimError where it can't be opened."""
    return open_refiner(TypeAdapter[Refiner](Refiner).validate_json(by), language_of(language))


@lru_cache(maxsize=1)  # tables are hashed once a process
def checked(by: str, language: str, made_with: str) -> Opened:
    """The refiner, if it is made of what the run began with. Raises FatalError else."""
    refiner = refiner_of(by, language)
    if (found := RefineLineage.made_with_now(refiner)) != made_with:
        raise FatalError(
            f"a refiner of {found}, which was {made_with} when the run began",
            "the same model, template and tables for a whole run",
            "run again: all shards are then made by what is there now",
        )
    return refiner
