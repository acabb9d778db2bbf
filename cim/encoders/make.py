"""Make an encoder's folder from params: whole, with its card, or not at all."""

import difflib
from pathlib import Path
from pickle import UnpicklingError

from cim.atomic import replacing_folder
from cim.encoders.card import EncoderCard, Kind
from cim.encoders.load import load_folder
from cim.errors import CimError
from cim.models.fetch import PACKAGE, RequiredFiles, fetch, unreachable
from cim.models.folder import folder_fingerprint
from cim.params import FittedClip, FittedHeads, LoadedClip, TextEncoder
from cim.params.models import HUB, HUB_ID, ClipEncoder, Loaded


def make_text_encoder(params: TextEncoder, out: Path) -> EncoderCard:
    """Bring the sentence-transformers model that `params` names into `out` (data/models/text).

    Afterwards it loads without network. Raises CimError when it can't be had.
    """
    with replacing_folder(out) as folder:
        fetch(params, folder, RequiredFiles("models.text_encoder.name"))
        card = _card(out.name, "sentence-transformers", params, {}, folder)
    return card


def make_clip_encoder(
    params: ClipEncoder, out: Path, gallery: Path, device: str = "auto", outputs: Path | None = None
) -> EncoderCard:
    """Bring or fit the open_clip model of `params` into `out` (data/models/image or heldout).

    gallery: folder of gallery shards, read only to fit. device: auto, cpu, cuda; where to fit. outputs: where those of
    a frozen trunk are kept. Afterwards it loads without network. Raises CimError when it can't be had or the gallery
    has no pairs.
    """
    key = f"models.{out.name}_encoder"
    with replacing_folder(out) as folder:
        if isinstance(params, FittedClip):
            facts = _fit(params, folder, gallery, device)
        elif isinstance(params, FittedHeads):
            from cim.encoders.locked import Making, make_heads

            facts = make_heads(params, Making(gallery, device, outputs, key), folder)
        else:
            facts = {}
            _fetch_open_clip(params, folder, key)
        card = _card(out.name, "open_clip", params, facts, folder)
    return card


def _card(
    role: str, kind: Kind, params: TextEncoder | ClipEncoder, facts: dict[str, object], folder: Path
) -> EncoderCard:
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


def _fetch_open_clip(params: LoadedClip, out: Path, key: str) -> None:
    """Put the model that `params` names into the folder `out`, as safetensors, usable without network from then on.

    name is `hf-hub:ORG/NAME` (or ORG/NAME) with a pinned revision, a local folder with open_clip_config.json, or an
    architecture that open_clip knows; the last needs `pretrained`, a tag or a local checkpoint file. key: the section
    of params, for errors. Raises CimError when it is none of these.
    """
    from cim.encoders.clip import CONFIG
    from cim.encoders.text_tower import adopt_text_tower

    name = params.name.removeprefix(HUB)
    if params.name.startswith((HUB, PACKAGE)) or HUB_ID.fullmatch(name) or Path(name).expanduser().is_dir():
        fetch(params, out, RequiredFiles(f"{key}.name", [CONFIG]))
        adopt_text_tower(out / CONFIG)
    else:
        _create(params.name, params.pretrained, out, key)


def _create(name: str, pretrained: str | None, out: Path, key: str) -> None:
    import open_clip
    from open_clip.factory import get_model_config

    from cim.encoders.clip import check_alone, save_clip

    if name not in open_clip.list_models():
        near = difflib.get_close_matches(name, open_clip.list_models(), n=3)
        raise CimError(
            f"{key}.name {name!r}",
            "an architecture of open_clip" + (f" (near: {', '.join(near)})" if near else ""),
            "see open_clip.list_models(), or give hf-hub:ORG/NAME or a local folder",
        )
    config = get_model_config(name)
    check_alone(config)
    local = pretrained is not None and Path(pretrained).is_file()
    tags = open_clip.list_pretrained_tags_by_model(name)
    if not local and pretrained not in tags:
        raise CimError(
            f"{key}.pretrained {pretrained!r} for {name}",
            f"a local checkpoint file, or one of {', '.join(tags) or '(there is no tag for it)'}",
            f"mend {key}.pretrained",
        )
    try:
        model = open_clip.create_model(name, pretrained=pretrained, weights_only=True)
        tokenizer = open_clip.get_tokenizer(name)
    except (OSError, RuntimeError, ValueError, UnpicklingError) as error:
        if local:
            raise CimError(
                f"{pretrained} does not load as {name} ({type(error).__name__}: {error})",
                "a checkpoint of that architecture that holds nothing but weights",
                f"mend {key}",
            ) from error
        raise unreachable(f"{name} {pretrained}", error) from error
    kept = ("mean", "std", "interpolation", "resize_mode")
    prepare = {part: value for part, value in model.visual.preprocess_cfg.items() if part in kept}
    save_clip(model, {"model_cfg": config, "preprocess_cfg": prepare}, out)
    if hasattr(tokenizer, "tokenizer"):  # a Hugging Face tokenizer: its files must lie in the folder
        tokenizer.tokenizer.save_pretrained(str(out))
