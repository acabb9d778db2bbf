"""What tells English from other languages."""

from collections.abc import Sequence

from cim.languages.english import CLASSES

FUNCTION_WORDS = CLASSES.function_words

_OTHERS = """
der das dem des ein eine einen einem einer eines und mit auf im ist sind zwei drei vor vom zum zur bei nicht sich
auch aus von zu nach neben unter wird ihre ihren ihrem seine seinen seinem durch
het de een en op aan naar bij uit zijn wordt twee drie voor naast onder tegen te er zit staat
og och en et ett den det med som av af till til ved vid tre hun sig er fra
le la les un une des du au aux et est sont dans avec sur deux trois pour qui il elle devant
el los las una unos unas y del con para que se sus su dos tres al junto es lleva sobre
o os um uma uns umas e da dos na nas nos com em ao por dois duas seu sua
lo gli uno di della dei delle nel nella sul sulla che alla sono ed accanto
"""
FOREIGN = frozenset(_OTHERS.split())
"""Function words of German, Dutch, Danish and Swedish, French, Spanish, Portuguese, Italian; hardly seen in English."""


def english_share(words: Sequence[str]) -> float:
    """Function words of English less what speaks of other languages, among lower-case `words`, at most 1; 0 without.

    Languages spell some function words alike (in, a, is, was, of). So one of their own, or a word with other letters
    than a to z, takes away two. A longer word that ends as Romance words do and English ones seldom takes away one,
    from the second on.
    """
    own = sum(word in FUNCTION_WORDS for word in words)
    other = sum(word in FOREIGN or not word.isascii() for word in words)
    ends = sum(len(word) > 3 and word[-1] in "aiou" for word in words)
    return (own - 2 * other - max(0, ends - 1)) / len(words) if words else 0.0
