"""tune: one run of GRPO is one task."""

from shutil import rmtree
from typing import Any

from prefect import task

from cim.atomic import mark_done, unmark
from cim.tuning.job import TuneJob


@task
def tune_task(job: TuneJob) -> dict[str, Any]:
    """Tune the base captioner unless that is done; a killed run goes on from its last checkpoint."""
    if (facts := job.done()) is not None:
        return facts
    import torch

    from cim.tuning.run import tune

    torch.set_num_threads(job.torch_threads)
    unmark(job.layout.tuned)
    facts = tune(job)
    if job.ranks.machine_rank:  # machine 0 writes what the run leaves
        return facts
    rmtree(job.checkpoints, ignore_errors=True)
    mark_done(job.layout.tuned, job.fingerprint(), **facts)
    return facts
