"""Files are whole or absent, whatever happens in the middle."""

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cim.atomic import done_facts, mark_done, marker_of, read_json, replacing, write_bytes, write_json

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


class TestReplacing:
    def test_makes_folders_and_leaves_nothing_else(self, tmp_path: Path) -> None:
        write_bytes(tmp_path / "a/b/file.bin", b"\x00content")
        assert (tmp_path / "a/b/file.bin").read_bytes() == b"\x00content"
        assert [path.name for path in (tmp_path / "a/b").iterdir()] == ["file.bin"]

    def test_an_error_keeps_the_old_content(self, tmp_path: Path) -> None:
        path = tmp_path / "file.txt"
        write_bytes(path, b"old")

        def fail_in_the_middle() -> None:
            with replacing(path) as temporary:
                temporary.write_bytes(b"half of the n")
                raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            fail_in_the_middle()
        assert path.read_bytes() == b"old"
        assert list(tmp_path.iterdir()) == [path]

    def test_kill_in_the_middle_keeps_the_old_content(self, tmp_path: Path) -> None:
        path = tmp_path / "file.txt"
        write_bytes(path, b"old")
        code = (
            "import os, signal, sys; from pathlib import Path; from cim.atomic import replacing\n"
            "with replacing(Path(sys.argv[1])) as t:\n"
            "    t.write_bytes(b'half of the n'); os.kill(os.getpid(), signal.SIGKILL)"
        )
        done = subprocess.run([sys.executable, "-c", code, str(path)], cwd=Path(__file__).parents[1])
        assert done.returncode == -signal.SIGKILL
        assert path.read_bytes() == b"old"
        write_bytes(path, b"new")  # what the kill left does not stand in the way
        assert path.read_bytes() == b"new"

    def test_keeps_the_suffix_for_writers_that_look_at_it(self, tmp_path: Path) -> None:
        with replacing(tmp_path / "x.npy") as temporary:
            assert temporary.suffix == ".npy"

    def test_others_may_read(self, tmp_path: Path) -> None:
        write_bytes(tmp_path / "x", b"")
        assert (tmp_path / "x").stat().st_mode & 0o777 == 0o644


class TestJson:
    @given(JSON)
    def test_round_trip(self, tmp_path_factory: pytest.TempPathFactory, value: Any) -> None:
        path = tmp_path_factory.getbasetemp() / "value.json"
        write_json(path, value)
        assert read_json(path) == value

    def test_no_nan(self, tmp_path: Path) -> None:
        with pytest.raises(ValueError, match="JSON compliant"):
            write_json(tmp_path / "x.json", float("nan"))
        assert list(tmp_path.iterdir()) == []


class TestDone:
    def test_done_only_with_the_same_fingerprint(self, tmp_path: Path) -> None:
        artefact = tmp_path / "a.npy"
        write_bytes(artefact, b"x")
        assert done_facts(artefact, "f1") is None
        mark_done(artefact, "f1", count=3)
        assert done_facts(artefact, "f1") == {"count": 3}
        assert done_facts(artefact, "f2") is None

    def test_without_facts_is_still_done(self, tmp_path: Path) -> None:
        write_bytes(tmp_path / "a", b"x")
        mark_done(tmp_path / "a", "f")
        assert done_facts(tmp_path / "a", "f") == {}

    def test_artefact_gone(self, tmp_path: Path) -> None:
        write_bytes(tmp_path / "a", b"x")
        mark_done(tmp_path / "a", "f")
        (tmp_path / "a").unlink()
        assert done_facts(tmp_path / "a", "f") is None

    def test_nothing_cannot_be_marked(self, tmp_path: Path) -> None:
        with pytest.raises(FileNotFoundError):
            mark_done(tmp_path / "a", "f")
        assert list(tmp_path.iterdir()) == []

    @pytest.mark.parametrize("content", [b"", b"whol", b"whole and more"])
    def test_a_file_of_another_size_is_not_done(self, tmp_path: Path, content: bytes) -> None:
        path = tmp_path / "a.tar"
        path.write_bytes(b"whole")
        mark_done(path, "f")
        path.write_bytes(content)
        assert done_facts(path, "f") is None

    @pytest.mark.parametrize("harm", ["delete", "change", "add", "rename"])
    def test_a_folder_with_other_content_is_not_done(self, tmp_path: Path, harm: str) -> None:
        folder = tmp_path / "index"
        write_bytes(folder / "deep/index.faiss", b"vectors")
        write_bytes(folder / "meta.json", b"{}")
        mark_done(folder, "f", rows=1)
        assert done_facts(folder, "f") == {"rows": 1}
        index = folder / "deep/index.faiss"
        if harm == "delete":
            index.unlink()
        elif harm == "rename":
            index.rename(folder / "index.faiss")
        else:  # of the same size: DVC checked out an older one
            (index if harm == "change" else folder / "more").write_bytes(b"VECTORS")
        assert done_facts(folder, "f") is None

    def test_the_marker_tells_no_time(self, tmp_path: Path) -> None:
        """It lies inside DVC's outputs: the same content made later must give the same bytes."""
        markers = []
        for name, when in (("one", 0), ("two", 10**9)):
            write_bytes(tmp_path / name / "model/weights", b"w")
            os.utime(tmp_path / name / "model/weights", (when, when))
            mark_done(tmp_path / name / "model", "f")
            markers.append(marker_of(tmp_path / name / "model").read_bytes())
        assert markers[0] == markers[1]

    @pytest.mark.parametrize(
        "content",
        [
            b"",
            b"{",
            b"[]",
            b"null",
            b'"f"',
            b'{"facts": {}}',
            b'{"fingerprint": "f", "facts": {}}',
            b"\xff\xfe",
            b"\x00" * 40,
        ],
    )
    def test_broken_marker(self, tmp_path: Path, content: bytes) -> None:
        write_bytes(tmp_path / "a", b"x")
        marker_of(tmp_path / "a").write_bytes(content)
        assert done_facts(tmp_path / "a", "f") is None

    def test_a_folder_can_be_done(self, tmp_path: Path) -> None:
        (tmp_path / "model").mkdir()
        mark_done(tmp_path / "model", "f")
        assert done_facts(tmp_path / "model", "f") == {}
        assert list((tmp_path / "model").iterdir()) == []  # beside it: DVC and hashes see the artefact alone


def test_new_content_is_not_vouched_for_by_the_old_marker(tmp_path: Path) -> None:
    """A finished, B killed before its marker, then A asked for again: B's content must not pass as A's."""
    path = tmp_path / "file.txt"
    write_bytes(path, b"A")
    mark_done(path, "a")
    write_bytes(path, b"B")  # the process dies here, before mark_done(path, "b")
    assert done_facts(path, "a") is None
