"""A captioner's greedy captions of a split of photos, and what the held-out judge and the references say of them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
from PIL.Image import Image

from benchmarks.common.vectors import image_vectors
from cim.atomic import read_json, write_json
from cim.batches import batched
from cim.captioners.decoding import Decoding, Generated
from cim.captioners.generate import generate
from cim.captioners.load import Captioner, captioner_fingerprint, load_captioner
from cim.encoders.base import TextEncoder
from cim.encoders.load import load_text_encoder, load_text_tower
from cim.graphs.graph import GraphParser
from cim.graphs.once import ReadOnce
from cim.graphs.open import open_parser
from cim.graphs.phrases import Phrases
from cim.images.decode import decode_rgb
from cim.layout import Layout
from cim.metrics.evalset import EvalSet
from cim.metrics.heldout import text_ranks
from cim.metrics.measurements import FloatArray, Measurements
from cim.metrics.overlap import overlap
from cim.metrics.references import ReferenceAgreement, compare_with_references
from cim.params import load_params
from cim.params.caption import CaptionParams
from cim.retrieval import closer, ranks
from cim.shards.read import ImageLookup, read_manifest
from cim.tuning.trunk import keep_outputs

AMONG, WINDOW = 1_000, 64  # photos that a caption is looked for among; photos in memory at once


@dataclass(frozen=True)
class Judge:
    """Of one split of a workspace."""

    workspace: Path
    split: str

    @property
    def layout(self) -> Layout:
        """Of the workspace."""
        return Layout(self.workspace / "data")

    @cached_property
    def photos(self) -> dict[str, list[str]]:
        """References by id, in the order of ids."""
        rows = read_manifest(self.layout.shards(self.split)).sort("id")
        return dict(zip(rows["id"].to_list(), [list(some) for some in rows["captions"].to_list()], strict=True))

    def judged(self, captioner: Path, kept: Path) -> Measurements:
        """What is said of the greedy captions of `captioner`, which are kept in the file `kept`."""
        name = captioner_fingerprint(captioner)
        found = read_json(kept) if kept.is_file() else {}
        if found.get("captioner") != name or found.get("ids") != list(self.photos):
            made = self.captions(captioner)
            captions = [one.text for one in made]
            found = {
                "captioner": name,
                "ids": list(self.photos),
                "captions": captions,
                "cut": [one.finish_reason == "length" for one in made],
            }
            write_json(kept, found)
        return self._measured(found["captions"], list(self.photos.values()), found["cut"])

    def of(self, captions: Sequence[str]) -> Measurements:
        """What is said of these captions, one of each photo in their order, none of them cut."""
        return self._measured(captions, list(self.photos.values()), [False] * len(captions))

    def people(self) -> Measurements:
        """Of each photo's first reference, against its others."""
        said = [texts[0] for texts in self.photos.values()]
        others = [texts[1:] for texts in self.photos.values()]
        return self._measured(said, others, [False] * len(said))

    def of_other_photos(self, base: Measurements) -> Measurements:
        """Of the captions of `base`, each said of the photo before."""
        said = [*base.captions[1:], base.captions[0]]
        return self._measured(said, list(self.photos.values()), base.truncated)

    def _measured(self, captions: Sequence[str], references: Sequence[list[str]], cut: Sequence[bool]) -> Measurements:
        agreement = agreements(captions, references, self.parser, self.phrases)
        found_at = ranks_in_blocks(self.vectors(captions), self.seen)
        return replace(measurements(captions, references, found_at, cut), referenced=agreement)

    @cached_property
    def parser(self) -> GraphParser:
        """Of captions and references, each read once."""
        return ReadOnce(open_parser("spacy", None, "cpu"))

    @cached_property
    def phrases(self) -> Phrases:
        """What the text model holds for alike."""
        return Phrases(load_text_encoder(self.layout.model("text"), "cpu").encode_texts)

    def among(self) -> int:
        """Photos of the smallest block that a caption is looked for among."""
        return len(self.photos) // max(1, round(len(self.photos) / AMONG))

    @property
    def asked(self) -> CaptionParams:
        """How captions are asked for."""
        return load_params(self.workspace / "params.yaml").caption

    def captions(
        self, folder: Path, decoding: Decoding | None = None, names: Sequence[str] | None = None
    ) -> list[Generated]:
        """Greedy, or by `decoding`, of all photos or of those named; one named again is sampled anew."""
        decoding = decoding or Decoding(self.asked.max_new_tokens)
        captioner = load_captioner(folder, "cpu", "float32")
        keep_outputs(captioner, folder, self.layout.trunk_outputs)
        images, ids = ImageLookup(self.layout.shards(self.split)), list(self.photos) if names is None else names
        pictures = ((f"{name}-{place}", decode_rgb(images[name])) for place, name in enumerate(ids))
        return self.said(captioner, pictures, decoding)

    def said(self, captioner: Captioner, pictures: Iterable[tuple[str, Image]], decoding: Decoding) -> list[Generated]:
        """What is said of each picture, a few of them in memory at once. pictures: with names that seed sampling."""
        made = list[Generated]()
        for some in batched(pictures, WINDOW):
            keys, seen = zip(*some, strict=True)
            made += generate(captioner, seen, [self.asked.prompts[0]] * len(seen), decoding, keys)
        return made

    @cached_property
    def seen(self) -> FloatArray:
        """(n, d) of the photos by the held-out encoder."""
        return image_vectors(self.layout, "heldout").get(list(self.photos))

    @cached_property
    def tower(self) -> TextEncoder:
        """The held-out encoder's, for captions."""
        return load_text_tower(self.layout.model("heldout"), "cpu")

    def vectors(self, captions: Sequence[str]) -> FloatArray:
        """(c, d) of captions by the held-out encoder."""
        return np.concatenate([self.tower.encode_texts(some) for some in batched(captions, 256)])

    def ranks(self, captions: Sequence[str], own: Sequence[int]) -> FloatArray:
        """(c,) of each caption's own photo, the one at that place, among all of the split; 1 is best."""
        return closer(self.vectors(captions), self.seen[list(own)], self.seen).astype(np.float64)


def agreements(
    captions: Sequence[str], references: Sequence[list[str]], parser: GraphParser, phrases: Phrases
) -> list[ReferenceAgreement | None]:
    """CAPTURE, and the facts of each caption against its photo's references."""
    count = len(captions)
    names = [str(place) for place in range(count)]
    said = EvalSet(names, list(references), [None] * count, {"it": list(captions)}, {"it": [False] * count}, {})
    return compare_with_references(said, range(count), parser, phrases)["it"]


def ranks_in_blocks(captions: FloatArray, images: FloatArray) -> FloatArray:
    """(n, 2) ranks of the own image, and of the own caption by its image, among those of their block.

    Blocks are of equal size, as near AMONG as can be.
    """
    blocks = np.array_split(np.arange(len(captions)), max(1, round(len(captions) / AMONG)))
    both = ((captions[block], images[block]) for block in blocks)
    return np.concatenate([np.stack([ranks(*one), text_ranks(*one)], axis=1) for one in both])


def measurements(
    captions: Sequence[str], references: Sequence[Sequence[str]], found_at: FloatArray, cut: Sequence[bool]
) -> Measurements:
    """What is known without truth or reward. found_at: as of `ranks_in_blocks`."""
    over = overlap(captions, references)
    count = len(captions)
    return Measurements(
        captions=captions,
        truncated=cut,
        facts=[None] * count,
        ranks=found_at[:, 0],
        identity=[None] * count,
        overlap=[float(value) for value in over.pop("rouge_l")[:, 0]],
        values={**over, "text_rank": found_at[:, 1:]},
    )
