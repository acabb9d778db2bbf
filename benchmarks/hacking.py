"""Does cheating pay? Dishonest captions against an honest one of the same image, by CIM alone and with guards.

python -m benchmarks.hacking [--photos FOLDER] [--write docs/guards.md]

FOLDER holds captions.csv (columns file_name, caption; several rows a photo) and the photos in images/; it needs the
packages of benchmarks/cnn.py.
"""

import argparse
import random
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from benchmarks.cnn import cnn_vectors
from benchmarks.dishonest import FALSE, KINDS, LEAK, Case, Kind
from benchmarks.fitted import fitted_vectors
from benchmarks.tables import replace_between
from benchmarks.worlds import MiniLM, Photos, World, photos, scenes
from cim.params.tune import Reward
from cim.rewards.guards.chosen import chosen
from cim.rewards.guards.said import Said
from cim.rewards.retriever import IdentityScore
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
    said = [Said(text, case.prompt, tokens, case.id) for text, case in zip(captions, cases, strict=True)]
    outcomes = world.retriever.attempt(captions, [case.id for case in cases])
    guards = chosen(params.guards, [MARK], world.retriever.captions)
    totals = [reward.total for reward in training_rewards(said, outcomes, params, guards)]
    pure = [one.total if isinstance(one, IdentityScore) else None for one in outcomes]
    return np.array(pure, dtype=np.float64), np.array(totals, dtype=np.float64)  # None becomes NaN


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


def main() -> None:
    """Measure, print, and write where asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", type=Path, help="folder with captions.csv and images/")
    parser.add_argument("--cases", type=int, default=200, help="images of each world")
    parser.add_argument("--write", type=Path, help="Markdown file with <!-- hacking --> and <!-- end hacking -->")
    options = parser.parse_args()
    encoder, reward = MiniLM(), Reward()
    with tempfile.TemporaryDirectory() as name:
        worlds = {"scenes": scenes(Path(name) / "scenes", encoder, reward, cases=options.cases)}
        if options.photos:
            read = Photos.read(options.photos / "captions.csv")
            files = [options.photos / "images" / one for one in read.names]
            vectors = {"CNN": cnn_vectors(files), "fitted": fitted_vectors(files, read.others), "ideal": None}
            for kind, seen in vectors.items():
                folder = Path(name) / kind
                worlds[f"photos, {kind}"] = photos(folder, encoder, reward, read, options.cases, seen)
        tables = [table({world: outcomes(made, kinds) for world, made in worlds.items()}) for kinds in (KINDS, FALSE)]
        shown = "\n\n".join([*tables, likeness_table(worlds)])
    print(shown)
    if options.write:
        replace_between(options.write, "hacking", shown)


if __name__ == "__main__":
    main()
