"""Addresses, patterns and names of files: a glob means the same here and in a store."""

import os
from collections.abc import Iterator
from pathlib import Path

import fsspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cim.errors import CimError
from cim.readers.address import bytes_of, folder_of, from_locator, joined, to_locator
from cim.readers.files import files_at, read_file

NAMES = ("0.tar", "1.tar", "10.tar", "a/2.tar", "a/b/3.tar", "a/b/n.txt", ".4.tar", ".h/5.tar", "a/.h/6.tar", "x.tar/7")
PATTERNS = {
    "*.tar": ["0.tar", "1.tar", "10.tar"],  # not the folder x.tar
    "?.tar": ["0.tar", "1.tar"],
    "[1-9]*.tar": ["1.tar", "10.tar"],
    "[!1]*.tar": ["0.tar"],
    "**/*.tar": ["0.tar", "1.tar", "10.tar", "a/2.tar", "a/b/3.tar"],
    "a/**/*.tar": ["a/2.tar", "a/b/3.tar"],
    "a/**": ["a/2.tar", "a/b/3.tar", "a/b/n.txt"],
    "*/*.tar": ["a/2.tar"],
    "*.tar/7": ["x.tar/7"],
    ".h/*.tar": [".h/5.tar"],
    "{1,0}.tar": ["1.tar", "0.tar"],  # braces keep their order
    "{*,a/*}.tar": ["0.tar", "1.tar", "10.tar", "a/2.tar"],
    "{0.tar,?.tar}": ["0.tar", "1.tar"],  # once each
}


@pytest.fixture(params=["local", "memory"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "local":
        for name in NAMES:
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_bytes(name.encode())
        yield str(tmp_path)
        return
    store = fsspec.filesystem("memory")
    for name in NAMES:
        store.pipe_file(f"/listed/{name}", name.encode())
    yield "memory://listed"
    store.rm("/listed", recursive=True)


@pytest.mark.parametrize("pattern", PATTERNS)
def test_patterns_mean_the_same_everywhere(place: str, pattern: str) -> None:
    assert files_at(f"{place}/{pattern}") == [f"{place}/{name}" for name in PATTERNS[pattern]]


@pytest.mark.parametrize("pattern", ["x*.tar", "b/**", "*.png", "{0,x*}.tar"])
def test_a_pattern_that_fits_no_file_is_an_error(place: str, pattern: str) -> None:
    with pytest.raises(CimError, match="no file at "):
        files_at(f"{place}/{pattern}")


@pytest.mark.parametrize("pattern", ["**.tar", "a**/*.tar", "a/b**"])
def test_two_stars_that_are_no_whole_part_are_refused(place: str, pattern: str) -> None:
    with pytest.raises(CimError, match=r"the glob .*\*\* as a whole part of a path"):
        files_at(f"{place}/{pattern}")


def test_a_file_whose_name_looks_like_a_glob_is_that_file(place: str) -> None:
    if "://" in place:
        fsspec.filesystem("memory").pipe_file("/listed/[1].tar", b"brackets")
    else:
        Path(place, "[1].tar").write_bytes(b"brackets")
    assert files_at(f"{place}/[1].tar") == [f"{place}/[1].tar"]
    assert read_file(f"{place}/[1].tar") == (b"brackets", "")


def test_web_servers_and_commands_are_not_listed() -> None:
    for address in ("https://host/a?b=[1]*", "pipe:cat *.tar"):
        assert files_at(address) == [address]


def test_what_a_file_holds_or_why_nothing(place: str) -> None:
    assert read_file(f"{place}/0.tar") == (b"0.tar", "")
    assert read_file(f"{place}/0.tar", most=5) == (b"0.tar", "")
    assert read_file(f"{place}/0.tar", most=4) == (None, "5 bytes, more than 4")
    assert read_file(f"{place}/none.tar") == (None, "")
    assert read_file(f"{place}/a") == (None, "not a regular file")


def test_addresses_of_both_kinds_are_joined_and_parted(place: str) -> None:
    assert joined(f"{place}", "a/2.tar") == joined(f"{place}/", "a/2.tar") == f"{place}/a/2.tar"
    assert folder_of(f"{place}/a/2.tar") == f"{place}/a"


@given(st.text(st.characters(exclude_characters="/\0")))
def test_locators_are_utf8_and_reversible(name: str) -> None:
    locator = to_locator(name)
    locator.encode("utf-8")
    try:
        os.fsencode(name)
    except UnicodeEncodeError:
        return  # no file can be called so
    assert from_locator(locator) == name


@given(st.binary())
def test_bytes_survive_decoding(raw: bytes) -> None:
    assert bytes_of(raw.decode("utf-8", "surrogateescape")) == raw


@given(st.text())
def test_bytes_are_utf8_where_the_text_can_be_written(text: str) -> None:
    try:
        written = text.encode("utf-8")
    except UnicodeEncodeError:
        assert isinstance(bytes_of(text), bytes)
    else:
        assert bytes_of(text) == written
