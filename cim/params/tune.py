"""tune: the reward, GRPO, and what a run is watched for."""

from typing import Literal

from pydantic import Field, model_validator

from cim.params.base import Section
from cim.params.guards import Guards
from cim.params.optimizer import Optimizer
from cim.params.rollout import Rollout
from cim.params.terms import Terms

Attention = Literal["auto", "eager", "sdpa", "flash_attention_2"]
AlarmName = Literal["zero_variance", "clipped", "length_drift", "repetition", "divergence"]


class Reward(Section):
    """alpha * GRC + beta * QIR (CIM, arXiv 2603.01696, alpha 1), plus weight times value of guards and terms."""

    space: Literal["caption_text", "clip", "fused"] = Field(
        "caption_text", description="caption to gallery captions, to gallery images, or both by reciprocal rank"
    )
    k: int = Field(3, ge=1, description="gallery images a caption retrieves")
    alpha: float = Field(1.0, ge=0, description="weight of GRC; 0 to see what QIR does alone")
    beta: float = Field(1.0, ge=0, description="weight of QIR")
    decay: float = Field(0.5, gt=0, le=1, description="weight of rank r in QIR is decay^(r-1)")
    qir: Literal["sum", "mean"] = Field(
        "sum", description="sum: the paper's; mean: divided by the sum of its weights, at most 1 at every k and decay"
    )
    exclude: Literal["none", "self", "near_duplicates"] = Field(
        "self", description="self: a source never retrieves itself; near_duplicates: nor a picture nearly the same"
    )
    duplicate_cosine: float = Field(
        0.98, gt=0, le=1, description="near_duplicates: image cosine with the source from which on an item is one"
    )
    guards: Guards = Guards()
    terms: Terms = Field(Terms(), exclude_if=lambda terms: not terms.named())  # fingerprints without any stay


class Lora(Section):
    """Low-rank adapters instead of full fine-tuning."""

    rank: int = Field(16, ge=1)
    alpha: int = Field(32, ge=1)
    dropout: float = Field(0.0, ge=0, lt=1)


class StopEarly(Section):
    """Stop when held-out self-retrieval has not risen for `patience` validations."""

    patience: int = Field(ge=1)
    min_delta: float = Field(0.0, ge=0)


class Divergence(Section):
    """Self-retrieval has fallen since its best while the training reward has risen: the reward is being gamed."""

    validations: int = Field(2, ge=1, description="validations after the best, whose mean is compared with it")
    drop: float = Field(0.05, ge=0, lt=1, description="how far that mean may lie below the best")


class Alarms(Section):
    """What a run is watched for. Each may be null: off. None of them stops a run unless tune.stop_on names it."""

    every: int = Field(10, ge=1, description="steps between checks; each looks at the steps since the one before")
    zero_variance: float | None = Field(
        0.5, ge=0, le=1, description="share of groups whose captions all have the same reward, so nothing is learned"
    )
    clipped: float | None = Field(0.2, ge=0, le=1, description="share of captions cut at max_new_tokens")
    length_drift: float | None = Field(
        2.0, gt=1, description="mean length over that of the first `every` steps, or the other way round"
    )
    repetition: float | None = Field(0.2, ge=0, le=1, description="share of 4-grams that repeat an earlier one")
    divergence: Divergence | None = Divergence()


class Tune(Section):
    """GRPO (TRL's GRPOTrainer) on the train images; captions of those images are not used."""

    seed: int = Field(0, ge=0)
    reward: Reward
    steps: int = Field(ge=1, description="optimizer steps")
    prompts_per_step: int = Field(ge=1, description="images an optimizer step")
    generations: int = Field(5, ge=2, description="G, captions sampled an image")
    updates_per_rollout: int = Field(1, ge=1, description="optimizer steps on one rollout, each with its own images")
    micro_batch: int | None = Field(None, ge=1, description="captions a forward pass holds; null: a whole step's")
    rollout: Rollout = Rollout()
    temperature: float = Field(1.0, gt=0)
    max_new_tokens: int = Field(ge=1)
    learning_rate: float = Field(gt=0)
    schedule: Literal["constant", "linear", "cosine"] = Field("constant", description="of the learning rate")
    kl: float = Field(0.001, ge=0, description="weight of the KL term to the base model (k3)")
    clip: float = Field(0.2, gt=0, description="PPO clip range")
    delta: float | None = Field(
        None, gt=1, description="upper bound of the ratio where the advantage is negative (dual clip); null: none"
    )
    loss: Literal["grpo", "dr_grpo", "dapo", "bnpo"] = Field(
        "grpo",
        description="mean over each caption's tokens, then captions (grpo); over all tokens of an update (dapo); over"
        " those of each micro_batch (bnpo); or sum by max_new_tokens (dr_grpo)",
    )
    multi_objective_aggregation: Literal["sum_then_normalize", "normalize_then_sum"] = Field(
        "sum_then_normalize",
        description="advantage of the weighted sum of GRC, QIR, guards, terms, or weighted sum of each one's advantage",
    )
    optimizer: Optimizer = Optimizer()
    interpolation: float = Field(
        1.0,
        gt=0,
        le=1,
        description="of the way from the base captioner's weights to the best tuned ones; below 1 keeps more "
        "precision; changed alone, nothing is trained again",
    )
    lora: Lora | None = Field(None, description="null: full fine-tuning")
    vision: Literal["trained", "frozen"] = Field(
        "trained", description="whether the vision tower learns, by its weights or by adapters in it"
    )
    activation_checkpointing: bool = Field(False, description="activations computed anew for the gradient, not kept")
    precision: Literal["auto", "float32", "bfloat16", "8bit", "4bit"] = Field(
        "auto",
        description="of the base weights: auto, float32: 32 bits, which auto computes with in bfloat16 on a GPU;"
        " bfloat16, 8bit, 4bit (pip install bitsandbytes): only with lora",
    )
    attention: Attention = Field(
        "auto", description="implementation; auto: the model's own choice (pip install flash-attn for the last)"
    )
    validate_every: int = Field(ge=1, description="steps between validations and checkpoints")
    validation_images: int = Field(128, ge=2, description="images of the validation split used for it")
    stop_early: StopEarly | None = None
    alarms: Alarms = Alarms()
    stop_on: list[AlarmName] = Field([], description="alarms that end training; the best validated weights are kept")
    report_to: list[Literal["tensorboard", "wandb", "trackio"]] = Field(
        [], description="loggers that get each step's record, each a package of its own; no effect on the weights"
    )

    @model_validator(mode="after")
    def _validates(self) -> "Tune":
        if self.validate_every > self.steps:
            raise ValueError(
                f"validate_every {self.validate_every} is above steps {self.steps}: no checkpoint would be chosen"
            )
        return self

    @model_validator(mode="after")
    def _divides(self) -> "Tune":
        if self.micro_batch is not None and (self.prompts_per_step * self.generations) % self.micro_batch:
            captions = self.prompts_per_step * self.generations
            raise ValueError(f"micro_batch {self.micro_batch} does not divide the {captions} captions of a step")
        return self

    @model_validator(mode="after")
    def _stops_on_alarms_that_are_on(self) -> "Tune":
        if off := [name for name in self.stop_on if getattr(self.alarms, name) is None]:
            raise ValueError(f"stop_on names {off}, which tune.alarms turns off")
        return self

    @model_validator(mode="after")
    def _names_an_alarm_once(self) -> "Tune":
        if twice := sorted({name for name in self.stop_on if self.stop_on.count(name) > 1}):
            raise ValueError(f"stop_on names {twice} more than once")
        return self

    @model_validator(mode="after")
    def _checks_before_the_end(self) -> "Tune":
        if self.stop_on and self.alarms.every >= self.steps:
            raise ValueError(
                f"stop_on {self.stop_on} has no effect: alarms.every {self.alarms.every} leaves no check before the"
                f" last of {self.steps} steps"
            )
        return self

    @model_validator(mode="after")
    def _validates_often_enough(self) -> "Tune":
        wanted = self.alarms.divergence.validations if self.alarms.divergence else 0
        before_the_end = (self.steps - 1) // self.validate_every  # the one at step 0 is the earliest best
        if "divergence" in self.stop_on and before_the_end < wanted:
            raise ValueError(
                f"stop_on divergence has no effect: it takes {wanted} validations after the best, and validate_every"
                f" {self.validate_every} leaves {before_the_end} before the last of {self.steps} steps"
            )
        return self

    @model_validator(mode="after")
    def _rounds_no_update_away(self) -> "Tune":
        if self.precision in ("bfloat16", "8bit", "4bit") and self.lora is None:
            raise ValueError(
                f"precision {self.precision} without lora: steps of a learning rate {self.learning_rate:g} are lost in"
                " rounding; set lora, or precision auto, which computes in bfloat16 and steps in float32"
            )
        return self

    @model_validator(mode="after")
    def _vllm_takes_its_weights(self) -> "Tune":
        if (self.rollout.engine, self.rollout.mode, self.precision) == ("vllm", "colocate", "8bit"):
            raise ValueError(
                "precision 8bit with rollout.engine vllm, which can't take such weights from the trainer: set 4bit, or"
                " engine transformers"
            )
        if (self.rollout.engine, self.rollout.mode, self.vision) == ("vllm", "server", "trained"):
            raise ValueError(
                "vision trained with rollout.mode server, which keeps what the vision tower made of an image when its"
                " weights change: set vision frozen, or mode colocate"
            )
        return self

    @model_validator(mode="after")
    def _attends_in_half_precision(self) -> "Tune":
        if self.attention == "flash_attention_2" and self.precision in ("auto", "float32"):
            raise ValueError(
                f"attention flash_attention_2 with precision {self.precision}, whose weights have 32 bits, where it"
                " computes in 16: set sdpa, or precision bfloat16 with lora"
            )
        return self

    @model_validator(mode="after")
    def _clips_beyond_the_clip(self) -> "Tune":
        if self.delta is not None and self.delta <= 1 + self.clip:
            raise ValueError(f"delta {self.delta:g} is not above 1 + clip {self.clip:g}: it would replace it")
        return self

    @model_validator(mode="after")
    def _warms_up_before_the_end(self) -> "Tune":
        if self.optimizer.warmup_steps >= self.steps:
            raise ValueError(
                f"optimizer.warmup_steps {self.optimizer.warmup_steps} of {self.steps} steps: the learning rate would"
                " never be reached"
            )
        return self

    @model_validator(mode="after")
    def _sees_groups(self) -> "Tune":
        if self.multi_objective_aggregation == "normalize_then_sum" and "zero_variance" in self.stop_on:
            raise ValueError(
                "stop_on zero_variance has no effect: with multi_objective_aggregation normalize_then_sum the trainer"
                " does not count groups of one reward"
            )
        return self

    @model_validator(mode="after")
    def _reports_once_to_each(self) -> "Tune":
        if twice := sorted({name for name in self.report_to if self.report_to.count(name) > 1}):
            raise ValueError(f"report_to names {twice} more than once")
        return self
