"""Other mixes of texts from captions that are finished: shards in, shards out, without a model."""

from pathlib import Path
from typing import Any

from prefect import flow

from cim.captions.output import check_ours, prepare, write_summary
from cim.mixes.tokens import tokenizer_identity
from cim.params.load import load_section
from cim.params.remix import Remixing
from cim.params.sources import WebDatasetSource
from cim.readers.open import numbered, open_source
from cim.remix.job import MixLineage, RemixJob
from cim.remix.shard import check_first
from cim.remix.summary import check_mix_rejects, mix_lines, summarize_mix
from flows.command import main
from flows.progress import logger
from flows.shards import map_shards
from tasks.remix import mixer_of, remix_task


@flow(name="remix")
def remix(params_path: str = "remix.yaml", overrides: dict[str, Any] | None = None) -> dict[str, Any]:
    """Write the images of remix.shards with the texts of remix.texts into remix.output; the run's summary.

    Killed anywhere, it goes on from the shards that are done. overrides: values in place of the file's, by dotted
    name ({"remix.output": "data/other"}).
    """
    params = load_section(Path(params_path), Remixing, overrides or {})
    section, folder = params.remix, Path(params.remix.output).expanduser()
    mix = section.texts
    lineage = MixLineage(mix, tokenizer_identity(mix.budget) if mix.budget else "")
    mixer = mixer_of(lineage)  # a tokenizer that can't be loaded stops the run before it has a folder
    parts = numbered(open_source(WebDatasetSource(kind="webdataset", path=section.shards), 1))
    check_first(parts.values(), mixer)
    jobs = [RemixJob(part, folder, stem, lineage) for stem, part in parts.items()]
    plan = prepare(folder, jobs, "remix")
    planned = [RemixJob(job.part, folder, job.stem, lineage, plan) for job in jobs]
    facts = map_shards(remix_task, planned, params.runtime, f"mixing into {folder}")
    check_ours(folder, plan, "remix")
    summary = summarize_mix(mix, facts)
    write_summary(folder, summary, plan, "remix")
    print(mix_lines(summary), flush=True)
    if summary["passed"]:
        logger().warning("texts that were drawn and could not be given, so that another was: %s", summary["passed"])
    check_mix_rejects(summary, section.max_reject_share, f"{folder}/rejects")
    return summary


if __name__ == "__main__":
    main(remix, "remix", whole=Remixing)
