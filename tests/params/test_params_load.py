"""params.yaml: every mistake in one message, each with what was meant."""

import copy
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from cim.errors import CimError
from cim.params import Params, load_params, parse_params
from flows.help import models_in

DEFAULT: dict[str, Any] = yaml.safe_load((Path(__file__).parents[2] / "params.yaml").read_text())


def changed(*changes: tuple[str, Any]) -> dict[str, Any]:
    """The default parameters with values set by dotted name; list positions are numbers."""
    values = copy.deepcopy(DEFAULT)
    for name, value in changes:
        *path, last = [int(part) if part.isdigit() else part for part in name.split(".")]
        inner: Any = values
        for part in path:
            inner = inner[part]
        inner[last] = value
    return values


def message_for(*changes: tuple[str, Any]) -> str:
    with pytest.raises(CimError) as caught:
        parse_params(changed(*changes))
    return str(caught.value)


class TestGood:
    def test_default_is_read(self) -> None:
        params = parse_params(changed())
        assert params.tune.reward.k == DEFAULT["tune"]["reward"]["k"]
        assert [source.kind for source in params.shard.sources] == [s["kind"] for s in DEFAULT["shard"]["sources"]]

    def test_frozen(self) -> None:
        params = parse_params(changed())
        with pytest.raises(ValueError, match="frozen"):
            params.tune.steps = 5  # type: ignore[misc]

    def test_tiny_is_read(self) -> None:
        load_params(Path(__file__).parents[1] / "end_to_end/tiny.yaml")


class TestUnknownNames:
    @pytest.mark.parametrize(
        ("name", "meant"),
        [
            ("shrad", "shard"),
            ("tune.learning_rat", "learning_rate"),
            ("tune.reward.decya", "decay"),
            ("runtime.worker", "workers"),
            ("models.image_encoder.embed_dims", "embed_dim"),  # inside a choice of kinds
            ("shard.sources.1.near_duplicate", "near_duplicates"),  # inside a list of choices
        ],
    )
    def test_nearest_name_is_offered(self, name: str, meant: str) -> None:
        message = message_for((name, 1))
        assert f"{name.rsplit('.', 1)[-1]}: unknown name; did you mean {meant!r}?" in message
        assert "1 problem(s)" in message

    def test_nothing_like_it(self) -> None:
        message = message_for(("tune.qqqqqq", 1))
        assert "tune.qqqqqq: unknown name" in message
        assert "did you mean" not in message

    @given(st.data())
    def test_any_doubled_letter_in_any_name(self, data: st.DataObject) -> None:
        section = data.draw(st.sampled_from(sorted(set(Params.model_fields) - {"models"})))
        (model,) = models_in(Params.model_fields[section].annotation)
        field = data.draw(st.sampled_from(sorted(model.model_fields)))
        place = data.draw(st.integers(0, len(field) - 1))
        wrong = field[:place] + field[place] + field[place:]
        if wrong not in model.model_fields:
            assert f"{section}.{wrong}: unknown name; did you mean {field!r}?" in message_for((f"{section}.{wrong}", 1))


class TestAllAtOnce:
    def test_every_mistake_is_named(self) -> None:
        message = message_for(
            ("shrad", {}),
            ("tune.steps", "many"),
            ("tune.reward.k", 0),
            ("runtime.device", "gpu"),
            ("shard.sources.0.detail", 1.5),
            ("models.text_encoder", {}),
        )
        assert "6 problem(s)" in message
        for part in ("shrad: unknown", "tune.steps", "'many'", "tune.reward.k", "'gpu'", "detail", "text_encoder.name"):
            assert part in message

    def test_contradictions_of_sections_are_named_beside_typos(self) -> None:
        message = message_for(
            ("tune.validate_every", 10**6),
            ("models.heldout_encoder", DEFAULT["models"]["image_encoder"]),
            ("embed.x", 1),
        )
        assert "3 problem(s)" in message
        for part in ("validate_every", "heldout_encoder equals image_encoder", "embed.x"):
            assert part in message


class TestStrict:
    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("tune.steps", "5"),
            ("tune.steps", 5.5),
            ("tune.steps", True),
            ("tune.learning_rate", float("nan")),
            ("shard", None),
        ],
    )
    def test_no_value_is_bent(self, name: str, value: Any) -> None:
        assert name in message_for((name, value))

    def test_missing_section(self) -> None:
        values = changed()
        del values["caption"]
        with pytest.raises(CimError, match="caption: Field required"):
            parse_params(values)


class TestContradictions:
    @pytest.mark.parametrize(
        ("changes", "part"),
        [
            ([("shard.sources.0.splits", {"gallery": 0.5})], "sum to 1"),
            ([("shard.sources.0.splits", {"gallery": 1.0, "train": 0.0})], "above 0"),
            ([("shard.sources.0.splits", {"galery": 1.0})], "galery"),
            ([("shard.sources.2.splits", {"target": 1.0})], "['eval']"),
            ([("models.captioner.warm_start", False)], "warm_start"),
            ([("models.captioner.kind", "tinny")], "tiny"),
        ],
    )
    def test_is_refused(self, changes: list[tuple[str, Any]], part: str) -> None:
        assert part in message_for(*changes)


class TestFiles:
    def test_missing(self, tmp_path: Path) -> None:
        with pytest.raises(CimError, match="no readable params file"):
            load_params(tmp_path / "none.yaml")

    @pytest.mark.parametrize(("text", "part"), [("a: [", "not YAML"), ("", "problem"), ("- 1", "problem")])
    def test_no_parameters_in_it(self, tmp_path: Path, text: str, part: str) -> None:
        (tmp_path / "p.yaml").write_text(text)
        with pytest.raises(CimError, match=part):
            load_params(tmp_path / "p.yaml")

    def test_not_text(self, tmp_path: Path) -> None:
        (tmp_path / "p.yaml").write_bytes(b"\xff\xfe\x00")
        with pytest.raises(CimError):
            load_params(tmp_path / "p.yaml")
