"""A text encoder that has the vectors of its last batch ready."""

from collections.abc import Sequence

from cim.encoders.base import TextEncoder, Vectors


class RememberedBatch:
    """Meets TextEncoder by another one: the same texts a second time in a row are not encoded again.

    A step's captions are asked for by the reward, by its terms, and in validation by the judge of a captioner.
    """

    def __init__(self, encoder: TextEncoder) -> None:
        self._encoder = encoder
        self._texts: Sequence[str] | None = None
        self._vectors: Vectors

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
        if self._texts != texts:
            self._vectors = self._encoder.encode_texts(texts)
            self._vectors.flags.writeable = False
            self._texts = list(texts)
        return self._vectors
