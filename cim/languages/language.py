"""What may be known of a language. What is not known is None, and who needs it stands aside."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property


def word_set(text: str) -> frozenset[str]:
    """The words of `text`, between blanks."""
    return frozenset(text.split())


@dataclass(frozen=True)
class WordClasses:
    """The closed classes of words, in lower case. Words of place (above, inside) are in none of them: a list of
    everything that could be seen holds them, too."""

    determiners: frozenset[str]
    numbers: frozenset[str]
    pronouns: frozenset[str]
    prepositions: frozenset[str]
    conjunctions: frozenset[str]
    auxiliaries: frozenset[str]

    @classmethod
    def read(cls, text: str) -> "WordClasses":
        """One class a line, in the order of the fields, words between blanks."""
        return cls(*(word_set(line) for line in text.strip().splitlines()))

    @cached_property
    def function_words(self) -> frozenset[str]:
        """All of them."""
        small = self.determiners | self.numbers | self.pronouns
        return small | self.prepositions | self.conjunctions | self.auxiliaries

    @cached_property
    def that_tell_nothing(self) -> frozenset[str]:
        """All but numbers: "two dogs" tells two things, "a dog" one."""
        return self.function_words - self.numbers


@dataclass(frozen=True)
class Denials:
    """Words by which a caption says that something is not there, in lower case; see `cim.metrics.chair`.

    strong: deny what follows. weak, weak_ends: deny what has an indefinite article only (whole words, and how words
    end). carries: before an article let a denial go on. ends: end a phrase, beside its marks.
    """

    strong: frozenset[str]
    weak: frozenset[str]
    indefinite: frozenset[str]
    definite: frozenset[str]
    joins: frozenset[str]
    carries: frozenset[str]
    ends: frozenset[str]
    places: frozenset[str]
    weak_ends: tuple[str, ...] = ()


@dataclass(frozen=True)
class QuestionTexts:
    """How a text model is asked a multiple-choice question about a caption.

    prompt: with {caption}, {question} and {options}. cannot: the option of who can't tell. Of a question about an
    image itself, unseen: that option, letter: how the answer is asked for.
    """

    system: str
    prompt: str
    cannot: str
    unseen: str
    letter: str


@dataclass(frozen=True)
class Language:
    """code: ISO 639, as in `language` of params. spaced: whether it is known that blanks stand between its words.

    prompt: what a captioner is asked where params name no prompt. of_pictures: words that a caption may say of any
    picture. marks: punctuation of a sentence, beside the ordinary. ngrams: the tokens that n-gram metrics count.
    talk: how an answer begins that speaks of a text rather than of the picture.
    """

    code: str
    name: str
    spaced: bool = False
    prompt: str | None = None
    classes: WordClasses | None = None
    of_pictures: frozenset[str] = frozenset()
    marks: frozenset[str] | None = None
    ngrams: Callable[[str], list[str]] | None = None
    denials: Denials | None = None
    talk: re.Pattern[str] | None = None
    questions: QuestionTexts | None = None
