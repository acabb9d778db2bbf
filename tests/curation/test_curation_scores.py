"""Scores learned and given, and texts that go to other images."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from curated_corpora import TopicEncoder, encoded, picture

from cim.curation.encoders import Encoders
from cim.curation.given import read_scores, with_scores
from cim.curation.labels import fit_scorer
from cim.curation.reassign import reassign
from cim.encoders.scorer import Scorer, fit
from cim.errors import CimError
from cim.params.curate import LearnedScore, TableScore
from cim.params.images import ImageLimits

EYE = np.eye(4, dtype=np.float16)


def test_a_text_goes_to_the_image_that_finds_it() -> None:
    """Images 0 and 1 are without a text. Text 0 is kept; 1 and 2 may move. Image 0 finds text 1 first, image 1 text 0,
    which is kept, and after it text 2: within 2, not within 1."""
    images = np.array([[1, 0, 0], [0, 0.8, 0.6]], np.float16)
    texts = np.array([[0, 1, 0], [1, 0, 0], [0, 0, 1]], np.float16)
    free = np.array([False, True, True])
    assert [found.tolist() for found in reassign(images, texts, free, 1)[:2]] == [[1], [0]]
    text, image, score = reassign(images, texts, free, 2)
    assert (text.tolist(), image.tolist()) == ([1, 2], [0, 1])
    assert score == pytest.approx([1, 0.6], abs=1e-3)


def test_of_two_images_that_find_a_text_the_better_gets_it_and_the_other_the_next() -> None:
    images = np.array([[0.8, 0.6], [1, 0]], np.float16)
    texts = np.array([[1, 0], [0.6, 0.8]], np.float16)  # products: image 0: 0.8, 0.96; image 1: 1, 0.6
    text, image, _ = reassign(images, texts, np.array([True, True]), 2)
    assert (text.tolist(), image.tolist()) == ([0, 1], [1, 0])
    images = np.array([[1, 0], [0.8, 0.6]], np.float16)  # both find text 0 first
    text, image, _ = reassign(images, EYE[:2, :2], np.array([True, False]), 1)
    assert (text.tolist(), image.tolist()) == ([0], [0])


@pytest.mark.parametrize("free", [False, True])
def test_nothing_moves_where_nothing_can(free: bool) -> None:
    images, texts = (EYE[:0], EYE) if free else (EYE, EYE)
    assert [len(found) for found in reassign(images, texts, np.full(4, free), 1)] == [0, 0, 0]


def test_a_scorer_learns_which_dimensions_count(tmp_path: Path) -> None:
    """The first dimension is noise, the second tells right from wrong: a plain cosine is no use, the scorer is."""
    rng = np.random.default_rng(0)
    images, texts = rng.choice([-1.0, 1.0], (2, 400, 2))
    labels = (images[:, 1] == texts[:, 1]).astype(float)
    scorer = fit(images, texts, labels, prior=1.0)
    assert scorer.weights[1] > 4 > abs(scorer.weights[0])
    chances = scorer.chance((images * scorer.queries(texts)).sum(axis=1))
    assert ((chances > 0.5) == (labels == 1)).all()
    scorer.save(tmp_path / "scorer.safetensors")
    again = Scorer.load(tmp_path / "scorer.safetensors")
    assert (again.weights == scorer.weights).all()
    assert again.bias == scorer.bias
    assert again.encoder is None  # of vectors that nobody has named
    replace(scorer, encoder="a+b").save(tmp_path / "scorer.safetensors")
    assert Scorer.load(tmp_path / "scorer.safetensors").encoder == "a+b"


def test_a_strong_prior_leaves_the_plain_cosine() -> None:
    rng = np.random.default_rng(0)
    images, texts = rng.choice([-1.0, 1.0], (2, 400, 2))
    scorer = fit(images, texts, (images[:, 1] == texts[:, 1]).astype(float), prior=1e9)
    assert scorer.weights[0] == pytest.approx(scorer.weights[1], rel=1e-3)


class TestLabels:
    def table(self, folder: Path, **columns: list[object]) -> LearnedScore:
        for topic in range(3):
            (folder / f"{topic}.png").write_bytes(encoded(picture(topic, topic)))
        pl.DataFrame(columns).write_csv(folder / "labels.csv")
        return LearnedScore(kind="learned", labels=str(folder / "labels.csv"), prior=0.01)

    def fit(self, params: LearnedScore) -> Scorer:
        return fit_scorer(params, Encoders([TopicEncoder()]), ImageLimits(), 2)

    def test_pairs_of_a_table_are_learned_from(self, tmp_path: Path) -> None:
        names, topics = ["0.png", "1.png", "2.png"] * 3, [0, 1, 2, 1, 2, 0, 2, 0, 1]
        labels = [1, 1, 1, 0, 0, 0, 0, 0, 0]
        scorer = self.fit(self.table(tmp_path, image=names, caption=[f"topic {one}" for one in topics], label=labels))
        right, wrong = scorer.chance(np.array([scorer.weights[0], 0.0]))
        assert right > 0.9 > 0.1 > wrong
        assert scorer.encoder == "topics"

    def test_what_is_wrong_with_a_table_is_told(self, tmp_path: Path) -> None:
        with pytest.raises(CimError, match=r"without the columns \['label'\]"):
            self.fit(self.table(tmp_path, image=["0.png"], caption=["a"]))
        with pytest.raises(CimError, match=r"1 of 2 labels in .* that are no number"):
            self.fit(self.table(tmp_path, image=["0.png", "1.png"], caption=["a", "b"], label=["yes", "1"]))
        with pytest.raises(CimError, match=r"the labelled image 9\.png"):
            self.fit(self.table(tmp_path, image=["9.png", "0.png"], caption=["a", "b"], label=[0, 1]))
        with pytest.raises(CimError, match="no readable table"):
            self.fit(LearnedScore(kind="learned", labels=str(tmp_path / "none.csv")))


class TestGiven:
    ROWS = pl.DataFrame(
        {"id": ["a", "a", "b"], "caption": ["one", "two", None], "reason": [None, None, "no"], "score": [None] * 3},
        schema={"id": pl.String, "caption": pl.String, "reason": pl.String, "score": pl.Float64},
    )

    def given(self, path: Path, column: str = "score", **columns: list[object]) -> pl.DataFrame:
        pl.DataFrame(columns).write_parquet(path / "scores.parquet")
        return read_scores(TableScore(kind="table", path=str(path / "scores.parquet"), column=column))

    def test_scores_find_their_pairs(self, tmp_path: Path) -> None:
        given = self.given(tmp_path, id=["a", "a", "c"], caption=["two", "one", "more"], score=[0.5, None, 1.0])
        assert with_scores(self.ROWS, given, "t")["score"].to_list() == [None, 0.5, None]

    def test_scores_of_other_captions_are_refused(self, tmp_path: Path) -> None:
        given = self.given(tmp_path, id=["a", "a"], caption=["one", "before it was mended"], score=[1.0, 2.0])
        with pytest.raises(CimError, match=r"1 of 2 pairs without a row in t, the first 'two' of image a"):
            with_scores(self.ROWS, given, "t")

    def test_tables_of_another_kind_are_refused(self, tmp_path: Path) -> None:
        with pytest.raises(CimError, match=r"without the columns \['score'\] .*mend curate.score.column"):
            self.given(tmp_path, id=["a"], caption=["one"], clip=[1.0])
        with pytest.raises(CimError, match=r"of type String; expected numbers"):
            self.given(tmp_path, "clip", id=["a"], caption=["one"], clip=["1.0"])
        with pytest.raises(CimError, match=r"two scores in .* for 'one' of image a"):
            self.given(tmp_path, id=["a", "a"], caption=["one", "one"], score=[1.0, 2.0])
        (tmp_path / "scores.parquet").write_text("no")
        with pytest.raises(CimError, match="no readable table"):
            read_scores(TableScore(kind="table", path=str(tmp_path / "scores.parquet")))
