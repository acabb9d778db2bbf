"""From params and the machine that is meant to a plan of plain values, and everything said of it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from cim.errors import CimError
from cim.estimate.activations import Loaded, rollout_terms, shared_terms, update_terms
from cim.estimate.data import SourceFound, images_by_split, look
from cim.estimate.fit import RESERVE, gib, too_large
from cim.estimate.memory import Precision, Strategy, Term, Training, held
from cim.estimate.models import Shapes, missing, shapes, where
from cim.estimate.shapes import CaptionerShape
from cim.estimate.work import Work, disk, work_of
from cim.params import Params, TinyCaptioner

ASSUMED_PIXELS = 1280 * 28 * 28
"""Of an image, where neither params nor the model say: 1,280 tokens of Qwen2.5-VL, about a megapixel."""
FRAME, LETTERS = 32, 3
"""Tokens of a turn around the prompt, and letters of a token of it; both more than is usual."""


@dataclass(frozen=True)
class Machine:
    """What is meant to run it, beside params. memory, disk: bytes, None for not given.

    precision, optimizer, rollout_batch: how it would be trained; None: as the code does by itself.
    images: counts by split where the sources can't tell.
    """

    memory: int | None = None
    disk: int | None = None
    processes: int = 1
    strategy: Strategy = "ddp"
    precision: Precision = "float32"
    optimizer: Literal["adamw", "adamw_8bit"] = "adamw"
    rollout_batch: int | None = None
    images: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Plan:
    """All that is known before a start. problems: why it can't be started. assumed: what was taken for granted.

    shape, training, terms, files, work: None or empty where the captioner's shape is not known.
    """

    sources: list[SourceFound]
    models: dict[str, str]
    images: dict[str, int | None]
    shape: CaptionerShape | None
    training: Training | None
    terms: list[Term]
    files: list[Term]
    work: Work | None
    assumed: list[str]
    problems: list[CimError]


def plan_of(params: Params, machine: Machine) -> Plan:
    """Look at data and models, sum up. Nothing is loaded, fetched or written.

    Raises CimError for a number of processes over which a step's captions can't be spread.
    """
    sources = look(params.shard.sources, params.shard.samples_per_shard)
    images = {**images_by_split(sources), **machine.images}
    found = shapes(params.models)
    problems = _absent(params, sources)
    terms: list[Term] = []
    files: list[Term] = []
    training = work = None
    assumed: list[str] = []
    if found.captioner is not None:
        training, assumed = _training(params, machine, found.captioner)
        terms = [
            *held(found.captioner, training),
            *rollout_terms(found.captioner, training),
            *update_terms(found.captioner, training),
            *shared_terms(found.captioner, training, _encoders(params, found), _index(params, found, images)),
        ]
        files = disk(found.captioner, training, found, images)
        work = work_of(params, training.prompt, images.get("train"))
        problems += _refusals(machine, terms, files)
    return Plan(sources, where(params.models), images, found.captioner, training, terms, files, work, assumed, problems)


def _training(params: Params, machine: Machine, shape: CaptionerShape) -> tuple[Training, list[str]]:
    tune, model = params.tune, params.models.captioner
    step = tune.prompts_per_step * tune.generations
    if step % machine.processes:
        raise CimError(
            f"{step} captions a step for {machine.processes} processes",
            "a number that they divide",
            "change --processes or tune.prompts_per_step",
        )
    mine = step // machine.processes
    pixels = model.side**2 if isinstance(model, TinyCaptioner) else model.max_pixels or ASSUMED_PIXELS
    letters = max(len(prompt) for prompt in params.caption.prompts)
    prompt = FRAME + -(-letters // LETTERS) + shape.image_tokens(pixels)
    autocast = tune.precision == "auto" and params.runtime.device != "cpu"
    rollout = mine * tune.updates_per_rollout
    training = Training(
        precision=machine.precision,
        autocast=autocast,
        lora=tune.lora.rank if tune.lora else None,
        reference=tune.kl > 0,
        checkpointing=tune.activation_checkpointing,
        micro_batch=min(tune.micro_batch or mine, mine),
        rollout_batch=min(machine.rollout_batch or rollout, rollout),
        rollout=rollout,
        prompt=prompt,
        new=tune.max_new_tokens,
        patches=shape.patches(pixels),
        optimizer=machine.optimizer,
        processes=machine.processes,
        strategy=machine.strategy,
    )
    size = f"{shape.fixed_side} x {shape.fixed_side}" if shape.fixed_side else f"{pixels:,}"
    assumed = [
        f"every image has {size} pixels, {shape.image_tokens(pixels):,} tokens; a prompt {prompt:,} with it",
        f"every caption takes all of its {tune.max_new_tokens:,} tokens, none less",
        f"{RESERVE:.0%} of a device goes to its context, workspaces and holes between blocks",
    ]
    if autocast:
        assumed.append("the device is a GPU (runtime.device is not cpu): bfloat16 autocast")
    return training, assumed


def _encoders(params: Params, found: Shapes) -> list[Loaded]:
    space, needed = params.tune.reward.space, []
    if space in ("caption_text", "fused") and found.text.parameters is not None:
        needed.append(Loaded("text encoder (reward)", found.text.parameters))
    if found.image.parameters is not None:
        copies = 2 if space in ("clip", "fused") else 1
        needed.append(
            Loaded("image encoder (validation)" if copies == 1 else "image encoder", found.image.parameters, copies)
        )
    return needed


def _index(params: Params, found: Shapes, images: dict[str, int | None]) -> int | None:
    """Bytes of the gallery's vectors on the device, one caption an image."""
    if params.index.device == "cpu":
        return 0
    counts = [images.get(split) for split in params.index.splits]
    known = [count for count in counts if count is not None]
    if len(known) < len(counts):
        return None
    dims = {"caption_text": [found.text.dim], "clip": [found.image.dim], "fused": [found.text.dim, found.image.dim]}
    return 4 * sum(known) * sum(dim or 0 for dim in dims[params.tune.reward.space])


def _absent(params: Params, sources: Sequence[SourceFound]) -> list[CimError]:
    problems = []
    if lines := [f"{one.name} ({one.problem})" for one in sources if one.problem]:
        problems.append(CimError("; ".join(lines), "sources that can be read", "mend shard.sources"))
    if lines := missing(params.models):
        problems.append(CimError("; ".join(lines), "models that are here or on a hub", "mend models"))
    return problems


def _refusals(machine: Machine, terms: Sequence[Term], files: Sequence[Term]) -> list[CimError]:
    found = [] if machine.memory is None else [too_large(terms, machine.memory)]
    total = sum(term.update for term in files)
    if machine.disk is not None and total > machine.disk:
        remedy = "a larger disk, or tune.lora, whose checkpoints are small"
        found.append(CimError(f"{gib(total)} of files besides your images", f"at most {gib(machine.disk)}", remedy))
    return [one for one in found if one is not None]
