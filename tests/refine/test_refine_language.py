"""Templates and checks of answers by language; what does not know it stands aside or is refused."""

from typing import Any

import pytest
from pydantic import TypeAdapter

from cim.chat.client import Reply
from cim.errors import CimError
from cim.languages.known import language_of
from cim.languages.portuguese import PORTUGUESE
from cim.params.refine_models import Form
from cim.params.refiners import FuseAltText, Refiner
from cim.refine.base import Sample, WrongForm
from cim.refine.form import check_form, checks_aside
from cim.refine.fuse import Fuse
from cim.refine.open import open_refiner

SETTINGS = FuseAltText.model_validate(
    {"kind": "fuse_alt_text", "writer": {"kind": "local", "folder": "nowhere"}}, strict=True
)
SAMPLE = Sample("a", b"", {"original": "Padaria Central, Lisboa"}, {}, {}, "Uma porta de madeira.")


class Writer:
    """Says what it is told to, and keeps what it was asked."""

    parallel = 1

    def __init__(self, says: str) -> None:
        self.says, self.asked = says, ""

    def write(self, prompt: str) -> Reply:
        self.asked = prompt
        return Reply(self.says, "stop", 5, 20)

    def identity(self) -> dict[str, str]:
        return {"model": "stub"}


def test_a_fusion_in_portuguese() -> None:
    writer = Writer("A porta de madeira da Padaria Central, em Lisboa.")
    refiner = Fuse(SETTINGS, writer, PORTUGUESE)
    refined = refiner.fuse(SAMPLE)
    assert (refined.text, refined.outcome) == (writer.says, "fused")
    assert writer.asked.startswith("Seguem dois textos sobre uma mesma imagem")
    assert '"Padaria Central, Lisboa"' in writer.asked
    assert refiner.lineage()["language"] == "pt"
    english = Fuse(SETTINGS, writer)
    assert "language" not in english.lineage()
    assert english.lineage()["template"] != refiner.lineage()["template"]


@pytest.mark.parametrize("answer", ["Claro! Uma porta.", "Aqui está a descrição: uma porta", "Descrição: uma porta"])
def test_talk_about_the_text_is_heard_in_portuguese(answer: str) -> None:
    with pytest.raises(WrongForm, match="talk about the text"):
        check_form(answer, "stop", [answer], Form(), PORTUGUESE)
    assert check_form(answer, "stop", [answer], Form(), language_of("de"))  # nobody knows it there


def test_words_are_counted_where_they_stand_between_blanks() -> None:
    long = " ".join(f"Wort{number}" for number in range(130))
    with pytest.raises(WrongForm, match="too long"):
        check_form(long, "stop", [long], Form(), language_of("de"))
    assert check_form(long, "stop", ["x"], Form(), language_of("zh")) == long
    assert set(checks_aside(language_of("de"))) == {"talk about the text"}
    assert set(checks_aside(language_of("zh"))) > {"max_words", "min_known"}
    assert checks_aside(PORTUGUESE) == {}


def test_a_language_without_a_template_wants_yours() -> None:
    with pytest.raises(CimError, match=r"no template fuse_alt_text in German.*refine\.by\.template"):
        Fuse(SETTINGS, Writer(""), language_of("de"))


def test_who_reads_scenes_refuses_another_language() -> None:
    """Planted: nothing that parses English goes on in Portuguese."""
    scenes = {"kind": "scenes", "prompt": "Descreva."}
    looker = {"kind": "local", "folder": "nowhere"}
    told: list[dict[str, Any]] = [
        {"kind": "drop_unanswerable", "looker": looker, "questions": scenes},
        {"kind": "enrich", "looker": looker, "questions": scenes},
        {"kind": "consensus", "object": "view", "by": "scenes"},
    ]
    for one in told:
        settings = TypeAdapter[Refiner](Refiner).validate_python(one)
        with pytest.raises(CimError, match="Portuguese: it knows English only"):
            open_refiner(settings, PORTUGUESE)
