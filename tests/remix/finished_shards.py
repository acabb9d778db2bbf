"""Little finished shards, as re-captioning writes them, and what reads them back."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import webdataset
from corpus_files import picture

from cim.captions.tar import Recaptioned, sample_key, write_pairs

Run = Callable[..., dict[str, Any]]
TXT = [{"text": "original", "share": 0.4}, {"text": "caption", "share": 0.6}]
LONG = "A gray square of shade {} stands here. It is flat. Nothing else is seen. The day is over."


def finished_shard(folder: Path, shard: int, count: int, texts: dict[str, str] | None = None) -> Path:
    """A shard with `count` samples. texts: named texts of each, `{}` its number; None: of one prompt alone."""
    samples = []
    for at in range(count):
        key, caption = sample_key(shard, at), LONG.format(at)
        told: dict[str, Any] = {"key": key, "caption": caption, "alt_text": f"old {at}" if at % 4 else None}
        told |= {"width": 20, "height": 20, "original": {"url": f"http://x/{at}"}, "recaption": {"seed": 0}}
        if texts is not None:
            told["texts"] = {"original": told["alt_text"] or ""} | {n: t.format(at) for n, t in texts.items()}
        samples.append(Recaptioned(key, picture(at % 256), "png", caption, told))
    folder.mkdir(exist_ok=True)
    write_pairs(folder / f"{shard:05d}.tar", samples)
    return folder / f"{shard:05d}.tar"


def read_back(out: Path) -> list[dict[str, Any]]:
    """The samples of all shards in `out`, by webdataset, with their JSON as "facts"."""
    found = []
    for tar in sorted(out.glob("*.tar")):
        for sample in webdataset.WebDataset(str(tar), shardshuffle=False):
            found.append(sample | {"facts": json.loads(sample["json"]), "txt": sample["txt"].decode()})
    return found


def contents(out: Path) -> dict[str, bytes]:
    """Every file below `out`, hidden ones too."""
    return {str(path.relative_to(out)): path.read_bytes() for path in sorted(out.rglob("*")) if path.is_file()}
