"""Captions a second through `cim.engines`: transformers, then vLLM on the same folder and images."""

import json
from pathlib import Path
from typing import Any

from PIL.Image import Image

from benchmarks.common.timing import seconds
from benchmarks.gpu.bench import Bench, read_rows
from benchmarks.gpu.device import peak_mib, settle
from benchmarks.gpu.models import PROMPT, QWEN_3B, captioner_folder, fingerprint_of
from benchmarks.gpu.pictures import shard
from cim.captioners.decoding import Decoding, Generated
from cim.engines.spec import Engine, EngineSpec, captions_of
from cim.errors import CimError

SAID = "captions-by-transformers.json"
RATE = "captions per s"


def by_transformers(bench: Bench) -> None:
    """A row for the transformers engine; its captions stay for `by_vllm` to be compared with."""
    from cim.engines.open import open_engine

    try:
        spec = spec_of(bench)
    except CimError as error:
        return bench.skip("transformers", error)
    with peak_mib(bench.device) as most:
        found, taken = _caption(bench, open_engine(spec))
    (bench.scratch / SAID).write_text(json.dumps([one.text for one in found]))
    bench.row(_what(spec), **_rates(found, taken), peak_MiB=most[0])


def by_vllm(bench: Bench) -> None:
    """A row for vLLM, against the row and captions that `by_transformers` left."""
    from dataclasses import replace

    from cim.engines.open import open_engine

    try:
        spec = replace(spec_of(bench), name="vllm", precision="bfloat16")
        engine = open_engine(spec)
    except CimError as error:
        return bench.skip("vllm", error)
    found, taken = _caption(bench, engine)
    figures = _rates(found, taken)
    slow = [row.figures[RATE] for row in read_rows(bench.rows) if row.part == "caption-transformers" and row.figures]
    said = bench.scratch / SAID
    if slow and said.exists():
        figures["times_transformers"] = figures["captions_per_s"] / float(slow[0].replace(",", ""))
        figures |= agreement(json.loads(said.read_text()), [one.text for one in found])
    bench.row(_what(spec), **figures)


def agreement(some: list[str], others: list[str]) -> dict[str, str]:
    """Of pairs of captions: how many are equal, and how many of their words before the first that differs."""
    pairs = list(zip(some, others, strict=True))
    shares = [_alike(one.split(), other.split()) for one, other in pairs]
    return {
        "equal captions": f"{sum(one == other for one, other in pairs)} of {len(pairs)}",
        "words alike before they part": f"{sum(shares) / len(shares):.0%}",
    }


def _alike(words: list[str], others: list[str]) -> float:
    """Share of the longer text's words that both begin with."""
    count = 0
    for one, other in zip(words, others, strict=False):
        if one != other:
            break
        count += 1
    return count / max(1, len(words), len(others))


def spec_of(bench: Bench, **changes: Any) -> EngineSpec:
    """The engine's orders: Qwen2.5-VL-3B's shape, greedy. Raises CimError where its folder finds no room."""
    folder = captioner_folder(bench, QWEN_3B)
    orders: dict[str, Any] = {"device": bench.device, "batch_size": bench.sizes.batch, **changes}
    return EngineSpec(folder, fingerprint_of(folder), PROMPT, Decoding(bench.sizes.tokens), **orders)


def pictures(bench: Bench, count: int) -> tuple[list[Image], list[str]]:
    """The first photos, decoded, and their ids."""
    from cim.images.decode import decode_rgb
    from cim.shards.read import read_samples

    some = list(read_samples(shard(bench.scratch, bench.sizes)))[:count]
    return [decode_rgb(one.image) for one in some], [one.id for one in some]


def _caption(bench: Bench, engine: Engine) -> tuple[list[Generated], float]:
    """Captions of all pictures, and their seconds; a few are captioned before."""
    images, keys = pictures(bench, bench.sizes.captioned)
    few = bench.sizes.batch
    captions_of(engine, images[:few], keys[:few])
    found: list[Generated] = []

    def run() -> None:
        found[:] = captions_of(engine, images, keys)
        settle(bench.device)

    return found, seconds(run)


def _rates(found: list[Generated], taken: float) -> dict[str, Any]:
    tokens = sum(one.tokens for one in found)
    rates = {"captions_per_s": len(found) / taken, "tokens_per_s": tokens / taken}
    return {"images": len(found), "tokens_a_caption": tokens / len(found), **rates}


def _what(spec: EngineSpec) -> str:
    return f"{spec.name}, {Path(QWEN_3B).name}, batches of {spec.batch_size}"
