"""Addresses of stores where only local paths will do."""

from typing import Any

import pytest
from pydantic import ValidationError

from cim.params.recaption import Recaption

TARS = {"kind": "webdataset", "path": "s3://bucket/{0..9}.tar"}


def test_tars_may_lie_in_a_store() -> None:
    assert Recaption.model_validate({"corpus": TARS, "output": "data/out"}).output == "data/out"


@pytest.mark.parametrize(
    "values",
    [
        {"corpus": TARS, "output": "s3://bucket/out"},
        *(
            {"corpus": {"kind": kind, "path": "gs://a/b"}, "output": "o"}
            for kind in ("folder", "parquet", "huggingface")
        ),
    ],
)
def test_nothing_else_may(values: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match="no path of this machine"):
        Recaption.model_validate(values)


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
