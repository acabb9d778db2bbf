"""What is known of each language, who asks for it, and that nobody who knows English alone goes on in another."""

import pickle
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import ClassVar

import pytest
from language_table import rows, table

from cim.imports import imports_of
from cim.languages.english import ENGLISH
from cim.languages.known import LANGUAGES, SPACED, language_of
from cim.languages.knows import ANY, FACTS, Knows
from cim.languages.language import Language
from cim.languages.portuguese import PORTUGUESE
from cim.metrics.catalogue import GROUPS, METRICS
from cim.metrics.knows import KNOWS, metrics_aside
from cim.params.guards import Guards, ProseGuard
from cim.rewards.guards.base import GeneratedCaption, Guard
from cim.rewards.guards.build import GUARDS, build_guards, guards_aside
from cim.rewards.guards.prose import Prose

HONEST = [
    "Um círculo vermelho à esquerda de um quadrado azul.",
    "Uma mulher de chapéu de palha segura um guarda-chuva; ao lado dela, um cão preto olha para a câmera.",
    "Três crianças brincam na praia enquanto um homem lê um livro sob o guarda-sol.",
    "A menina, a mulher, a avó e a gata olham a câmera.",
    "Não há ninguém na rua, só um carro velho e duas bicicletas encostadas num muro.",
    "\u00abPadaria Central\u00bb, diz a placa acima da porta de madeira.",
]


def punished(guards: Mapping[str, tuple[Guard, float]], texts: list[str]) -> dict[str, list[str]]:
    """Which texts each guard takes something from."""
    found = {name: [text for text in texts if guard(GeneratedCaption(text)) < 0] for name, (guard, _) in guards.items()}
    return {name: texts for name, texts in found.items() if texts}


class TestRegistry:
    def test_a_code_finds_its_language(self) -> None:
        assert language_of("en") is language_of("en-GB") is ENGLISH
        assert language_of("pt-BR") is PORTUGUESE
        assert (language_of("de").name, language_of("de").spaced) == ("German", True)
        assert not language_of("zh").spaced
        assert not set(SPACED) & set(LANGUAGES)

    def test_every_fact_is_a_field_that_english_has_and_an_unknown_language_has_not(self) -> None:
        for fact in FACTS:
            assert getattr(ENGLISH, fact)
            assert not getattr(language_of("xx"), fact)

    @pytest.mark.parametrize("language", LANGUAGES.values(), ids=lambda one: one.code)
    def test_a_language_is_whole_and_goes_to_other_processes(self, language: Language) -> None:
        assert pickle.loads(pickle.dumps(language)) == language
        assert language.classes is not None
        assert all(word == word.lower() for word in language.classes.function_words)
        assert not language.classes.numbers & language.classes.determiners  # "um" is an article: it tells nothing
        if language.questions is not None:
            assert language.questions.prompt.format(caption="c", question="q", options="o").count("\n") == 4

    def test_why_not(self) -> None:
        assert Knows(("spaced", "classes")).why_not(language_of("de")) == "needs function words: not known of German"
        assert Knows(only=("en",)).why_not(PORTUGUESE) == "knows English only, not Portuguese"
        assert Knows(only=("en",)).why_not(ENGLISH) is ANY.why_not(language_of("xx")) is None


class TestDeclared:
    def test_every_guard_and_every_group_of_metrics_says_what_it_knows(self) -> None:
        assert set(GUARDS) | {"unscorable"} == set(Guards.model_fields)
        assert all("" in guard.knows for guard in GUARDS.values())
        assert {name for name in KNOWS if "." not in name} == set(GROUPS)
        assert {name for name in KNOWS if "." in name} <= {f"{one.group}.{one.name}" for one in METRICS}

    def test_in_english_nothing_stands_aside(self) -> None:
        assert guards_aside(Guards(), ENGLISH) == metrics_aside(ENGLISH, None) == {}
        assert [name for name, knows in rows() if knows.why_not(ENGLISH)] == []

    def test_guards_that_are_off_are_not_said_to_stand_aside(self) -> None:
        assert set(guards_aside(Guards(prose=None), PORTUGUESE)) == {"filler", "gibberish"}

    def test_the_table_of_the_docs(self, root: Path) -> None:
        page = (root / "docs/languages.md").read_text(encoding="utf-8")
        assert table() in page, f"docs/languages.md needs this table:\n{table()}"


class TestNobodyIsSilentlyEnglish:
    def test_no_guard_that_stays_punishes_honest_portuguese(self) -> None:
        assert punished(build_guards(Guards(copied=None), language=PORTUGUESE), HONEST) == {}

    @pytest.mark.parametrize("name", ["prose", "filler", "gibberish", "length", "characters"])
    def test_an_english_guard_that_says_it_knows_portuguese_is_caught(
        self, name: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Planted: what each would do if it went on. length and characters: with the words and marks of English."""
        texts = [*HONEST, "o gato", "Vê-se \u00abum\u00bb \u00abcão\u00bb.", "uma xícara de quíxua, voo, ksdq"]
        language = ENGLISH if name in ("length", "characters") else PORTUGUESE
        if language is PORTUGUESE:
            monkeypatch.setattr(GUARDS[name], "knows", {"": ANY})
        on = {one: None for one in Guards.model_fields if one != name}
        right = build_guards(Guards(**on), language=PORTUGUESE) if language is ENGLISH else {}
        assert punished(build_guards(Guards(**on), language=language), texts) != punished(right, texts)

    # Words of English: each file declares that it knows English alone, or is told the language.
    ENGLISH_MODULES: ClassVar = (
        "cim.languages.english",
        "cim.languages.tokens.english_tokens",
        "cim.rewards.guards.english",
        "cim.graphs.english",
        "cim.graphs.wordnet",
        "cim.graphs.open",
        "cim.metrics.coco_objects",
        "cim.scenes.parse",
        "cim.scenes.describe",
    )
    USERS: ClassVar = {
        "cim/captions": set(),
        "cim/rewards": {"guards/build.py", "guards/characters.py", "guards/copied.py", "guards/english.py",
                        "guards/prose.py", "retriever.py", "terms/readers.py", "terms/workspace.py"},
        "cim/metrics": {"chair.py", "judge.py", "overlap.py", "reading.py", "redraw.py", "references.py",
                        "vocabulary.py"},
        "cim/refine": {"consensus.py", "enrich.py", "form.py", "fuse.py", "open.py", "scene_exam.py", "scene_votes.py",
                       "template.py", "unanswerable.py", "written_exam.py"},
        "cim/curation": {"texts.py"},
        "cim/robustness": {"__main__.py", "facts.py"},
    }  # fmt: skip

    def users(self, folder: Path) -> set[str]:
        found = {str(path.relative_to(folder)): imports_of(path) for path in folder.rglob("*.py")}
        return {name for name, names in found.items() if names & set(self.ENGLISH_MODULES)}

    @pytest.mark.parametrize("folder", USERS)
    def test_who_uses_words_of_english_is_known(self, root: Path, folder: str) -> None:
        assert self.users(root / folder) == self.USERS[folder]

    def test_a_planted_user_is_found(self, tmp_path: Path) -> None:
        (tmp_path / "planted.py").write_text("def f():\n    from cim.graphs.wordnet import load_wordnet")
        (tmp_path / "innocent.py").write_text("from cim.languages.known import language_of")
        assert self.users(tmp_path) == {"planted.py"}


def test_an_english_guard_reads_portuguese_as_no_prose() -> None:
    """Why it must stand aside: honest captions would lose everything."""
    guard: Callable[[GeneratedCaption], float] = Prose(ProseGuard())
    assert [guard(GeneratedCaption(text)) for text in HONEST[:5]] == [-1] * 5
