"""A folder with captions.csv."""

import os
import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from source_pictures import png

from cim.errors import CimError
from cim.params import FolderSource
from cim.readers.files import bytes_of, from_locator, text_of, to_locator
from cim.readers.open import open_source


@pytest.fixture
def folder(tmp_path):
    images = tmp_path / "images"
    (images / "sub").mkdir(parents=True)
    for name in ("b.png", "a.JPG", "sub/c.png"):
        (images / name).write_bytes(png(len(name)))
    return images


def scan(folder, captions=None):
    source = open_source(FolderSource(kind="folder", path=str(folder), captions=captions, splits={"gallery": 1.0}))
    found = list(source.scan())
    assert source.expected() == len(found)
    for one in found:
        if one.image is not None:
            assert source.fetch(one.locator) == one.image
    return {one.locator: one.captions for one in found}


def test_sorted_with_captions_in_order(folder):
    (folder / "captions.csv").write_text('file_name,caption\nsub/c.png,"two, parts"\nb.png,x\n./b.png,w\n')
    found = scan(folder)
    assert list(found.items()) == [("a.JPG", ()), ("b.png", ("x", "w")), ("sub/c.png", ("two, parts",))]


def test_csv_beside_the_folder_by_either_name(folder):
    (folder.parent / "captions.csv").write_text("file_name,caption\nimages/b.png,from the csv\nb.png,from the folder\n")
    assert scan(folder)["b.png"] == ("from the csv", "from the folder")


def test_csv_elsewhere_and_none(folder, tmp_path):
    assert set(scan(folder).values()) == {()}
    (tmp_path / "other.csv").write_text("extra,caption,file_name\n1,far away,b.png\n")
    assert scan(folder, str(tmp_path / "other.csv"))["b.png"] == ("far away",)


def test_rows_without_images(folder):
    (folder / "captions.csv").write_text("file_name,caption\ngone.png,one\ngone.png,two\n,nameless\n../x.png,outside\n")
    found = scan(folder)
    assert found["gone.png"] == ("one", "two")
    assert found["captions.csv line 4"] == ("nameless",)
    assert found["../x.png"] == ("outside",)
    (folder.parent / "x.png").write_bytes(png(1))  # lies there, but not in the folder
    source = open_source(FolderSource(kind="folder", path=str(folder), splits={"gallery": 1.0}))
    assert [one.image for one in source.scan() if one.locator == "../x.png"] == [None]


def test_captions_that_are_not_utf8_stay_bytes(folder):
    (folder / "captions.csv").write_bytes(b"\xef\xbb\xbffile_name,caption\nb.png,caf\xe9\nb.png,caf\xc3\xa9\n")
    assert scan(folder)["b.png"] == (b"caf\xe9", "café")


def test_unquoted_commas_stay_in_the_caption(folder):
    (folder / "captions.csv").write_text("file_name,caption\nb.png,a dog, running, fast\nb.png\n")
    assert scan(folder)["b.png"] == ("a dog, running, fast", "")


def test_accents_in_either_spelling(folder):
    (folder / unicodedata.normalize("NFD", "é.png")).write_bytes(png(9))
    (folder / "captions.csv").write_text("file_name,caption\né.png,accent\n", encoding="utf-8")
    assert scan(folder)[unicodedata.normalize("NFD", "é.png")] == ("accent",)


@pytest.mark.skipif(sys.platform == "darwin", reason="macOS allows UTF-8 names only")
def test_file_names_that_are_not_utf8(folder):
    (folder / os.fsdecode(b"caf\xe9.png")).write_bytes(png(9))
    (folder / "captions.csv").write_bytes(b"file_name,caption\ncaf\xe9.png,coffee\n")
    assert scan(folder)["%caf%E9.png"] == ("coffee",)


def test_which_files_count(folder):
    for name in ("notes.txt", ".hidden.png", "named.dat", "odd.heic"):
        (folder / name).write_bytes(b"x")
    (folder / ".git").mkdir()
    (folder / ".git" / "d.png").write_bytes(png(3))
    (folder / "captions.csv").write_text("file_name,caption\nnamed.dat,called an image\n")
    assert set(scan(folder)) == {"a.JPG", "b.png", "sub/c.png", "named.dat", "odd.heic"}


def test_unreadable_entries_are_candidates(folder):
    os.mkfifo(folder / "pipe.png")
    (folder / "link.png").symlink_to("nowhere")
    source = open_source(FolderSource(kind="folder", path=str(folder), splits={"gallery": 1.0}))
    problems = {one.locator: one.problem for one in source.scan() if one.image is None}
    assert problems == {"pipe.png": "not a regular file", "link.png": "broken link"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"image;text\na;b\n", "columns file_name, caption"),
        (b"", "columns file_name, caption"),
        ("file_name,caption\n".encode("utf-16"), "columns file_name, caption"),
        (b"file_name,caption\na.JPG," + b"x" * 200_000, "after line 1: field larger than"),
    ],
)
def test_broken_csv_is_one_error(folder, text, message):
    (folder / "captions.csv").write_bytes(text)
    with pytest.raises(CimError, match=message):
        scan(folder)


def test_wrong_paths(folder, tmp_path):
    for path, captions in [(tmp_path / "none", None), (folder / "b.png", None), (folder, str(tmp_path / "none.csv"))]:
        with pytest.raises(CimError, match=r"mend (path|captions)"):
            scan(path, captions)


@given(st.text(st.characters(exclude_characters="/\0")))
def test_locators_are_utf8_and_reversible(name):
    locator = to_locator(name)
    locator.encode("utf-8")
    try:
        os.fsencode(name)
    except UnicodeEncodeError:
        return  # no file can be called so
    assert from_locator(locator) == name


@given(st.binary())
def test_bytes_survive_decoding(raw):
    assert bytes_of(raw.decode("utf-8", "surrogateescape")) == raw
    text = text_of(raw)
    assert (text.encode() if isinstance(text, str) else text) == raw


@given(st.text())
def test_text_is_text_only_when_it_can_be_written(text):
    found = text_of(bytes_of(text))
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        assert isinstance(found, bytes) or found.encode("utf-8")  # escaped bytes may have been UTF-8 after all
    else:
        assert found == text
