"""Where the last full sentence of a truncated caption ends."""

import re

# A mark, what closes after it, then a blank or the end; Chinese and Japanese leave no blank.
_END = re.compile(r"(?:[.!?\u2026]+[\"'\u201d\u2019)\]]*(?=\s|$))|(?:[\u3002\uff01\uff1f][\u300d\u300f\u201d\uff09]*)")
_SHORT = re.compile(r"(?:^|[\s(\"'\u201c])(?:mr|mrs|ms|dr|st|jr|sr|vs|no|approx|ca|cf|e\.g|i\.e|etc|[a-z])\.$", re.I)
_OPENS = re.compile(r"\s+[\"'\u201c\u2018(\[*#-]*\s*[^\Wa-z_]")  # what a new sentence begins with: no small letter


def cut_at_sentence(text: str) -> tuple[str, bool]:
    """(text up to its last full sentence, whether that left anything out); all of it where no sentence is full.

    A full stop ends a sentence unless a small letter follows, or it belongs to a number or a common abbreviation.
    One at the very end counts, but for digits before it: "3." may be half of 3.5.
    """
    ends = [found.end() for found in _END.finditer(text) if _full(text, found)]
    if not ends:
        return text, False
    return text[: ends[-1]], bool(text[ends[-1] :].strip())


def _full(text: str, mark: re.Match[str]) -> bool:
    before, after = text[: mark.end()], text[mark.end() :]
    if not any(letter.isalnum() for letter in before):
        return False
    if mark[0][0] != ".":
        return mark[0][0] not in "\u2026" or not after or _OPENS.match(after) is not None
    if mark[0] == "." and _SHORT.search(before):
        return False
    if not after.strip():
        return not before[: -len(mark[0])][-1:].isdigit()
    return _OPENS.match(after) is not None
