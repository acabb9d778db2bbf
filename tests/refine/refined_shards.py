"""Little finished shards to refine, what a model that fuses says, and what reads the result back."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import webdataset
from chat_server import said
from corpus_files import picture

from cim.captions.tar import Recaptioned, sample_key, write_pairs

ALT, CAPTION = "Maria's shop {} in Lisbon", "a gray square number {} on a plain wall"


def unrefined(folder: Path, shard: int, count: int, alt: str = ALT, first: int | None = None, **own: Any) -> Path:
    """A shard with `count` samples, of which the fourth has no alt text. first: number of its first one; own: further
    fields of their corpus."""
    samples = []
    for at in range(count):
        key, number = sample_key(shard, at), (10 * shard if first is None else first) + at
        told: dict[str, Any] = {"key": key, "caption": CAPTION.format(number), "width": 20, "height": 20}
        told |= {"alt_text": None if at == 3 else alt.replace("{}", str(number)), "original": {"url": f"x/{at}", **own}}
        told |= {"recaption": {"seed": 0, "cim_score": at / 10}}
        samples.append(Recaptioned(key, picture(number % 256), "png", told["caption"], told))
    folder.mkdir(exist_ok=True)
    write_pairs(folder / f"{shard:05d}.tar", samples)
    return folder / f"{shard:05d}.tar"


def asked_of(body: Any) -> tuple[str, str]:
    """(alt text, caption) in a request's prompt."""
    alt, caption = re.findall(r'^"(.*)"$', body["messages"][0]["content"], re.M)
    return alt, caption


def fused(body: Any) -> dict[str, Any]:
    """One sentence of both."""
    alt, caption = asked_of(body)
    return said(f"At {alt}, {caption}.")


def samples_in(out: Path) -> Iterator[dict[str, Any]]:
    """Of all shards in `out`, read by webdataset, with their JSON as "facts"."""
    for tar in sorted(out.glob("*.tar")):
        for sample in webdataset.WebDataset(str(tar), shardshuffle=False):
            yield sample | {"facts": json.loads(sample["json"]), "txt": sample["txt"].decode()}


def contents(out: Path) -> dict[str, bytes]:
    """Every file below `out`, hidden ones too."""
    return {str(path.relative_to(out)): path.read_bytes() for path in sorted(out.rglob("*")) if path.is_file()}


def alt_texts(tar: Path) -> list[str]:
    """Of the samples of a tar, in their order; "" for none."""
    return [
        json.loads(sample["json"])["alt_text"] or "" for sample in webdataset.WebDataset(str(tar), shardshuffle=False)
    ]
