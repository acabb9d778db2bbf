"""Addresses of stores, where they will do and where only local paths do; a corpus is no source of splits."""

from typing import Any

import pytest
from pydantic import ValidationError

from cim.params.recaption import Recaption

TARS = {"kind": "webdataset", "path": "s3://bucket/{0..9}.tar"}


COCO = {"kind": "coco", "path": "s3://a/captions.json", "images": "s3://a/images"}
CORPORA = [TARS, COCO, *({"kind": kind, "path": "gs://a/b"} for kind in ("folder", "parquet", "huggingface"))]


@pytest.mark.parametrize("corpus", CORPORA, ids=lambda corpus: corpus["kind"])
def test_a_corpus_of_any_kind_may_lie_in_a_store(corpus: dict[str, Any]) -> None:
    made = Recaption.model_validate({"corpus": corpus, "output": "data/out"})
    assert (made.corpus.kind, made.output) == (corpus["kind"], "data/out")


def test_an_output_may_not() -> None:
    with pytest.raises(ValidationError, match="no path of this machine"):
        Recaption.model_validate({"corpus": TARS, "output": "s3://bucket/out"})


def test_a_corpus_has_no_splits() -> None:
    with pytest.raises(ValidationError, match=r"splits belong to shard\.sources"):
        Recaption.model_validate({"corpus": TARS | {"splits": {"target": 1.0}}, "output": "data/out"})


def test_an_output_elsewhere_is_told_of_the_store() -> None:
    with pytest.raises(ValidationError, match=r"recaption\.store"):
        Recaption.model_validate({"corpus": TARS, "output": "s3://bucket/out"})


@pytest.mark.parametrize("store", ["data/out", "file:///data/out", "https://host/out"])
def test_a_store_is_no_local_folder(store: str) -> None:
    """Moved onto themselves, finished tars would be deleted."""
    with pytest.raises(ValidationError, match="no folder of an object store"):
        Recaption.model_validate({"corpus": TARS, "output": "data/out", "store": store})


def test_a_store_is_an_address() -> None:
    made = Recaption.model_validate({"corpus": TARS, "output": "data/out", "store": "gs://bucket/out"})
    assert made.store == "gs://bucket/out"
