"""Words for the objects that CHAIR counts: COCO's in English, or a file with those of another language."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from cim.errors import CimError
from cim.languages.english import ENGLISH
from cim.languages.language import Denials, Language
from cim.metrics.coco_objects import coco_names, coco_words, tokens_of


@dataclass(frozen=True)
class Vocabulary:
    """names: of the objects, as `coco_objects` of a sample has them. words: phrases to the names that they mention,
    none for what only sounds like an object. denials: of the language."""

    names: tuple[str, ...]
    words: Mapping[str, tuple[str, ...]]
    denials: Denials

    @cached_property
    def longest(self) -> int:
        """Words of the longest phrase."""
        return max(phrase.count(" ") + 1 for phrase in self.words)


def coco_vocabulary() -> Vocabulary:
    """COCO's 80 objects and the everyday words of English for them."""
    assert ENGLISH.denials is not None
    return Vocabulary(coco_names(), coco_words(), ENGLISH.denials)


def read_vocabulary(path: Path, language: Language) -> Vocabulary:
    """An object a line, "name: word, word of several, plural"; "-: ..." for what only sounds like one; # is a remark.

    Every form that captions have must be written, plurals too. Raises CimError for a file that is not readable, a line
    of another form (with its number), a phrase of two objects, or a language without words of denial.
    """
    if language.denials is None:
        raise CimError(
            f"evaluate.objects with captions in {language.name}",
            "a language whose words of denial cim/languages has",
            "add them there (docs/languages.md), or leave evaluate.objects out",
        )
    try:
        lines = path.expanduser().read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise CimError(f"no readable {path} ({error})", "a text file in UTF-8", "mend evaluate.objects") from error
    names, words = list[str](), dict[str, tuple[str, ...]]()
    for number, line in enumerate(lines, start=1):
        if not line.partition("#")[0].strip():
            continue
        name, colon, forms = (part.strip() for part in line.partition("#")[0].partition(":"))
        phrases = [" ".join(tokens_of(form)) for form in forms.split(",")]
        if not (name and colon and all(phrases)):
            raise CimError(f"line {number} of {path}: {line.strip()[:80]}", "name: word, word", "mend the line")
        if twice := [phrase for phrase in phrases if phrase in words]:
            raise CimError(f"line {number} of {path}: {twice[0]!r} again", "a phrase once", "mend the line")
        names += [] if name == "-" else [name]
        words |= dict.fromkeys(phrases, () if name == "-" else (name,))
    if not names:
        raise CimError(f"no object in {path}", "a line an object, name: word, word", "fill it")
    return Vocabulary(tuple(dict.fromkeys(names)), words, language.denials)
