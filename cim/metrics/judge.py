"""The three judges of a caption: an encoder it was not trained to please, the reward, and the truth."""

from collections.abc import Callable, Mapping, Sequence
from typing import Literal

import numpy as np
from tqdm import tqdm

from cim.errors import CimError
from cim.fingerprint import hash_path
from cim.index.meta import EmbeddingMeta
from cim.languages.english import ENGLISH
from cim.languages.language import Language
from cim.layout import Layout
from cim.metrics.chair import Objects, chair, present_objects
from cim.metrics.evalset import EvalSet
from cim.metrics.heldout import HeldOut
from cim.metrics.knows import knows
from cim.metrics.measurements import FloatArray, Measurements, column, fractions
from cim.metrics.overlap import NoMeteor, meteor_counts, overlap
from cim.metrics.reading import Reading
from cim.metrics.references import Referencing
from cim.metrics.scenes import score_scene
from cim.records import IdentityScore

_BATCH = 256

Java = Literal["auto", "off"]
Meteor = dict[str, FloatArray] | str
Score = Callable[[Sequence[str], Sequence[str]], Sequence[IdentityScore | None]]  # captions, source ids


def check_held_out(layout: Layout, heldout: str) -> None:
    """Refuse a held-out encoder (fingerprint) that is the reward's or did not embed the images. Raises CimError."""
    check_embedded(layout, heldout)
    if is_rewards(layout, heldout):
        raise CimError(
            f"the held-out encoder is the reward's image encoder (both {heldout})",
            "another encoder for evaluation: captions tuned to please one would be judged by it",
            "change models.heldout_encoder (other weights, or seed and width) and run `dvc repro`, or set"
            " evaluate.allow_same_encoder if that is what you want to see",
        )


def check_embedded(layout: Layout, heldout: str) -> None:
    """Refuse a held-out encoder (fingerprint) that is not the one the images were embedded by. Raises CimError."""
    for meta in sorted((layout.root / "embeddings" / "heldout").glob("*/meta.json")):
        embedded = EmbeddingMeta.read(meta.parent).encoder
        if embedded != heldout:
            found = f"{meta.parent.name} images embedded by {embedded}, held-out model {heldout}"
            raise CimError(found, "one and the same encoder", "dvc repro embed-heldout")


def is_rewards(layout: Layout, heldout: str) -> bool:
    """Whether the held-out encoder (fingerprint) is the reward's, by folder or, renamed or copied, by its weights."""
    if EmbeddingMeta.read(layout.embeddings("image", "eval")).encoder == heldout:
        return True
    folders = [layout.model(role) for role in ("image", "heldout")]
    weights = [sorted(hash_path(file) for file in folder.glob("*.safetensors")) for folder in folders]
    return all(weights) and weights[0] == weights[1]


def identities(evaluated: EvalSet, score: Score) -> dict[str, list[IdentityScore | None]]:
    """The reward of each caption by captioner; None where unscorable. score: `Retriever.score`."""
    found: dict[str, list[IdentityScore | None]] = {}
    for captioner, captions in evaluated.captions.items():
        found[captioner] = []
        for start in tqdm(range(0, len(captions), _BATCH), desc=f"rewarding ({captioner})", unit="batch"):
            part = slice(start, start + _BATCH)
            found[captioner] += score(captions[part], evaluated.ids[part])
    return found


def meteor_or_why(evaluated: EvalSet, java: Java, language: Language = ENGLISH) -> Meteor:
    """METEOR's counts (n, 23) by captioner, or in words why there are none. java: "off" asks for none."""
    if (why := knows("overlap", "meteor").why_not(language)) is not None:
        return why
    if java == "off":
        return "evaluate.java is off"
    try:
        return meteor_counts(evaluated.captions, {name: evaluated.against(name) for name in evaluated.captions})
    except NoMeteor as reason:
        return str(reason)


def measure(
    evaluated: EvalSet,
    found: Mapping[str, HeldOut],
    scores: Mapping[str, Sequence[IdentityScore | None]],
    reading: Reading,
    meteor: Meteor = "not asked for",
    references: Referencing = "not asked for",
) -> dict[str, Measurements]:
    """Everything by captioner: what judges found, facts against the truth, overlap, objects, wording; without what
    stands aside in this `reading`."""
    judged = {"overlap.meteor": meteor, "references": references, "capture": references}
    missing = {name: found_none for name, found_none in judged.items() if isinstance(found_none, str)}
    missing |= reading.missing
    parser, words, tokeniser = reading.parser, reading.vocabulary, reading.language.ngrams
    counts = {} if isinstance(meteor, str) else meteor
    annotated = evaluated.objects or [None] * len(evaluated.ids)
    measured = {}
    for name, captions in evaluated.captions.items():
        against = evaluated.against(name)
        there = [
            None
            if truth is not None or words is None
            else present_objects(names, references, words)  # a scene has its own truth, nothing of COCO's
            for truth, names, references in zip(evaluated.truths, annotated, against, strict=True)
        ]
        overlaps = overlap(captions, against if tokeniser else [()] * len(captions), tokeniser or str.split)
        objects = [
            None if n is None or words is None else chair(caption, n, words)
            for caption, n in zip(captions, there, strict=True)
        ]
        measured[name] = Measurements(
            captions=captions,
            truncated=evaluated.truncated[name],
            facts=[
                None if truth is None or parser is None else score_scene(truth, parser(caption))
                for truth, caption in zip(evaluated.truths, captions, strict=True)
            ],
            ranks=found[name].ranks,
            identity=scores[name],
            overlap=[None if np.isnan(value) else float(value) for value in overlaps.pop("rouge_l")[:, 0]],
            values={**found[name].values, **overlaps, **_chair(objects)}
            | ({"meteor": counts[name]} if name in counts else {}),
            missing=missing,
            referenced=() if isinstance(references, str) else references[name],
        )
    return measured


def _chair(objects: Sequence[Objects | None]) -> dict[str, FloatArray]:
    return {
        "chair_i": fractions([None if one is None else (one.absent, one.said) for one in objects]),
        "chair_s": column([None if one is None else one.absent > 0 for one in objects]),
        "coverage": fractions([None if one is None else (one.covered, one.there) for one in objects]),
    }
