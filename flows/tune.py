"""tune: the base captioner -> the tuned one, by GRPO with the identity reward."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from prefect import flow
from prefect.artifacts import create_markdown_artifact
from prefect.events import emit_event

from cim.atomic import read_json
from cim.layout import Layout
from cim.params import LoadedCaptioner, load_params
from cim.tuning.job import ALARMS, TuneJob
from cim.tuning.record import alarm_table
from flows.command import main
from flows.shards import map_shards
from tasks.tune import tune_task

ALARM = "cim.tune.alarm"


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
        language=params.language,
    )
    facts = map_shards(tune_task, [job], params.runtime, "tuning", workers=1)[0]
    if job.ranks.machine_rank:
        return facts
    record = read_json(job.layout.tuned.parent / ALARMS)
    description = "What the run was watched for, and what it raised"
    create_markdown_artifact(alarm_table(record), key="tune-alarms", description=description)
    tell_alarms(record["alarms"])
    return facts


def tell_alarms(alarms: Iterable[Mapping[str, Any]]) -> None:
    """An event of Prefect's for each alarm of alarms.json, which automations.yaml makes a message of."""
    for alarm in alarms:
        resource = {"prefect.resource.id": f"cim.tune.{alarm['alarm']}", "prefect.resource.name": alarm["alarm"]}
        emit_event(ALARM, resource, payload=dict(alarm))


if __name__ == "__main__":
    main(tune, "tune")
