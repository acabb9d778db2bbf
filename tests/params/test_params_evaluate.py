"""evaluate.parser and its model."""

from pathlib import Path
from typing import Any

import pytest

from cim.errors import CimError
from cim.params import parse_params
from cim.params.yaml import read_yaml

DEFAULT: dict[str, Any] = read_yaml(Path(__file__).parents[2] / "params.yaml")
COMMIT = "0123456789" * 4


def with_evaluate(**values: Any) -> dict[str, Any]:
    return DEFAULT | {"evaluate": DEFAULT["evaluate"] | values}


def test_auto_unless_told_otherwise() -> None:
    assert parse_params(DEFAULT).evaluate.parser == "auto"


def test_t5_from_the_hub_or_a_folder(tmp_path: Path) -> None:
    for model in ({"name": "maker/t5", "revision": COMMIT}, {"name": str(tmp_path)}):
        params = parse_params(with_evaluate(parser="t5", t5=model))
        assert params.evaluate.t5 is not None
        assert params.evaluate.t5.name == model["name"]


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"parser": "stanza"}, "evaluate.parser"),
        ({"parser": False}, "evaluate.parser"),  # what YAML makes of an unquoted off
        ({"parser": "t5"}, "parser t5 needs evaluate.t5"),
        ({"t5": {"name": "maker/t5", "revision": COMMIT}}, "t5 has no effect with parser auto"),
        ({"parser": "t5", "t5": {"name": "maker/t5", "revision": "main"}}, "40 hex digits"),
        ({"parser": "t5", "t5": {"name": "maker/t5", "revision": COMMIT, "tokens": 5}}, "evaluate.t5.tokens"),
        ({"parser": "t6", "t5": {"name": "maker/t5", "revision": COMMIT}}, "evaluate.parser"),
    ],
)
def test_mistakes_are_named_once(values: dict[str, Any], said: str) -> None:
    with pytest.raises(CimError) as caught:
        parse_params(with_evaluate(**values))
    assert "1 problem(s)" in str(caught.value)
    assert said in str(caught.value)
