"""A plan as text for a terminal."""

from collections.abc import Iterable, Iterator, Sequence

from cim.estimate.fit import RESERVE, gib, peak
from cim.estimate.plan import Machine, Plan
from cim.estimate.terms import PHASES, Term
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
        yield (
            "memory, steps, disk: not known: the captioner's config.json is not here (fetch it and ask again), or says"
            " sizes in words of its own"
        )
        return
    training, work = plan.training, plan.work
    kind = "full fine-tuning" if training.lora is None else f"LoRA of rank {training.lora}"
    spread = f"{training.processes} x {training.strategy}" if training.processes > 1 else "one process"
    weights = f"{training.precision} weights{' under bfloat16 autocast' if training.autocast else ''}"
    yield f"memory of each device: P {plan.shape.parameters:,}; {kind}; {weights}; {spread}"
    yield from _terms(plan.terms)
    if machine.memory is not None:
        room = machine.memory * (1 - RESERVE)
        verdict = "fits" if max(peak(plan.terms).values()) <= room else "DOES NOT FIT"
        yield f"  {verdict}: {gib(machine.memory)} a device, {gib(room)} of it to be used"
    if plan.apart:
        total = gib(sum(term.update for term in plan.apart))
        yield f"memory of what scores captions, which is elsewhere by runtime.reward_device: {total} a process"
        yield from _sizes(plan.apart)
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
        taken = hours(work, *rates, training.processes)
        yield f"  {taken:,.1f} hours at {rates[0]:,g} generated and {rates[1]:,g} trained tokens a second of one device"
    yield "disk, besides the shards of your images; DVC's cache keeps a second copy unless cache.type links"
    yield from _sizes(plan.files)
    yield "assumed"
    yield from (f"  {line}" for line in plan.assumed)


def _terms(terms: Sequence[Term]) -> Iterator[str]:
    width = max(len(term.name) for term in terms)
    yield f"  {'':{width}}" + "".join(f"  {phase:>10}" for phase in PHASES)
    for term in terms:
        yield f"  {term.name:{width}}{_cells(getattr(term, phase) for phase in PHASES)}  {term.formula}"
    yield f"  {'sum':{width}}{_cells(peak(terms).values())}"


def _sizes(terms: Sequence[Term]) -> Iterator[str]:
    width = max(len(term.name) for term in terms)
    for term in terms:
        yield f"  {term.name:{width}}{_cells([term.update])}  {term.formula}"
    yield f"  {'sum':{width}}{_cells([sum(term.update for term in terms)])}"


def _cells(sizes: Iterable[int]) -> str:
    return "".join(f"  {gib(size) if size else '-':>10}" for size in sizes)
