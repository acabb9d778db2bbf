"""Make an encoder's folder from params: whole, with its card, or not at all."""

from pathlib import Path

from cim.encoders.card import EncoderCard, building, folder_fingerprint
from cim.encoders.load import load_folder
from cim.params import FittedClip, LoadedClip, TextEncoder


def make_text_encoder(params: TextEncoder, out: Path) -> EncoderCard:
    """Bring the sentence-transformers model that `params` names into `out` (data/models/text).

    Afterwards it loads without network. Raises CimError when it can't be had.
    """
    from cim.encoders.fetch import fetch_sentence_transformer

    with building(out) as folder:
        fetch_sentence_transformer(params, folder)
        found = folder_fingerprint(folder)
        dim = load_folder(folder, "sentence-transformers", found, "cpu").dim  # it must load before it counts
        made_from = params.model_dump(mode="json")
        card = EncoderCard(out.name, "sentence-transformers", params.name, params.revision, dim, found, made_from)
        card.write(folder)
    return card


def make_clip_encoder(params: LoadedClip | FittedClip, out: Path, gallery: Path, device: str = "auto") -> EncoderCard:
    """Bring or fit the open_clip model of `params` into `out` (data/models/image or heldout).

    gallery: folder of gallery shards, read only to fit. device: auto, cpu, cuda; where to fit.
    Afterwards it loads without network. Raises CimError when it can't be had or the gallery has no pairs.
    """
    with building(out) as folder:
        made_from = params.model_dump(mode="json")
        if isinstance(params, FittedClip):
            name, revision = "fitted", None
            made_from |= _fit(params, folder, gallery, device)
        else:
            from cim.encoders.fetch_clip import fetch_open_clip

            name, revision = params.name, params.revision
            fetch_open_clip(params, folder)
        found = folder_fingerprint(folder)
        dim = load_folder(folder, "open_clip", found, "cpu").dim
        card = EncoderCard(out.name, "open_clip", name, revision, dim, found, made_from)
        card.write(folder)
    return card


def _fit(params: FittedClip, folder: Path, gallery: Path, device: str) -> dict[str, object]:
    from cim.encoders.fit import fit_clip
    from cim.encoders.pairs import gallery_pairs
    from cim.encoders.save import save_clip

    images, captions = gallery_pairs(gallery, params.side, params.pairs)
    fitted = fit_clip(params, images, captions, device)
    save_clip(fitted.model, fitted.config, folder)
    return {"pairs": len(images), "losses": [round(loss, 4) for loss in fitted.losses]}
