"""Fitting: batches of neighbours, wrong captions, and that something is learned."""

import random

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scene_gallery import TINY, scenes

from cim.encoders.fit import fit_clip, normalised, warmup_cosine
from cim.encoders.hard_negatives import WrongCaptions, batches
from cim.encoders.pairs import _decoded
from cim.errors import CimError


class TestWrongCaptions:
    def test_a_word_becomes_one_seen_between_the_same_neighbours(self) -> None:
        # Between "the" and "of" stand left and right; every other place has one word only.
        wrong = WrongCaptions(["to the left of", "to the right of"])
        assert {wrong("to the left of", random.Random(i)) for i in range(9)} == {"to the right of"}

    def test_two_words_swap(self) -> None:
        # "red" and "blue" both fit "a _ star" and "a _ box". Exchanging instead would give red red or blue blue.
        wrong = WrongCaptions(["a red star on a blue box", "a blue star on a red box"])
        found = {wrong("a red star on a blue box", random.Random(i)) for i in range(40)}
        assert "a blue star on a red box" in found
        assert "a red star on a blue box" not in found

    def test_nothing_fits_an_unknown_caption(self) -> None:
        assert WrongCaptions(["one two three"])("four five", random.Random(0)) is None

    @given(st.lists(st.text("ab. é", max_size=8), min_size=1, max_size=6), st.integers(0, 9))
    def test_never_the_caption_itself(self, captions: list[str], seed: int) -> None:
        wrong = WrongCaptions(captions)
        for caption in captions:
            if (found := wrong(caption, random.Random(seed))) is not None:
                assert found.split() != caption.lower().split()


class TestBatches:
    @given(st.integers(2, 40), st.integers(2, 50), st.booleans())
    def test_each_number_at_most_once(self, n: int, size: int, compared: bool) -> None:
        rng = np.random.default_rng(0)
        features = rng.normal(size=(n, 3)).astype(np.float32) if compared else None
        found = list(batches(features, n, size, 4, rng))
        assert [len(batch) for batch in found] == [min(n, size)] * max(1, n // size)
        flat = np.concatenate(found)
        assert len(set(flat.tolist())) == len(flat)
        assert set(flat.tolist()) <= set(range(n))

    def test_twins_share_a_batch(self) -> None:
        # Four directions, each twice: with groups of two, every batch of two is a pair of twins.
        features = np.repeat(np.eye(4, dtype=np.float32), 2, axis=0)
        for batch in batches(features, 8, 2, 2, np.random.default_rng(3)):
            assert batch[0] // 2 == batch[1] // 2


class TestFit:
    def test_pairs_are_told_apart(self) -> None:
        """Trained on what is asked: 16 scenes found again by caption, far above 1 in 16."""
        pixels, captions = scenes(16)
        fitted = fit_clip(TINY.model_copy(update={"epochs": 40}), pixels, captions, "cpu")
        assert fitted.losses[-1] < 0.5 * fitted.losses[0]
        import open_clip

        length = fitted.config["model_cfg"]["text_cfg"]["context_length"]
        tokens = open_clip.SimpleTokenizer(context_length=length)([one[0] for one in captions])
        with torch.inference_mode():
            image = fitted.model.encode_image(normalised(torch.from_numpy(pixels).permute(0, 3, 1, 2)), normalize=True)
            text = fitted.model.encode_text(tokens, normalize=True)
        found = (image @ text.T).argmax(1) == torch.arange(16)
        assert found.float().mean() > 0.7

    def test_repeats_and_leaves_the_global_random_state(self) -> None:
        pixels, captions = scenes(8)
        torch.manual_seed(5)
        before = torch.get_rng_state()
        first, second = (fit_clip(TINY, pixels, captions, "cpu") for _ in range(2))
        assert torch.equal(before, torch.get_rng_state())
        assert first.losses == second.losses
        other = fit_clip(TINY.model_copy(update={"seed": 1}), pixels, captions, "cpu")
        assert other.losses != first.losses

    def test_captions_without_negatives_are_enough(self) -> None:
        fitted = fit_clip(TINY, scenes(2)[0], [["ein Kreis"], ["二つの星"]], "cpu")
        assert np.isfinite(fitted.losses).all()

    @pytest.mark.parametrize(("count", "captions"), [(1, [["a"]]), (2, [["a"]]), (2, [["a"], []])])
    def test_refuses_what_can_not_be_fitted(self, count: int, captions: list[list[str]]) -> None:
        with pytest.raises(CimError, match="at least 2"):
            fit_clip(TINY, np.zeros((count, 32, 32, 3), np.uint8), captions, "cpu")

    def test_learning_rate_rises_then_falls(self) -> None:
        # 20 steps: 2 of warm-up, then half a cosine over 18; its middle (step 11) is one half.
        rates = [warmup_cosine(step, 20) for step in range(20)]
        assert rates[:3] == [0.5, 1.0, 1.0]
        assert rates[11] == pytest.approx(0.5)
        assert rates[2:] == sorted(rates[2:], reverse=True)


def test_a_broken_image_is_no_pair() -> None:
    assert _decoded(b"\x89PNG\r\n\x1a\n broken") is None
