"""CHAIR by a file of words in another language: what is mentioned, denied, and wrong in the file."""

from pathlib import Path

import pytest

from cim.errors import CimError
from cim.languages.known import language_of
from cim.languages.portuguese import PORTUGUESE
from cim.metrics.chair import mentioned_objects, present_objects
from cim.metrics.vocabulary import Vocabulary, coco_vocabulary, read_vocabulary

FILE = """\
# animals and things
person: homem, mulher, pessoa, pessoas
dog: cão, cães, cachorro, cachorros
-: cachorro quente   # food
car: carro, carros
umbrella: guarda-chuva
bench: banco
bicycle: bicicleta
"""


@pytest.fixture
def words(tmp_path: Path) -> Vocabulary:
    (tmp_path / "objetos.txt").write_text(FILE, encoding="utf-8")
    return read_vocabulary(tmp_path / "objetos.txt", PORTUGUESE)


@pytest.mark.parametrize(
    ("caption", "objects"),
    [
        ("Um homem com um guarda-chuva sem cachorro.", ["person", "umbrella"]),
        ("Não há carros na rua.", []),
        ("Não há um cão.", []),
        ("Sem pessoas nem cães", []),
        ("Sem pessoas ou carros, com uma bicicleta", ["bicycle"]),
        ("Um homem não muito longe de um banco", ["person", "bench"]),
        ("O cão não está no banco", ["dog", "bench"]),  # a place is presupposed
        ("Um cachorro quente e um cachorro", ["dog"]),
        ("Nenhuma pessoa", []),
    ],
)
def test_mentions(words: Vocabulary, caption: str, objects: list[str]) -> None:
    assert mentioned_objects(caption, words) == objects


def test_denials_of_english_hear_nothing_of_it(words: Vocabulary) -> None:
    """Planted: Portuguese read with the words of denial of English."""
    wrong = Vocabulary(words.names, words.words, coco_vocabulary().denials)
    assert mentioned_objects("Sem cachorros.", wrong) == ["dog"]


def test_names_are_those_of_the_file(words: Vocabulary) -> None:
    assert present_objects(["car"], ["Um cão."], words) == {"car", "dog"}
    with pytest.raises(CimError, match="'zebra' among the coco_objects"):
        present_objects(["zebra"], [], words)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("dog cão", "line 1"),
        ("dog: cão,\n", "line 1"),
        ("dog: cão\n\ncat: gato, cão", "line 3 of .*'cão' again"),
        ("# nothing", "no object in"),
    ],
)
def test_a_file_that_is_none(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "f").write_text(text, encoding="utf-8")
    with pytest.raises(CimError, match=said):
        read_vocabulary(tmp_path / "f", PORTUGUESE)


def test_no_file_and_no_denials(tmp_path: Path) -> None:
    with pytest.raises(CimError, match=r"no readable.*evaluate\.objects"):
        read_vocabulary(tmp_path / "f", PORTUGUESE)
    with pytest.raises(CimError, match="captions in German"):
        read_vocabulary(tmp_path / "f", language_of("de"))
