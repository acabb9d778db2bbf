"""Scenes spoilt by noise, blur, JPEG, cropping and occlusion, and captioned again: what is lost and what is invented.

    python -m cim.robustness --captioner data/tuned/model --shards data/shards/eval

Every picture is captioned clean, and then in each way at each strength. Two shares of the true facts are shown, by
kind: how many more are no longer said, and how many more false ones are.
"""

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path

from PIL import Image

from cim.atomic import write_json
from cim.command import check_writable, plain_exit
from cim.errors import CimError
from cim.metrics.scenes import Graph
from cim.robustness.facts import KINDS, Change, changes
from cim.robustness.perturb import PERTURBATIONS, perturbed

Scenes = list[tuple[str, Image.Image, Graph]]


def read_scenes(shards: Path, most: int) -> Scenes:
    """(id, picture, truth) of the first scenes in a folder of shards. Raises CimError where there is none."""
    from cim.images.decode import decode_rgb
    from cim.shards.read import read_samples, shard_paths

    found: Scenes = []
    for tar in shard_paths(shards):
        for sample in read_samples(tar):
            if len(found) < most and isinstance(truth := sample.extra.get("scene"), dict):
                found.append((sample.id, decode_rgb(sample.image), truth))
    if not found:
        raise CimError(f"no scene with its truth in {shards}", "shards of generated scenes", "give --shards")
    return found


def run(options: argparse.Namespace) -> str:
    """The table. Raises CimError."""
    from cim.captioners.decoding import Decoding
    from cim.captioners.generate import generate
    from cim.captioners.load import load_captioner

    if options.json is not None:
        check_writable("--json", options.json)
    scenes = read_scenes(options.shards, options.images)
    captioner = load_captioner(options.captioner, options.device)
    names, prompts = [name for name, _, _ in scenes], [options.prompt] * len(scenes)

    def captions(pictures: Sequence[Image.Image]) -> list[str]:
        decoding = Decoding(options.max_new_tokens)
        return [one.text for one in generate(captioner, pictures, prompts, decoding, names)]

    truths, clean = [truth for _, _, truth in scenes], captions([picture for _, picture, _ in scenes])
    found = {}
    for how in options.perturbations:
        for strength in options.strengths:
            spoilt = captions([perturbed(picture, how, strength, name) for name, picture, _ in scenes])
            found[f"{how} {strength:g}"] = changes(truths, clean, spoilt)
    if options.json is not None:
        write_json(options.json, {row: {kind: vars(one) for kind, one in of.items()} for row, of in found.items()})
    return f"{len(scenes)} scenes, points of the true facts: no longer said / false ones more\n\n{table(found)}"


def table(found: Mapping[str, Mapping[str, Change]]) -> str:
    """A Markdown table: "12.5 / 3.0" says that 12.5 points of recall are gone, and 3.0 of false facts have come."""
    lines = [f"| spoilt by | {' | '.join(KINDS)} |", f"|---|{'---:|' * len(KINDS)}"]
    for row, kinds in found.items():
        lines.append(f"| {row} | {' | '.join(_cell(kinds[kind]) for kind in KINDS)} |")
    return "\n".join(lines)


def _cell(one: Change) -> str:
    return "-" if one.gone is None or one.invented is None else f"{100 * one.gone:.1f} / {100 * one.invented:.1f}"


def parser() -> argparse.ArgumentParser:
    """The command's arguments."""
    made = argparse.ArgumentParser("python -m cim.robustness", description=__doc__)
    made.add_argument("--captioner", type=Path, required=True, help="model folder, such as data/tuned/model")
    made.add_argument("--shards", type=Path, required=True, help="folder of one split's shards, of generated scenes")
    made.add_argument("--images", type=int, default=200, help="how many (default: 200)")
    made.add_argument("--perturbations", nargs="+", choices=list(PERTURBATIONS), default=list(PERTURBATIONS))
    made.add_argument("--strengths", nargs="+", type=float, default=[0.25, 0.5, 1.0], help="in [0, 1]")
    made.add_argument("--prompt", default="Describe this image.", help="what the captioner is asked")
    made.add_argument("--max-new-tokens", type=int, default=40)
    made.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto")
    made.add_argument("--json", type=Path, help="write all counts here, too")
    return made


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the table; a CimError goes to stderr and ends with code 1."""
    options = parser().parse_args(arguments)
    with plain_exit("robustness"):
        print(run(options))


if __name__ == "__main__":
    main()
