"""From params and the machine that is meant to a plan of plain values, and everything said of it."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from cim.errors import CimError
from cim.estimate.activations import (
    Loaded,
    Vllm,
    encoder_terms,
    index_term,
    pixel_terms,
    rollout_terms,
    update_terms,
    vllm_term,
)
from cim.estimate.data import SourceFound, images_by_split, look
from cim.estimate.fit import RESERVE, gib, too_large
from cim.estimate.memory import held
from cim.estimate.models import Encoder, Shapes, missing, shapes, where
from cim.estimate.refusals import refusals
from cim.estimate.shapes import CaptionerShape
from cim.estimate.terms import Term
from cim.estimate.training import Training, pixels_of, training_of
from cim.estimate.work import Work, disk, work_of
from cim.params import Params


@dataclass(frozen=True)
class Machine:
    """What params do not say. memory: bytes of one device. disk: bytes for data/. None: not given.

    images: counts by split where the sources can't tell.
    """

    memory: int | None = None
    disk: int | None = None
    images: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Plan:
    """All that is known before a start. problems: why it can't be started. assumed: what was taken for granted.

    terms: of a device that trains. apart: of runtime.reward_device, where that is another.
    shape, training, terms, files, work: None or empty where the captioner's shape is not known.
    """

    sources: list[SourceFound]
    models: dict[str, str]
    images: dict[str, int | None]
    shape: CaptionerShape | None
    training: Training | None
    terms: list[Term]
    apart: list[Term]
    files: list[Term]
    work: Work | None
    assumed: list[str]
    problems: list[CimError]


def plan_of(params: Params, machine: Machine) -> Plan:
    """Look at data and models, sum up. Nothing is loaded but a processor, nothing fetched or written."""
    sources = look(params.shard.sources, params.shard.samples_per_shard)
    images = {**images_by_split(sources), **machine.images}
    found = shapes(params.models)
    problems = [*_absent(params, sources), *refusals(params, found.captioner, machine.memory)]
    training = work = None
    terms: list[Term] = []
    files: list[Term] = []
    encoders, apart = encoder_terms(_encoders(params, found)), []
    if params.runtime.reward_device not in ("auto", params.runtime.device):
        encoders, apart = [], encoders
    if found.captioner is not None:
        training = training_of(params, found.captioner)
        terms = [
            *held(found.captioner, training),
            *rollout_terms(found.captioner, training),
            *_vllm(params, machine.memory),
            *update_terms(found.captioner, training),
            *pixel_terms(found.captioner, training),
            *encoders,
            index_term(_index(params, found, images), params.index.device),
        ]
        files = disk(found.captioner, training, found, images)
        work = work_of(params, training.prompt, images.get("train"))
        problems += _too_much(machine, terms, files)
    assumed = [] if found.captioner is None or training is None else _assumed(params, found.captioner, training)
    return Plan(
        sources, where(params.models), images, found.captioner, training, terms, apart, files, work, assumed, problems
    )


def _assumed(params: Params, shape: CaptionerShape, training: Training) -> list[str]:
    pixels = pixels_of(params)
    size = f"{shape.fixed_side} x {shape.fixed_side}" if shape.fixed_side else f"{pixels:,}"
    lines = [
        f"every image has {size} pixels, {shape.image_tokens(pixels):,} tokens; a prompt {training.prompt:,} with it",
        f"every caption takes all of its {training.new:,} tokens, none less",
        f"{RESERVE:.0%} of a device goes to its context, workspaces and holes between blocks",
    ]
    if training.autocast and params.runtime.device == "auto":
        lines.append("the device is a GPU (runtime.device is auto): products in bfloat16")
    return lines


def _vllm(params: Params, memory: int | None) -> list[Term]:
    rollout = params.tune.rollout
    if rollout.engine != "vllm" or rollout.mode != "colocate":
        return []
    size = None if memory is None else int(rollout.memory_share * memory)
    return [vllm_term(Vllm(size, rollout.memory_share, rollout.sleep))]


def _encoders(params: Params, found: Shapes) -> list[Loaded]:
    """Of the reward's space, and of the validator, which has a text tower of its own."""
    space, texts = params.tune.reward.space, found.image.text
    needed = []
    if space != "clip" and found.text.parameters is not None:
        needed.append(Loaded("text encoder (reward)", found.text.parameters))
    if texts is not None:
        needed += [Loaded("image encoder's text tower (reward)", texts)] if space != "caption_text" else []
        needed.append(Loaded("image encoder's text tower (validation)", texts))
    return needed


def _index(params: Params, found: Shapes, images: dict[str, int | None]) -> int | None:
    """Bytes of the gallery's vectors on the device, one caption an image."""
    if params.index.device == "cpu":
        return 0
    counts = [images.get(split) for split in params.index.splits]
    known = [count for count in counts if count is not None]
    if len(known) < len(counts):
        return None
    searched: dict[str, list[Encoder]] = {
        "caption_text": [found.text], "clip": [found.image], "fused": [found.text, found.image],
    }  # fmt: skip
    return 4 * sum(known) * sum(one.dim or 0 for one in searched[params.tune.reward.space])


def _absent(params: Params, sources: Sequence[SourceFound]) -> list[CimError]:
    problems = []
    if lines := [f"{one.name} ({one.problem})" for one in sources if one.problem]:
        problems.append(CimError("; ".join(lines), "sources that can be read", "mend shard.sources"))
    if lines := missing(params.models):
        problems.append(CimError("; ".join(lines), "models that are here or on a hub", "mend models"))
    return problems


def _too_much(machine: Machine, terms: Sequence[Term], files: Sequence[Term]) -> list[CimError]:
    found = [] if machine.memory is None else [too_large(terms, machine.memory)]
    total = sum(term.update for term in files)
    if machine.disk is not None and total > machine.disk:
        remedy = "a larger disk, or tune.lora, whose checkpoints are small"
        found.append(CimError(f"{gib(total)} of files besides your images", f"at most {gib(machine.disk)}", remedy))
    return [one for one in found if one is not None]
