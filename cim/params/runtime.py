"""How stages run. Nothing here changes what an artefact contains."""

from typing import Literal

from pydantic import Field

from cim.params.base import Section


class Runtime(Section):
    """Execution: where and with how many hands. Takes part in no fingerprint."""

    task_runner: Literal["threads", "ray", "dask"] = Field("threads", description="Prefect task runner")
    stages_at_once: int = Field(1, ge=1, description="stages `make run` works on at once; they share CPU and GPU")
    workers: int = Field(2, ge=1, description="shards worked on at once by stages that read and write")
    retries: int = Field(2, ge=0, description="tries after the first for a failed task")
    retry_delay_seconds: float = Field(2.0, ge=0, description="wait before a retry")
    device: Literal["auto", "cpu", "cuda"] = Field("auto", description="auto takes a GPU where one is")
    torch_threads: int = Field(2, ge=1, description="threads of one torch process on CPU")
    prefetch: int = Field(
        1, ge=0, description="threads that prepare batches of images while a captioner is busy with another; 0: none"
    )
