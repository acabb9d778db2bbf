"""A model folder to an encoder."""

from pathlib import Path

from cim.encoders.base import ClipEncoder, TextEncoder
from cim.encoders.card import REMEDY, EncoderCard, Kind
from cim.errors import CimError


def load_text_encoder(folder: Path, device: str) -> TextEncoder:
    """The sentence-transformers model in `folder` (data/models/text). device: auto, cpu, cuda.

    Raises CimError when the folder is missing, holds something else or does not load.
    """
    card = _card(folder, "sentence-transformers")
    from cim.encoders.sentence import SentenceEncoder

    try:
        return SentenceEncoder(folder, card.fingerprint, device)
    except (OSError, ValueError, KeyError, RuntimeError) as error:
        raise _broken(folder, error) from error


def load_clip(folder: Path, device: str) -> ClipEncoder:
    """The open_clip model in `folder` (data/models/image or heldout). device: auto, cpu, cuda.

    Raises CimError when the folder is missing, holds something else or does not load.
    """
    card = _card(folder, "open_clip")
    from cim.encoders.clip import OpenClipEncoder

    if not any(folder.glob("*.safetensors")):  # open_clip would take other formats, or random weights
        raise CimError(f"no .safetensors file in {folder}", "an open_clip model's weights", REMEDY)
    try:
        return OpenClipEncoder(folder, card.fingerprint, device)
    except (OSError, ValueError, KeyError, RuntimeError, TypeError) as error:
        raise _broken(folder, error) from error


def _card(folder: Path, kind: Kind) -> EncoderCard:
    card = EncoderCard.read(folder)
    if card.kind != kind:
        raise CimError(f"a {card.kind} model in {folder}", f"a {kind} model", REMEDY)
    return card


def _broken(folder: Path, error: Exception) -> CimError:
    return CimError(
        f"{folder} does not load ({type(error).__name__}: {error})", "a whole model folder", f"delete it and {REMEDY}"
    )
