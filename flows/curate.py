"""Any corpus curated: which pairs to train on, and why not the others; beside the pipeline, like flows.recaption."""

from collections import Counter
from pathlib import Path
from typing import Any

from prefect import flow

from cim.curation.corpus import check_apart, parts_of
from cim.curation.given import read_scores
from cim.curation.labels import read_labels
from cim.curation.measure import MeasureJob
from cim.curation.output import Output, finish, owned, prepare
from cim.curation.texts import check_patterns
from cim.curation.tools import ToolSpec
from cim.params.curate import Curate, Curation, LearnedScore, TableScore
from cim.params.load import load_section
from flows.command import main
from flows.shards import map_shards
from tasks.curate import DecideJob, decide_task, measure_task, scorer_task, write_task


@flow(name="curate")
def curate(params_path: str = "curate.yaml", overrides: dict[str, Any] | None = None) -> dict[str, Any]:
    """Decide on every pair of curate.corpus, and write tables, lists of keys and shards to curate.output; the summary.

    Killed anywhere, it goes on from the parts and shards that are done; with other thresholds nothing is encoded
    again. overrides: values in place of the file's, by dotted name, for deployments.
    """
    params = load_section(Path(params_path), Curation, overrides or {})
    section, runtime = params.curate, params.runtime
    output, parts = Output(Path(section.output).expanduser()), parts_of(section)
    check_apart(output.root, [one.part for one in parts])
    _check(section)
    tools = ToolSpec.of(section)
    made_with = tools.fingerprint()
    with owned(output):
        prepare(output, [one.stem for one in parts])
        jobs = [
            MeasureJob(
                one.part, one.source, output.measured, one.stem, section.images, made_with,
                output.hash_cache(one.stem), section.source_field, one.provenance,
            )
            for one in parts
        ]  # fmt: skip
        map_shards(measure_task, jobs, runtime, "measuring pairs", workers=1, tools=tools, runtime=runtime)
        scorer = None
        if isinstance(section.score, LearnedScore):
            given = {"tools": tools, "params": section, "runtime": runtime}
            (scorer,) = map_shards(scorer_task, [output], runtime, "fitting the scorer", workers=1, **given)
        job = DecideJob(output, tuple(jobs), scorer)
        ((summary, shards),) = map_shards(decide_task, [job], runtime, "deciding", workers=1, params=section)
        if section.shards == "changed":
            facts = map_shards(write_task, shards, runtime, "writing shards")
            summary["shards"] = dict(Counter(one["how"] for one in facts))
        finish(output, summary)
    return summary


def _check(section: Curate) -> None:
    """Tables and patterns that can't be used are told before any work."""
    check_patterns(section.text.boilerplate)
    if isinstance(section.score, TableScore):
        read_scores(section.score)
    if isinstance(section.score, LearnedScore):
        read_labels(Path(section.score.labels).expanduser())


if __name__ == "__main__":
    main(curate, "curate", whole=Curation)
