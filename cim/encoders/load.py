"""A model folder to an encoder."""

from pathlib import Path
from typing import Any

from cim.encoders.base import ClipEncoder, ImageEncoder, TextEncoder, Towers
from cim.encoders.card import REMEDY, EncoderCard, Kind
from cim.errors import CimError
from cim.images.memory import map_large_blocks


def load_text_encoder(folder: Path, device: str) -> TextEncoder:
    """The sentence-transformers model in `folder` (data/models/text). device: auto, cpu, cuda.

    Raises CimError when the folder is missing, holds something else or does not load.
    """
    encoder: TextEncoder = _load(folder, "sentence-transformers", device)
    return encoder


def load_clip(folder: Path, device: str, outputs: Path | None = None) -> ClipEncoder:
    """The open_clip model in `folder` (data/models/image or heldout). device: auto, cpu, cuda.

    outputs: where those of a frozen trunk are kept, if it has one (Layout.trunk_outputs); None: they are not kept.
    Raises CimError when the folder is missing, holds something else or does not load.
    """
    encoder: ClipEncoder = _load(folder, "open_clip", device, "both", outputs)
    return encoder


def load_text_tower(folder: Path, device: str) -> TextEncoder:
    """As `load_clip`, for texts alone: the image tower, often the larger one, does not come to the device."""
    encoder: TextEncoder = _load(folder, "open_clip", device, "text")
    return encoder


def load_image_tower(folder: Path, device: str, outputs: Path | None = None) -> ImageEncoder:
    """As `load_clip`, for images alone. The process gives the memory of pictures back from then on."""
    map_large_blocks()
    encoder: ImageEncoder = _load(folder, "open_clip", device, "image", outputs)
    return encoder


def load_folder(
    folder: Path, kind: Kind, fingerprint: str, device: str, towers: Towers = "both", outputs: Path | None = None
) -> Any:
    """The encoder of a folder that has no card yet. Raises CimError when it does not load."""
    if kind == "open_clip":
        from cim.encoders.clip import OpenClipEncoder

        return OpenClipEncoder(folder, fingerprint, device, towers, outputs)
    from cim.encoders.sentence import SentenceEncoder

    return SentenceEncoder(folder, fingerprint, device)


def _load(folder: Path, kind: Kind, device: str, towers: Towers = "both", outputs: Path | None = None) -> Any:
    card = EncoderCard.read(folder)
    if card.kind != kind:
        raise CimError(f"a {card.kind} model in {folder}", f"a {kind} model", REMEDY)
    return load_folder(folder, kind, card.fingerprint, device, towers, outputs)
