"""tune: the base captioner -> the tuned one, by GRPO with the identity reward."""

from pathlib import Path
from typing import Any

from prefect import flow
from prefect.artifacts import create_markdown_artifact

from cim.atomic import read_json
from cim.layout import Layout
from cim.params import LoadedCaptioner, load_params
from cim.tuning.job import ALARMS, TuneJob
from cim.tuning.record import alarm_table
from flows.command import main
from flows.shards import map_shards
from tasks.tune import tune_task


@flow
def tune(params_path: str = "params.yaml") -> dict[str, Any]:
    """Tune the base captioner with GRPO; returns its best and its first validation."""
    params = load_params(Path(params_path))
    made = params.models.captioner
    job = TuneJob(
        layout=Layout(),
        params=params.tune,
        prompts=tuple(params.caption.prompts),
        device=params.runtime.device,
        torch_threads=params.runtime.torch_threads,
        trust_remote_code=isinstance(made, LoadedCaptioner) and made.trust_remote_code,
        index=params.index,
        reward_device=params.runtime.reward_device,
        search_threads=params.runtime.search_threads,
        ranks=params.runtime.train,
    )
    facts = map_shards(tune_task, [job], params.runtime, "tuning", workers=1)[0]
    if job.ranks.machine_rank:
        return facts
    table = alarm_table(read_json(job.layout.tuned.parent / ALARMS))
    create_markdown_artifact(table, key="tune-alarms", description="What the run was watched for, and what it raised")
    return facts


if __name__ == "__main__":
    main(tune, "tune")
