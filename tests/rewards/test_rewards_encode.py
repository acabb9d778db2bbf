"""One odd caption costs nobody else's score, and a broken encoder is no caption's fault."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from word_gallery import reward

from cim.errors import CimError
from cim.rewards.retriever import Retriever, Unscorable
from cim.rewards.spaces import PLAIN, encode_each
from cim.text import has_text


class Picky:
    """Encodes texts to (length, 1), unless one of the batch holds "!", as tokenizers do; counts its calls."""

    def __init__(self, error=TypeError):
        self.error, self.calls = error, 0

    def __call__(self, texts):
        self.calls += 1
        if any("!" in text for text in texts):
            raise self.error("no text")
        return np.array([[len(text), 1] for text in texts], dtype=np.float32)


@given(st.lists(st.sampled_from(["a", "bb", "!", "ccc!"]), min_size=1, max_size=20))
def test_only_the_odd_ones_are_missing(captions):
    encoder = Picky()
    found = encode_each(encoder, captions)
    assert found.shape == (len(captions), 2)
    for caption, row in zip(captions, found, strict=True):
        assert np.isnan(row).all() if "!" in caption else row[0] == len(caption)
    if not any("!" in caption for caption in captions):
        assert encoder.calls == 1


@pytest.mark.parametrize("error", [CimError("a", "b", "c"), MemoryError(), KeyboardInterrupt()])
def test_what_is_no_caption_s_fault_passes_through(error):
    def encode(_):
        raise error

    with pytest.raises(type(error)):
        encode_each(encode, ["a", "b"])


def test_an_encoder_that_refuses_plain_text_is_broken():
    def encode(_):
        raise RuntimeError("no device")

    with pytest.raises(RuntimeError, match="no device"):
        encode_each(encode, ["a", "b"])
    assert has_text(PLAIN)


@pytest.mark.parametrize("nothing", ["", " \n\t", "\u200b\u200d\ufeff", "\x00\x07", "\ud800", "\u2028\u3000"])
def test_what_nobody_would_see_says_nothing(nothing):
    assert not has_text(nothing)
    assert has_text(nothing + "a")


def test_a_batch_with_odd_captions_scores_the_rest(world, monkeypatch):
    layout, encoder = world
    numbers = encoder.encode_texts

    def encode(texts):
        for text in texts:
            text.encode()  # as the tokenizers library does
        return numbers(["1 0" if text == PLAIN else text for text in texts])

    monkeypatch.setattr(encoder, "encode_texts", encode)
    retriever = Retriever.open(layout, reward())
    captions = ["1 0", "\ud800 1", "nan nan", "\u200b", "0 1"]
    found = retriever.attempt(captions, ["near", "near", "near", "near", "unknown"])
    assert found[0] == retriever.attempt(["1 0"], ["near"])[0]
    assert found[1] == found[2] == Unscorable("the encoder makes no vector of the caption")
    assert found[3] == Unscorable("empty after cleaning")
    assert found[4] == Unscorable("no image vector of the source")
    assert [one is None for one in retriever.score(captions[:4], ["near"] * 4)] == [False, True, True, True]
