"""The pictures to be spoilt, with what is known of them: a scene's truth, or what people say of a photo."""

from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from cim.errors import CimError
from cim.metrics.scenes import Graph


@dataclass(frozen=True)
class Known:
    """One picture, RGB. truth: of a generated scene, None of a photo. references: captions it came with."""

    id: str
    picture: Image.Image
    truth: Graph | None
    references: tuple[str, ...] = ()


def read_known(shards: Path, most: int) -> list[Known]:
    """The first scenes in a folder of shards, or the first photos with captions: the first picture decides which.

    Raises CimError where there is neither.
    """
    from cim.images.decode import decode_rgb
    from cim.shards.read import read_samples, shard_paths

    found = list[Known]()
    for sample in (sample for tar in shard_paths(shards) for sample in read_samples(tar)):
        scene = sample.extra.get("scene")
        truth = scene if isinstance(scene, dict) else None
        spoken = tuple(text for text in sample.captions if text.strip())
        if (truth is None and not spoken) or (found and (found[0].truth is None) != (truth is None)):
            continue
        found.append(Known(sample.id, decode_rgb(sample.image), truth, spoken))
        if len(found) == most:
            break
    if not found:
        raise CimError(f"neither a scene nor a captioned photo in {shards}", "shards with either", "give --shards")
    return found
