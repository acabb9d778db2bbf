"""Other mixes of texts from captions that are finished: shards in, shards out, without a model."""

from pathlib import Path
from typing import Any

from prefect import flow

from cim.params.load import load_section
from cim.params.remix import Remixing
from cim.params.sources import WebDatasetSource
from cim.readers.open import numbered, open_source
from cim.remix.job import MixLineage, RemixJob
from cim.remix.shard import check_first
from flows.command import main
from flows.mixing import mix_shards
from flows.rewriting import begin
from tasks.remix import mixer_of


@flow(name="remix")
def remix(params_path: str = "remix.yaml", overrides: dict[str, Any] | None = None) -> dict[str, Any]:
    """Write the images of remix.shards with the texts of remix.texts into remix.output, and from there into
    remix.store where one is named; the run's summary.

    Killed anywhere, it goes on from the shards that are done. overrides: values in place of the file's, by dotted
    name ({"remix.output": "data/other"}).
    """
    params = load_section(Path(params_path), Remixing, overrides or {})
    section, folder = params.remix, Path(params.remix.output).expanduser()
    lineage = MixLineage.of(section.texts)
    mixer = mixer_of(lineage)  # a tokenizer that can't be loaded stops the run before it has a folder
    parts = numbered(open_source(WebDatasetSource(kind="webdataset", path=section.shards), 1))
    check_first(parts.values(), mixer)
    jobs = [RemixJob(part, folder, stem, lineage, provenance=section.provenance) for stem, part in parts.items()]
    planned, into = begin(jobs, section.store)
    return mix_shards(planned, params.runtime, section.max_reject_share, into=into)


if __name__ == "__main__":
    main(remix, "remix", whole=Remixing)
