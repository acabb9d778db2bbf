"""A corpus captioned by several named prompts, one after the other, and what is written of these captions as shards."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from cim.captions.job import ShardJob
from cim.captions.lineage import Lineage
from cim.captions.output import hash_caches, log_of, prepare
from cim.captions.questions import check_columns
from cim.params.recaption import Recaptioning
from cim.params.texts import Texts, columns_of
from cim.remix.captioned import CaptionTables
from cim.remix.job import MixLineage, RemixJob
from flows.captioning import caption_shards
from flows.mixing import mix_shards
from tasks.caption import ModelJob
from tasks.remix import mixer_of

TABLES = "texts"


def caption_by_prompts(params: Recaptioning, jobs: Sequence[ShardJob], model: ModelJob, texts: Texts) -> dict[str, Any]:
    """Make the tables of each prompt in `texts/NAME` of the output, as if it were the only one, then the shards.

    jobs: of the shards, in the order in which this worker takes them. Each prompt loads the model once. The summary of
    the shards, with those of the prompts as `captions_of`. Raises CimError as `caption_shards` and `mix_shards`.
    """
    folder, base = jobs[0].folder, jobs[0].lineage
    lineages = {name: replace(base, prompt=prompt) for name, prompt in texts.prompts.items()}
    tables = {name: folder / TABLES / name for name in lineages}
    lineage = MixLineage.of(texts, lineages)
    mixer_of(lineage)  # a tokenizer that can't be loaded stops the run before it has a folder
    check_columns([min(jobs, key=lambda job: job.number).part], texts.prompts)
    shards = [
        RemixJob(
            job.part,
            folder,
            job.stem,
            lineage,
            tables=CaptionTables(job.number, job.stem, tuple(tables.items())),
            section="recaption",
            provenance=job.provenance,
        )
        for job in jobs
    ]
    plan = prepare(folder, sorted(shards, key=lambda job: (len(job.stem), job.stem)), "recaption")
    known = hash_caches(folder, [job.stem for job in jobs])
    jobs = [replace(job, hash_caches=known) for job in jobs]
    made = {name: _captioned(params, jobs, model, tables[name], lineages[name]) for name in lineages}
    planned = [replace(job, plan=plan) for job in shards]
    return mix_shards(planned, params.runtime, params.caption.max_reject_share, {"captions_of": made})


def _captioned(
    params: Recaptioning, jobs: Sequence[ShardJob], model: ModelJob, folder: Path, lineage: Lineage
) -> dict[str, Any]:
    """The tables of one prompt; their summary."""
    asking = bool(columns_of(lineage.prompt))
    mine = [replace(job, folder=folder, lineage=lineage, tar=False, asking=asking) for job in jobs]
    plan = prepare(folder, sorted(mine, key=lambda job: job.number))
    planned = [replace(job, plan=plan) for job in mine]
    asked = replace(model, spec=replace(model.spec, prompt=lineage.prompt))
    log = log_of(folder.parents[1])
    return caption_shards(planned, asked, params.caption, params.runtime, log)
