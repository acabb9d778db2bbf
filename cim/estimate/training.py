"""What decides the bytes of one device: read from params, in plain values."""

from dataclasses import dataclass
from typing import Literal

from cim.estimate.shapes import CaptionerShape
from cim.params import LoadedCaptioner, Params, TinyCaptioner
from cim.params.runtime import Strategy
from cim.params.tune import Attention
from cim.tuning.validate import WINDOW

Precision = Literal["float32", "bfloat16", "8bit", "4bit"]

ASSUMED_PIXELS = 1280 * 28 * 28
"""Of an image, where neither params nor the model say: 1,280 tokens of Qwen2.5-VL, about a megapixel."""
FRAME, LETTERS = 32, 3
"""Tokens of a turn around the prompt, and letters of a token of it; both more than is usual."""


@dataclass(frozen=True)
class Training:
    """The settings of a training, and the sizes of what passes through it.

    precision: of the base weights, auto said as float32. autocast: products in bfloat16 whatever the weights are.
    lora: rank, None for full fine-tuning. vision: whether the vision tower is trained. reference: whether there is a
    KL term. checkpointing: activations are computed again in the backward pass. optimizer, strategy, attention: as
    params name them. micro_batch: captions a forward pass holds. passes: of these, in an update. sampled, validated:
    captions generated together by transformers, in a rollout (0: by vLLM) and in a validation. rollout: captions of a
    whole rollout, of this device. prompt, new: tokens of a prompt, its image's included, and of a caption. patches:
    of an image.
    """

    precision: Precision
    autocast: bool
    lora: int | None
    reference: bool
    checkpointing: bool
    micro_batch: int
    passes: int
    sampled: int
    validated: int
    rollout: int
    prompt: int
    new: int
    patches: int
    vision: bool = True
    optimizer: str = "adamw_torch_fused"
    attention: Attention = "auto"
    processes: int = 1
    strategy: Strategy = "ddp"

    def over(self, *strategies: Strategy) -> int:
        """Devices over which something is spread that only these strategies spread."""
        return self.processes if self.strategy in strategies else 1

    @property
    def quantized(self) -> bool:
        """Whether the base weights have fewer than 16 bits."""
        return self.precision in ("8bit", "4bit")

    @property
    def cast_by_deepspeed(self) -> bool:
        """Whether DeepSpeed makes bfloat16 of all weights and keeps float32 ones for its optimizer."""
        return self.autocast and self.over("zero2", "zero3") > 1

    @property
    def stored(self) -> int:
        """Bytes of a number of the base weights, where it is not quantized."""
        return 4 if self.precision == "float32" and not self.cast_by_deepspeed else 2

    @property
    def computed(self) -> int:
        """Bytes of a weight as a layer multiplies by it."""
        return 2 if self.autocast else self.stored

    @property
    def trained(self) -> int:
        """Bytes of a trained number and its gradient: PEFT's adapters are float32, TRL's on quantized weights are not,
        and DeepSpeed casts what it finds."""
        return 2 if self.quantized or self.cast_by_deepspeed else 4

    @property
    def cached(self) -> int:
        """Bytes of a key or value: rotary positions bring it to the type that weights are held, or gathered, in."""
        return self.computed if self.over("fsdp") > 1 else self.stored


def training_of(params: Params, shape: CaptionerShape) -> Training:
    """The training that `params` ask for, of a captioner of this shape."""
    tune, ranks = params.tune, params.runtime.train
    mine = tune.prompts_per_step * tune.generations // ranks.size
    micro, rollout = tune.micro_batch or mine, mine * tune.updates_per_rollout
    pixels = pixels_of(params)
    letters = max(len(prompt) for prompt in params.caption.prompts)
    return Training(
        precision="float32" if tune.precision == "auto" else tune.precision,
        autocast=tune.precision != "float32" and params.runtime.device != "cpu",
        lora=tune.lora.rank if tune.lora else None,
        reference=tune.kl > 0,
        checkpointing=tune.activation_checkpointing,
        micro_batch=micro,
        passes=mine // micro,
        sampled=0 if tune.rollout.engine == "vllm" else min(tune.rollout.batch or rollout, rollout),
        validated=min(WINDOW, -(-tune.validation_images // ranks.size)),
        rollout=rollout,
        prompt=FRAME + -(-letters // LETTERS) + shape.image_tokens(pixels),
        new=tune.max_new_tokens,
        patches=shape.patches(pixels),
        vision=tune.vision == "trained",
        optimizer=tune.optimizer.name,
        attention=tune.attention,
        processes=ranks.size,
        strategy=ranks.strategy,
    )


def pixels_of(params: Params) -> int:
    """Pixels of an image as the captioner sees it, where the model does not say."""
    model = params.models.captioner
    if isinstance(model, LoadedCaptioner):
        return model.max_pixels or ASSUMED_PIXELS
    return (model.side if isinstance(model, TinyCaptioner) else model.trunk.size) ** 2
