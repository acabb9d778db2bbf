"""How stages run. Nothing here changes what an artefact contains."""

from typing import Literal

from pydantic import Field, model_validator

from cim.params.base import Section

Strategy = Literal["ddp", "fsdp", "zero2", "zero3"]


class Ranks(Section):
    """Processes that tune one captioner together, each with its own GPU, as `accelerate launch` starts them."""

    processes: int = Field(1, ge=1, description="on this machine, one a GPU; 1 needs no launcher")
    strategy: Strategy = Field(
        "ddp",
        description="ddp: a whole model each; fsdp, zero3: weights, gradients and optimizer in shards; zero2: without"
        " the weights (zero2, zero3: pip install deepspeed)",
    )
    machines: int = Field(1, ge=1, description="with as many processes each, and data/ shared between them")
    machine_rank: int = Field(0, ge=0, description="which of the machines this is; 0 writes what the run leaves")
    main_address: str | None = Field(None, description="of machine 0, as the others reach it; null: one machine")
    main_port: int = Field(0, ge=0, le=65535, description="of machine 0; 0: a free one, for one machine")

    @property
    def size(self) -> int:
        """Ranks in all."""
        return self.processes * self.machines

    @model_validator(mode="after")
    def _meet_somewhere(self) -> "Ranks":
        if self.machines > 1 and (self.main_address is None or not self.main_port):
            raise ValueError(f"machines {self.machines} needs main_address and main_port, where machine 0 is reached")
        if self.machine_rank >= self.machines:
            raise ValueError(f"machine_rank {self.machine_rank} of {self.machines} machines: they count from 0")
        return self

    @model_validator(mode="after")
    def _shards_something(self) -> "Ranks":
        if self.strategy != "ddp" and self.size == 1:
            raise ValueError(f"strategy {self.strategy} with one process shards nothing: set processes, or ddp")
        return self


class Runtime(Section):
    """Execution: where and with how many hands. Takes part in no fingerprint."""

    task_runner: Literal["threads", "ray", "dask"] = Field("threads", description="Prefect task runner")
    address: str | None = Field(
        None,
        description="cluster to run on: ray://host:10001, host:6379 or auto; tcp://host:8786 (dask); null: a local one",
    )
    gpus_per_task: float = Field(0, ge=0, description="GPUs that Ray gives each task with a model; it sees no others")
    stages_at_once: int = Field(1, ge=1, description="stages `make run` works on at once; they share CPU and GPU")
    workers: int = Field(2, ge=1, description="cores that stages which read and write keep busy, a shard each")
    retries: int = Field(2, ge=0, description="tries after the first for a failed task")
    retry_delay_seconds: float = Field(
        2.0,
        ge=0,
        description="wait before the first retry, doubled for each further one (at most 600), varied by half",
    )
    device: Literal["auto", "cpu", "cuda"] = Field("auto", description="auto takes a GPU where one is")
    reward_device: Literal["auto", "cpu", "cuda"] = Field(
        "auto", description="of the encoders that score captions while tuning; auto: that of `device`"
    )
    torch_threads: int = Field(2, ge=1, description="threads of one torch process on CPU")
    search_threads: int | None = Field(
        None,
        ge=1,
        description="threads of a FAISS search on CPU in tune, evaluate and score; null: as FAISS and torch have it",
    )
    train: Ranks = Field(Ranks(), description="processes that tune together")
    prefetch: int = Field(
        1, ge=0, description="how many prepare images ahead while a captioner or an encoder is busy; 0: none"
    )
    prefetch_in: Literal["threads", "processes"] = Field(
        "threads",
        description="what prepares them (engine transformers, embed); processes: for images whose work is Python's",
    )

    decoders: int = Field(2, ge=1, description="threads that decode images ahead of a captioner")

    @model_validator(mode="after")
    def _processes_have_a_use(self) -> "Runtime":
        if self.prefetch_in == "processes" and self.prefetch == 0:
            raise ValueError("prefetch_in processes with prefetch 0: how many? set prefetch to 1 or more")
        if self.prefetch_in == "processes" and self.task_runner == "dask":
            raise ValueError("prefetch_in processes with task_runner dask: its workers may start none; set threads")
        return self

    @model_validator(mode="after")
    def _runner_has_a_use_for_it(self) -> "Runtime":
        if self.address is not None and self.task_runner == "threads":
            raise ValueError(f"address {self.address} needs task_runner ray or dask: threads have no cluster")
        if self.gpus_per_task and self.task_runner != "ray":
            raise ValueError(f"gpus_per_task {self.gpus_per_task:g} needs task_runner ray, found {self.task_runner}")
        scheme = (self.address or "").partition("://")[0] if "://" in (self.address or "") else ""
        if (self.task_runner, scheme) in [("ray", "tcp"), ("ray", "tls"), ("dask", "ray")]:
            raise ValueError(f"address {self.address} is not one of {self.task_runner}")
        return self
