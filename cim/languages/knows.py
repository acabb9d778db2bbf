"""Which languages a part knows: a guard, a metric, a parser, a template. Whoever reads words declares it."""

from collections.abc import Mapping
from dataclasses import dataclass

from cim.errors import CimError
from cim.languages.known import LANGUAGES
from cim.languages.language import Language

FACTS: Mapping[str, str] = {
    "spaced": "words between blanks",
    "classes": "function words",
    "marks": "punctuation",
    "ngrams": "a tokeniser",
    "denials": "words of denial",
    "talk": "how answers talk of a text",
    "questions": "how a question is asked",
    "prompt": "a prompt",
}
"""What a part may need of a language: fields of `Language`, and how people call them."""


@dataclass(frozen=True)
class Knows:
    """needs: names of FACTS that must be known of a language. only: its code must be among these; empty: any."""

    needs: tuple[str, ...] = ()
    only: tuple[str, ...] = ()

    def why_not(self, language: Language) -> str | None:
        """Why a part stands aside for captions in `language`; None for a part that knows it."""
        if self.only and language.code not in self.only:
            return f"knows {' and '.join(LANGUAGES[code].name for code in self.only)} only, not {language.name}"
        if lacking := [FACTS[fact] for fact in self.needs if not getattr(language, fact)]:
            return f"needs {' and '.join(lacking)}: not known of {language.name}"
        return None


ANY = Knows()
SPACED = Knows(("spaced",))
WORDS = Knows(("spaced", "classes"))
ENGLISH_ONLY = Knows(only=("en",))


def demand(knows: Knows, language: Language, part: str) -> None:
    """Raise CimError for a part that does not know the language and can't stand aside: it is all that was asked for."""
    if (why := knows.why_not(language)) is not None:
        raise CimError(f"{part} for captions in {language.name}: it {why}", "a part that knows it", "ask another way")
