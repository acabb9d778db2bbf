"""Both commands run on a source, in this process and without a server or a model; what came out, in the same words."""

import io
import json
import tarfile
from collections.abc import Iterator
from contextlib import chdir, contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any
from unittest.mock import patch

import polars as pl
import yaml
from answering import Says
from contract_case import Outcome
from PIL import Image

import flows.recaption
import flows.shard
from cim.atomic import read_json
from cim.captioners.decoding import Generated
from cim.params.recaption import Recaptioning
from flows.command import main

ROOT = Path(__file__).parents[2]
Params = dict[str, Any]
_OTHERS = {"gallery": 0.25, "train": 0.25, "validation": 0.25, "eval": 0.25, "target": 0.25}
_FILLER = {
    "kind": "scenes",
    "count": 16,
    "seed": 99,
    "detail": 0.9,
    "near_duplicates": 0.0,
}  # the splits that a source leaves empty


def sharded(place: Path, *sources: Params, split: str = "target") -> Outcome:
    """`python -m flows.shard` in `place`, all images of the sources in one split, few refused for their size."""
    rest = {name: share for name, share in _OTHERS.items() if name != split}
    params = yaml.safe_load((ROOT / "params.yaml").read_text())
    params["shard"] = {
        "min_side": 16,
        "max_reject_share": 1.0,
        "sources": [*({"splits": {split: 1.0}} | source for source in sources), _FILLER | {"splits": rest}],
    }
    if error := _command(place, params, flows.shard.shard.fn, "shard"):
        return Outcome(error)
    made = place / "data/shards"
    summary = read_json(made / "summary.json")
    for counts in (summary, *summary["sources"].values()):
        for kind in ("images", "captions"):
            assert counts[kind]["in"] == sum(number for name, number in counts[kind].items() if name != "in"), counts
    samples = pl.read_parquet(made / split / "manifest.parquet")
    rejects = pl.read_parquet(made / "rejects.parquet")
    assert {name: facts["captions"] for name, facts in _written(made / split).items()} == dict(
        samples.select("id", pl.col("captions")).iter_rows()
    )
    filled = summary["sources"].pop("scenes:99")
    assert filled["images"] == {"in": 16, "out": 16, "rejected": 0, "merged": 0}, filled
    counted = list(summary["sources"].values())
    assert samples["captions"].list.len().sum() == sum(one["captions"]["out"] for one in counted)
    return Outcome(
        used=tuple((name, tuple(texts)) for name, texts in samples.select("id", "captions").iter_rows()),
        rejects=tuple(rejects.select("reason", "detail").iter_rows()),
        images={name: sum(one["images"][name] for one in counted) for name in summary["images"]},
    )


def recaptioned(place: Path, source: Params) -> Outcome:
    """`python -m flows.recaption` in `place` with a captioner that says which image it saw."""
    (place / "model").mkdir(parents=True)
    (place / "model/config.json").write_text("{}")
    (place / "model/model.safetensors").write_bytes(b"")
    params = {
        "runtime": {"device": "cpu"},
        "caption": {"max_new_tokens": 4, "max_reject_share": 1.0},
        "recaption": {"corpus": source, "output": "out", "model": {"name": str(place / "model")}},
    }
    if error := _command(place, params, flows.recaption.recaption.fn, "recaption", whole=Recaptioning):
        return Outcome(error)
    summary = read_json(place / "out/summary.json")
    captions = pl.read_parquet(place / "out/0*.parquet")
    files = sorted((place / "out/rejects").glob("*.parquet"))
    rejects = [row for file in files for row in pl.read_parquet(file).select("reason", "id", "detail").iter_rows()]
    assert captions["caption"].to_list() == [f"sees {name}" for name in captions["id"]]
    assert (captions.height, len(rejects)) == (summary["captions"], summary["rejects"])
    assert {name: facts["caption"] for name, facts in _written(place / "out").items()} == dict(
        captions.select("key", "caption").iter_rows()
    )
    return Outcome(
        used=tuple((name, () if text is None else (text,)) for name, text in captions["id", "alt_text"].iter_rows()),
        rejects=tuple((reason, f"{name}: {detail}") for reason, name, detail in rejects),
        images={
            "in": summary["images"], "out": summary["captions"], "rejected": summary["rejects"], "merged": 0,
        },
    )  # fmt: skip


def _written(folder: Path) -> dict[str, Any]:
    """The JSON of every sample in the tars of a folder, by key: what others must be able to read."""
    found = {}
    for file in folder.glob("*.tar"):
        with tarfile.open(file) as tar:
            for member in tar:
                if member.name.endswith(".json") and (content := tar.extractfile(member)) is not None:
                    text = content.read().decode("utf-8")
                    facts = found[member.name.removesuffix(".json")] = json.loads(text, parse_constant=_refuse)
                    json.dumps(facts, ensure_ascii=False).encode("utf-8")  # no halves of pairs, written as escapes
    return found


def _refuse(name: str) -> None:
    raise AssertionError(f"{name} in a JSON that was written")


def _command(place: Path, params: Params, flow: Any, section: str, **options: Any) -> str:
    """The error that the command prints when it ends with exit code 1, "" when it succeeds; others are raised."""
    place.mkdir(parents=True, exist_ok=True)
    file, errors = place / f"{section}.yaml", io.StringIO()
    file.write_text(yaml.safe_dump(params))
    try:
        with _cheap(), chdir(place), redirect_stdout(io.StringIO()), redirect_stderr(errors):
            main(flow, section, ["--params", str(file)], **options)
    except SystemExit as ended:
        if ended.code != 1:
            raise
        return errors.getvalue()[errors.getvalue().rindex(f"{section}: ") :]
    return ""


@contextmanager
def _cheap() -> Iterator[None]:
    """Tasks run here, one after another, and what fails is raised as it is; nothing is loaded to caption."""
    with (
        patch("flows.shard.map_shards", _in_turn),
        patch("flows.recaption.map_shards", _in_turn),
        patch("flows.captioning.map_shards", _in_turn),
        patch("tasks.caption.feed_for", lambda *_: Says(_sees)),
    ):
        yield


def _in_turn(task: Any, items: list[Any], runtime: Any, doing: str, *, seen: Any = None, **constants: Any) -> list[Any]:
    constants.pop("workers", None)
    found = []
    for item in items:
        found.append(task.fn(item, **constants))
        if seen:
            seen(found[-1])
    return found


def _sees(images: list[Image.Image], keys: list[str]) -> list[Generated]:
    return [Generated(f"sees {key}", "stop", 2) for key in keys]
