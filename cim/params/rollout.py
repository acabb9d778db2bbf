"""tune.rollout: what samples the captions of a rollout, and in what pieces."""

from typing import Literal

from pydantic import Field, model_validator

from cim.params.base import Section


class ImportanceSampling(Section):
    """Weights for captions by vLLM, whose probabilities differ a little from the trainer's (TRL's correction)."""

    mode: Literal["token_truncate", "token_mask", "sequence_truncate", "sequence_mask"] = Field(
        "sequence_mask", description="a ratio for each token or caption; outside the bounds it is clipped or counts 0"
    )
    clip_max: float | None = Field(3.0, gt=0, description="upper bound of the ratio; null: none")
    clip_min: float | None = Field(None, ge=0, description="lower bound of the ratio; null: none")

    @model_validator(mode="after")
    def _bounds(self) -> "ImportanceSampling":
        if self.clip_min is not None and self.clip_max is not None and self.clip_min >= self.clip_max:
            raise ValueError(f"clip_min {self.clip_min:g} is not below clip_max {self.clip_max:g}")
        if self.mode in ("token_truncate", "sequence_truncate") and self.clip_min is self.clip_max is None:
            raise ValueError(f"mode {self.mode} without clip_min and clip_max has nothing to clip to")
        return self


_COLOCATED = ("memory_share", "max_model_length", "tensor_parallel", "sleep")
_OF_VLLM = ("mode", *_COLOCATED, "server_url", "importance_sampling")


class Rollout(Section):
    """How the captions that GRPO learns from are sampled. The defaults of vLLM's fields are TRL's."""

    engine: Literal["transformers", "vllm"] = Field("transformers", description="what samples the captions")
    batch: int | None = Field(
        None, ge=1, description="captions that one generate call holds (transformers); null: those of a whole rollout"
    )
    mode: Literal["colocate", "server"] = Field(
        "colocate", description="vllm: in the training processes on their GPUs, or a server (vllm serve) on others"
    )
    memory_share: float = Field(0.3, gt=0, le=1, description="vllm, colocate: of each GPU's memory, weights included")
    max_model_length: int | None = Field(
        None, ge=2, description="vllm, colocate: tokens of image, prompt and caption at most; null: the model's own"
    )
    tensor_parallel: int = Field(1, ge=1, description="vllm, colocate: GPUs that share one copy of the model")
    sleep: bool = Field(False, description="vllm, colocate: gives its memory back while weights are updated")
    server_url: str | None = Field(
        None, pattern=r"^https?://[^/\s]+/?$", description="vllm, server: where it listens, such as http://host:8000"
    )
    importance_sampling: ImportanceSampling | None = Field(
        ImportanceSampling(), description="vllm: correction of the ratio between its probabilities and the trainer's"
    )

    @model_validator(mode="after")
    def _engine_has_a_use_for_it(self) -> "Rollout":
        if self.engine == "transformers" and (idle := self._changed(_OF_VLLM)):
            raise ValueError(f"{', '.join(idle)}: only engine vllm has a use for them, found engine transformers")
        if self.engine == "vllm" and self.batch is not None:
            raise ValueError(f"batch {self.batch} with engine vllm, which makes its own batches: leave it out")
        return self

    @model_validator(mode="after")
    def _mode_has_a_use_for_it(self) -> "Rollout":
        if self.engine != "vllm":
            return self
        if self.mode == "server" and self.server_url is None:
            raise ValueError("mode server without server_url: where does it listen?")
        if self.mode == "server" and (idle := self._changed(_COLOCATED)):
            raise ValueError(f"{', '.join(idle)}: options of `vllm serve` where mode is server")
        if self.mode == "colocate" and self.server_url is not None:
            raise ValueError(f"server_url {self.server_url} with mode colocate, which asks no server")
        return self

    def _changed(self, names: tuple[str, ...]) -> list[str]:
        return [name for name in names if getattr(self, name) != type(self).model_fields[name].default]
