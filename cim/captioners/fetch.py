"""Bring a captioner that exists into the data folder, the most pixels that it sees of an image lowered as asked."""

import math
from functools import partial
from pathlib import Path

from cim.atomic import read_json, write_json
from cim.errors import CimError
from cim.models.fetch import RequiredFiles, fetch
from cim.models.folder import MODEL_CARD
from cim.models.load import load_part
from cim.params import LoadedCaptioner


def fetch_captioner(params: LoadedCaptioner, out: Path) -> None:
    """Make the folder `out` hold the captioner that `params` names, whole or not at all, then cap its pixels.

    Raises CimError as `fetch` and `cap_pixels` do.
    """
    needs, trusted = ["config.json"], params.trust_remote_code
    fetch(params, out, RequiredFiles("models.captioner.name", needs, trusted, also=[MODEL_CARD]))
    if params.max_pixels is not None:
        cap_pixels(out, params.max_pixels, trust_remote_code=params.trust_remote_code)


def cap_pixels(folder: Path, most: int, *, trust_remote_code: bool = False) -> None:
    """Write into the processor's config in `folder` that larger images are scaled down to `most` pixels.

    So training and captioning, by the base and by the tuned model, see the same pictures. One narrower than t:1,
    where t is the cap in tokens, keeps one row of tokens: sqrt(aspect * t) of them, more than t. For image
    processors that count pixels (Qwen2-VL's and its kin); raises CimError for others (a fixed size, or tiles).
    """
    from transformers import AutoImageProcessor

    load = partial(load_part, AutoImageProcessor, folder, trust_remote_code=trust_remote_code)
    processor = load()
    if "max_pixels" not in getattr(getattr(processor, "valid_kwargs", None), "__annotations__", {}):
        raise CimError(
            f"models.captioner.max_pixels {most} for an image processor {type(processor).__name__} with size"
            f" {dict(processor.size)}",
            "one that counts pixels, as Qwen2-VL's and Qwen2.5-VL's",
            "leave max_pixels out, or lower the size in a local copy of the model's preprocessor_config.json",
        )
    least = min(int(processor.size["shortest_edge"]), most)
    for path in (folder / "processor_config.json", folder / "preprocessor_config.json"):
        if path.is_file():
            _set_size(path, {"shortest_edge": least, "longest_edge": most})
    capped = load()
    side = 2 * math.isqrt(most)
    found = capped.get_number_of_image_patches(side, side) * capped.patch_size**2
    if found > most:
        raise CimError(
            f"{found} pixels of a {side} x {side} image after models.captioner.max_pixels {most}",
            "at most as many",
            f"give at least one token's: {(capped.patch_size * capped.merge_size) ** 2}",
        )


def _set_size(path: Path, size: dict[str, int]) -> None:
    config = read_json(path)
    section = config.get("image_processor") if path.name == "processor_config.json" else config
    if section is not None:  # older models keep it in a file of its own
        for name in ("min_pixels", "max_pixels"):  # would win over size
            section.pop(name, None)
        section["size"] = size
        write_json(path, config)
