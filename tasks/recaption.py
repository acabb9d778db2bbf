"""recaption: any captioner brought to a local folder is one task, a shard by several prompts, or moved to a store,
another."""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from prefect import task

from cim.atomic import done_facts, mark_done, unmark
from cim.captioners.fetch import fetch_captioner
from cim.captioners.load import captioner_fingerprint
from cim.captions.prompts import PromptsJob, finish_prompts
from cim.captions.shard import Outcome
from cim.captions.store_run import StoreRun
from cim.captions.stored import StoredJob, finish_in_store
from cim.fingerprint import code_of, fingerprint
from cim.lock import file_lock
from cim.models.folder import stated_license
from cim.params import LoadedCaptioner
from cim.params.recaption import RecaptionModel
from tasks.caption import TURNS, ModelJob, feed_for


@task
def captioner_task(model: RecaptionModel, kept: Path) -> Path:
    """The folder of a captioner: where it lies, or a copy below `kept` of one from the hub or with capped pixels."""
    local = Path(model.name).expanduser()
    if local.is_dir() and model.max_pixels is None:
        return local
    code = code_of("cim.captioners.fetch")
    made_from = fingerprint("captioner", code, model, captioner_fingerprint(local) if local.is_dir() else None)
    folder = kept / made_from
    with file_lock(kept / f".{made_from}.lock", math.inf):  # another run may be fetching it
        if done_facts(folder, made_from) is None:
            unmark(folder)
            fetch_captioner(LoadedCaptioner(kind="hf", **model.model_dump()), folder)
            told = {"name": model.name, "revision": model.revision, "license": stated_license(folder)}
            mark_done(folder, made_from, captioner=captioner_fingerprint(folder), **told)
    return folder


@task
def stored_task(job: StoredJob, model: ModelJob, batch_size: int, patience: float = 0.0) -> Outcome | None:
    """As caption_task, but what is done lies in the job's store."""
    return store_here(job, model, batch_size, patience)


def store_here(job: StoredJob, model: ModelJob, batch_size: int, patience: float) -> Outcome | None:
    """As the task; see `caption_here`."""
    with TURNS.shard():
        return finish_in_store(job, lambda: feed_for(model, job, batch_size), patience)


@task
def prompts_task(job: PromptsJob, model: ModelJob, batch_size: int, patience: float = 0.0) -> Outcome | None:
    """As caption_task, by several prompts."""
    return prompts_here(job, model, batch_size, patience)


def prompts_here(job: PromptsJob, model: ModelJob, batch_size: int, patience: float) -> Outcome | None:
    """As the task; see `caption_here`."""
    with TURNS.shard():
        return finish_prompts(job, lambda: feed_for(model, job.jobs[0], batch_size), patience)


@task
def tables_task(run: StoreRun, done: Mapping[str, dict[str, Any]]) -> None:
    """Bring the tables of shards that were made elsewhere; those that are here are left."""
    run.bring_tables(done)
