"""COCO captions JSON."""

import json
from pathlib import Path
from typing import Any

import pytest
from source_pictures import png

from cim.errors import CimError
from cim.params.sources import CocoSource
from cim.readers.base import Item
from cim.readers.open import open_source


@pytest.fixture
def images(tmp_path: Path) -> Path:
    folder = tmp_path / "images"
    (folder / "val").mkdir(parents=True)
    for name in ("b.png", "a.png", "val/c.png", "unlisted.png"):
        (folder / name).write_bytes(png(len(name)))
    return folder


def items(images: Path, content: Any, size: int = 100) -> dict[str, Item]:
    """By name, in their order."""
    file = images.parent / "captions.json"
    file.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
    source = open_source(CocoSource(kind="coco", path=str(file), images=str(images)), size)
    found = [item for part in source.parts for item in part.here(Path("never")).items()]
    assert source.images() == len(found)
    assert source.name == f"coco:{images.parent.name}/captions.json"
    return {item.name: item for item in found}


def captions(found: dict[str, Item]) -> list[tuple[str, bytes | None, tuple[str, ...]]]:
    return [(name, item.image, item.captions) for name, item in found.items()]


@pytest.mark.parametrize("size", [1, 2, 100])
def test_images_by_id_with_their_captions(images: Path, size: int) -> None:
    content = {
        "images": [
            {"id": 10, "file_name": "a.png"}, {"id": 9, "file_name": "b.png"}, {"id": 11, "file_name": "val/c.png"},
        ],
        "annotations": [
            {"image_id": 10, "caption": "one"}, {"image_id": 9, "caption": "two"}, {"image_id": 10, "caption": "three"},
        ],
    }  # fmt: skip
    assert captions(items(images, content, size)) == [
        ("b.png", png(5), ("two",)),
        ("a.png", png(5), ("one", "three")),
        ("val/c.png", png(9), ()),
    ]


def test_what_is_missing(images: Path) -> None:
    (images.parent / "secret.png").write_bytes(png(1))
    found = items(images, {
        "images": [
            {"id": "x", "file_name": "gone.png"}, {"id": "y", "file_name": "../secret.png"},
            {"id": "z", "file_name": f"{images}/a.png"}, {"id": "zz"},
        ],
        "annotations": [
            {"image_id": "x", "caption": "gone"}, {"image_id": 7, "caption": "of nothing"},
            {"image_id": "x", "caption": None}, {"caption": "of whom"}, 5,
        ],
    })  # fmt: skip
    assert [(name, item.captions, item.problem) for name, item in found.items()] == [
        ("gone.png", ("gone",), ("unreadable file", "no such file, or a broken link")),
        ("../secret.png", (), ("unsafe name", "'../secret.png' leads out of the folder")),
        (f"{images}/a.png", (), ("unsafe name", f"'{images}/a.png' leads out of the folder")),
        ("image zz", (), ("sample without image", "file_name is None")),
        ("image_id 7", ("of nothing",), ("caption without image", "no image of that id in the JSON")),
        *(
            (f"image_id of annotation {at}, which names none", (said,), ("caption without image", why))
            for at, said, why in [
                (3, "{'caption': 'of whom'}", "no image of that id in the JSON"),
                (4, "5", "no image of that id in the JSON"),
            ]
        ),
    ]
    assert all(item.image is None and item.lost == () for item in found.values())


def test_odd_captions_are_lost_and_the_others_kept(images: Path) -> None:
    content = b"""{"images": [{"id": 1, "file_name": "a.png"}], "annotations": [
        {"image_id": 1, "caption": "caf\xe9"}, {"image_id": 1, "caption": "\\ud800"}, {"image_id": 1, "caption": 5},
        {"image_id": 1, "caption": ["a"]}, {"image_id": 1, "caption": "  "}, {"image_id": 1, "caption": null},
        {"image_id": 1}, {"image_id": 1, "caption": "fine"}, {"image_id": 1, "caption": "fine"}]}"""
    (found,) = items(images, content).values()
    assert (found.image, found.captions, found.problem) == (png(5), ("fine",), None)
    assert [(reason.value, detail) for reason, detail in found.lost] == [
        ("caption is not UTF-8", "caf\\xe9"),
        ("caption is not UTF-8", "\\xed\\xa0\\x80"),
        ("caption is not text", "a int: 5"),
        ("caption is not text", "a list: ['a']"),
        ("caption is empty", ""),
    ]


@pytest.mark.parametrize("content", [{"images": []}, {"images": [], "annotations": []}])
def test_no_annotations_at_all_is_fine(images: Path, content: dict[str, Any]) -> None:
    assert items(images, content) == {}
    found = items(images, {**content, "images": [{"id": 1, "file_name": "a.png"}]})
    assert captions(found) == [("a.png", png(5), ())]


@pytest.mark.parametrize(
    "content",
    [
        b"no json",
        b"[" * 100_000,
        [],
        {"images": [5]},
        {"images": {"1": "a.png"}},
        {"annotations": []},
        {"images": [], "annotations": [{"image_id": 1, "bbox": []}]},
        {"images": [], "annotations": [{"image_id": 1, "caption": {"raw": "A man"}}, {"image_id": 1, "caption": 5}]},
    ],
)
def test_other_json_is_one_error(images: Path, content: Any) -> None:
    with pytest.raises(CimError, match="is not COCO captions"):
        items(images, content)


def test_wrong_paths(images: Path) -> None:
    for path, folder in [("none.json", str(images)), (str(images / "a.png"), "none")]:
        with pytest.raises(CimError, match=r"mend (path|images)"):
            open_source(CocoSource(kind="coco", path=path, images=folder), 10)
