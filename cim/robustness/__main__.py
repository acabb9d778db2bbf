"""Pictures spoilt by noise, blur, JPEG, cropping and occlusion, and captioned again: what is lost and what is invented.

    python -m cim.robustness --captioner data/tuned/model --shards data/shards/eval
    python -m cim.robustness --captioner data/tuned/model --shards data/shards/eval --worst-of 8 --strengths 0.25

Every picture is captioned clean, and then in each way at each strength. Of scenes two shares of the true facts are
shown, by kind: how many more are no longer said, and how many more false ones are. Photos are held against people's
captions and, with --encoder, against themselves. --worst-of looks for the worst caption that chance finds.
"""

import argparse
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from tqdm import tqdm

from cim.atomic import write_json
from cim.command import check_writable, plain_exit
from cim.encoders.base import Vectors
from cim.errors import CimError
from cim.languages.known import language_of
from cim.languages.knows import ENGLISH_ONLY, demand
from cim.markdown import table as markdown_table
from cim.robustness.facts import KINDS, Change, changes
from cim.robustness.perturb import PERTURBATIONS, perturbed
from cim.robustness.photos import Encode
from cim.robustness.read import Known, read_known
from cim.robustness.worst import Say, Score, worst_of

_BATCH = 64  # pictures captioned or encoded at once


def run(options: argparse.Namespace) -> str:
    """The table. Raises CimError."""
    from cim.captioners.load import load_captioner

    if options.json is not None:
        check_writable("--json", options.json)
    demand(ENGLISH_ONLY, language_of(options.language), "robustness of facts, read by parsers of English,")
    known = read_known(options.shards, options.images)
    captioner = load_captioner(options.captioner, options.device)
    times = 1 + (options.worst_of or len(options.perturbations) * len(options.strengths))
    with tqdm(total=times * len(known), desc="captions", unit="picture") as bar:
        say = partial(_captions, captioner, options, [one.id for one in known], bar)
        if options.worst_of:
            return _worst(options, known, say)
        clean, spoilt = say([one.picture for one in known]), dict[str, list[str]]()
        for how in options.perturbations:
            for strength in options.strengths:
                changed = say([perturbed(one.picture, how, strength, one.id) for one in known])
                spoilt[f"{how} {strength:g}"] = changed
    if known[0].truth is None:
        return _photos(options, known, clean, spoilt)
    truths = [one.truth for one in known if one.truth is not None]
    found = {row: changes(truths, clean, captions) for row, captions in spoilt.items()}
    if options.json is not None:
        write_json(options.json, {row: {kind: vars(one) for kind, one in of.items()} for row, of in found.items()})
    return f"{len(known)} scenes, points of the true facts: no longer said / false ones more\n\n{table(found)}"


def _captions(
    captioner: Any, options: argparse.Namespace, names: Sequence[str], bar: Any, pictures: Sequence[Image.Image]
) -> list[str]:
    """Of one picture a name, in their order, counted by the bar."""
    from cim.captioners.decoding import Decoding
    from cim.captioners.generate import generate

    decoding, found = Decoding(options.max_new_tokens), list[str]()
    for i in range(0, len(names), _BATCH):
        asked, keys = pictures[i : i + _BATCH], names[i : i + _BATCH]
        found += [one.text for one in generate(captioner, asked, [options.prompt] * len(keys), decoding, keys)]
        bar.update(len(keys))
    return found


def _photos(
    options: argparse.Namespace, known: Sequence[Known], clean: Sequence[str], spoilt: Mapping[str, Sequence[str]]
) -> str:
    from cim.detailed.units import ParsedUnits
    from cim.robustness import photos

    names, (images, encode) = [one.id for one in known], _encoder(options, known)
    references = {one.id: list(one.references) for one in known}
    against = photos.Photos(references, dict(zip(names, clean, strict=True)), ParsedUnits("spacy"), images, encode)
    rows = {"nothing": clean, **spoilt}
    found = {row: against.said(dict(zip(names, captions, strict=True))) for row, captions in rows.items()}
    if options.json is not None:
        write_json(options.json, {row: vars(one) for row, one in found.items()})
    return f"{len(known)} photos against people's captions, in percent\n\n{photos.table(found)}"


def _worst(options: argparse.Namespace, known: Sequence[Known], say: Say) -> str:
    score, scale = _score(options, known)
    pictures = [(one.id, one.picture) for one in known]
    found = worst_of(options.worst_of, max(options.strengths), pictures, say, score)
    if options.json is not None:
        write_json(options.json, vars(found))
    row = [f"{found.clean:.3f}", f"{found.tried:.3f}", f"{found.worst:.3f}", f"{100 * found.fell:.1f}"]
    head = [f"{len(known)} pictures, {scale}", "clean", "all tries", "worst of each", "pictures that fell, %"]
    strength = f"worst of {found.tries}, strength up to {max(options.strengths):g}"
    return markdown_table(head, [[strength, *row]])


def _score(options: argparse.Namespace, known: Sequence[Known]) -> tuple[Score, str]:
    truths = [one.truth for one in known if one.truth is not None]
    if truths:
        from cim.metrics.units import BETA, scene_units
        from cim.scenes.parse import parse

        return (
            lambda captions: [
                scene_units(truth, parse(text)).f(BETA) or 0.0 for truth, text in zip(truths, captions, strict=True)
            ],
            f"F of the truth's units, beta squared {BETA}",
        )
    from cim.robustness.photos import own_scores

    images, encode = _encoder(options, known)
    if images is None or encode is None:
        raise CimError("--worst-of on photos without --encoder", "an encoder that scores captions", "give --encoder")
    return lambda captions: own_scores(captions, images, encode), "cosine with the clean photo"


def _encoder(options: argparse.Namespace, known: Sequence[Known]) -> tuple[Vectors | None, Encode | None]:
    if options.encoder is None:
        return None, None
    from cim.encoders.load import load_clip

    encoder, pictures = load_clip(options.encoder, options.device), [one.picture for one in known]
    parts = [encoder.encode_images(pictures[i : i + _BATCH]) for i in range(0, len(pictures), _BATCH)]
    return np.concatenate(parts), encoder.encode_texts


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
    made.add_argument("--shards", type=Path, required=True, help="folder of one split's shards")
    made.add_argument("--images", type=int, default=200, help="how many (default: 200)")
    made.add_argument("--perturbations", nargs="+", choices=list(PERTURBATIONS), default=list(PERTURBATIONS))
    made.add_argument("--strengths", nargs="+", type=float, default=[0.25, 0.5, 1.0], help="in [0, 1]")
    made.add_argument("--encoder", type=Path, help="open_clip folder that compares captions with their own photos")
    made.add_argument("--worst-of", type=int, default=0, help="tries a picture, instead of each way at each strength")
    made.add_argument("--prompt", default="Describe this image.", help="what the captioner is asked")
    made.add_argument("--language", default="en", help="of the captions; only English can be read (default: en)")
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
