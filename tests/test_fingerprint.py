"""Fingerprints change exactly when what they name changes."""

import os
import shutil
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import cim.fingerprint
from cim.fingerprint import ROOT, code_of, fingerprint, hash_code, hash_files, hash_list, hash_path
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
    def planted(self, tmp_path: Path) -> Path:
        """A root in which cim.a.work imports cim.a.part, params and errors, and nothing imports cim.a.other."""
        for name, text in {
            "cim/__init__.py": "",
            "cim/a/__init__.py": "",
            "cim/a/work.py": "from cim.a import part\nfrom cim.errors import CimError\nfrom cim.params.b import B",
            "cim/a/part.py": "",
            "cim/a/other.py": "",
            "cim/errors.py": "",
            "cim/params/__init__.py": "",
            "cim/params/b.py": "",
        }.items():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_text(text)
        return tmp_path

    def test_known_hash(self, planted: Path) -> None:
        """The hash that `hash_files` gives the closure: the same on every machine with the same code."""
        names = ["cim/__init__.py", "cim/a/__init__.py", "cim/a/part.py", "cim/a/work.py"]
        assert hash_code(planted, ["cim.a.work"]) == hash_files(planted, [planted / name for name in names])

    def test_place_does_not_count(self, planted: Path, tmp_path: Path) -> None:
        shutil.copytree(planted, tmp_path / "elsewhere/deep")
        assert hash_code(tmp_path / "elsewhere/deep", ["cim.a.work"]) == hash_code(planted, ["cim.a.work"])

    @pytest.mark.parametrize(
        ("file", "counts"),
        [
            ("cim/__init__.py", True),
            ("cim/a/__init__.py", True),
            ("cim/a/work.py", True),
            ("cim/a/part.py", True),
            ("cim/a/other.py", False),
            ("cim/a/new.py", False),
            ("cim/a/notes.md", False),
            ("cim/errors.py", False),
            ("cim/params/__init__.py", False),
            ("cim/params/b.py", False),
        ],
    )
    def test_what_is_imported_counts(self, planted: Path, file: str, counts: bool) -> None:
        before = hash_code(planted, ["cim.a.work"])
        with (planted / file).open("a") as out:
            out.write("# planted\n")
        assert (hash_code(planted, ["cim.a.work"]) != before) == counts

    def test_several_entries_in_any_order(self, planted: Path) -> None:
        both = hash_code(planted, ["cim.a.other", "cim.a.work"])
        assert both == hash_code(planted, ["cim.a.work", "cim.a.other"])
        assert len({both, hash_code(planted, ["cim.a.work"]), hash_code(planted, ["cim.a.other"])}) == 3

    def test_of_this_project(self) -> None:
        assert code_of("cim.shards.tar") == hash_code(ROOT, ["cim.shards.tar"]) != code_of("cim.shards.write")

    @pytest.mark.parametrize("name", ["cim.shard", "cim.shards", "polars"])
    def test_a_name_that_is_no_module_of_ours_is_refused(self, name: str) -> None:
        with pytest.raises(ModuleNotFoundError, match=rf"{name} in"):
            code_of(name)


def test_a_list_of_files_is_hashed_as_sha256sum_prints_it(tmp_path: Path) -> None:
    """`sha256sum *.tar | sha256sum`: two spaces, a line a file, by name."""
    for name in ("b.tar", "a.tar"):
        (tmp_path / name).write_text(name)
    lines = "".join(f"{hash_path(tmp_path / name)}  {name}\n" for name in ("a.tar", "b.tar"))
    (tmp_path / "list").write_text(lines)
    assert hash_list({name: hash_path(tmp_path / name) for name in ("b.tar", "a.tar")}) == hash_path(tmp_path / "list")
