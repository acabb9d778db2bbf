"""What a text must be to be kept: every rule as a polars expression over a column of texts."""

from collections.abc import Callable, Iterator, Sequence

import polars as pl

from cim.curation.contacts import has_email, has_phone
from cim.curation.reasons import Drop
from cim.errors import CimError
from cim.params.curate import TextFilters
from cim.rewards.guards.english import english_share
from cim.text import repeated_share, words

LEAST_ENGLISH = 5
"""Words from which on the language can be told."""


def text_reason(params: TextFilters, column: str = "caption") -> pl.Expr:
    """The first reason to drop each text of `column`, null for one that is kept or missing."""
    found = [pl.when(rule.fill_null(False)).then(pl.lit(reason.value)) for reason, rule in _rules(params, column)]
    return pl.coalesce(*found, pl.lit(None, pl.String))


def check_patterns(patterns: Sequence[str]) -> None:
    """Raises CimError for a regular expression that polars (Rust's regex) does not take: one that looks around."""
    for pattern in patterns:
        try:
            pl.Series([""]).str.contains(f"(?im){pattern}")
        except pl.exceptions.ComputeError as error:
            raise CimError(
                f"{pattern!r} in curate.text.boilerplate ({str(error).splitlines()[-1]})",
                "a regular expression without look-around and back-references",
                "write it without them",
            ) from error


def folded(column: str = "caption") -> pl.Expr:
    """Texts by which images are said to have the same one: case and blanks aside."""
    return pl.col(column).str.to_lowercase().str.replace_all(r"\s+", " ").str.strip_chars(" .")


def _rules(params: TextFilters, column: str) -> Iterator[tuple[Drop, pl.Expr]]:
    text = pl.col(column)
    count = text.str.count_matches(r"\S*\w\S*")
    yield Drop.TOO_FEW_WORDS, count < params.min_words
    yield Drop.TOO_MANY_WORDS, count > params.max_words
    if (most := params.max_repetition) is not None:
        yield Drop.REPETITION, _each(text, lambda one: repeated_share(one) > most)
    if params.scripts:
        ours = text.str.count_matches("[" + "".join(rf"\p{{{script}}}" for script in params.scripts) + "]")
        yield Drop.SCRIPT, ours < params.min_script * text.str.count_matches(r"\p{L}")
    if (least := params.min_english) is not None:
        yield Drop.LANGUAGE, _each(text, lambda one: _is_foreign(one, least))
    if params.boilerplate:
        yield Drop.BOILERPLATE, text.str.contains("(?im)" + "|".join(f"(?:{one})" for one in params.boilerplate))
    if params.contacts:
        yield Drop.EMAIL, _each(text, has_email)
        yield Drop.PHONE, _each(text, has_phone)


def _each(text: pl.Expr, test: Callable[[str], bool]) -> pl.Expr:
    return text.map_elements(test, return_dtype=pl.Boolean, skip_nulls=True)


def _is_foreign(text: str, least: float) -> bool:
    own = words(text)
    return len(own) >= LEAST_ENGLISH and english_share(own) < least
