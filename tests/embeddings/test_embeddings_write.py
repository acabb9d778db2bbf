"""A shard to vectors: content, precision, resume, bad images."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from fake_encoders import ShadeEncoder, counts, embed_one, gray, job_in, write_card, write_shard

from cim.atomic import marker_of, read_json
from cim.embeddings.share import Feed, embed_shards
from cim.embeddings.write import drop_stale_meta, write_meta
from cim.fingerprint import hash_list, hash_path
from cim.layout import Layout

SHADES = [3, 50, 7, 120, 64]


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    layout = Layout(tmp_path / "data")
    write_shard(layout.shards("train") / "train-000000.tar", SHADES)
    return layout


def direction(shade: int) -> np.ndarray:
    return np.array([1, shade + 1]) / np.hypot(1, shade + 1)


class TestShard:
    def test_image_vectors(self, layout: Layout) -> None:
        encoder, job = ShadeEncoder(), job_in(layout)
        assert counts(embed_one(job, encoder, 2)) == {"vectors": 5, "rejects": 0}
        assert encoder.batches == [2, 2, 1]
        vectors, rows = np.load(job.vectors), pl.read_parquet(job.rows)
        assert (vectors.dtype, vectors.shape, vectors.flags.c_contiguous) == (np.float16, (5, 2), True)
        assert rows.columns == ["id"]
        shade_of = write_shard(layout.shards("train") / "again.tar", SHADES)
        expected = np.stack([direction(shade_of[i]) for i in rows["id"]])
        # float16 keeps 11 bits: a coordinate below 1 is off by at most 2^-12.
        np.testing.assert_allclose(vectors.astype(float), expected, atol=2**-12)

    def test_one_row_a_caption(self, layout: Layout) -> None:
        job = job_in(layout, "text")
        assert counts(embed_one(job, ShadeEncoder(), 3)) == {"vectors": 10, "rejects": 0}
        rows, vectors = pl.read_parquet(job.rows), np.load(job.vectors)
        assert rows.columns == ["id", "caption"]
        assert set(rows["caption"]) == {str(shade + more) for shade in SHADES for more in (0, 100)}
        assert rows["id"].n_unique() == 5
        expected = np.stack([direction(int(caption)) for caption in rows["caption"]])
        np.testing.assert_allclose(vectors.astype(float), expected, atol=2**-12)

    def test_captions_of_images_without_any(self, tmp_path: Path) -> None:
        layout = Layout(tmp_path)
        write_shard(layout.shards("train") / "train-000000.tar", [], gray(1), gray(2))
        job = job_in(layout, "text")
        assert counts(embed_one(job, ShadeEncoder(), 3)) == {"vectors": 0, "rejects": 0}
        assert np.load(job.vectors, mmap_mode="r").shape == (0, 2)
        assert pl.read_parquet(job.rows).schema == {"id": pl.String, "caption": pl.String}

    def test_an_undecodable_image_is_named_and_the_others_are_embedded(self, tmp_path: Path) -> None:
        layout = Layout(tmp_path)
        write_shard(layout.shards("train") / "train-000000.tar", SHADES, gray(9)[:45], b"text")
        job = job_in(layout)
        facts = embed_one(job, ShadeEncoder(), 2)
        assert counts(facts) == {"vectors": 5, "rejects": 2}
        rejects = pl.read_parquet(job.rejects)
        assert set(rejects["reason"]) == {"corrupt image"}
        assert all(rejects["detail"])
        assert not set(rejects["id"]) & set(pl.read_parquet(job.rows)["id"])

    @pytest.mark.parametrize("role", ["image", "text"])
    def test_what_gets_no_finite_vector_is_named_and_counted(self, layout: Layout, role: str) -> None:
        """Shade 7, and the caption "7" of that image, are NaN; its other caption "107" is not."""

        class Planted(ShadeEncoder):
            def vectors(self, shades: list[int]) -> np.ndarray:
                found = super().vectors(shades)
                found[[shade == 7 for shade in shades]] = np.nan
                return found

        job, total = job_in(layout, role), {"image": 5, "text": 10}[role]
        assert counts(embed_one(job, Planted(), 3)) == {"vectors": total - 1, "rejects": 1}
        vectors, rows, rejects = np.load(job.vectors), pl.read_parquet(job.rows), pl.read_parquet(job.rejects)
        assert np.isfinite(vectors).all()
        assert len(rows) == len(vectors)
        shade_of = write_shard(layout.shards("train") / "again.tar", SHADES)
        assert [shade_of[i] for i in rejects["id"]] == [7]
        assert rejects["reason"].to_list() == ["no finite vector"]
        assert rejects["detail"].to_list() == ["7" if role == "text" else ""]
        shades = [int(c) for c in rows["caption"]] if role == "text" else [shade_of[i] for i in rows["id"]]
        np.testing.assert_allclose(vectors.astype(float), np.stack([direction(s) for s in shades]), atol=2**-12)


class TestResume:
    def test_done_means_all_files_of_this_very_work(self, layout: Layout) -> None:
        job = job_in(layout)
        assert job.done() is None
        facts = embed_one(job, ShadeEncoder(), 2)
        assert job.done() == facts
        assert job_in(layout, encoder="shade-2").done() is None
        job.rows.unlink()
        assert job.done() is None

    def test_other_shard_bytes_are_other_work(self, layout: Layout) -> None:
        job = job_in(layout)
        embed_one(job, ShadeEncoder(), 2)
        write_shard(job.shard, [1, 2])
        assert job_in(layout).done() is None

    def test_batch_size_changes_nothing(self, layout: Layout) -> None:
        job = job_in(layout)
        embed_one(job, ShadeEncoder(), 2)
        first = job.vectors.read_bytes()
        embed_one(job, ShadeEncoder(), 5)
        assert job.vectors.read_bytes() == first
        assert job.done() is not None

    def test_captions_and_images_are_different_work(self, layout: Layout) -> None:
        assert job_in(layout, "text").fingerprint() != job_in(layout, "image").fingerprint()

    @pytest.mark.parametrize("dies_at", ["write_parquet", "save"])
    def test_killed_between_files_the_old_marker_does_not_vouch(
        self, layout: Layout, monkeypatch: pytest.MonkeyPatch, dies_at: str
    ) -> None:
        job = job_in(layout)
        embed_one(job, ShadeEncoder(), 2)

        def die(*_: object, **__: object) -> None:
            raise KeyboardInterrupt

        monkeypatch.setattr(pl.DataFrame if dies_at == "write_parquet" else np, dies_at, die)
        with pytest.raises(KeyboardInterrupt):
            embed_shards([job_in(layout, encoder="shade-2")], ShadeEncoder("shade-2"), Feed(2))
        assert not marker_of(job.vectors).exists()
        assert sorted(path.name for path in job.folder.iterdir()) == ["train-000000.npy", "train-000000.parquet"]


class TestMeta:
    @pytest.fixture
    def meta(self, layout: Layout) -> Callable[[], dict[str, Any]]:
        def write() -> dict[str, Any]:
            job = job_in(layout)
            facts = job.done() or embed_one(job, ShadeEncoder(), 2)
            return write_meta(write_card(layout, "image"), [job], [facts])

        return write

    def test_says_what_readers_need(self, layout: Layout, meta: Callable[[], dict[str, Any]]) -> None:
        found = meta()
        assert read_json(layout.embeddings("image", "train") / "meta.json") == found
        assert (found["vectors"], found["rejects"], found["shards"], found["dim"]) == (5, 0, 1, 2)
        assert (found["encoder"], found["encoder_fingerprint"]) == ("shade", "shade-1")
        from cim.index.meta import EmbeddingMeta

        read = EmbeddingMeta.read(layout.embeddings("image", "train"))
        assert (read.fingerprint, read.content) == (found["fingerprint"], found["content"])

    def test_hashes_of_what_went_in_and_came_out(self, layout: Layout, meta: Callable[[], dict[str, Any]]) -> None:
        found, job = meta(), job_in(layout)
        paths = [job.shard, job.vectors, job.rows]
        assert read_json(marker_of(job.vectors))["facts"]["sha256"] == {path.name: hash_path(path) for path in paths}
        assert found["content"] == hash_list({job.shard.name: hash_path(job.shard)})
        assert found["markers"] == hash_list({marker_of(job.vectors).name: hash_path(marker_of(job.vectors))})

    def test_unchanged_work_leaves_the_file_alone(self, layout: Layout, meta: Callable[[], dict[str, Any]]) -> None:
        first = meta()
        path = layout.embeddings("image", "train") / "meta.json"
        before = path.stat().st_mtime_ns
        assert meta() == first
        assert path.stat().st_mtime_ns == before

    def test_goes_before_its_vectors_change(self, layout: Layout, meta: Callable[[], dict[str, Any]]) -> None:
        meta()
        path = layout.embeddings("image", "train") / "meta.json"
        drop_stale_meta([job_in(layout)])
        assert path.exists()
        drop_stale_meta([job_in(layout, encoder="shade-2")])
        assert not path.exists()
