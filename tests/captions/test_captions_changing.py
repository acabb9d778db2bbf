"""A corpus that changes under the captioner's hands: an error, and nothing is marked done."""

import io
import shutil
import tarfile
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from captioned_shards import LINEAGE, job_in, png, run, shade_engine

import cim.captions.commit
from cim.atomic import marker_of
from cim.captions.job import ShardJob
from cim.errors import CimError
from cim.readers.columns import Columns
from cim.readers.table import TableChunk

SHADES = [10, 20, 30, 40]
CHANGES = {"shrinks": SHADES[:2], "loses all": [], "grows": [*SHADES, 50], "has other images": [10, 20, 30, 41]}


def _tar(path: Path, shades: list[int]) -> None:
    with tarfile.open(path, "w") as tar:
        for number, shade in enumerate(shades):
            content = png(shade)
            member = tarfile.TarInfo(f"{number}.png")
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))


def _table(path: Path, shades: list[int]) -> None:
    pl.DataFrame({"image": [png(shade) for shade in shades]}, schema={"image": pl.Binary}).write_parquet(path)


@pytest.mark.parametrize("moment", ["captioned", "written"])
@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("kind", ["tar", "table"])
def test_a_source_that_changes_while_it_is_worked_on_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, change: str, moment: str
) -> None:
    """moment: when another, whole file takes its place. A chunk of a table that grows stays the same rows."""
    source = tmp_path / ("target-000000.tar" if kind == "tar" else "rows.parquet")
    write = _tar if kind == "tar" else _table
    write(source, SHADES)
    job = job_in(tmp_path, tar=True)
    if kind == "table":
        job = ShardJob(TableChunk("rows", str(source), Columns(), 0, 4), tmp_path / "out", "00000", 0, LINEAGE, True)

    def meanwhile() -> None:
        write(tmp_path / "other", CHANGES[change])
        (tmp_path / "other").replace(source)

    def captioning(images: list[Any], keys: list[str]) -> list[Any]:
        if moment == "captioned":
            meanwhile()
        return shade_engine(images, keys)

    real = cim.captions.commit.write_rejects

    def writing(*given: Any) -> None:
        if moment == "written":
            meanwhile()
        real(*given)

    with monkeypatch.context() as changing:
        changing.setattr(cim.captions.commit, "write_rejects", writing)
        if kind == "table" and change == "grows":
            assert run(job, captioning)["captions"] == 4
            return
        with pytest.raises(CimError, match="changed while it was captioned"):
            run(job, captioning)
    assert not marker_of(job.table).exists()
    assert not job.pairs.exists()
    assert run(job, shade_engine)["captions"] == len(CHANGES[change])  # as it is now


def test_without_a_tar_to_write_too(tmp_path: Path) -> None:
    _tar(tmp_path / "target-000000.tar", SHADES)
    _tar(tmp_path / "shorter", SHADES[:2])

    def captioning(images: list[Any], keys: list[str]) -> list[Any]:
        shutil.copy(tmp_path / "shorter", tmp_path / "target-000000.tar")
        return shade_engine(images, keys)

    with pytest.raises(CimError, match=r"target-000000\.tar changed while it was captioned"):
        run(job_in(tmp_path), captioning)
    assert not marker_of(job_in(tmp_path).table).exists()
