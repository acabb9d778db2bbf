"""Tokens of n-gram metrics, a language each."""

import unicodedata

import pytest

from cim.languages.english import ENGLISH
from cim.languages.portuguese import PORTUGUESE
from cim.languages.tokens import portuguese_tokens
from cim.text import words


@pytest.mark.parametrize(
    ("caption", "tokens"),
    [
        ("Vê-se um cão.", "vê se um cão"),
        ("Dá-lhes água; vê-lo, põe-nas", "dá lhes água vê lo põe nas"),
        ("Um guarda-chuva cor-de-rosa", "um guarda-chuva cor-de-rosa"),
        ("num banco, dumas casas", "em um banco de umas casas"),
        ("no banco, à mesa, pelo caminho", "no banco à mesa pelo caminho"),
        ("Copo d\u2019água, 3,5 m, 1.000 pessoas!", "copo d'água 3,5 m 1.000 pessoas"),
        (" ... ", ""),
    ],
)
def test_portuguese(caption: str, tokens: str) -> None:
    assert " ".join(portuguese_tokens(caption)) == tokens


def test_clitics_before_and_behind_share_words_and_so_do_both_spellings_of_a_contraction() -> None:
    assert sorted(portuguese_tokens("se vê")) == sorted(portuguese_tokens("vê-se"))
    assert portuguese_tokens("em um banco") == portuguese_tokens("num banco")


@pytest.mark.parametrize("caption", ["Não há pão.", "Três irmãs, avó e avô"])
def test_accents_count_and_their_encoding_does_not(caption: str) -> None:
    apart = unicodedata.normalize("NFD", caption)
    assert apart != caption
    assert portuguese_tokens(apart) == portuguese_tokens(caption)
    assert words(apart) == words(caption)
    assert portuguese_tokens("avó") != portuguese_tokens("avô")


def test_what_either_tokeniser_would_do_to_the_other_language() -> None:
    """COCO's takes "no" for a word of its own language's shape and leaves clitics: a planted violation shows."""
    assert ENGLISH.ngrams is not None
    assert PORTUGUESE.ngrams is not None
    assert ENGLISH.ngrams("Vê-se num banco") == ["vê-se", "num", "banco"]
    assert PORTUGUESE.ngrams("the dog's tail") == ["the", "dog's", "tail"]
