"""Re-captioning where the disk itself refuses: files cut short half-way, folders that can't be written to."""

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from full_disk import read_only
from noting import Noting, finish, planned

from benchmarks.chaos.trials import contents
from cim.captions.job import ShardJob
from cim.captions.output import prepare
from cim.errors import CimError


def without_tars(jobs: list[ShardJob], what: str) -> list[ShardJob]:
    return [replace(job, tar=what == "tars") for job in jobs]


def captioned(corpus: Path, out: Path, what: str) -> dict[str, bytes]:
    """The files of a run to the end, tars and tables or tables alone. The card is of another kind of run."""
    for job in without_tars(planned(corpus, out), what):
        finish(job, Noting())
    return {name: content for name, content in contents(out).items() if name != "recaption.json"}


@pytest.mark.parametrize(
    ("stops_in", "what"), [(".00000.journal", "tars"), ("00000.tar", "tars"), ("00000.parquet", "tables")]
)
def test_a_file_that_is_cut_short_is_made_again_by_the_next_run(
    corpus: Path, tmp_path: Path, root: Path, stops_in: str, what: str
) -> None:
    """No file may be longer than the limit: the system lets a write end there, and refuses the next."""
    whole = captioned(corpus, tmp_path / "undisturbed", what)
    # The tar would get 71,680 bytes long, the table 9,919; the journal, with 3,841, is the shortest of the three.
    limits = {".00000.journal": 1000, "00000.tar": 20_000, "00000.parquet": 7500}
    command = [sys.executable, str(root / "tests/resume/limited_worker.py"), str(limits[stops_in]), what]
    environment = os.environ | {"PYTHONPATH": str(root)}
    done = subprocess.run([*command, corpus, tmp_path / "out"], env=environment, capture_output=True, text=True)
    assert done.returncode == 1
    assert "File too large" in done.stderr
    left = contents(tmp_path / "out")
    assert not [name for name in left if name.lstrip(".").startswith(("00000.tar", "00000.parquet"))]
    assert (len(left[".00000.journal"]) == 1000) == (stops_in == ".00000.journal")  # cut within a record
    (tmp_path / "out/recaption.json").write_text("{}")
    assert captioned(corpus, tmp_path / "out", what) == whole


@pytest.mark.skipif(sys.platform != "linux" and os.geteuid() == 0, reason="nothing binds root here")
class TestReadOnly:
    def test_output_is_said_before_any_work(self, corpus: Path, tmp_path: Path) -> None:
        jobs = planned(corpus, tmp_path / "out")
        (tmp_path / "out/recaption.json").write_text("{}")
        with (
            read_only(tmp_path / "out"),
            pytest.raises(CimError, match=r"out can't be written \(Permission denied\)"),
        ):
            prepare(tmp_path / "out", jobs)

    @pytest.mark.parametrize(("where", "batches"), [("out", 6), ("out/rejects", 0)])
    def test_folders_fail_a_shard_and_a_rerun_mends_it(
        self, corpus: Path, tmp_path: Path, where: str, batches: int
    ) -> None:
        """Without its lock no shard is begun; one whose rejects can't be written keeps its captions."""
        whole = captioned(corpus, tmp_path / "undisturbed", "tars")
        job, rerun = planned(corpus, tmp_path / "out")[0], Noting()
        (tmp_path / "out/rejects").mkdir()
        with read_only(tmp_path / where), pytest.raises(PermissionError):
            finish(job, Noting())
        assert job.done() is None
        finish(job, rerun)
        assert len(rerun.batches) == batches
        assert captioned(corpus, tmp_path / "out", "tars") == whole
