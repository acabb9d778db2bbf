"""Make an encoder's folder from params: whole, with its card, or not at all."""

from pathlib import Path

from cim.encoders.card import EncoderCard, Kind, building
from cim.encoders.load import load_folder
from cim.models.fetch import Wanted, fetch
from cim.models.folder import folder_fingerprint
from cim.params import FittedClip, LoadedClip, TextEncoder
from cim.params.models import Loaded


def make_text_encoder(params: TextEncoder, out: Path) -> EncoderCard:
    """Bring the sentence-transformers model that `params` names into `out` (data/models/text).

    Afterwards it loads without network. Raises CimError when it can't be had.
    """
    with building(out) as folder:
        fetch(params, folder, Wanted("models.text_encoder.name"))
        card = _card(out.name, "sentence-transformers", params, {}, folder)
    return card


def make_clip_encoder(params: LoadedClip | FittedClip, out: Path, gallery: Path, device: str = "auto") -> EncoderCard:
    """Bring or fit the open_clip model of `params` into `out` (data/models/image or heldout).

    gallery: folder of gallery shards, read only to fit. device: auto, cpu, cuda; where to fit.
    Afterwards it loads without network. Raises CimError when it can't be had or the gallery has no pairs.
    """
    with building(out) as folder:
        if isinstance(params, FittedClip):
            facts = _fit(params, folder, gallery, device)
        else:
            from cim.encoders.fetch_clip import fetch_open_clip

            facts = {}
            fetch_open_clip(params, folder, f"models.{out.name}_encoder")
        card = _card(out.name, "open_clip", params, facts, folder)
    return card


def _card(role: str, kind: Kind, params: Loaded | FittedClip, facts: dict[str, object], folder: Path) -> EncoderCard:
    """The card of a model that is all in `folder`, written into it. It must load before it counts."""
    found = folder_fingerprint(folder)
    name, revision = (params.name, params.revision) if isinstance(params, Loaded) else ("fitted", None)
    dim = load_folder(folder, kind, found, "cpu").dim
    card = EncoderCard(role, kind, name, revision, dim, found, params.model_dump(mode="json") | facts)
    card.write(folder)
    return card


def _fit(params: FittedClip, folder: Path, gallery: Path, device: str) -> dict[str, object]:
    from cim.encoders.clip import save_clip
    from cim.encoders.fit import fit_clip
    from cim.encoders.pairs import gallery_pairs

    images, captions = gallery_pairs(gallery, params.side, params.pairs)
    fitted = fit_clip(params, images, captions, device)
    save_clip(fitted.model, fitted.config, folder)
    return {"pairs": len(images), "losses": [round(loss, 4) for loss in fitted.losses]}
