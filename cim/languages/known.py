"""Languages by their codes. A new one is a file beside this and a line here (docs/languages.md)."""

from collections.abc import Mapping

from cim.languages.english import ENGLISH
from cim.languages.language import Language
from cim.languages.portuguese import PORTUGUESE

LANGUAGES: Mapping[str, Language] = {one.code: one for one in (ENGLISH, PORTUGUESE)}
"""Those with a file of their own."""

SPACED: Mapping[str, str] = {
    "ca": "Catalan", "cs": "Czech", "da": "Danish", "de": "German", "el": "Greek", "es": "Spanish", "et": "Estonian",
    "fi": "Finnish", "fr": "French", "hr": "Croatian", "hu": "Hungarian", "id": "Indonesian", "it": "Italian",
    "lt": "Lithuanian", "lv": "Latvian", "nl": "Dutch", "no": "Norwegian", "pl": "Polish", "ro": "Romanian",
    "ru": "Russian", "sk": "Slovak", "sl": "Slovenian", "sv": "Swedish", "tr": "Turkish", "uk": "Ukrainian",
}  # fmt: skip
"""Those of which it is known that blanks stand between their words, and nothing else."""


def language_of(code: str) -> Language:
    """What is known of a language, by the first part of its code: pt for pt-BR. Nothing is known of any other."""
    first = code.partition("-")[0]
    if first in LANGUAGES:
        return LANGUAGES[first]
    return Language(first, SPACED.get(first, repr(first)), spaced=first in SPACED)
