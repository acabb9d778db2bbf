"""Steps of GRPO through CaptionTrainer, by the settings of profiles/lora-24gb.yaml: seconds by phase, peak memory."""

import time
from dataclasses import dataclass
from typing import Any, Literal

from benchmarks.common.clock import PARTS, Clock, TimedProcessor, timed_training
from benchmarks.common.project import ROOT
from benchmarks.gpu.bench import MIB, Bench
from benchmarks.gpu.device import card_memory, peak_mib, settle
from benchmarks.gpu.models import PROMPT, QWEN_3B, QWEN_7B, captioner_folder, captioner_in_memory, values_of
from benchmarks.gpu.pictures import photos
from cim.captioners.load import Captioner
from cim.errors import CimError
from cim.estimate.activations import rollout_terms, update_terms
from cim.estimate.fit import peak, too_large
from cim.estimate.memory import held
from cim.estimate.shapes import captioner_shape
from cim.estimate.terms import Term
from cim.estimate.training import training_of
from cim.params import Lora, Tune, load_params

PROFILE = ROOT / "profiles/lora-24gb.yaml"


@dataclass(frozen=True)
class Variant:
    """What is trained of which captioner, its base weights held in what."""

    model: str
    what: Literal["lora", "full"]
    precision: Literal["auto", "bfloat16", "4bit"]

    def __str__(self) -> str:
        held_in = "float32" if self.precision == "auto" else self.precision
        return f"{self.model.partition('/')[2]}, {self.what}, {held_in} weights"


VARIANTS = {
    "tune-3b-lora": Variant(QWEN_3B, "lora", "bfloat16"),
    "tune-3b-lora-4bit": Variant(QWEN_3B, "lora", "4bit"),
    "tune-3b-full": Variant(QWEN_3B, "full", "auto"),
    "tune-7b-lora": Variant(QWEN_7B, "lora", "bfloat16"),
    "tune-7b-lora-4bit": Variant(QWEN_7B, "lora", "4bit"),
    "tune-7b-full": Variant(QWEN_7B, "full", "auto"),
}


def measure(bench: Bench) -> None:
    """A row for the variant that the part is named after."""
    from cim.tuning.policy import check_packages

    variant = VARIANTS[bench.part]
    tune = settings(bench, variant)
    try:
        check_packages(tune)
        if bench.device == "cpu" and variant.precision == "4bit":
            raise CimError("no GPU", "one to hold quantized weights", "run this where one is")
        if bench.device == "cuda" and (error := too_large(_terms(bench, variant, tune), card_memory()[1])):
            raise error
        captioner = _policy(bench, variant, tune)
    except CimError as error:
        return bench.skip(str(variant), error)
    _train(bench, variant, tune, captioner)


def settings(bench: Bench, variant: Variant) -> Tune:
    """The profile's, but for a few steps, and what the variant changes."""
    profile = load_params(PROFILE).tune
    steps = bench.sizes.steps + 1
    changes: dict[str, Any] = {"steps": steps, "validate_every": steps, "precision": variant.precision}
    if variant.what == "full":
        changes |= {"lora": None, "learning_rate": 1e-6}
    if bench.toy:
        changes |= {"prompts_per_step": 2, "generations": 2, "micro_batch": 2, "max_new_tokens": bench.sizes.tokens}
        changes |= {"lora": Lora(rank=2, alpha=4).model_dump()} if variant.what == "lora" else {}
    return Tune.model_validate({**profile.model_dump(), **changes})


def _terms(bench: Bench, variant: Variant, tune: Tune) -> list[Term]:
    """What the estimate of `flows.check` sums up, the reward's part left out."""
    shape = captioner_shape(values_of(bench, variant.model), variant.model)
    training = training_of(load_params(PROFILE).model_copy(update={"tune": tune}), shape)
    return [*held(shape, training), *rollout_terms(shape, training), *update_terms(shape, training)]


def _policy(bench: Bench, variant: Variant, tune: Tune) -> Captioner:
    """As `load_policy` gives it; adapters on plain weights have no use for a folder, which takes a while to write."""
    from cim.tuning.policy import load_policy

    if variant.precision == "bfloat16":
        return captioner_in_memory(bench, variant.model, "bfloat16")
    return load_policy(captioner_folder(bench, variant.model), tune, bench.device)


def _train(bench: Bench, variant: Variant, tune: Tune, captioner: Captioner) -> None:
    from benchmarks.gpu.scoring import retriever
    from cim.captioners.special_tokens import suppressed_tokens
    from cim.rewards.trl import TrlReward
    from cim.shards.read import ImageLookup, read_samples, shard_paths
    from cim.tuning import pictures
    from cim.tuning.config import grpo_config
    from cim.tuning.grpo import prompt_rows
    from cim.tuning.policy import lora_config
    from cim.tuning.trainer import CaptionTrainer

    folder = photos(bench.scratch, bench.sizes)
    ids = [sample.id for tar in shard_paths(folder) for sample in read_samples(tar)]
    clock = Clock(lambda: settle(bench.device))
    captioner.processor.image_processor = TimedProcessor(captioner.processor.image_processor, clock)
    scored = retriever(bench, ids, tune.reward)
    with peak_mib(bench.device) as most:
        trainer = CaptionTrainer(
            model=captioner.model,
            reward_funcs=TrlReward(scored, suppressed_tokens(captioner.processor, captioner.model)),
            args=grpo_config(captioner, tune, bench.scratch / "checkpoints"),
            train_dataset=prompt_rows(ids, [PROMPT], ImageLookup(folder), tune.seed),
            processing_class=captioner.processor,
            peft_config=lora_config(tune, captioner.model),
            rollout=tune.rollout,
        )
        warm = _after_first_step(trainer, clock)
        with timed_training(trainer, clock, pictures):
            trainer.train()
    _row(bench, variant, tune, clock, warm, most[0])


def _row(bench: Bench, variant: Variant, tune: Tune, clock: Clock, warm: dict[str, float], most: float) -> None:
    steps = bench.sizes.steps
    spent = {part: (clock.seconds[part] - warm.get(part, 0.0)) / steps for part in PARTS}
    whole = warm["end"] / steps
    captions = tune.prompts_per_step * tune.generations
    figures: dict[str, Any] = {f"{part}_s": spent[part] for part in PARTS}
    bench.row(
        str(variant), images_a_step=tune.prompts_per_step, captions=captions, tokens_a_caption=tune.max_new_tokens,
        s_a_step=whole, **figures, the_rest_s=max(0.0, whole - sum(spent.values())),
        tokens_per_s_generated=captions * tune.max_new_tokens / spent["generate"], peak_MiB=most,
        estimated_MiB=max(peak(_terms(bench, variant, tune)).values()) / MIB,
    )  # fmt: skip


def _after_first_step(trainer: Any, clock: Clock) -> dict[str, float]:
    """Filled while it trains. Seconds by part of the first step, which loads kernels; "end": of all steps after it."""
    from transformers import TrainerCallback

    warm: dict[str, float] = {}

    class Mark(TrainerCallback):  # type: ignore[misc]
        def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            with clock.part("mark"):  # waits for the device
                now = time.perf_counter()
            if state.global_step == 1:
                warm.update(clock.seconds, begin=now)
            warm["end"] = now - warm["begin"]

    trainer.add_callback(Mark())
    return warm
