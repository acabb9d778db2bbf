"""Other mixes of texts from captions that are finished: shards in, shards out, without a model."""

import random
from dataclasses import replace
from pathlib import Path
from typing import Any

from prefect import flow

from cim.captions.output import prepare
from cim.captions.store import Store
from cim.captions.store_run import StoreRun
from cim.params.load import load_section
from cim.params.remix import Remixing
from cim.params.sources import WebDatasetSource
from cim.readers.open import numbered, open_source
from cim.remix.job import MixLineage, RemixJob
from cim.remix.shard import check_first
from cim.remix.stored import StoredRemix
from flows.command import main
from flows.mixing import mix_shards
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
    plan = prepare(folder, jobs, "remix")
    jobs = [replace(job, plan=plan) for job in jobs]
    if section.store is None:
        return mix_shards(jobs, params.runtime, section.max_reject_share)
    store = Store(section.store.rstrip("/"), plan, "remix")
    stored = [StoredRemix(**vars(job), store=store) for job in jobs]
    run = StoreRun.begin(store, folder / store.card, stored)
    random.shuffle(stored)  # runs on several machines have no lock in common: let them meet late
    return mix_shards(stored, params.runtime, section.max_reject_share, into=run)


if __name__ == "__main__":
    main(remix, "remix", whole=Remixing)
