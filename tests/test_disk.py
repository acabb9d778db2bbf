"""What libraries say of a full disk, each in its own words, is known as one; other errors are left as they are."""

import errno
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from full_disk import full_beyond

from cim.command import plain_exit
from cim.disk import disk_trouble
from cim.errors import CimError

BYTES = np.random.default_rng(0).integers(0, 256, 10_000, dtype=np.uint8)  # nothing to compress


def by_numpy(path: Path) -> None:
    np.save(path.with_suffix(".npy"), BYTES)


def by_polars(path: Path) -> None:
    pl.DataFrame({"a": BYTES}).write_parquet(path)


def by_safetensors(path: Path) -> None:
    from safetensors.numpy import save_file

    save_file({"a": BYTES}, path)


def by_python(path: Path) -> None:
    path.write_bytes(BYTES.tobytes())


@pytest.mark.parametrize("write", [by_python, by_numpy, by_polars, by_safetensors])
def test_every_library_of_ours(tmp_path: Path, write: Callable[[Path], None]) -> None:
    with full_beyond(1000), pytest.raises(Exception, match=r"too large|written") as refused:
        write(tmp_path / "file")
    trouble = disk_trouble(refused.value)
    assert trouble is not None
    assert trouble.found.startswith("a disk, or a folder of it, that refused a write (")


def test_torch_as_it_says_so() -> None:
    said = "[enforce fail at inline_container.cc:672] . unexpected pos 576 vs 534"
    assert disk_trouble(RuntimeError(said)) is not None


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EROFS, errno.EACCES])
def test_what_lies_beneath_another_error(code: int) -> None:
    try:
        try:
            raise OSError(code, "refused", "data/x.tar")
        except OSError as error:
            raise RuntimeError("could not save") from error
    except RuntimeError as error:
        trouble = disk_trouble(error)
    assert trouble is not None
    assert "data/x.tar" in trouble.found


@pytest.mark.parametrize(
    "error", [ValueError("5 requested"), FileNotFoundError(errno.ENOENT, "no"), CimError("File too large", "b", "c")]
)
def test_others_are_none(error: Exception) -> None:
    assert disk_trouble(error) is None


def test_a_command_ends_with_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="1"), plain_exit("shard"):
        raise OSError(errno.ENOSPC, "No space left on device", "data/shards/x.tar")
    assert capsys.readouterr().err == (
        "shard: found a disk, or a folder of it, that refused a write ([Errno 28] No space left on device:"
        " 'data/shards/x.tar'); expected room for what is made, in folders open to you. Remedy: free some or move the"
        " folder, and run the same command again; what was finished is kept\n"
    )
