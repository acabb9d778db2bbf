"""curate: one part measured, the scorer fitted, the whole decided, one shard written: each a task."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from prefect import task

from cim.curation.decide import decide
from cim.curation.given import read_scores
from cim.curation.labels import fit_scorer
from cim.curation.measure import MeasureJob, Tools, measure
from cim.curation.output import Output, read_measured, write_tables
from cim.curation.tools import ToolSpec
from cim.curation.write import WriteJob, write_curated
from cim.encoders.scorer import Scorer
from cim.params.curate import Curate, LearnedScore, TableScore
from cim.params.runtime import Runtime
from cim.readers.base import Part


@dataclass(frozen=True)
class DecideJob:
    """Everything that was measured, and where what is decided of it goes. scorer: the file of one that was fitted."""

    output: Output
    jobs: tuple[MeasureJob, ...]
    scorer: Path | None

    def __str__(self) -> str:
        return str(self.output.root)


@task
def measure_task(job: MeasureJob, tools: ToolSpec, runtime: Runtime) -> int:
    """Measure one part unless that is done; its rows."""
    return measure(job, lambda: _opened(tools, runtime))


@task
def scorer_task(output: Output, tools: ToolSpec, params: Curate, runtime: Runtime) -> Path:
    """Fit the scorer on the labelled pairs; its file."""
    assert isinstance(params.score, LearnedScore)
    encoders = _opened(tools, runtime).encoders
    fit_scorer(params.score, encoders, params.images, params.batch_size).save(output.scorer)
    return output.scorer


@task
def decide_task(job: DecideJob, params: Curate) -> tuple[dict[str, Any], list[WriteJob]]:
    """Decide on every pair and write the tables; the counts, and the shards to write."""
    corpus = read_measured(job.jobs)
    given = read_scores(params.score) if isinstance(params.score, TableScore) else None
    decision = decide(corpus, params, job.scorer and Scorer.load(job.scorer), given)
    parts: Mapping[str, Part] = {one.stem: one.part for one in job.jobs}
    return write_tables(job.output, decision, parts)


@task
def write_task(job: WriteJob) -> dict[str, Any]:
    """Write one shard unless that is done; its facts."""
    return write_curated(job)


@lru_cache(maxsize=1)
def _opened(tools: ToolSpec, runtime: Runtime) -> Tools:
    return tools.open(runtime)
