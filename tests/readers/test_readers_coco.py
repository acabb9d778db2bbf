"""COCO captions JSON."""

import json

import pytest
from source_pictures import png

from cim.errors import CimError
from cim.params import CocoSource
from cim.readers.open import open_source


@pytest.fixture
def images(tmp_path):
    folder = tmp_path / "images"
    (folder / "val").mkdir(parents=True)
    for name in ("b.png", "a.png", "val/c.png", "unlisted.png"):
        (folder / name).write_bytes(png(len(name)))
    return folder


def scan(images, content):
    file = images.parent / "captions.json"
    file.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
    source = open_source(CocoSource(kind="coco", path=str(file), images=str(images), splits={"train": 1.0}))
    found = list(source.scan())
    assert source.expected() == len(found)
    assert all(source.fetch(one.locator) == one.image for one in found if one.image)
    return {one.locator: (one.image, one.captions) for one in found}


def test_images_by_id_with_their_captions(images):
    found = scan(images, {
        "images": [
            {"id": 10, "file_name": "a.png"}, {"id": 9, "file_name": "b.png"}, {"id": 11, "file_name": "val/c.png"},
        ],
        "annotations": [
            {"image_id": 10, "caption": "one"}, {"image_id": 9, "caption": "two"}, {"image_id": 10, "caption": "three"},
        ],
    })  # fmt: skip
    assert list(found.items()) == [
        ("b.png", (png(5), ("two",))),
        ("a.png", (png(5), ("one", "three"))),
        ("val/c.png", (png(9), ())),
    ]


def test_what_is_missing(images):
    (images.parent / "secret.png").write_bytes(png(1))
    found = scan(images, {
        "images": [{"id": "x", "file_name": "gone.png"}, {"id": "y", "file_name": "../secret.png"}],
        "annotations": [
            {"image_id": "x", "caption": "gone"}, {"image_id": 7, "caption": "of nothing"},
            {"image_id": "x", "caption": None},
        ],
    })  # fmt: skip
    assert found == {
        "image_id 7": (None, ("of nothing",)),
        "gone.png": (None, ("gone", "")),
        "../secret.png": (None, ()),  # outside the folder
    }


def test_captions_that_are_not_utf8_stay_bytes(images):
    content = b'{"images": [{"id": 1, "file_name": "a.png"}], "annotations": [{"image_id": 1, "caption": "caf\xe9"}, {"image_id": 1, "caption": "\\ud800"}]}'  # noqa: E501
    assert scan(images, content)["a.png"][1] == (b"caf\xe9", b"\xed\xa0\x80")


@pytest.mark.parametrize(
    "content", [b"no json", [], {"images": []}, {"images": [], "annotations": [{"image_id": 1, "bbox": []}]}]
)
def test_other_json_is_one_error(images, content):
    with pytest.raises(CimError, match="is not COCO captions"):
        scan(images, content)


def test_wrong_paths(images):
    for path, folder in [("none.json", str(images)), (str(images / "a.png"), "none")]:
        with pytest.raises(CimError, match=r"mend (path|images)"):
            open_source(CocoSource(kind="coco", path=path, images=folder, splits={"train": 1.0}))
