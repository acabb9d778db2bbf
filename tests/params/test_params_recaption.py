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
