"""A folder of images with captions.csv."""

import os
import sys
import unicodedata
from pathlib import Path

import pytest
from source_pictures import png

from cim.errors import CimError
from cim.params.sources import FolderSource
from cim.readers.base import Item
from cim.readers.open import open_source


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    images = tmp_path / "images"
    (images / "sub").mkdir(parents=True)
    for name in ("b.png", "a.JPG", "sub/c.png"):
        (images / name).write_bytes(png(len(name)))
    return images


def items(folder: Path, captions: str | None = None) -> dict[str, Item]:
    """By name, in their order."""
    source = open_source(FolderSource(kind="folder", path=str(folder), captions=captions), 2)
    found = [item for part in source.parts for item in part.here(Path("never")).items()]
    assert source.images() == len(found)
    return {item.name: item for item in found}


def said(folder: Path, captions: str | None = None) -> dict[str, tuple[str, ...]]:
    return {name: item.captions for name, item in items(folder, captions).items()}


def test_sorted_with_captions_in_order(folder: Path) -> None:
    (folder / "captions.csv").write_text('file_name,caption\nsub/c.png,"two, parts"\nb.png,x\n./b.png,w\n')
    found = said(folder)
    assert list(found.items()) == [("a.JPG", ()), ("b.png", ("x", "w")), ("sub/c.png", ("two, parts",))]


def test_csv_beside_the_folder_by_either_name(folder: Path) -> None:
    (folder.parent / "captions.csv").write_text("file_name,caption\nimages/b.png,from the csv\nb.png,from the folder\n")
    assert said(folder)["b.png"] == ("from the csv", "from the folder")


def test_csv_elsewhere_and_none(folder: Path, tmp_path: Path) -> None:
    assert set(said(folder).values()) == {()}
    (tmp_path / "other.csv").write_text("extra,caption,file_name\n1,far away,b.png\n")
    assert said(folder, str(tmp_path / "other.csv"))["b.png"] == ("far away",)


def test_rows_without_images_come_last(folder: Path) -> None:
    (folder / "captions.csv").write_text("file_name,caption\ngone.png,one\ngone.png,two\n,nameless\n../x.png,outside\n")
    (folder.parent / "x.png").write_bytes(png(1))  # lies there, but not in the folder
    found = list(items(folder).values())[3:]
    missing = ("caption without image", "no file of that name in images")
    assert [(one.name, one.image, one.captions, one.problem) for one in found] == [
        ("../x.png", None, ("outside",), missing),
        ("captions.csv line 4", None, ("nameless",), missing),
        ("gone.png", None, ("one", "two"), missing),
    ]


def test_captions_that_are_not_utf8_are_lost_alone(folder: Path) -> None:
    (folder / "captions.csv").write_bytes(b"\xef\xbb\xbffile_name,caption\nb.png,caf\xe9\nb.png,caf\xc3\xa9\n")
    found = items(folder)["b.png"]
    assert (found.image, found.captions) == (png(5), ("café",))
    assert found.lost == (("caption is not UTF-8", "caf\\xe9"),)


def test_unquoted_commas_stay_in_the_caption(folder: Path) -> None:
    (folder / "captions.csv").write_text("file_name,caption\nb.png,a dog, running, fast\nb.png\n")
    found = items(folder)["b.png"]
    assert (found.captions, found.lost) == (("a dog, running, fast",), (("caption is empty", ""),))


def test_accents_in_either_spelling(folder: Path) -> None:
    (folder / unicodedata.normalize("NFD", "é.png")).write_bytes(png(9))
    (folder / "captions.csv").write_text("file_name,caption\né.png,accent\n", encoding="utf-8")
    assert said(folder)[unicodedata.normalize("NFD", "é.png")] == ("accent",)


@pytest.mark.skipif(sys.platform == "darwin", reason="macOS takes both for one file")
def test_two_files_that_a_csv_cannot_tell_apart_are_both_there(folder: Path) -> None:
    for form, shade in (("NFC", 8), ("NFD", 9)):
        (folder / unicodedata.normalize(form, "é.png")).write_bytes(png(shade))
    (folder / " b.png").write_bytes(png(7))
    (folder / "captions.csv").write_text("file_name,caption\né.png,accent\nb.png,of b\n", encoding="utf-8")
    found = items(folder)
    assert sorted(item.image or b"" for name, item in found.items() if "png" in name) == sorted(
        [png(5), png(7), png(8), png(9), png(9)]  # b.png has five letters, sub/c.png nine
    )
    assert [one for one in said(folder).values() if one] == [("of b",)] * 2 + [("accent",)] * 2


@pytest.mark.skipif(sys.platform == "darwin", reason="macOS allows UTF-8 names only")
def test_file_names_that_are_not_utf8(folder: Path) -> None:
    (folder / os.fsdecode(b"caf\xe9.png")).write_bytes(png(9))
    (folder / "captions.csv").write_bytes(b"file_name,caption\ncaf\xe9.png,coffee\n")
    assert said(folder)["%caf%E9.png"] == ("coffee",)


def test_which_files_count(folder: Path) -> None:
    for name in ("notes.txt", ".hidden.png", "named.dat", "odd.heic"):
        (folder / name).write_bytes(b"x")
    (folder / ".git").mkdir()
    (folder / ".git" / "d.png").write_bytes(png(3))
    (folder / "captions.csv").write_text("file_name,caption\nnamed.dat,called an image\n")
    assert set(items(folder)) == {"a.JPG", "b.png", "sub/c.png", "named.dat", "odd.heic"}


def test_unreadable_entries_are_items(folder: Path) -> None:
    os.mkfifo(folder / "pipe.png")
    (folder / "link.png").symlink_to("nowhere")
    (folder / "sub/up").symlink_to("..")
    problems = {name: item.problem for name, item in items(folder).items() if item.image is None}
    assert problems == {
        "pipe.png": ("unreadable file", "not a regular file"),
        "link.png": ("unreadable file", "no such file, or a broken link"),
        "sub/up": ("not a regular file", "a link to a folder that is read already, or that holds this one"),
    }


def test_a_csv_counts_before_what_lies_beside(folder: Path) -> None:
    (folder / "captions.csv").write_text("file_name,caption\nb.png,from the csv\n")
    for stem in ("b", "a"):
        (folder / f"{stem}.txt").write_text(f"beside {stem}")
        (folder / f"{stem}.json").write_text('{"caption": "in JSON", "n": 1}')
    found = items(folder)
    assert {name: item.captions for name, item in found.items()} == {
        "a.JPG": ("beside a",), "b.png": ("from the csv",), "sub/c.png": (),
    }  # fmt: skip
    assert found["b.png"].facts == {"caption": "in JSON", "n": 1}


def test_a_broken_csv_is_an_error(folder: Path) -> None:
    (folder / "captions.csv").write_text('file_name,caption\nb.png,"never closed\n')
    with pytest.raises(CimError, match="row that begins at line 2"):
        items(folder)


def test_wrong_paths(folder: Path, tmp_path: Path) -> None:
    for path, captions in [(tmp_path / "none", None), (folder / "b.png", None), (folder, str(tmp_path / "none.csv"))]:
        with pytest.raises(CimError, match=r"mend path"):
            items(path, captions)
