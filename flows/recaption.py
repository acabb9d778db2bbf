"""Any corpus described by any captioner: shards for pre-training, beside the pipeline and independent of its stages."""

import random
from dataclasses import replace
from pathlib import Path
from typing import Any

from prefect import flow

from cim.captions.job import ShardJob
from cim.captions.order import in_order
from cim.captions.output import CARD, SUMMARY, hash_caches, log_of, prepare
from cim.captions.store import Store
from cim.captions.store_run import StoreRun
from cim.captions.stored import StoredJob
from cim.captions.summary import repeated_warning
from cim.captions.windows import BATCHES
from cim.layout import Layout
from cim.params.load import load_section
from cim.params.recaption import Recaptioning
from cim.readers.open import numbered, open_source
from cim.rewards.pictures import ScoreSpec
from flows.captioning import Kept, caption_shards
from flows.command import main
from flows.precision import resolve_precision
from flows.progress import logger
from flows.shards import map_shards
from flows.texts import caption_by_prompts
from tasks.caption import ModelJob
from tasks.recaption import captioner_task, stored_task, tables_task


@flow(name="recaption")
def recaption(
    params_path: str = "recaption.yaml", overrides: dict[str, Any] | None = None, rank: int = 0, world: int = 1
) -> dict[str, Any]:
    """Caption every image of recaption.corpus into shards in recaption.output; the run's summary.

    Killed anywhere, it goes on from the last finished batch. overrides: values in place of the file's, by dotted
    name ({"recaption.output": "data/other"}), for deployments. rank, world: of several workers at once, which this is
    and how many there are (of a Slurm array, of a job's pods): it begins with its share, then does what is left.
    """
    return caption_corpus(load_section(Path(params_path), Recaptioning, overrides or {}), rank, world)


def caption_corpus(params: Recaptioning, rank: int = 0, world: int = 1) -> dict[str, Any]:
    """The same, of parameters that are read already."""
    section, folder = params.recaption, Path(params.recaption.output).expanduser()
    parts = numbered(open_source(section.corpus, section.samples_per_shard))
    found: Path | None = None  # a server has it
    if params.caption.engine != "endpoint":
        (found,) = map_shards(
            captioner_task, [section.model], params.runtime, "fetching the captioner", kept=Path(section.models)
        )
    score = ScoreSpec(Layout(Path(section.workspace)), section.reward) if params.caption.scored else None
    trusted = section.model.trust_remote_code
    precision = resolve_precision(params.caption, params.runtime)
    model = ModelJob.of(found, params.caption, params.runtime, precision=precision, trusted=trusted, score=score)
    lineage = model.lineage()
    window, columns = BATCHES * params.caption.batch_size, section.corpus.provenance
    jobs = [
        ShardJob(part, folder, stem, int(stem), lineage, True, window, section.images, 1, provenance=columns)
        for stem, part in parts.items()
    ]
    if section.texts is not None:
        return caption_by_prompts(params, in_order(jobs, rank, world), model, section.texts)
    plan = prepare(folder, jobs)
    known = hash_caches(folder, parts)
    jobs = in_order([replace(job, plan=plan, hash_caches=known) for job in jobs], rank, world)
    log = log_of(folder)
    if section.store is None:
        return _looked_at(caption_shards(jobs, model, params.caption, params.runtime, log), section.max_repeated_share)
    store = Store(section.store.rstrip("/"), plan)
    stored = [StoredJob(**vars(job), store=store) for job in jobs]
    run = StoreRun.begin(store, folder / CARD, stored)
    if world == 1:
        random.shuffle(stored)  # runs on several machines have no lock in common: let them meet late
    kept = Kept(stored_task, run.found, run.summary, tables_task, run)
    summary = caption_shards(stored, model, params.caption, params.runtime, log, kept)
    run.end(folder / SUMMARY)
    return _looked_at(summary, section.max_repeated_share)


def _looked_at(summary: dict[str, Any], most: float) -> dict[str, Any]:
    """The summary, with a warning where more than the share `most` of its captions repeat."""
    if said := repeated_warning(summary, most):
        logger().warning(said)
    return summary


if __name__ == "__main__":
    main(recaption, "recaption", whole=Recaptioning)
