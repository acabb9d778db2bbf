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
    fields of their corpus, by place where they are functions."""
    samples = []
    for at in range(count):
        key, number = sample_key(shard, at), (10 * shard if first is None else first) + at
        told: dict[str, Any] = {"key": key, "caption": CAPTION.format(number), "width": 20, "height": 20}
        told |= {"alt_text": None if at == 3 else alt.replace("{}", str(number)), "original": {"url": f"x/{at}"}}
        told["original"] |= {name: value(at) if callable(value) else value for name, value in own.items()}
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


def numbers_in(text: str) -> list[int]:
    """Those of samples whose captions it holds."""
    return [int(number) for number in re.findall(r"square number (\d+)", text)]
