"""Fingerprints change exactly when what they name changes."""

import os
import shutil
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import cim.fingerprint
from cim.fingerprint import ROOT, code_of, fingerprint, hash_code, hash_path
from cim.params import Runtime

PART = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=6,
)


def same(a: Any, b: Any) -> bool:
    """Equal as JSON: unlike ==, True is not 1."""
    return repr(sort(a)) == repr(sort(b))


def sort(value: Any) -> Any:
    if isinstance(value, dict):
        return sorted((key, sort(inner)) for key, inner in value.items()), "map"
    return [sort(inner) for inner in value] if isinstance(value, list) else value


class TestParts:
    @given(st.lists(PART, max_size=4), st.lists(PART, max_size=4))
    def test_equal_only_for_equal_parts(self, a: list[Any], b: list[Any]) -> None:
        assert (fingerprint(*a) == fingerprint(*b)) == same(a, b)

    @given(st.dictionaries(st.text(), st.integers(), min_size=2))
    def test_order_of_keys_does_not_count(self, value: dict[str, int]) -> None:
        assert fingerprint(value) == fingerprint(dict(reversed(value.items())))

    def test_borders_and_order_of_parts_count(self) -> None:
        names = [
            fingerprint("ab", "c"),
            fingerprint("a", "bc"),
            fingerprint("c", "ab"),
            fingerprint("abc"),
            fingerprint("abc", ""),
        ]
        assert len(set(names)) == 5

    def test_sixteen_hex_digits(self) -> None:
        assert len(fingerprint()) == 16
        int(fingerprint(), 16)

    def test_params(self) -> None:
        assert fingerprint(Runtime()) == fingerprint(Runtime(workers=2)) != fingerprint(Runtime(workers=3))

    def test_code_version_counts(self, monkeypatch: pytest.MonkeyPatch) -> None:
        before = fingerprint("x")
        monkeypatch.setattr(cim.fingerprint, "__version__", "another")
        assert fingerprint("x") != before

    def test_not_a_number_is_refused(self) -> None:
        with pytest.raises(ValueError, match="JSON compliant"):
            fingerprint(float("nan"))


class TestPaths:
    def test_content_counts_and_time_and_place_do_not(self, tmp_path: Path) -> None:
        for name in ("a", "b"):
            (tmp_path / name).write_bytes(b"same")
        os.utime(tmp_path / "a", (0, 0))
        assert fingerprint(tmp_path / "a") == fingerprint(tmp_path / "b")
        (tmp_path / "a").write_bytes(b"other")
        assert fingerprint(tmp_path / "a") != fingerprint(tmp_path / "b")

    def test_known_hash(self, tmp_path: Path) -> None:
        (tmp_path / "empty").write_bytes(b"")  # SHA-256 of nothing, FIPS 180-4
        assert hash_path(tmp_path / "empty") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

    @pytest.mark.parametrize(
        "other",
        [
            {"x": b"1", "y": b"2!"},
            {"x": b"1", "z": b"2"},
            {"x": b"2", "y": b"1"},
            {"x": b"1"},
            {"x": b"1", "d/y": b"2"},
        ],
    )
    def test_folder_by_names_and_bytes(self, tmp_path: Path, other: dict[str, bytes]) -> None:
        def folder(name: str, files: dict[str, bytes]) -> Path:
            for file, content in files.items():
                (tmp_path / name / file).parent.mkdir(parents=True, exist_ok=True)
                (tmp_path / name / file).write_bytes(content)
            return tmp_path / name

        first = hash_path(folder("first", {"x": b"1", "y": b"2"}))
        assert first == hash_path(folder("second", {"y": b"2", "x": b"1"}))
        assert first != hash_path(folder("third", other))

    def test_nothing_there(self, tmp_path: Path) -> None:
        with pytest.raises(FileNotFoundError):
            hash_path(tmp_path / "none")


class TestCode:
    @pytest.fixture
    def copied(self, tmp_path: Path) -> Path:
        """A root with a copy of cim/shards."""
        shutil.copytree(ROOT / "cim/shards", tmp_path / "cim/shards")
        return tmp_path

    def test_of_this_project(self, copied: Path) -> None:
        assert code_of("cim.shards") == hash_code(copied, ["cim.shards"])
        assert code_of("cim.shards", "cim.index") == code_of("cim.index", "cim.shards", "cim.shards.tar")
        assert len({code_of("cim.shards"), code_of("cim.index"), code_of("cim.shards.tar"), code_of()}) == 4

    @pytest.mark.parametrize("harm", ["edit", "delete", "add"])
    def test_a_changed_file_changes_it(self, copied: Path, harm: str) -> None:
        before, other = hash_code(copied, ["cim.shards"]), hash_code(copied, ["cim.shards.read"])
        file = copied / "cim/shards/tar.py"
        if harm == "edit":
            file.write_text(file.read_text().replace("USTAR", "PAX"))
        elif harm == "delete":
            file.unlink()
        else:
            (copied / "cim/shards/deep").mkdir()
            (copied / "cim/shards/deep/more.py").write_text("")
        assert hash_code(copied, ["cim.shards"]) != before
        assert hash_code(copied, ["cim.shards.read"]) == other

    def test_what_is_no_code_does_not_count(self, copied: Path) -> None:
        before = hash_code(copied, ["cim.shards"])
        (copied / "cim/shards/notes.md").write_text("")
        (copied / "cim/shards/tar.cpython-311.pyc").write_bytes(b"")
        assert hash_code(copied, ["cim.shards"]) == before

    def test_a_name_without_code_is_refused(self) -> None:
        with pytest.raises(ModuleNotFoundError, match=r"cim\.shard "):
            code_of("cim.shard")
