import numpy as np
import pytest

from cim.encoders.base import Vectors
from cim.encoders.remembered import RememberedBatch


class Lengths:
    """A text's vector is its length. Counts what it is asked."""

    dim, fingerprint = 1, "lengths"

    def __init__(self) -> None:
        self.asked: list[list[str]] = []

    def encode_texts(self, texts: list[str]) -> Vectors:
        self.asked.append(texts)
        return np.array([[len(text)] for text in texts], np.float32)


def test_the_same_batch_is_encoded_once() -> None:
    plain = Lengths()
    encoder = RememberedBatch(plain)
    texts = ["a", "bcd"]
    assert [encoder.encode_texts(texts).tolist(), encoder.encode_texts([*texts]).tolist()] == [[[1], [3]]] * 2
    texts.append("ef")  # a caller's list that grew is another batch
    assert encoder.encode_texts(texts).tolist() == [[1], [3], [2]]
    assert encoder.encode_texts(["a", "bcd"]).tolist() == [[1], [3]]  # only the last one is remembered
    assert len(plain.asked) == 3


def test_it_is_the_encoder_in_all_else() -> None:
    assert (RememberedBatch(Lengths()).dim, RememberedBatch(Lengths()).fingerprint) == (1, "lengths")


def test_nobody_writes_into_what_is_remembered() -> None:
    with pytest.raises(ValueError, match="read-only"):
        RememberedBatch(Lengths()).encode_texts(["a"])[0] = 2


def test_a_batch_that_fails_is_not_remembered() -> None:
    class Failing(Lengths):
        def encode_texts(self, texts: list[str]) -> Vectors:
            if super().encode_texts(texts).max() > 3:
                raise ValueError("too long")
            return super().encode_texts(texts)

    encoder = RememberedBatch(Failing())
    for _ in range(2):
        with pytest.raises(ValueError, match="too long"):
            encoder.encode_texts(["abcd"])
    assert encoder.encode_texts(["a"]).tolist() == [[1]]


def test_a_thread_gets_what_it_asked_for() -> None:
    """Another one asks while its batch is encoded, and is done before."""

    class Interrupted(Lengths):
        def encode_texts(self, texts: list[str]) -> Vectors:
            if texts == ["slow"]:
                assert encoder.encode_texts(["other one"]).tolist() == [[9]]
            return super().encode_texts(texts)

    encoder = RememberedBatch(Interrupted())
    assert encoder.encode_texts(["slow"]).tolist() == [[4]]
    assert encoder.encode_texts(["other one"]).tolist() == [[9]]
