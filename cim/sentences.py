"""Where sentences end, in captions of any language that closes them by marks: one rule for all that cuts or splits."""

import re
from collections.abc import Iterator

Span = tuple[int, int]
"""Where a sentence begins and ends in its text."""

_UNSPACED = "\u3002\uff01\uff1f\uff61"  # Chinese and Japanese leave no blank behind them
_CLOSING = "\"'\u201d\u2019\u00bb)\\]"
# A mark, what closes after it, then a blank or the end; or one that needs no blank, as none occurs inside a sentence.
_MARK = re.compile(
    rf"(?:[.!?\u2026]+[{_CLOSING}]*(?=\s|$))|(?:[{_UNSPACED}\u061f\u06d4\u0964]+[\u300d\u300f\u201d\uff09]*)+"
)
_SHORT = re.compile(
    r"(?:^|[\s(\"'\u201c\u2018])(?:mr|mrs|ms|mx|dr|prof|rev|hon|st|ste|mt|ft|jr|sr|gen|col|capt|lt|sgt|gov|sen|rep|pres"
    r"|vs|no|nos|nr|vol|fig|figs|pp|ed|eds|art|approx|ca|cf|est|e\.g|i\.e|etc|al|incl|esp|inc|ltd|co|corp|dept|bldg"
    r"|ave|blvd|rd|sq|jan|feb|aug|sept|oct|nov|dec|z\.b|d\.h|u\.a"
    r"|sra|srta|dra|exmo|exma|av|pág|págs|tel|(?:[a-z]\.)*[a-z])\.$",
    re.I,
)
_LONGEST_SHORT = 24  # characters before a full stop that are looked at for it
_GAP = re.compile(r"\s+[\"'\u201c\u2018\u00ab(\[*#-]*\s*")  # before a sentence's first word
_PAIRS = tuple(zip("\u201c\u00ab\u300c\u300e(\uff08[", "\u201d\u00bb\u300d\u300f)\uff09]", strict=True))
_BREAK = re.compile(r"\n[ \t]*(?:\n\s*|(?=[-*\u2022#]|\d+[.)]\s))")  # an empty line, or the next line of a list


def sentence_spans(text: str) -> list[Span]:
    """The sentences of `text` in their order, without the blanks between them; what ends without a mark is the last.

    A full stop ends one unless a small letter follows, it belongs to a number, an abbreviation or an enumeration, or
    stands inside quotation marks or brackets that close later. An empty line and a line of a list end one, too. Where
    it is not clear ("the U.S. Navy", "plan B. Then"), two sentences stay one: cutting between them cuts inside none.
    """
    found, begin = list[Span](), 0
    for cut in [*(one.end() for one in _BREAK.finditer(text)), len(text)]:
        for end in [*(one for one in _ends(text[begin:cut])), cut - begin]:
            start = found[-1][1] if found and found[-1][1] > begin else begin
            piece = text[start : begin + end]
            if stripped := piece.strip():
                at = start + len(piece) - len(piece.lstrip())
                found.append((at, at + len(stripped)))
        begin = cut
    return found


def sentences(text: str) -> list[str]:
    """The sentences of `text`, see `sentence_spans`."""
    return [text[start:end] for start, end in sentence_spans(text)]


def join_sentences(chosen: list[str]) -> str:
    """Sentences as one text: a blank between them, none behind a mark of Chinese or Japanese."""
    text = ""
    for one in chosen:
        text += (" " if text and text[-1] not in f"{_UNSPACED}\u300d\u300f\uff09" else "") + one
    return text


def cut_at_sentence(text: str) -> tuple[str, bool]:
    """(text up to its last full sentence, whether that left anything out); all of it where no sentence is full.

    For text that was broken off: a full stop at the very end counts, but for digits before it: "3." may be half of 3.5.
    """
    ends = list(_ends(text))
    if not ends:
        return text, False
    return text[: ends[-1]], bool(text[ends[-1] :].strip())


def _ends(text: str) -> Iterator[int]:
    start, last = 0, len(text.rstrip())
    for mark in _MARK.finditer(text):
        if _full(text, start, mark, mark.end() >= last):
            start = mark.end()
            yield start


def _full(text: str, start: int, mark: re.Match[str], last: bool) -> bool:
    """Whether a sentence that begins at `start` ends with `mark`. last: nothing follows it."""
    end = mark.end()
    if not any(letter.isalpha() for letter in text[start:end]) or _inside(text, start, end):
        return False
    if mark[0][0] in "!?":
        return last or mark[0][-1] in "!?." or _opens(text, end)
    if mark[0][0] == "\u2026":
        return last or _opens(text, end)
    if mark[0][0] != ".":
        return True
    if mark[0] == "." and _SHORT.search(text[max(start, end - _LONGEST_SHORT) : end]):
        return False
    return not text[mark.start() - 1].isdigit() if last else _opens(text, end)


def _opens(text: str, end: int) -> bool:
    """Whether what follows begins with a word, and that not with a small letter."""
    gap = _GAP.match(text, end)
    first = text[gap.end() : gap.end() + 1] if gap else ""
    return first.isalnum() and not first.islower()


def _inside(text: str, start: int, end: int) -> bool:
    """Whether quotation marks or brackets that opened since `start` close after `end`."""
    if text.count('"', start, end) % 2 and text.find('"', end) >= 0:
        return True
    return any(
        text.count(opening, start, end) > text.count(closing, start, end) and text.find(closing, end) >= 0
        for opening, closing in _PAIRS
    )
