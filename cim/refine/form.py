"""Is an answer of a text model a text to train on? What it must not be is counted by reason."""

import re
from collections.abc import Iterable

from cim.params.refine_models import Form
from cim.refine.base import WrongForm
from cim.text import has_text, repeated_share, words

_QUOTES = {'"': '"', "'": "'", "\u201c": "\u201d", "\u00ab": "\u00bb"}
_CODE = re.compile(r"^\s*(```|[{\[<#|]|\*\*|[-*\u2022] |\d+[.)] )|<\||\|>|</?[a-z]+>", re.I)
_TALK = re.compile(
    r"^(sure|certainly|of course|okay|ok|here (is|are|'s)|here\u2019s|i('m| am) (sorry|unable)|i can(no|')t|as an ai"
    r"|text [12]\b|(merged|fused|combined|new|final)? ?(caption|description|text|answer|output) ?:)",
    re.I,
)


def check_form(answer: str, finish_reason: str, sources: Iterable[str], form: Form) -> str:
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
    if _TALK.match(text):
        raise WrongForm("talk about the text")
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
