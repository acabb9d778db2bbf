"""Results as aligned text."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from textwrap import shorten

from cim.records import IdentityScore
from cim.rewards.training_reward import Further
from cim.score.requests import InvalidRequest
from cim.score.run import Result

WIDTH = 100
"""Characters of a caption that are shown in a table."""

SCORES = {"caption_text": "caption cosine", "clip": "caption to image", "fused": "fused score"}
"""What the retrieval score of a space is: the caption's cosine with a gallery caption or image, or 1 / (60 + rank)."""


def printable(text: str) -> str:
    """`text` with everything that could steer a terminal, or is no character at all, replaced by U+FFFD."""
    return "".join(one if one.isprintable() or one in "\n\t" else "\ufffd" for one in text)


def block(one: Result | InvalidRequest, captions: Mapping[str, str], space: str) -> str:
    """One result as lines of text. captions: of retrieved items by id. space: that of the reward."""
    where = "" if _line(one) is None else f"line {_line(one)}: "
    if isinstance(one, InvalidRequest):
        return f"{where}bad: {printable(one.reason)}"
    image = "" if one.request.image is None else f"  {printable(str(one.request.image))}"
    lines = [f"{where}image {one.id}{image}", f"caption  {_short(one.request.caption)}"]
    if not isinstance(one.outcome, IdentityScore):
        return "\n".join([*lines, f"unscorable: {one.outcome.reason}", *_reward(one)])
    score = one.outcome
    lines += [f"GRC {score.grc:.4f}  QIR {score.qir:.4f}  total {score.total:.4f}", *_reward(one)]
    width, found = max(map(len, score.ids)), SCORES[space]
    lines += [f"rank  {'id':<{width}}  {found}  image cosine  caption"]
    rows = zip(score.ids, score.scores, score.cosines, strict=True)
    for rank, (name, how_near, cosine) in enumerate(rows, start=1):
        caption = _short(captions.get(name, ""))
        lines.append(f"{rank:>4}  {name:<{width}}  {how_near:{len(found)}.4f}  {cosine:12.4f}  {caption}")
    return "\n".join(lines)


@dataclass
class Summary:
    """What came of many requests, counted as they come."""

    scores: list[tuple[float, float, float]] = field(default_factory=list)
    rewards: list[float] = field(default_factory=list)
    unscorable: int = 0
    bad: int = 0
    first_bad: str = ""

    def add(self, one: Result | InvalidRequest) -> None:
        """Count one more."""
        if isinstance(one, InvalidRequest):
            self.bad += 1
            self.first_bad = self.first_bad or printable(one.reason)
            return
        if one.reward.total is not None:
            self.rewards.append(one.reward.total)
        if isinstance(one.outcome, IdentityScore):
            self.scores.append((one.outcome.grc, one.outcome.qir, one.outcome.total))
        else:
            self.unscorable += 1

    @property
    def read(self) -> int:
        """Requests that could be read, unscorable ones among them."""
        return len(self.scores) + self.unscorable

    def means(self) -> Sequence[float] | None:
        """Mean GRC, QIR and total of what was scored; None where nothing was."""
        return [sum(term) / len(self.scores) for term in zip(*self.scores, strict=True)] if self.scores else None

    def mean_reward(self) -> float | None:
        """Mean total of the captions that training rewards: with guards, also unscorable ones of known images."""
        return sum(self.rewards) / len(self.rewards) if self.rewards else None

    def __str__(self) -> str:
        text = f"{self.read} captions: {len(self.scores)} scored, {self.unscorable} unscorable; bad lines: {self.bad}"
        if (means := self.means()) is not None:
            text += f"\nmean  GRC {means[0]:.4f}  QIR {means[1]:.4f}  total {means[2]:.4f}"
        if (reward := self.mean_reward()) is not None:
            text += f"\nmean reward with guards {reward:.4f} (of {len(self.rewards)})"
        return text


def _reward(one: Result) -> list[str]:
    terms = [f"terms    {told}"] if (told := ", ".join(map(_further, one.reward.further))) else []
    if one.reward.total is None:
        return terms
    faults = ", ".join(f"{fault.guard} {fault.value:.4f} x {fault.weight:g}" for fault in one.reward.faults)
    guards = f"guards   {faults or 'none fires'}; reward with them, as training pays it, {one.reward.total:.4f}"
    return [*terms, guards]


def _further(one: Further) -> str:
    return f"{one.term} " + ("unscorable" if one.value is None else f"{one.value:.4f} x {one.weight:g}")


def _line(one: Result | InvalidRequest) -> int | None:
    return one.line if isinstance(one, InvalidRequest) else one.request.line


def _short(caption: str) -> str:
    return shorten(printable(caption), WIDTH, placeholder=" ...")
