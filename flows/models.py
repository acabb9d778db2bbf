"""models: the encoders and the base captioner, loaded or made, under data/models."""

from pathlib import Path
from typing import Literal

from prefect import flow

from cim.layout import Layout
from cim.params import load_params
from flows.command import main
from flows.shards import map_shards
from tasks.models import ModelsJob, models_task

Role = Literal["text", "image", "heldout", "captioner"]


@flow
def models(role: Role | Literal["all"] = "all", params_path: str = "params.yaml") -> list[str]:
    """Make one model available, or all of them; returns the folders."""
    params = load_params(Path(params_path))
    roles = ("text", "image", "heldout", "captioner") if role == "all" else (role,)
    jobs = [ModelsJob(one, Layout(), params.models, tuple(params.caption.prompts), params.runtime) for one in roles]
    return map_shards(models_task, jobs, params.runtime, "making models", workers=1)


if __name__ == "__main__":
    main(models, "models")
