"""Little outputs of every flow whose output is exported, made by their own code, without a model and a server."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from answering import Says
from corpus_files import picture, tar_bytes
from PIL import Image

import flows.curate
import flows.mixing
import flows.refine
import flows.remix
import tasks.refine
from cim.captioners.decoding import Decoding, Generated
from cim.captions.job import ShardJob
from cim.captions.lineage import Lineage
from cim.captions.output import prepare, write_summary
from cim.captions.shard import finish_shard
from cim.captions.summary import summarize
from cim.images.ids import content_hash
from cim.layout import Layout
from cim.params.sources import Shard
from cim.params.yaml import dump_yaml
from cim.readers.open import open_sources
from cim.readers.webdataset import TarPart
from cim.shards.plan import make_plan
from cim.shards.publish import prepare as plan_shards
from cim.shards.publish import publish
from cim.shards.write import write_shard

Export = Callable[..., dict[str, Any]]
"""A run of the flow, its params by name; the flow's result."""

ODD = 'CC | BY: "2.0" # <b>& more'
"""A licence whose name Markdown, YAML and HTML would take for their own."""

LINEAGE = Lineage("model-one", "Describe | it.\nAll of it.", Decoding(8), "float32")


def write_corpus(folder: Path, shards: int = 2, samples: int = 3) -> None:
    """Tars as img2dataset writes them. Of three images the first has licence, source and author, the second a source,
    the third, a JPEG, nothing; one field changes its type."""
    folder.mkdir(parents=True, exist_ok=True)
    for shard in range(shards):
        members = []
        for at in range(samples):
            facts: dict[str, Any] = {"caption": f"alt {at}", "odd": at if at % 2 else f"{at}"}
            facts |= {"url": f"http://x/{shard}/{at}.png"} if at % 3 < 2 else {"url": ""}
            facts |= {"LICENSE": ODD, "author": "A. Photographer"} if at % 3 == 0 else {"LICENSE": "?"}
            key = f"{shard:05d}{at:04d}"
            kind = ("jpg", "JPEG") if at % 3 == 2 else ("png", "PNG")
            members += [(f"{key}.{kind[0]}", picture(40 * at + shard, kind[1])), (f"{key}.txt", b"alt %d" % at)]
            members += [(f"{key}.json", json.dumps(facts).encode())]
        (folder / f"{shard:05d}.tar").write_bytes(tar_bytes(members))


def shades(images: list[Image.Image], keys: list[str]) -> list[Generated]:
    return [Generated(f"a shade of {image.getpixel((0, 0))[0]} | gray", "stop", 6) for image in images]  # type: ignore[index]


def recaptioned(root: Path) -> Path:
    """`root`/recaptioned, of the tars in `root`/in."""
    folder = root / "recaptioned"
    parts = [TarPart(tar) for tar in sorted((root / "in").glob("*.tar"))]
    jobs = [ShardJob(part, folder, f"{at:05d}", at, LINEAGE, tar=True) for at, part in enumerate(parts)]
    plan, facts = prepare(folder, jobs), {}
    for job in jobs:
        outcome = finish_shard(replace(job, plan=plan), lambda: Says(shades))
        assert outcome is not None
        facts[job.stem] = outcome.facts
    write_summary(folder, summarize(folder, facts), plan)
    return folder


def remixed(root: Path) -> Path:
    """`root`/remixed: of the re-captioned ones, every text a file of its own."""
    txt = [{"text": "original", "share": 0.5}, {"text": "caption", "share": 0.5}]
    texts = {"txt": txt, "budget": None, "members": True}
    remix = {"shards": f"{recaptioned(root)}/*.tar", "output": str(root / "remixed"), "texts": texts}
    (root / "remix.yaml").write_text(dump_yaml({"remix": remix}))
    flows.remix.remix.fn(str(root / "remix.yaml"))
    return root / "remixed"


def refined(root: Path) -> Path:
    """`root`/refined: of the re-captioned ones the alt text or the caption, by a table of scores; of the last of three
    images neither has one. Refined twice."""
    tars, out = f"{recaptioned(root)}/*.tar", ""
    for name, text in (("once", "caption"), ("twice", "once")):
        by = {"kind": "choose", "texts": ["original", text], "score": "{name}", "scores": str(root / "scores.csv")}
        ids = [content_hash(picture(40 * at + shard))[:16] for shard in range(2) for at in range(2)]
        rows = [f"{one},{at},1,1" for at, one in enumerate(ids)]  # 0: the caption; the others: the alt text
        (root / "scores.csv").write_text("\n".join(["id,original,caption,once", *rows]))
        tars, out = (f"{root}/once/*.tar" if out else tars), str(root / ("refined" if out else "once"))
        refine = {"shards": tars, "output": out, "text": text, "name": name, "by": by}
        (root / "refine.yaml").write_text(dump_yaml({"refine": refine}))
        tasks.refine.refiner_of.cache_clear()
        tasks.refine.checked.cache_clear()
        flows.refine.refine.fn(str(root / "refine.yaml"))
    return root / "refined"


def curated(root: Path) -> Path:
    """`root`/curated: `alt 0` is dropped, the rest of both shards is kept."""
    text = {"boilerplate": ["^alt 0$"], "max_images": None}
    curate = {"corpus": [{"kind": "webdataset", "path": str(root / "in/*.tar")}], "output": str(root / "curated")}
    curate |= {"encoders": [], "text": text, "duplicates": None}
    (root / "curate.yaml").write_text(dump_yaml({"curate": curate}))
    flows.curate.curate.fn(str(root / "curate.yaml"))
    return root / "curated"


def sharded(root: Path) -> Path:
    """`root`/data/shards: the corpus in two splits."""
    source = {"kind": "webdataset", "path": str(root / "in/*.tar"), "splits": {"train": 0.5, "target": 0.5}}
    params, layout = Shard.model_validate({"seed": 1, "min_side": 8, "sources": [source]}), Layout(root / "data")
    sources = open_sources(params.sources, 10)
    plan = make_plan(sources, params, 1, layout.shard_copies)
    for job in plan_shards(plan, sources, layout):
        write_shard(job)
    publish(plan, layout)
    return root / "data/shards"


OUTPUTS: dict[str, Callable[[Path], Path]] = {
    "recaption": recaptioned, "remix": remixed, "refine": refined, "curate": curated, "shard": sharded,
}  # fmt: skip
