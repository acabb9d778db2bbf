"""Photos and captions in the layout of the embed and index stages, for the reward's own code to retrieve among."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from benchmarks.human.ratings import Captions
from benchmarks.human.trunk import TrunkEncoder
from cim.embeddings.pieces import Rows
from cim.embeddings.plan import HELDOUT, IMAGE, TEXT, EmbedJob
from cim.embeddings.write import ShardVectors, write_meta
from cim.encoders.base import Vectors
from cim.encoders.card import EncoderCard
from cim.encoders.load import load_image_tower, load_text_encoder
from cim.fingerprint import fingerprint
from cim.images.decode import decode_rgb
from cim.index.build import build_items, build_space
from cim.layout import Layout
from cim.params.retrieval import Index

SHARD, BATCH = 1000, 64  # photos a file, which is done or not; photos or captions an encoder call
GALLERY, RATED = "gallery", "eval"
RAW, OUTPUTS = "raw", "trunk_outputs"
K = 10


@dataclass(frozen=True)
class Models:
    """Folders of the encoders: of photos (and captions beside them), of captions, and of a judge, if there is one."""

    image: Path
    text: Path
    heldout: Path | None = None

    def roles(self) -> dict[str, Path]:
        """By the names that the pipeline has for them."""
        return {IMAGE: self.image, TEXT: self.text} | ({HELDOUT: self.heldout} if self.heldout else {})


def build(work: Path, models: Models, photos: Path, gallery: Captions, rated: Sequence[str]) -> Layout:
    """Embeddings and indexes under `work`, in a folder of these models; what is there already is kept.

    photos: the folder of the pictures. gallery: captions of what may be retrieved. rated: the photos that are sources.
    """
    cards = {role: EncoderCard.read(folder) for role, folder in models.roles().items()}
    layout = Layout(work / fingerprint(*[card.fingerprint for card in cards.values()], sorted(gallery)))
    for role, folder in models.roles().items():
        link = layout.model(role)
        link.parent.mkdir(parents=True, exist_ok=True)
        link.unlink(missing_ok=True)
        link.symlink_to(folder.resolve(), target_is_directory=True)
    names = {GALLERY: sorted(gallery), RATED: sorted(set(rated))}
    paths = {split: [photos / name for name in some] for split, some in names.items()}
    for role, card in cards.items():
        if role == TEXT:
            _embed_captions(layout, card, gallery)
            continue
        tower = load_image_tower(layout.model(role), "cpu", work / OUTPUTS)

        def encode(some: list[Path], tower: Any = tower) -> Vectors:
            return np.asarray(tower.encode_images([decode_rgb(path.read_bytes()) for path in some]))

        for split, some in names.items():
            _Writer(layout, role, card).embed(split, {"id": some}, encode, paths[split])
    if TrunkEncoder.is_in(models.image):
        trunk = TrunkEncoder(models.image, work / OUTPUTS)
        card = replace(cards[IMAGE], role=RAW, dim=trunk.dim)
        for split, some in names.items():
            _Writer(layout, RAW, card).embed(split, {"id": some}, trunk.encode_photos, paths[split])
    build_items(layout, [GALLERY], K)
    for space in ("caption_text", "clip"):
        build_space(layout, space, Index(), K)
    return layout


def _embed_captions(layout: Layout, card: EncoderCard, gallery: Captions) -> None:
    encoder = load_text_encoder(layout.model(TEXT), "cpu")
    rows = [(name, caption) for name, captions in sorted(gallery.items()) for caption in captions]
    columns = {"id": [name for name, _ in rows], "caption": [caption for _, caption in rows]}
    _Writer(layout, TEXT, card).embed(GALLERY, columns, encoder.encode_texts, columns["caption"])


@dataclass(frozen=True)
class _Writer:
    """Files of one role as the embed stage writes them."""

    layout: Layout
    role: str
    card: EncoderCard

    def embed(self, split: str, columns: Rows, encode: Callable[[list[Any]], Vectors], inputs: Sequence[Any]) -> None:
        """SHARD rows of `columns` a file, with the vectors of `inputs`; those that are done are kept."""
        folder = self.layout.embeddings(self.role, split)
        folder.mkdir(parents=True, exist_ok=True)
        jobs, facts = [], []
        for number, start in enumerate(tqdm(range(0, len(inputs), SHARD), desc=f"embed {split} ({self.role})")):
            some = list(inputs[start : start + SHARD])
            rows = {name: column[start : start + SHARD] for name, column in columns.items()}
            shard, model = Path(f"{split}-{number:06d}.tar"), self.layout.model(self.role)
            job = EmbedJob(self.role, shard, fingerprint(rows, *some), folder, model, self.card.fingerprint)
            done = job.done()
            if done is None:
                made = ShardVectors(job)
                for at in range(0, len(some), BATCH):
                    part = {name: column[at : at + BATCH] for name, column in rows.items()}
                    made.add(part, encode(some[at : at + BATCH]))
                done = made.write(self.card.dim)
            jobs.append(job)
            facts.append(done)
        write_meta(self.card, jobs, facts)
