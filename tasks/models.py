"""models: one model folder is one task."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from prefect import task

from cim.atomic import done_facts, mark_done, unmark
from cim.fingerprint import code_of, fingerprint
from cim.layout import Layout
from cim.params import FittedClip, FittedHeads, Models, Runtime

# Role -> the module that makes it.
MAKERS = {"captioner": "cim.warm_start.make"} | dict.fromkeys(("text", "image", "heldout"), "cim.encoders.make")
MANIFEST = "manifest.parquet"


@dataclass(frozen=True)
class ModelsJob:
    """One model. role: text, image, heldout or captioner. runtime: how it is made, not what it becomes."""

    role: str
    layout: Layout
    params: Models
    prompts: tuple[str, ...]
    runtime: Runtime

    def __str__(self) -> str:
        return self.role

    @property
    def section(self) -> Any:
        """The parameters of this model."""
        return self.params.captioner if self.role == "captioner" else getattr(self.params, f"{self.role}_encoder")

    @property
    def learnt(self) -> list[Path]:
        """The shards whose captions the base captioner learns."""
        return [self.layout.shards(split) for split in self.params.warm_start.splits]

    def fingerprint(self) -> str:
        """Of the code and parameters of this model and of the shards it is made from."""
        parts: list[Any] = [self.role, code_of(MAKERS[self.role]), self.section]
        if self.role == "captioner":
            from cim.warm_start.make import learnt_from

            parts += learnt_from(self.params, self.learnt, self.prompts)
        elif isinstance(self.section, FittedClip | FittedHeads):
            parts.append(self.layout.shards("gallery") / MANIFEST)
        return fingerprint(*parts)


@task
def models_task(job: ModelsJob) -> str:
    """Load or make one model unless that is done; its folder."""
    folder, name = job.layout.model(job.role), job.fingerprint()
    if done_facts(folder, name) is None:
        unmark(folder)
        import torch

        torch.set_num_threads(job.runtime.torch_threads)
        _make(job)
        mark_done(folder, name)
    return str(folder)


def _make(job: ModelsJob) -> None:
    folder, device = job.layout.model(job.role), job.runtime.device
    if job.role == "captioner":
        from cim.warm_start.make import make_base_captioner

        make_base_captioner(job.params, job.learnt, job.prompts, device, folder, job.layout.trunk_outputs)
    elif job.role == "text":
        from cim.encoders.make import make_text_encoder

        make_text_encoder(job.section, folder)
    else:
        from cim.encoders.make import make_clip_encoder

        make_clip_encoder(job.section, folder, job.layout.shards("gallery"), device, job.layout.trunk_outputs)
