"""A plan as text for a terminal."""

from collections.abc import Iterator, Sequence

from cim.estimate.fit import RESERVE, gib, peak
from cim.estimate.memory import Term
from cim.estimate.plan import Machine, Plan
from cim.estimate.work import hours


def lines_of(plan: Plan, machine: Machine, rates: tuple[float, float] | None) -> Iterator[str]:
    """Everything a plan says. rates: tokens a second of one device, generated and trained; None: not stated."""
    yield "data"
    for one in plan.sources:
        count = f"{one.images:,} images" if one.images is not None else "images not counted"
        said = "NOT HERE" if one.problem else "in a store, not looked at" if one.remote else count
        yield f"  {one.name}: {said}"
    yield "  " + ", ".join(f"{name} {count:,}" if count else f"{name} ?" for name, count in plan.images.items())
    yield "models"
    yield from (f"  {role}: {text}" for role, text in plan.models.items())
    if plan.shape is None or plan.training is None or plan.work is None:
        yield "memory, steps, disk: not known, as the captioner's config.json is not here; fetch it and ask again"
        return
    training, work = plan.training, plan.work
    kind = "full fine-tuning" if training.lora is None else f"LoRA of rank {training.lora}"
    spread = f"{training.processes} x {training.strategy}" if training.processes > 1 else "one process"
    weights = f"{training.precision} weights{' under bfloat16 autocast' if training.autocast else ''}"
    yield f"memory of each device: P {plan.shape.parameters:,}; {kind}; {weights}; {spread}"
    yield from _terms(plan.terms)
    if machine.memory is not None:
        room = machine.memory * (1 - RESERVE)
        verdict = "fits" if max(peak(plan.terms)) <= room else "DOES NOT FIT"
        yield f"  {verdict}: {gib(machine.memory)} a device, {gib(room)} of it to be used"
    epochs = f", {work.epochs:.2f} epochs of the train images" if work.epochs is not None else ""
    yield "work"
    yield f"  {work.steps:,} steps, {work.rollouts:,} rollouts, {work.captions:,} captions{epochs}"
    yield (
        f"  at most {work.generated / 1e6:,.1f} M tokens generated, {work.validated / 1e6:,.1f} M more to validate,"
        f" {work.trained / 1e6:,.1f} M trained on, prompts included"
    )
    if rates is None:
        yield "  hours: state --generate-rate and --train-rate, tokens a second of one device, as measured on yours"
    else:
        total = hours(work, *rates, training.processes)
        yield f"  {total:,.1f} hours at {rates[0]:,g} generated and {rates[1]:,g} trained tokens a second of one device"
    yield "disk, besides the shards of your images"
    yield from _files(plan.files)
    yield "assumed"
    yield from (f"  {line}" for line in plan.assumed)


def _terms(terms: Sequence[Term]) -> Iterator[str]:
    width = max(len(term.name) for term in terms)
    yield f"  {'':{width}}  {'rollout':>11}  {'update':>11}"
    for term in terms:
        yield f"  {term.name:{width}}  {_cell(term.rollout)}  {_cell(term.update)}  {term.formula}"
    rollout, update = peak(terms)
    yield f"  {'sum':{width}}  {_cell(rollout)}  {_cell(update)}"


def _files(files: Sequence[Term]) -> Iterator[str]:
    width = max(len(term.name) for term in files)
    for term in files:
        yield f"  {term.name:{width}}  {_cell(term.update)}  {term.formula}"
    total = sum(term.update for term in files)
    yield f"  {'sum':{width}}  {_cell(total)}  DVC's cache keeps a second copy unless cache.type links"


def _cell(size: int) -> str:
    return f"{gib(size) if size else '-':>11}"
