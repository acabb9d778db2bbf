"""Vectors of short phrases, each computed once."""

from collections.abc import Callable, Iterable, Sequence

import numpy as np
import numpy.typing as npt

Vectors = npt.NDArray[np.float32]
Encode = Callable[[list[str]], Vectors]  # n texts to (n, d) unit vectors

BATCH = 256


class Phrases:
    """A sentence encoder that remembers; phrases come back in many captions."""

    def __init__(self, encode: Encode) -> None:
        self._encode = encode
        self._known: dict[str, Vectors] = {}

    def learn(self, phrases: Iterable[str]) -> None:
        """Encode those not seen yet, in batches of like length."""
        new = sorted({phrase for phrase in phrases if phrase not in self._known}, key=lambda text: (len(text), text))
        for start in range(0, len(new), BATCH):
            batch = new[start : start + BATCH]
            vectors = np.nan_to_num(self._encode(batch))  # no direction: like nothing else
            self._known.update(zip(batch, vectors, strict=True))

    def __getitem__(self, phrase: str) -> Vectors:
        """(d,) the unit vector of a phrase; zeros where there is none."""
        if phrase not in self._known:
            self.learn([phrase])
        return self._known[phrase]

    def cosines(self, ours: Sequence[str], theirs: Sequence[str]) -> Vectors:
        """(len(ours), len(theirs)) cosines, neither side empty."""
        self.learn([*ours, *theirs])
        left, right = (np.stack([self[phrase] for phrase in side]) for side in (ours, theirs))
        return np.asarray(left @ right.T, dtype=np.float32)
