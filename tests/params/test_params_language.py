"""language: codes, the prompt that follows from it, and what contradicts it."""

from pathlib import Path
from typing import Any

import pytest

from cim.errors import CimError
from cim.languages.portuguese import PORTUGUESE
from cim.layout import Layout
from cim.params import load_params, parse_params
from cim.params.load import parse_section
from cim.params.recaption import Recaptioning
from cim.params.refine import Refining
from cim.params.yaml import read_yaml
from cim.report.language import language_lines, language_notes
from cim.tuning.job import TuneJob

ROOT = Path(__file__).parents[2]
SOURCE = {
    "kind": "folder",
    "path": "photos",
    "splits": {"gallery": 0.2, "train": 0.2, "validation": 0.2, "target": 0.2, "eval": 0.2},
}


def values(language: Any, **caption: Any) -> dict[str, Any]:
    """The repository's with photos as source."""
    found: dict[str, Any] = read_yaml(ROOT / "params.yaml")
    found["shard"] = {"sources": [SOURCE]}
    return found | {"language": language, "caption": {"max_new_tokens": 8, **caption}}


def message(found: dict[str, Any]) -> str:
    with pytest.raises(CimError) as error:
        parse_params(found)
    return str(error.value)


def test_english_is_the_default_and_changes_nothing() -> None:
    params = load_params(ROOT / "params.yaml")
    assert params.language == "en"
    without = {name: value for name, value in read_yaml(ROOT / "params.yaml").items() if name != "language"}
    assert parse_params(without) == params
    assert language_lines(params) == ["language of captions: en, English"]
    assert language_notes(params) == []


def test_prompts_follow_where_none_are_named() -> None:
    assert parse_params(values("pt")).caption.prompts == [PORTUGUESE.prompt]
    assert parse_params(values("pt", prompts=["Diga."])).caption.prompts == ["Diga."]
    assert parse_params(values("en")).caption.prompts[0].startswith("Caption this image as accurately")
    assert parse_params(values("de", prompts=["Beschreibe das Bild."])).spoken.name == "German"
    corpus = {"kind": "folder", "path": "photos"}
    file = {"language": "pt-BR", "caption": {"max_new_tokens": 8}, "recaption": {"corpus": corpus, "output": "o"}}
    assert parse_section(file, Recaptioning, "f").caption.prompts == [PORTUGUESE.prompt]


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (values("de"), "language de without caption.prompts: a default is known in en, pt only"),
        (values("portuguese"), "'portuguese' is no code of a language"),
        (values("PT"), "'PT' is no code of a language"),
        (values(False), "put it in quotes"),  # no: Norwegian
        (read_yaml(ROOT / "params.yaml") | {"language": "pt"}, "shard.sources of kind scenes, whose captions are Engl"),
        (values("pt") | {"evaluate": {"parser": "spacy"}}, "evaluate.parser spacy, which reads English"),
        (values("de", prompts=["?"]) | {"evaluate": {"objects": "f"}}, "evaluate.objects, whose metrics need words of"),
    ],
)
def test_contradictions(found: dict[str, Any], said: str) -> None:
    assert said in message(found)


def test_a_mistake_elsewhere_is_named_beside_it() -> None:
    found = values("de")
    found["tune"] = found["tune"] | {"stepz": 1}
    assert "2 problem(s)" in message(found)


@pytest.mark.parametrize("kind", ["scenes", "file"])
def test_questions_in_a_language_that_nobody_asks_in(kind: str) -> None:
    questions = {"kind": kind} | ({"path": "q.jsonl"} if kind == "file" else {})
    reader = {"kind": "local", "folder": "judge"}
    found = values("de", prompts=["?"])
    found["tune"]["reward"]["terms"] = {"answers": {"weight": 1.0, "questions": questions, "reader": reader}}
    assert "language de with tune.reward.terms.answers" in message(found)
    if kind == "file":
        parse_params(found | {"language": "pt"})


def test_what_stands_aside_is_said_by_name() -> None:
    lines = language_lines(parse_params(values("pt")))
    assert lines[0] == "language of captions: pt, Portuguese"
    for name in ("guard prose stands", "guard filler stands", "guard gibberish stands", "metrics overlap.meteor stand"):
        assert sum(name in line for line in lines) == 1
    assert not any("metrics overlap stand" in line or "guard length" in line for line in lines)
    assert "  metrics overlap stand aside: needs a tokeniser: not known of German" in language_lines(
        parse_params(values("de", prompts=["?"]))
    )


def test_refining_has_a_language() -> None:
    by = {"kind": "choose", "texts": ["caption", "original"]}
    file = {"language": "pt", "refine": {"shards": "a.tar", "output": "o", "by": by}}
    assert parse_section(file, Refining, "f").spoken is PORTUGUESE


def test_another_language_is_another_training_and_english_is_the_old_one(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    inputs = [layout.index(part) / "meta.json" for part in ("items", "caption_text")]
    inputs += [layout.shards(split) / "manifest.parquet" for split in ("train", "validation")]
    for path in [*inputs, layout.model("captioner") / "config.json", layout.model("captioner") / "model.safetensors"]:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("made")

    def training(**language: str) -> str:
        tune = load_params(ROOT / "params.yaml").tune
        return TuneJob(layout, tune, ("Describe.",), "cpu", 1, False, **language).training()  # type: ignore[arg-type]

    assert training() == training(language="en") == training(language="en-GB")
    assert training(language="pt") == training(language="pt-BR") != training()
