"""refine: one finished shard with refined captions is one task; its process keeps the refiner for the next."""

from functools import lru_cache
from typing import Any

from prefect import task
from pydantic import TypeAdapter

from cim.errors import FatalError
from cim.params.refine import Refiner
from cim.refine.base import Refiner as Opened
from cim.refine.job import RefineJob
from cim.refine.open import open_refiner
from cim.refine.shard import refine_shard


@task
def refine_task(job: RefineJob, by: str) -> dict[str, Any]:
    """Refine one shard unless that is done already; its facts. by: JSON text of the parameters."""
    return refine_shard(job, checked(job, refiner_of(by)))


@lru_cache(maxsize=1)
def refiner_of(by: str) -> Opened:
    """The refiner of these parameters. Raises CimError where it can't be opened."""
    return open_refiner(TypeAdapter[Refiner](Refiner).validate_json(by))


def checked(job: RefineJob, refiner: Opened) -> Opened:
    """The refiner, if it is still made of what the run began with. Raises FatalError else."""
    if (found := job.lineage.made_with_now(refiner)) != job.lineage.made_with:
        raise FatalError(
            f"a refiner of {found}, which was {job.lineage.made_with} when the run began",
            "the same model, template and tables for a whole run",
            "run again: all shards are then made by what is there now",
        )
    return refiner
