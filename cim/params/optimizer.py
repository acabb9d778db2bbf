"""tune.optimizer: what turns gradients into steps."""

from typing import Literal

from pydantic import Field, model_validator

from cim.params.base import Section


class Optimizer(Section):
    """AdamW as TRL's trainer has it, whose defaults these are. tune.learning_rate and tune.schedule go with it."""

    name: Literal["adamw_torch", "adamw_torch_fused", "adamw_8bit", "paged_adamw_8bit"] = Field(
        "adamw_torch_fused",
        description="8bit: moments of one byte instead of four (pip install bitsandbytes); paged: which move to host"
        " memory when the GPU's is full",
    )
    weight_decay: float = Field(0.0, ge=0, description="of weights, not of biases and norms")
    beta1: float = Field(0.9, ge=0, lt=1, description="decay of the mean of gradients")
    beta2: float = Field(0.999, ge=0, lt=1, description="decay of the mean of their squares")
    epsilon: float = Field(1e-8, gt=0)
    warmup_steps: int = Field(0, ge=0, description="steps in which the learning rate rises from 0")
    warmup_ratio: float = Field(0.0, ge=0, lt=1, description="the same as a share of tune.steps")
    max_grad_norm: float = Field(1.0, ge=0, description="longer gradients are shortened to it; 0: none are")

    @model_validator(mode="after")
    def _warms_up_once(self) -> "Optimizer":
        if self.warmup_steps and self.warmup_ratio:
            raise ValueError(
                f"warmup_steps {self.warmup_steps} and warmup_ratio {self.warmup_ratio:g}: set one of them"
            )
        return self
