"""The reward benchmark's two sides give the same rewards; its figures follow from its times."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from fastapi.testclient import TestClient

from benchmarks.reward.baseline_server import K, app
from benchmarks.reward.gallery import SPLIT, Queries, sample_id, write_captions, write_gallery
from benchmarks.reward.measure import Bench, Guarded, Lookup, Measurements, found
from benchmarks.reward.synthetic_embeddings import fit
from benchmarks.reward.tables import speeds
from benchmarks.reward.turns import Turns
from cim.index.build import build_items, build_space
from cim.index.vectors import read_ids
from cim.layout import Layout
from cim.params.guards import CopiedGuard
from cim.params.retrieval import Index
from cim.records import IdentityScore
from cim.rewards.guards.base import GeneratedCaption
from cim.rewards.guards.copied import Copied, GalleryCaptions


@pytest.fixture
def gallery(tmp_path: Path) -> tuple[Layout, Queries]:
    rng = np.random.default_rng(0)
    real = rng.standard_normal((200, 16), dtype=np.float32)
    layout = Layout(tmp_path / "data")
    queries = write_gallery(layout, fit(real / np.linalg.norm(real, axis=1, keepdims=True), 24), 300, 20, seed=0)
    np.save(layout.root / "queries.npy", queries.vectors)
    return layout, queries


class TestGallery:
    def test_every_row_is_written_once_and_queries_are_none_of_them(self, gallery: tuple[Layout, Queries]) -> None:
        layout, queries = gallery
        folder = layout.embeddings("text", SPLIT)
        rows = np.load(folder / "gallery-000000.npy").astype(np.float32)
        ids = read_ids(folder / "gallery-000000.parquet")
        assert len(np.unique(rows, axis=0)) == len(np.unique(ids)) == 300
        np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1, atol=2e-3)
        assert (queries.vectors @ rows.T).max() < 0.9999
        assert set(queries.sources) <= {name.decode() for name in ids}

    def test_ids_differ(self) -> None:
        assert len({sample_id(row) for row in range(10_000)}) == 10_000
        assert {len(sample_id(row)) for row in range(10_000)} == {16}


class TestBothSides:
    def test_same_rewards_and_items(self, gallery: tuple[Layout, Queries]) -> None:
        layout, queries = gallery
        build_items(layout, [SPLIT], K)
        build_space(layout, "caption_text", Index(factory="Flat"), K)
        bench = Bench(layout, None, queries, queries, None, 20, None)  # type: ignore[arg-type]  # neither is asked
        ours = bench.retriever(Lookup(queries)).score(queries.captions, queries.sources)
        with TestClient(app(layout.root)) as client:
            asked = zip(queries.captions, queries.sources, strict=True)
            theirs = [client.post("/lookup", json={"caption": c, "source": s}).json() for c, s in asked]
        for mine, other in zip(ours, theirs, strict=True):
            assert mine is not None
            assert list(mine.ids) == other["ids"]
            assert [mine.grc, mine.qir, mine.total] == pytest.approx(
                [other[n] for n in ("grc", "qir", "total")], abs=1e-5
            )


class TestGuards:
    def test_the_gallery_s_captions_are_real_words_and_copies_are_found(self, tmp_path: Path) -> None:
        captions = ["a black dog runs through the shallow water", "two cats"]
        file = tmp_path / "captions.parquet"
        write_captions(file, captions, 5, seed=0)
        rows = pl.read_parquet(file)
        assert [sorted(said.split()) for said in rows["caption"]] == [sorted(captions[i % 2].split()) for i in range(5)]
        guard = Copied(CopiedGuard(), GalleryCaptions((file,)))
        assert guard(GeneratedCaption(rows["caption"][0], id="another")) == -1
        Guarded([GeneratedCaption(caption, "Describe.") for caption in captions], file)()

    def test_what_is_done_besides_is_in_our_time(self) -> None:
        one = Measurements(
            "flat", "Flat", {}, 0, 0, None, None, [], 0, 0, Turns(10, [1], [2], [1]), *[Turns(10, [1], [4], [1])] * 2
        )
        assert speeds([one]).splitlines()[-2:] == [  # 10 captions in 2 s and in 4 s, the baseline 1 a second
            "| flat | 5 | 5.0 | 2 | 2.5 |",
            "| flat, with the default reward's guards | 2 | 2.5 | | |",
        ]


class TestFigures:
    """Two turns of 10 captions: ours 2 s and 4 s a batch, the baseline 1 s and 3 s a caption."""

    turns = Turns(10, sgemm=[1.0, 2.0], ours=[2.0, 4.0], baseline=[1.0, 3.0])

    def test_rate_and_times(self) -> None:
        assert self.turns.rate == pytest.approx(10 / 3)  # median of 2 s and 4 s
        assert self.turns.times == pytest.approx((10 / 2 + 30 / 4) / 2)  # each turn's own ratio: 5 and 7.5

    def test_share_of_sgemm(self) -> None:
        """2 * 10 * 1e6 rows * 100 dims = 2 GFLOP: 1 and 0.5 GFLOP/s, of 1 and 2 GFLOP/s."""
        one = Measurements("flat", "Flat", {}, 0, 0, None, None, [], 0, 0, self.turns, self.turns, self.turns)
        assert one.of_sgemm(1_000_000, 100) == pytest.approx((0.75, (1 + 0.25) / 2))

    def test_found(self) -> None:
        def score(*ids: str) -> IdentityScore:
            return IdentityScore(0, 0, 0, ids, (), ())

        assert found([score("a", "b"), score("c", "d")], [score("b", "a"), score("c", "x")]) == 0.75
