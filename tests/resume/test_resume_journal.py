"""A partly done shard goes on at the sample: what is asked again after a kill, counted; journals cut anywhere."""

import json
import os
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from noting import Noting, finish, planned

import cim.captions.shard
from benchmarks.chaos.worker import make_corpus
from cim.atomic import unmark
from cim.captions.job import ShardJob
from cim.captions.journal import open_journal


# 14 samples of which 0 and 13 are broken, in windows of 8 usable ones: samples 0-8 and 9-13. Asked two at a time, the
# last first: (7, 8) (5, 6) (3, 4) (1, 2), then (11, 12) (9, 10): six batches.
@pytest.mark.parametrize(
    ("dies", "before"),
    [
        (0, 0),
        (1, 2),
        (3, 6),  # in the middle of a window: the broken sample 0 is noted at its end
        (4, 9),
        (5, 11),
    ],
)
def test_a_resumed_shard_asks_for_the_batches_that_are_missing(
    corpus: Path, tmp_path: Path, dies: int, before: int
) -> None:
    whole, first, second = Noting(), Noting(dies), Noting()
    finish(planned(corpus, tmp_path / "undisturbed")[0], whole)
    job = planned(corpus, tmp_path / "out")[0]
    with pytest.raises(KeyboardInterrupt):
        finish(job, first)
    outcome = finish(job, second)
    assert [len(batch) for batch in whole.batches] == [2] * 6
    assert first.batches + second.batches == whole.batches
    assert (outcome.before, outcome.facts["images"]) == (before, 14)


@pytest.mark.parametrize("dies", [2, 5])
def test_of_a_torn_batch_the_whole_is_made_again(corpus: Path, tmp_path: Path, dies: int) -> None:
    """The second of its two captions was half written: one is there, both are asked for, none is doubled."""
    whole, second = Noting(), Noting()
    finish(planned(corpus, tmp_path / "undisturbed")[0], whole)
    job = planned(corpus, tmp_path / "out")[0]
    with pytest.raises(KeyboardInterrupt):
        finish(job, Noting(dies))
    os.truncate(job.journal, job.journal.stat().st_size - 9)
    assert finish(job, second).before == {2: 3, 5: 10}[dies]  # one less than in the journal
    assert second.batches == whole.batches[dies - 1 :]
    assert captions_in(job) == captions_in(planned(corpus, tmp_path / "undisturbed")[0])


def captions_in(job: ShardJob) -> list[tuple[Any, ...]]:
    return pl.read_parquet(job.table).rows()


@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_a_journal_cut_anywhere_is_gone_on_from(journalled: tuple[ShardJob, bytes, bytes, int], data: Any) -> None:
    """The same tar; no image is asked for whose whole batch is there."""
    job, journal, tar, header = journalled
    cut = data.draw(st.integers(0, len(journal)))
    unmark(job.table)
    job.journal.write_bytes(journal[:cut])
    engine = Noting()
    whole_lines = [json.loads(line.split(b" ", 1)[1]) for line in journal[header:cut].split(b"\n")[:-1]]
    there = {record["at"] for record in whole_lines if "at" in record}
    kept = sum(set(batch) <= there for batch in BATCHES)
    assert finish(job, engine).before == len(there)
    assert len(engine.batches) == len(BATCHES) - kept
    assert job.pairs.read_bytes() == tar


BATCHES = [(7, 8), (5, 6), (3, 4), (1, 2), (11, 12), (9, 10)]


@pytest.fixture(scope="module")
def journalled(tmp_path_factory: pytest.TempPathFactory) -> tuple[ShardJob, bytes, bytes, int]:
    """A shard's job, its whole journal, its tar, and how long the journal's first line is."""
    root = tmp_path_factory.mktemp("journalled")
    make_corpus(root / "corpus", 1, 14)
    job, kept = planned(root / "corpus", root / "out")[0], list[bytes]()
    real = cim.captions.shard.commit

    def noted(job: ShardJob, *rest: Any) -> Any:
        kept.append(job.journal.read_bytes())
        return real(job, *rest)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(cim.captions.shard, "commit", noted)
        finish(job, Noting())
    return job, kept[0], job.pairs.read_bytes(), kept[0].index(b"\n") + 1


def test_a_journal_that_rotted_counts_up_to_there(journalled: tuple[ShardJob, bytes, bytes, int]) -> None:
    job, journal, tar, _ = journalled
    unmark(job.table)
    third = [at for at, byte in enumerate(journal) if byte == ord("\n")][3]  # the header and two samples before it
    job.journal.write_bytes(journal[: third - 9] + b"X" + journal[third - 8 :])
    engine = Noting()
    assert finish(job, engine).before == 2  # a whole batch
    assert len(engine.batches) == 5
    assert job.pairs.read_bytes() == tar


def test_what_a_run_takes_back_is_gone_and_what_was_there_before_stays(tmp_path: Path) -> None:
    for records in (["kept", "too"], ["not kept"]):
        with open_journal(tmp_path / "journal", "this") as journal:
            journal.append(records)
            if records == ["not kept"]:
                journal.take_back()
    with open_journal(tmp_path / "journal", "this") as journal:
        assert journal.found == ["kept", "too"]
