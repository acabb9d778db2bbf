"""Licence, source and author come along from every kind of source."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from corpus_files import picture, plan, read, tar_bytes
from datasets import Dataset

from cim.params.provenance import PROVENANCE, ProvenanceColumns
from cim.provenance import provenance_of
from cim.readers.base import Item

KNOWN = {"license": "CC BY 2.0", "source_url": "http://x/1.png", "attribution": "A. Photographer"}
COLUMNS = {"license": KNOWN["license"], "url": KNOWN["source_url"], "author": KNOWN["attribution"]}


def webdataset(root: Path) -> dict[str, Any]:
    facts = json.dumps(COLUMNS).encode()
    (root / "0.tar").write_bytes(tar_bytes([("1.png", picture(1)), ("1.json", facts), ("2.png", picture(2))]))
    return {"kind": "webdataset", "path": str(root / "0.tar")}


def beside(root: Path) -> dict[str, Any]:
    for name in ("1", "2"):
        (root / f"{name}.png").write_bytes(picture(int(name)))
    (root / "1.json").write_text(json.dumps(COLUMNS))
    return {"kind": "folder", "path": str(root)}


def csv(root: Path) -> dict[str, Any]:
    """Of several rows of an image the first that says something counts; bytes that are not UTF-8 say nothing."""
    beside(root)
    (root / "1.json").unlink()
    rows = [
        "file_name,license,caption,url,author",
        "1.png,,one,,",
        "1.png,CC BY 2.0,two,http://x/1.png,A. Photographer",
    ]
    rows += ["1.png,other,three,http://other,B", "2.png,\udcff,four,,"]
    (root / "captions.csv").write_bytes("\n".join(rows).encode("utf-8", "surrogateescape"))
    return {"kind": "folder", "path": str(root)}


def coco(root: Path) -> dict[str, Any]:
    beside(root)
    image = {
        "id": 1,
        "file_name": "1.png",
        "license": 3,
        "flickr_url": KNOWN["source_url"],
        "coco_url": "http://coco/1",
    }
    images = [
        image | {"author": KNOWN["attribution"]},
        {"id": 2, "file_name": "2.png", "size": [1], "author": "\ud800"},
    ]
    (root / "c.json").write_text(json.dumps({"images": images, "licenses": [{"id": 3, "name": "CC BY 2.0"}, None]}))
    return {"kind": "coco", "path": str(root / "c.json"), "images": str(root)}


def parquet(root: Path) -> dict[str, Any]:
    rows = {"image": [picture(1), picture(2)], **{name: [value, None] for name, value in COLUMNS.items()}}
    pl.DataFrame(rows).write_parquet(root / "t.parquet")
    return {"kind": "parquet", "path": str(root / "t.parquet")}


def huggingface(root: Path) -> dict[str, Any]:
    rows = {
        "image": [{"bytes": picture(n)} for n in (1, 2)],
        **{name: [value, None] for name, value in COLUMNS.items()},
    }
    Dataset.from_dict(rows).save_to_disk(str(root / "set"))
    return {"kind": "huggingface", "path": str(root / "set")}


def items(corpus: dict[str, Any], folder: Path) -> list[Item]:
    return [item for part in read(plan(corpus), folder) for item in part]


@pytest.mark.parametrize("kind", [webdataset, beside, csv, coco, parquet, huggingface])
def test_it_comes_along(kind: Callable[[Path], dict[str, Any]], tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    found = items(kind(tmp_path / "in"), tmp_path / "copies")
    assert [provenance_of(item.facts) for item in found] == [KNOWN, {}]
    json.dumps([item.facts for item in found], allow_nan=False).encode()


def test_columns_are_the_sources_own(tmp_path: Path) -> None:
    corpus = parquet(tmp_path)
    columns = ProvenanceColumns(license=("author",), source_url=(), attribution=("license",))
    (item, _) = items(corpus, tmp_path)
    assert provenance_of(item.facts, columns) == {"license": KNOWN["attribution"], "attribution": KNOWN["license"]}
    assert PROVENANCE.license[0] == "license"


def test_a_licence_of_coco_is_told_with_its_address(tmp_path: Path) -> None:
    corpus = coco(tmp_path)
    content = json.loads((tmp_path / "c.json").read_text())
    content["licenses"] = [
        {"id": 3, "name": "Attribution License", "url": "http://creativecommons.org/licenses/by/2.0/"}
    ]
    (tmp_path / "c.json").write_text(json.dumps(content))
    name = "Attribution License (http://creativecommons.org/licenses/by/2.0/)"
    others = {"id": 1, "flickr_url": "http://x/1.png", "coco_url": "http://coco/1", "author": "A. Photographer"}
    assert items(corpus, tmp_path)[0].facts == {"license": name, **others}
    content["licenses"] = {"3": "no list"}
    (tmp_path / "c.json").write_text(json.dumps(content))
    assert items(corpus, tmp_path)[0].facts["license"] == 3
