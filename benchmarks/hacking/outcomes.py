"""How often a dishonest caption is paid more than an honest one of the same image, by CIM alone and with guards."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from benchmarks.hacking.dishonest_captions import LEAK, Case, Kind
from benchmarks.hacking.galleries import World
from cim.records import IdentityScore
from cim.rewards.guards.base import GeneratedCaption, Guard, judge
from cim.rewards.guards.build import build_guards
from cim.rewards.retriever import Unscorable
from cim.rewards.training_reward import training_rewards

MARK = 7  # the id of a special token
Numbers = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Outcome:
    """One kind of caption over c images. pure, guarded: share of images where it is paid more than the honest one.

    margin: the least by which the honest caption is ahead, with guards. example: a caption that was paid too much,
    with guards.
    """

    kind: str
    pure: float
    guarded: float
    margin: float
    example: str | None


def rewards(
    world: World, captions: Sequence[str], tokens: Sequence[int] = (1,), cases: Sequence[Case] | None = None
) -> tuple[Numbers, Numbers]:
    """Of one caption a case: GRC + beta * QIR, and that with the guards; (c,) each, NaN for unscorable.

    cases: of each caption; default: those of the world.
    """
    cases, params = world.cases if cases is None else cases, world.retriever.reward
    said = [
        GeneratedCaption(text, case.prompt, tuple(tokens), case.id) for text, case in zip(captions, cases, strict=True)
    ]
    outcomes, guards = _scored(world, captions, [case.id for case in cases]), _guards(world)
    earned = world.terms(said, outcomes, world.retriever.sources)
    totals = [reward.total for reward in training_rewards(said, outcomes, params, guards, earned)]
    pure = [one.total if isinstance(one, IdentityScore) else None for one in outcomes]
    return np.array(pure, dtype=np.float64), np.array(totals, dtype=np.float64)  # None becomes NaN


def _scored(world: World, captions: Sequence[str], ids: Sequence[str]) -> list[IdentityScore | Unscorable]:
    scored, key = world.known.scored, (tuple(captions), tuple(ids))
    if key not in scored:
        scored[key] = world.retriever.attempt(captions, ids)
    return scored[key]


def _guards(world: World) -> Mapping[str, tuple[Guard, float]]:
    known = world.known
    if known.guards is None:
        made = build_guards(world.retriever.reward.guards, [MARK], world.retriever.captions)
        known.guards = {name: (Remembering(guard), weight) for name, (guard, weight) in made.items()}
    return known.guards


class Remembering:
    """Meets Guard: another one, which is asked about a caption once."""

    def __init__(self, guard: Guard) -> None:
        self._guard = guard
        self._known: dict[GeneratedCaption, float] = {}

    def __call__(self, caption: GeneratedCaption) -> float:
        return self.judge_batch([caption])[0]

    def judge_batch(self, captions: Sequence[GeneratedCaption]) -> list[float]:
        """As BatchGuard says."""
        new = [one for one in dict.fromkeys(captions) if one not in self._known]
        self._known |= zip(new, judge(self._guard, new), strict=True)
        return [self._known[one] for one in captions]


def outcomes(world: World, kinds: Mapping[str, Kind]) -> list[Outcome]:
    """How each kind does against the honest captions of the same images."""
    honest, honest_guarded = rewards(world, [case.honest for case in world.cases])
    found = []
    for name, kind in kinds.items():
        captions = [kind(case, random.Random(f"{name} {case.id}")) for case in world.cases]
        pure, guarded = rewards(world, captions, tokens=(1, MARK) if name == LEAK else (1,))
        wins, ahead = guarded > honest_guarded, honest_guarded - guarded
        example = captions[int(wins.argmax())] if wins.any() else None
        found.append(Outcome(name, float((pure > honest).mean()), float(wins.mean()), float(np.nanmin(ahead)), example))
    return found


def wins_by_likeness(world: World, draws: int = 40) -> Numbers:
    """Share of pairs in which another image's caption is paid more than the honest one, (10, 2): CIM alone, guarded.

    `draws` random images a case, of each the longest caption; the pairs in tenths by the cosine of the two images,
    least alike first.
    """
    gallery, rng = world.gallery, np.random.default_rng(0)
    place = {name: row for row, name in enumerate(gallery.ids)}
    honest = np.repeat(rewards(world, [case.honest for case in world.cases]), draws, axis=1)  # (2, pairs)
    others = [
        rng.choice(np.delete(np.arange(len(place)), place[case.id]), draws, replace=False) for case in world.cases
    ]
    captions = [max(gallery.captions[row], key=len) for row in np.concatenate(others)]
    wins = np.array(rewards(world, captions, cases=[case for case in world.cases for _ in range(draws)])) > honest
    cosines = [
        gallery.vectors[rows] @ gallery.vectors[place[case.id]] for case, rows in zip(world.cases, others, strict=True)
    ]
    tenths = np.array_split(np.argsort(np.concatenate(cosines), kind="stable"), 10)
    return np.array([wins[:, pairs].mean(axis=1) for pairs in tenths])


def likeness_table(worlds: Mapping[str, World]) -> str:
    """Markdown, two columns a world."""
    columns = np.hstack([wins_by_likeness(world) for world in worlds.values()])  # (10, 2 worlds)
    rows = [*zip(range(1, 11), columns, strict=True), ("all", columns.mean(axis=0))]
    head = "| tenth of pairs, least alike first |" + "".join(f" {name}: CIM alone | with guards |" for name in worlds)
    lines = [f"| {name} |" + "".join(f" {share:.1%} |" for share in row) for name, row in rows]
    return "\n".join([head, "|---|" + "---|" * columns.shape[1], *lines])


def table(results: Mapping[str, Sequence[Outcome]]) -> str:
    """Markdown, a row a kind, three columns a world."""
    head = "| kind |" + "".join(f" {name}: CIM alone | with guards | least margin |" for name in results)
    lines = [head, "|---|" + "---|---|---|" * len(results)]
    for row in zip(*results.values(), strict=True):
        cells = "".join(f" {one.pure:.0%} | {one.guarded:.0%} | {one.margin:+.2f} |" for one in row)
        lines.append(f"| {row[0].kind} |{cells}")
    return "\n".join(lines)
