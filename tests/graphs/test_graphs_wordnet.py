"""Base forms, synonyms, and the file they come from."""

import gzip
from pathlib import Path

import pytest

from cim.graphs.compile import compile_wordnet
from cim.graphs.wordnet import Wordnet, load_wordnet


@pytest.fixture(scope="module")
def wordnet() -> Wordnet:
    return load_wordnet()


class TestForms:
    @pytest.mark.parametrize(
        ("word", "pos", "bases"),
        [
            ("dogs", "n", ["dog"]),
            ("leaves", "n", ["leaf", "leave"]),  # irregular: its forms are listed, the endings not tried
            ("churches", "n", ["church"]),
            ("mice", "n", ["mouse"]),
            ("Fire hydrants", "n", ["fire hydrant"]),
            ("sitting", "v", ["sit"]),
            ("bigger", "a", ["bigger", "big"]),
            ("glasses", "n", ["glasses", "glass"]),  # a word of its own, and a plural
            ("zzqx", "n", []),
        ],
    )
    def test_bases(self, wordnet: Wordnet, word: str, pos: str, bases: list[str]) -> None:
        assert wordnet.bases(word, pos) == bases

    def test_the_shortest_is_the_base(self, wordnet: Wordnet) -> None:
        assert wordnet.base("glasses", "n") == "glass"
        assert wordnet.base("zzqx", "n") == "zzqx"

    def test_the_last_word_decides_number(self, wordnet: Wordnet) -> None:
        assert wordnet.singular("tennis rackets") == "tennis racket"
        assert wordnet.singular("garden gnomes") == "garden gnome"  # not in WordNet as a whole
        assert wordnet.singular("people") == "people"

    def test_nouns_as_they_stand(self, wordnet: Wordnet) -> None:
        assert wordnet.knows("tennis racket")
        assert not wordnet.knows("brick house")


class TestSynonyms:
    def test_words_of_all_synsets(self, wordnet: Wordnet) -> None:
        assert wordnet.synonyms("sofa") == {"sofa", "couch", "lounge"}  # its one synset
        assert "automobile" in wordnet.synonyms("cars")
        assert wordnet.synonyms("zzqx") == frozenset()

    def test_adjectives_come_without_their_markers(self, wordnet: Wordnet) -> None:
        assert {"galore"} == {word for word in wordnet.synonyms("galore") if word.startswith("galore")}


class TestFile:
    def test_what_is_made_is_what_is_read(self, tmp_path: Path) -> None:
        """A synset: offset, file, type, number of words in hex, then word and id by turns."""
        (tmp_path / "data.noun").write_text(
            "  1 Permission is granted.  \n"
            "00000001 03 n 02 car 0 auto 1 000 | a thing\n"
            f"00000002 03 n 0a {' '.join(f'w{i} 0' for i in range(10))} 000 | ten words\n"
        )
        (tmp_path / "data.adj").write_text("00000001 00 s 02 galore(ip) 0 abounding 0 000 | many\n")
        for name in ("verb", "adv"):
            (tmp_path / f"data.{name}").write_text("")
        for name in ("noun", "verb", "adj", "adv"):
            (tmp_path / f"{name}.exc").write_text("mice mouse\n" if name == "noun" else "")
        content = compile_wordnet(tmp_path)
        assert gzip.decompress(content).decode().splitlines() == [
            "# Permission is granted.",
            "n\tcar auto",
            "n\tw0 w1 w2 w3 w4 w5 w6 w7 w8 w9",
            "n!\tmice mouse",
            "a\tgalore abounding",
        ]
        assert content == compile_wordnet(tmp_path)

    def test_the_licence_goes_with_it(self, root: Path) -> None:
        with gzip.open(root / "cim/graphs/data/wordnet.txt.gz", "rt") as lines:
            assert "Copyright 2006 by Princeton University" in "".join(line for line in lines if line.startswith("#"))
