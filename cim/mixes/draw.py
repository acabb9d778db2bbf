"""One text for an image, drawn by declared shares from those it has: by its key, not by the order of reading."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from cim.mixes.tokens import Budget
from cim.params.texts import Mix, TextPart
from cim.sentences import join_sentences, sentences
from cim.text import has_text

MISSING, OVER_BUDGET = "missing", "over budget"


@dataclass(frozen=True)
class Drawn:
    """What one image is given. part: the label of the part it is of; "" with text "" where no part had one.

    passed: parts that were drawn before it, with what they lacked. cut: sentences at its end were left out for the
    budget. tokens: of the text, None without a budget.
    """

    text: str
    part: str
    passed: tuple[tuple[str, str], ...] = ()
    cut: bool = False
    tokens: int | None = None

    @property
    def first(self) -> str:
        """The label of the part that was drawn first."""
        return self.passed[0][0] if self.passed else self.part


@dataclass(frozen=True)
class Mixer:
    """Draws by a mix. budget: None for texts of any length."""

    mix: Mix
    budget: Budget | None = None

    def names(self) -> list[str]:
        """Of the texts that it draws from."""
        return list(dict.fromkeys(part.text for part in self.mix.txt))

    def draw(self, key: str, texts: Mapping[str, str]) -> Drawn:
        """The text of the image `key`, of its `texts` by name; one that is blank, or not there, is missing.

        Where the part that is drawn has no text, or none within the budget, another is drawn of those that are left,
        by their shares. The same for the same seed, key and texts.
        """
        left, passed = list(self.mix.txt), list[tuple[str, str]]()
        while left:
            part = self._part(left, key, len(passed))
            text = texts.get(part.text, "").strip()
            if not has_text(text):
                passed.append((part.label, MISSING))
            elif (found := self._of(part, key, text)) is None:
                passed.append((part.label, OVER_BUDGET))
            else:
                kept, whole = found
                tokens = self.budget.count(kept) if self.budget else None
                return Drawn(kept, part.label, tuple(passed), kept != whole, tokens)
            left.remove(part)
        return Drawn("", "", tuple(passed))

    def whole(self, text: str) -> str:
        """`text` within the budget; "" where it is blank, or its first sentence is longer."""
        return (self._cut(text.strip()) or "") if has_text(text) else ""

    def sentences(self, text: str) -> list[str]:
        """Those of its sentences that are within the budget."""
        return [one for one in sentences(text) if has_text(one) and self._cut(one) == one]

    def _part(self, left: Sequence[TextPart], key: str, turn: int) -> TextPart:
        at = self._uniform(key, f"part {turn}") * sum(part.share for part in left)
        for part in left[:-1]:
            at -= part.share
            if at < 0:
                return part
        return left[-1]

    def _of(self, part: TextPart, key: str, text: str) -> tuple[str, str] | None:
        """(what is given of `text`, what would be without a budget); None where nothing is within it."""
        if part.sentences is None:
            kept = self._cut(text)
            return None if kept is None else (kept, text)
        found = self.sentences(text)
        order = sorted(range(len(found)), key=lambda at: self._uniform(key, f"{part.label} {at}"))
        chosen = [found[at] for at in sorted(order[: part.sentences])]
        whole = join_sentences(chosen)
        while chosen and self.budget and self.budget.count(join_sentences(chosen)) > self.budget.tokens:
            chosen.pop()
        return (join_sentences(chosen), whole) if chosen else None

    def _cut(self, text: str) -> str | None:
        return self.budget.cut(text) if self.budget else text

    def _uniform(self, key: str, use: str) -> float:
        """In [0, 1), by a hash: no draw depends on another, or on the image's place."""
        digest = hashlib.sha256(f"{self.mix.seed}\x00{key}\x00{use}".encode()).digest()
        return (int.from_bytes(digest[:8], "big") >> 11) / 2**53
