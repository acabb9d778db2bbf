"""The engine around a backend: the best of several candidates, no caption that goes round, none cut in a sentence."""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace

from PIL.Image import Image

from cim.captioners.decoding import Decoding, Generated
from cim.engines.sentences import cut_at_sentence
from cim.engines.spec import Answers, Asked, Backend, Scorer, Wanted
from cim.text import repeated_share


@dataclass(frozen=True)
class Captioning:
    """An `Engine`. scorer: chooses between candidates, and scores captions even where there is but one."""

    backend: Backend
    decoding: Decoding
    scorer: Scorer | None = None

    def plan(self, sizes: Sequence[tuple[int, int]]) -> list[list[int]]:
        """The backend's."""
        return self.backend.plan(sizes)

    def __call__(self, batches: Iterable[Asked]) -> Answers:
        """As `Engine` says; keys seed the sampling. A batch is final when its last retry is.

        Retries are not put off to be gathered from several batches: a caption that waits for them would be lost by a
        kill together with its batch.
        """
        asked: deque[Asked] = deque()  # handed over, not yet answered

        def several() -> Iterator[Wanted]:
            for images, keys in batches:
                asked.append((images, keys))
                yield images, [[_draw(key, turn) for turn in range(self.decoding.candidates)] for key in keys]

        with closing(self.backend(several(), self.decoding)) as answers:
            for tried in answers:
                yield self._final(tried, *asked.popleft())

    def _final(self, tried: list[list[Generated]], images: Sequence[Image], keys: Sequence[str]) -> list[Generated]:
        """The captions of one batch, from what was tried first."""
        again = replace(self.decoding, temperature=self.decoding.retry_temperature, beams=1)
        for turn in range(self.decoding.retries):
            rows = [row for row, texts in enumerate(tried) if all(self._repeats(one) for one in texts)]
            if not rows:
                break
            batch = [images[row] for row in rows], [[f"{keys[row]}\x00again {turn}"] for row in rows]
            (new,) = self.backend([batch], again)
            for row, texts in zip(rows, new, strict=True):
                tried[row] = [*tried[row], *texts]
        whole = [[_ended(one) for one in texts] for texts in tried]
        scores = self._scores(whole, keys, images)
        return [self._choose(*row) for row in zip(tried, whole, scores, strict=True)]

    def _repeats(self, one: Generated) -> bool:
        return repeated_share(one.text) > self.decoding.max_repetition

    def _scores(
        self, tried: Sequence[Sequence[Generated]], keys: Sequence[str], images: Sequence[Image]
    ) -> list[tuple[float | None, ...]]:
        """Of all texts of a batch, in one call of the scorer; None without one."""
        if self.scorer is None:
            return [(None,) * len(texts) for texts in tried]
        of = [row for row, texts in enumerate(tried) for _ in texts]
        flat = [one.text for texts in tried for one in texts]
        found = iter(self.scorer(flat, [keys[row] for row in of], [images[row] for row in of]))
        return [tuple(next(found) for _ in texts) for texts in tried]

    def _choose(self, raw: list[Generated], whole: list[Generated], scores: tuple[float | None, ...]) -> Generated:
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


def _draw(key: str, turn: int) -> str:
    """Names one sampling: the sample's id for its first candidate."""
    return key if turn == 0 else f"{key}\x00{turn}"


def _ended(one: Generated) -> Generated:
    """One that ran out of tokens, without its last half sentence."""
    if one.finish_reason != "length":
        return one
    text, cut = cut_at_sentence(one.text)
    return one._replace(text=text, cut=cut)
