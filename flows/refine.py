"""Other captions from captions that are finished: by a text model, a choice, whatever refine.by names."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from prefect import flow

from cim.params.load import load_section
from cim.params.refine import Refining
from cim.params.sources import WebDatasetSource
from cim.readers.open import numbered, open_source
from cim.refine.form import checks_aside
from cim.refine.job import RefineJob, RefineLineage
from cim.refine.shard import check_first
from cim.refine.summary import check_refined, refined_lines, summarize_refined
from flows.command import main
from flows.progress import logger
from flows.rewriting import Facts, Summing, begin, finish
from flows.shards import map_shards
from tasks.refine import refine_task, refiner_of


@flow(name="refine")
def refine(params_path: str = "refine.yaml", overrides: dict[str, Any] | None = None) -> dict[str, Any]:
    """Write the images of refine.shards with captions refined by refine.by into refine.output, and from there into
    refine.store where one is named; the run's summary.

    Killed anywhere, it goes on from the last answer that was kept. overrides: values in place of the file's, by dotted
    name ({"refine.output": "data/other"}).
    """
    params = load_section(Path(params_path), Refining, overrides or {})
    section, folder = params.refine, Path(params.refine.output).expanduser()
    by = section.by.model_dump_json()
    refiner = refiner_of(by, params.language)  # a model that is not there stops the run before it has a folder
    if section.by.kind != "choose" and (aside := checks_aside(params.spoken)):
        said = "; ".join(f"{name}: {why}" for name, why in aside.items())
        logger().warning("texts in %s; checks of answers that stand aside: %s", params.spoken.name, said)
    lineage = RefineLineage.of(section, refiner)
    parts = numbered(open_source(WebDatasetSource(kind="webdataset", path=section.shards), 1))
    check_first(parts.values(), lineage, refiner.needs)
    jobs = [RefineJob(part, folder, stem, lineage, provenance=section.provenance) for stem, part in parts.items()]
    planned, into = begin(jobs, section.store)

    def make(left: Sequence[RefineJob]) -> list[Facts]:
        given = {"by": by, "language": params.language, "store": into.store if into else None}
        # One at a time in a process: a model is asked for as many samples at once as it takes.
        return map_shards(refine_task, left, params.runtime, f"refining into {folder}", workers=1, **given)

    def check(summary: Facts) -> None:
        check_refined(summary, section.max_failed_share, section.max_reject_share, str(folder))

    return finish(planned, make, into, Summing(summarize_refined, refined_lines, check))


if __name__ == "__main__":
    main(refine, "refine", whole=Refining)
