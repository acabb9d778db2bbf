"""Several workers on the same shards; an encoder that is fed without a pause; failures that are one shard's own."""

import multiprocessing
import threading
import time
from math import inf
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fake_encoders import ShadeEncoder, counts, embed_one, gray, write_shard
from full_disk import full_beyond

from cim.embeddings.pieces import Prepare
from cim.embeddings.plan import EmbedJob, prune
from cim.embeddings.share import Feed, embed_shards
from cim.engines.workers import Workers
from cim.errors import CimError, TransientError
from cim.fingerprint import hash_path
from cim.layout import Layout
from cim.lock import file_lock

SHARDS, IMAGES = 6, 5
FORK = multiprocessing.get_context("fork")


def jobs_in(folder: Path, role: str = "image") -> list[EmbedJob]:
    layout = Layout(folder)
    jobs = []
    for number in range(SHARDS):
        shard = layout.shards("train") / f"train-{number:06d}.tar"
        if not shard.exists():
            write_shard(shard, [40 * number + i for i in range(IMAGES)])
        folder_of = layout.embeddings(role, "train")
        jobs.append(EmbedJob(role, shard, hash_path(shard), folder_of, layout.model(role), "shade-1"))
    return jobs


def files(jobs: list[EmbedJob]) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(jobs[0].folder.rglob("*")) if path.is_file()}


class Slow(ShadeEncoder):
    def encode_pixels(self, pixels: np.ndarray) -> np.ndarray:
        time.sleep(0.01)
        return super().encode_pixels(pixels)


@pytest.fixture
def undisturbed(tmp_path: Path) -> dict[str, bytes]:
    jobs = jobs_in(tmp_path / "alone")
    embed_shards(jobs, ShadeEncoder(), Feed(2, prefetch=0))
    return files(jobs)


def test_two_at_once_do_each_shard_once(tmp_path: Path, undisturbed: dict[str, bytes]) -> None:
    """6 shards of 5 images: 30 rows in all, whoever made them; each returns when all are there."""
    jobs, shares = jobs_in(tmp_path), list[Any]()

    def work() -> None:
        share = embed_shards(jobs, Slow(), Feed(2), inf)
        shares.append(share)
        assert all(job.done() for job in jobs)

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [share.done for share in shares] == [SHARDS, SHARDS]
    assert sum(share.rows for share in shares) == SHARDS * IMAGES
    assert files(jobs) == undisturbed


def test_what_another_is_at_is_left_to_it(tmp_path: Path) -> None:
    jobs = jobs_in(tmp_path)
    with file_lock(jobs[2].lock):
        share = embed_shards(jobs, ShadeEncoder(), Feed(2))
    assert (share.done, share.left) == (SHARDS - 1, [jobs[2]])
    assert jobs[2].done() is None


def die_at(jobs: list[EmbedJob]) -> None:
    class Deadly(ShadeEncoder):
        def encode_pixels(self, pixels: np.ndarray) -> np.ndarray:
            (jobs[0].folder / f".{jobs[1].shard.stem}.npy.half.npy").write_bytes(b"half")
            time.sleep(60)
            return pixels

    embed_shards(jobs[1:2], Deadly(), Feed(2))


def test_a_dead_one_s_shard_is_taken_over_and_swept(tmp_path: Path, undisturbed: dict[str, bytes]) -> None:
    jobs = jobs_in(tmp_path)
    other = FORK.Process(target=die_at, args=(jobs,))
    other.start()
    half = jobs[0].folder / f".{jobs[1].shard.stem}.npy.half.npy"
    while not half.exists():
        time.sleep(0.01)
    threading.Timer(0.3, other.kill).start()
    embed_shards(jobs, ShadeEncoder(), Feed(2), inf)
    other.join()
    assert files(jobs) == undisturbed


def test_prune_leaves_what_another_is_writing(tmp_path: Path) -> None:
    jobs = jobs_in(tmp_path)
    temporary = [job.folder / f".{job.shard.stem}.npy.x.npy" for job in jobs[:2]]
    temporary[0].parent.mkdir(parents=True)
    for path in temporary:
        path.write_bytes(b"")
    with file_lock(jobs[0].lock):
        prune(Layout(tmp_path), {("image", "train"): jobs})
        assert [path.exists() for path in temporary] == [True, False]


@pytest.mark.parametrize("role", ["image", "text"])
@pytest.mark.parametrize("prefetch", [0, 3])
def test_files_do_not_depend_on_how_they_were_made_ready(tmp_path: Path, role: str, prefetch: int) -> None:
    jobs = jobs_in(tmp_path, role)
    encoder = ShadeEncoder()
    embed_shards(jobs, encoder, Feed(2, prefetch))
    found = files(jobs)
    # 5 images a shard, two captions each: batches of 2 end with their shard
    assert encoder.batches == SHARDS * ([2, 2, 1] if role == "image" else [2] * 5)
    for job in jobs:
        embed_one(job, ShadeEncoder(), 3)
    assert files(jobs) == found


def test_processes_prepare_the_same(tmp_path: Path, undisturbed: dict[str, bytes]) -> None:
    jobs = jobs_in(tmp_path)
    workers = Workers(Prepare(ShadeEncoder.prepare), 2)
    embed_shards(jobs, ShadeEncoder(), Feed(2, 2, workers))
    assert files(jobs) == undisturbed


def test_the_next_shard_is_ready_before_the_encoder_asks(tmp_path: Path) -> None:
    """With batches of 5 and 10 pieces ahead, the images of both shards that follow are decoded while one is encoded."""
    jobs = jobs_in(tmp_path)
    ready: list[int] = []
    found: list[int] = []

    class Noting(ShadeEncoder):
        @staticmethod
        def prepare(image: Any) -> np.ndarray:
            ready.append(1)
            return np.array(image)

        def encode_pixels(self, pixels: np.ndarray) -> np.ndarray:
            wanted = min(SHARDS * IMAGES, 5 * (len(self.batches) + 2))  # this batch's and the next one's
            until = time.monotonic() + 10
            while len(ready) < wanted and time.monotonic() < until:
                time.sleep(0.001)
            found.append(len(ready) - wanted)
            return super().encode_pixels(pixels)

    embed_shards(jobs, Noting(), Feed(5, prefetch=2))
    assert len(found) == SHARDS
    assert min(found) >= 0


class TestFailures:
    def test_a_broken_shard_costs_no_other(self, tmp_path: Path) -> None:
        jobs = jobs_in(tmp_path)
        jobs[1].shard.write_bytes(jobs[1].shard.read_bytes()[:3000])
        said = r"1 of 6 shards that failed:\s+train-000001.tar \(image\): .* breaks off"
        with pytest.raises(CimError, match=said) as error:
            embed_shards(jobs, ShadeEncoder(), Feed(2))
        assert not isinstance(error.value, TransientError)
        assert [job.done() is not None for job in jobs] == [True, False, True, True, True, True]

    def test_what_the_encoder_cannot_take_may_pass(self, tmp_path: Path) -> None:
        class Once(ShadeEncoder):
            def encode_pixels(self, pixels: np.ndarray) -> np.ndarray:
                if len(self.batches) == 3:  # the first batch of the second shard
                    self.batches.append(0)
                    raise RuntimeError("out of memory")
                return super().encode_pixels(pixels)

        jobs, encoder = jobs_in(tmp_path), Once()
        with pytest.raises(TransientError, match="out of memory"):
            embed_shards(jobs, encoder, Feed(2))
        assert not any(job.lock.exists() for job in jobs)
        embed_shards(jobs, encoder, Feed(2))
        assert all(job.done() for job in jobs)

    def test_images_only_broken_leave_rejects(self, tmp_path: Path) -> None:
        jobs = jobs_in(tmp_path)[:1]
        write_shard(jobs[0].shard, [], gray(9)[:45], b"text")
        assert counts(embed_one(jobs[0], ShadeEncoder(), 2)) == {"vectors": 0, "rejects": 2}


@pytest.mark.parametrize("size", [300, 1000])
def test_a_full_disk_leaves_no_half_of_a_shard(tmp_path: Path, undisturbed: dict[str, bytes], size: int) -> None:
    """Refused are the ids (a table of about 900 bytes), or, with vectors as long as 1000 numbers, these."""
    jobs = jobs_in(tmp_path)
    encoder = ShadeEncoder() if size == 300 else Long()
    with full_beyond(size), pytest.raises(TransientError, match="a disk, or a folder of it, that refused a write"):
        embed_shards(jobs, encoder, Feed(2, prefetch=0))
    assert [job for job in jobs if job.done() is not None] == []
    assert not list(jobs[0].folder.rglob("*.npy"))
    embed_shards(jobs, ShadeEncoder(), Feed(2, prefetch=0))
    assert files(jobs) == undisturbed


class Long(ShadeEncoder):
    dim = 1000

    def encode_pixels(self, pixels: np.ndarray) -> np.ndarray:
        return np.pad(super().encode_pixels(pixels), ((0, 0), (0, 998)))
