"""Is an answer of a text model a text to train on? What it must not be is counted by reason."""

import re
from collections.abc import Iterable, Mapping

from cim.languages.english import ENGLISH
from cim.languages.knows import SPACED, Knows
from cim.languages.language import Language
from cim.params.refine_models import Form
from cim.refine.base import WrongForm
from cim.text import has_text, repeated_share, words

_QUOTES = {'"': '"', "'": "'", "\u201c": "\u201d", "\u00ab": "\u00bb"}
_CODE = re.compile(r"^\s*(```|[{\[<#|]|\*\*|[-*\u2022] |\d+[.)] )|<\||\|>|</?[a-z]+>", re.I)
KNOWS: Mapping[str, Knows] = {
    "talk about the text": Knows(("talk",)),
    "max_words": SPACED,
    "max_repetition": SPACED,
    "min_known": SPACED,
}
"""Which languages the checks know that read words; the others know no language."""


def checks_aside(language: Language) -> dict[str, str]:
    """Why checks stand aside for texts in `language`, by name."""
    return {name: why for name, knows in KNOWS.items() if (why := knows.why_not(language)) is not None}


def check_form(
    answer: str, finish_reason: str, sources: Iterable[str], form: Form, language: Language = ENGLISH
) -> str:
    """The text of an answer, blanks single, quotation marks around it taken off. Raises WrongForm.

    sources: what it was made from. A text whose words are mostly not theirs is no fusion of them, also where a model
    says one and the same thing of everything.
    """
    if finish_reason == "length":
        raise WrongForm("cut at the most tokens")
    if not has_text(answer):
        raise WrongForm("blank")
    if _CODE.search(answer.strip()) or "\n\n" in answer.strip():
        raise WrongForm("no plain paragraph")
    text = _bare(" ".join(answer.split()))
    if not has_text(text):
        raise WrongForm("blank")
    if language.talk is not None and language.talk.match(text):
        raise WrongForm("talk about the text")
    if not language.spaced:
        return text
    said = words(text)
    if len(said) > form.max_words:
        raise WrongForm("too long")
    if repeated_share(text) > form.max_repetition:
        raise WrongForm("repeats itself")
    known = {word for source in sources for word in words(source)}
    if form.min_known and sum(word in known for word in said) < form.min_known * len(said):
        raise WrongForm("other words than it was given")
    return text


def _bare(text: str) -> str:
    end = _QUOTES.get(text[:1])
    inner = text[1:-1]
    return inner.strip() if len(text) > 1 and text[-1] == end and not {text[0], end} & set(inner) else text
