"""A corpus captioned by several named prompts at once, and what is written of these captions as shards."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from cim.captions.job import ShardJob
from cim.captions.lineage import Lineage
from cim.captions.output import hash_caches, log_of, prepare, write_summary
from cim.captions.prompts import PromptsJob
from cim.captions.questions import check_columns
from cim.captions.summary import summarize
from cim.params.recaption import Recaptioning
from cim.params.texts import Texts, columns_of
from cim.remix.captioned import CaptionTables
from cim.remix.job import MixLineage, RemixJob
from flows.captioning import joined_errors, make_shards, too_many_rejects
from flows.mixing import mix_shards
from flows.progress import Progress
from tasks.caption import ModelJob
from tasks.recaption import prompts_task
from tasks.remix import mixer_of

TABLES = "texts"


def caption_by_prompts(params: Recaptioning, jobs: Sequence[ShardJob], model: ModelJob, texts: Texts) -> dict[str, Any]:
    """Make the tables of each prompt in `texts/NAME` of the output, as if it were the only one, then the shards.

    jobs: of the shards, in the order in which this worker takes them. The model is loaded once, and a picture decoded
    once, for all prompts. The summary of the shards, with those of the prompts as `captions_of`. Raises CimError as
    `caption_shards` and `mix_shards`.
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
    each = {
        name: _prepared([replace(job, hash_caches=known) for job in jobs], tables[name], lineages[name])
        for name in lineages
    }
    together = [PromptsJob(of, folder, plan) for of in zip(*each.values(), strict=True)]
    made = _captioned(params, together, model, texts)
    planned = [replace(job, plan=plan) for job in shards]
    return mix_shards(planned, params.runtime, params.caption.max_reject_share, {"captions_of": made})


def _prepared(jobs: Sequence[ShardJob], folder: Path, lineage: Lineage) -> list[ShardJob]:
    """The jobs of one prompt, its folder prepared."""
    asking = bool(columns_of(lineage.prompt))
    mine = [replace(job, folder=folder, lineage=lineage, tar=False, asking=asking) for job in jobs]
    plan = prepare(folder, sorted(mine, key=lambda job: job.number))
    return [replace(job, plan=plan) for job in mine]


def _captioned(
    params: Recaptioning, jobs: Sequence[PromptsJob], model: ModelJob, texts: Texts
) -> dict[str, dict[str, Any]]:
    """The tables of all prompts; their summaries by name, also printed and, when all are done, summary.json of each."""
    folder, caption = jobs[0].folder, params.caption
    known = [job.part.images for job in jobs]
    total = None if None in known else len(texts.prompts) * sum(filter(None, known))
    progress = Progress(f"captioning into {folder}", len(jobs), total, log_of(folder))
    asked = replace(model, spec=replace(model.spec, prompts=tuple(texts.prompts.values())))
    failed = make_shards(jobs, asked, caption.batch_size, params.runtime, progress, prompts_task)
    summaries, errors = dict[str, dict[str, Any]](), [failed]
    for number, (name, first) in enumerate(zip(texts.prompts, jobs[0].jobs, strict=True)):
        facts = {job.stem: progress.facts[job.stem]["prompts"][number] for job in jobs if job.stem in progress.facts}
        summaries[name] = summarize(first.folder, facts)
        if failed is None:
            write_summary(first.folder, summaries[name], first.plan)
        progress.end(summaries[name], first.folder)
        errors.append(too_many_rejects(summaries[name], caption.max_reject_share, first.folder))
    if any(errors):
        raise joined_errors(*errors)
    return summaries
