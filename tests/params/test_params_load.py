"""params.yaml: every mistake in one message, each with what was meant."""

import copy
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cim.errors import CimError
from cim.params import Params, load_params, parse_params
from cim.params.yaml import read_yaml
from flows.help import models_in

DEFAULT: dict[str, Any] = read_yaml(Path(__file__).parents[2] / "params.yaml")


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
        section = data.draw(st.sampled_from(sorted(set(Params.model_fields) - {"models", "language"})))
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

    @pytest.mark.parametrize("mistake", [("tune.stepz", 1), ("tune.learning_rate", "fast"), ("tune.reward.k", 0)])
    def test_a_mistake_hides_no_contradiction_of_its_own_section(self, mistake: tuple[str, Any]) -> None:
        message = message_for(mistake, ("tune.validate_every", 10**6), ("tune.micro_batch", 10**6 + 1))
        assert "3 problem(s)" in message
        for part in (mistake[0], "validate_every 1000000 is above", "micro_batch 1000001 does not divide"):
            assert part in message

    @pytest.mark.parametrize("mistake", [("shrad", 1), ("tune.steps", "many"), ("shard.sources.0.side", 1)])
    def test_a_mistake_anywhere_hides_no_missing_split(self, mistake: tuple[str, Any]) -> None:
        message = message_for(mistake, ("shard.sources.2.splits", {"target": 1.0}))
        assert "2 problem(s)" in message
        assert "feeds the splits ['eval']" in message

    def test_what_depends_on_a_bad_value_is_not_guessed(self) -> None:
        assert "1 problem(s)" in message_for(("tune.steps", "many"), ("tune.validate_every", 10**6))
        assert "1 problem(s)" in message_for(("shard.sources.2.splits", {"target": "all"}))
        both = [(f"models.{name}_encoder", DEFAULT["models"]["image_encoder"]) for name in ("image", "heldout")]
        same = ("models.heldout_encoder", {**both[0][1], "width": "wide"})
        assert "1 problem(s)" in message_for(both[0], same)  # whether they are equal, nobody can say

    @pytest.mark.parametrize("section", list(Params.model_fields))
    @pytest.mark.parametrize("value", [None, 1, "text", [], [1], {"kind": []}, {1: {}}])
    def test_any_nonsense_is_a_plain_message(self, section: str, value: Any) -> None:
        assert section in message_for((section, value), ("shrad", 1))


COMMIT = "0123456789abcdef" * 2 + "01234567"
HF = {"kind": "hf", "name": "maker/model"}
CLIP = {"kind": "open_clip", "name": "ViT-B-32", "pretrained": "openai"}


class TestModels:
    @pytest.mark.parametrize("revision", [None, "main", COMMIT[:12], COMMIT.upper()])
    @pytest.mark.parametrize(
        ("place", "value"),
        [
            ("models.text_encoder", {"name": "maker/model"}),
            ("models.captioner", HF),
            ("models.image_encoder", {"kind": "open_clip", "name": "maker/model"}),
            ("models.image_encoder", {"kind": "open_clip", "name": "hf-hub:maker/model"}),
        ],
    )
    def test_a_hub_id_needs_a_commit(self, place: str, value: dict[str, Any], revision: str | None) -> None:
        message = message_for((place, {**value, "revision": revision}))
        assert "1 problem(s)" in message
        assert "40 hex digits" in message
        parse_params(changed((place, {**value, "revision": COMMIT})))

    def test_what_is_no_hub_id_needs_none(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.chdir(tmp_path)
        (tmp_path / "maker/model").mkdir(parents=True)
        for name in ("package:some_module", str(tmp_path), "maker/model"):
            parse_params(changed(("models.text_encoder", {"name": name})))
        parse_params(changed(("models.captioner", HF), ("models.image_encoder", CLIP)))

    def test_a_revision_without_effect_is_refused(self) -> None:
        message = message_for(("models.image_encoder", {**CLIP, "revision": COMMIT}))
        assert "has no effect beside pretrained 'openai'" in message

    @pytest.mark.parametrize("field", ["hidden", "vision_hidden"])
    @pytest.mark.parametrize("width", [48, 100, 16])
    def test_widths_are_whole_heads(self, field: str, width: int) -> None:
        assert field in message_for((f"models.captioner.{field}", width))

    @pytest.mark.parametrize("prompts", [[""], ["Describe.", " \n"], []])
    def test_a_prompt_says_something(self, prompts: list[str]) -> None:
        assert "caption.prompts" in message_for(("caption.prompts", prompts))


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

    @pytest.mark.parametrize(
        ("name", "value", "said"),
        [
            ("tune.activation_checkpointing", "on", "(found 'on'); on is a word in YAML 1.2: write true or false"),
            ("caption.decoding", {"score": "No"}, "No is a word in YAML 1.2: write true or false"),
            ("tune.learning_rate", "1e-6", "(found '1e-6'); leave the quotes out"),
            ("tune.steps", "60", "(found '60'); leave the quotes out"),
            ("index.factory", 1e6, "(found 1000000.0); put it in quotes"),
            ("evaluate.java", False, "evaluate.java: Input should be 'auto' or 'off' (found False)"),
            ("tune.steps", "x" * 10_000, "x ..."),
        ],
    )
    def test_what_was_probably_meant_is_said(self, name: str, value: Any, said: str) -> None:
        message = message_for((name, value))
        assert name in message
        assert said in message
        assert len(message) < 1000

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
        with pytest.raises(CimError, match="no readable YAML file"):
            load_params(tmp_path / "none.yaml")

    @pytest.mark.parametrize(("text", "part"), [("a: [", "line 2"), ("", "is empty"), ("- 1", "problem")])
    def test_no_parameters_in_it(self, tmp_path: Path, text: str, part: str) -> None:
        (tmp_path / "p.yaml").write_text(text)
        with pytest.raises(CimError, match=part):
            load_params(tmp_path / "p.yaml")

    def test_not_text(self, tmp_path: Path) -> None:
        (tmp_path / "p.yaml").write_bytes(b"\xff\xfe\x00")
        with pytest.raises(CimError):
            load_params(tmp_path / "p.yaml")
