"""Which files of a folder are found: links to folders once, whatever circle they make."""

import os
from collections.abc import Iterator
from pathlib import Path

import fsspec
import pytest

from cim.errors import CimError
from cim.readers.files import walk

AGAIN = ("not a regular file", "a link to a folder that is read already, or that holds this one")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two folders with a file each, and one elsewhere with two."""
    root = tmp_path / "photos"
    for name in ("photos/a/1.png", "photos/b/2.png", "elsewhere/3.png", "elsewhere/deep/4.png"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    return root


OWN = ["a/1.png", "b/2.png"]


def test_hidden_files_and_folders_are_left_out(folder: Path) -> None:
    (folder / ".git").mkdir()
    for name in (".git/x.png", ".x.png", "a/.y.png", "c.txt"):
        (folder / name).write_bytes(b"x")
    found = walk(str(folder))
    assert (sorted(found.files), found.problems, found.versions) == ([*OWN, "c.txt"], {}, {})


@pytest.mark.parametrize(
    ("place", "target"),
    [
        ("a/circle", "."),
        ("a/circle", ".."),
        ("a/circle", "../.."),
        ("c", "a"),
        ("a/c", "../b"),
        ("a/c", "../../photos/b"),
    ],
)
def test_a_link_into_what_is_read_already_is_a_problem_of_its_own(folder: Path, place: str, target: str) -> None:
    """To itself, to the root, to the folder that holds the root, to siblings by either way."""
    os.symlink(target, folder / place)
    found = walk(str(folder))
    assert (sorted(found.files), found.problems) == (OWN, {place: AGAIN})


def test_a_link_out_is_followed_under_its_own_name(folder: Path) -> None:
    os.symlink("../../elsewhere", folder / "a/out")
    os.symlink("../elsewhere/3.png", folder / "3.png")  # a file is a file
    os.symlink("nowhere", folder / "broken.png")  # whoever reads it will tell
    found = walk(str(folder))
    assert found.problems == {}
    assert sorted(found.files) == ["3.png", "a/1.png", "a/out/3.png", "a/out/deep/4.png", "b/2.png", "broken.png"]


def test_a_folder_behind_several_links_is_read_once(folder: Path) -> None:
    os.symlink("../elsewhere", folder / "first")
    os.symlink("../elsewhere", folder / "second")
    os.symlink("../elsewhere/deep", folder / "third")
    os.symlink(".", folder.parent / "elsewhere/self")
    found = walk(str(folder))
    assert sorted(found.files) == [*OWN, "first/3.png", "first/deep/4.png"]
    assert found.problems == {"second": AGAIN, "third": AGAIN, "first/self": AGAIN}


def test_a_folder_is_not_read_again_within_one_that_a_later_link_leads_to(folder: Path) -> None:
    os.symlink("../elsewhere/deep", folder / "first")
    os.symlink("../elsewhere", folder / "second")
    found = walk(str(folder))
    assert (sorted(found.files), found.problems) == ([*OWN, "first/4.png", "second/3.png"], {})


def test_links_that_lead_to_each_other_end(folder: Path) -> None:
    os.symlink("y", folder / "x")
    os.symlink("x", folder / "y")
    assert sorted(walk(str(folder)).files) == [*OWN, "x", "y"]  # no folders: broken files


def test_what_is_no_folder_is_an_error(folder: Path) -> None:
    for place in (folder / "none", folder / "a/1.png"):
        with pytest.raises(CimError, match="no folder at"):
            walk(str(place))


@pytest.fixture
def store() -> Iterator[str]:
    system = fsspec.filesystem("memory")
    for name in ("b/2.png", "a/1.png", "a/.hidden/x.png", ".x.png"):
        system.pipe_file(f"/walked/{name}", b"x" * len(name))
    system.pipe_file("/walked2/other.png", b"x")
    yield "memory://walked"
    system.rm("/walked", recursive=True)
    system.rm("/walked2", recursive=True)


@pytest.mark.parametrize("slash", ["", "/"])
def test_a_stores_folder_is_walked_alike(store: str, slash: str) -> None:
    found = walk(store + slash)
    assert (found.files, found.problems) == (OWN, {})
    assert {name: said["size"] for name, said in found.versions.items()} == {"a/1.png": "7", "b/2.png": "7"}
    with pytest.raises(CimError, match="no file below memory://nowhere"):
        walk("memory://nowhere")
