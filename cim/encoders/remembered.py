"""A text encoder that has the vectors of its last batch ready."""

from cim.encoders.base import TextEncoder, Vectors


class RememberedBatch:
    """Meets TextEncoder by another one: the same texts a second time in a row are not encoded again.

    A step's captions are asked for by the reward, by its terms, and in validation by the judge of a captioner.
    """

    def __init__(self, encoder: TextEncoder) -> None:
        self._encoder = encoder
        self._last: tuple[list[str], Vectors] | None = None  # one object: threads may ask at once

    @property
    def dim(self) -> int:
        """The encoder's."""
        return self._encoder.dim

    @property
    def fingerprint(self) -> str:
        """The encoder's."""
        return self._encoder.fingerprint

    def encode_texts(self, texts: list[str]) -> Vectors:
        """As the encoder's; the array is the same one each time, and read-only."""
        last = self._last
        if last is None or last[0] != texts:
            vectors = self._encoder.encode_texts(texts)
            vectors.flags.writeable = False
            self._last = last = list(texts), vectors
        return last[1]
