"""Which of the texts tried for an image is its caption: one that does not go round, ends whole, scores best."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from PIL.Image import Image

from cim.captioners.decoding import Decoding, Generated
from cim.engines.spec import Scorer
from cim.sentences import cut_at_sentence
from cim.text import repeated_share


@dataclass(frozen=True)
class Choice:
    """How texts are asked for and chosen. scorer: scores captions even where there is but one."""

    decoding: Decoding
    scorer: Scorer | None = None

    def draws(self, key: str) -> list[str]:
        """What seeds each candidate of the sample `key`: the first is named by its id alone."""
        return [key, *(f"{key}\x00{turn}" for turn in range(1, self.decoding.candidates))]

    def again(self, key: str, turn: int) -> str:
        """What seeds the sample's retry number `turn`."""
        return f"{key}\x00again {turn}"

    @property
    def anew(self) -> Decoding:
        """How a caption that repeats itself is sampled anew."""
        return replace(self.decoding, temperature=self.decoding.retry_temperature, beams=1)

    def is_over(self, tried: Sequence[Generated], turn: int) -> bool:
        """Whether nothing more is tried after `turn` retries: one text is sound, or these were all."""
        return turn >= self.decoding.retries or not all(self._repeats(one) for one in tried)

    def final(
        self, tried: Sequence[Sequence[Generated]], keys: Sequence[str], images: Sequence[Image | None]
    ) -> list[Generated]:
        """The captions of b samples of which all was tried. images: looked at by the scorer, where there is one."""
        whole = [[_ended(one) for one in texts] for texts in tried]
        scores = self._scores(whole, keys, images)
        return [self._choose(*row) for row in zip(tried, whole, scores, strict=True)]

    def _repeats(self, one: Generated) -> bool:
        return repeated_share(one.text) > self.decoding.max_repetition

    def _scores(
        self, tried: Sequence[Sequence[Generated]], keys: Sequence[str], images: Sequence[Image | None]
    ) -> list[tuple[float | None, ...]]:
        """Of all texts of a batch, in one call of the scorer; None without one."""
        if self.scorer is None:
            return [(None,) * len(texts) for texts in tried]
        of = [row for row, texts in enumerate(tried) for _ in texts]
        flat = [one.text for texts in tried for one in texts]
        seen = [image for row in of if (image := images[row]) is not None]
        found = iter(self.scorer(flat, [keys[row] for row in of], seen))
        return [tuple(next(found) for _ in texts) for texts in tried]

    def _choose(
        self, raw: Sequence[Generated], whole: Sequence[Generated], scores: tuple[float | None, ...]
    ) -> Generated:
        """The best score among texts that don't repeat themselves; else the least repetitive, so marked."""
        sound = [place for place, one in enumerate(raw) if not self._repeats(one)]
        if sound:
            chosen = whole[max(sound, key=lambda place: -float("inf") if (score := scores[place]) is None else score)]
        else:
            least = min(range(len(raw)), key=lambda place: repeated_share(raw[place].text))
            chosen = whole[least]._replace(finish_reason="repetition")
        if len(raw) == 1 and self.scorer is None:
            return chosen
        return chosen._replace(candidates=tuple(one.text for one in whole), scores=scores)


def _ended(one: Generated) -> Generated:
    """One that ran out of tokens, without its last half sentence."""
    if one.finish_reason != "length":
        return one
    text, cut = cut_at_sentence(one.text)
    return one._replace(text=text, cut=cut)
