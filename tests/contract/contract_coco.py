"""COCO captions: odd annotations cost themselves, odd files are refused, names stay in the folder."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from contract_case import EMPTY, NO_SUCH_IMAGE, NOT_TEXT, NOT_UTF8, TOO_LONG, UNREADABLE, UNSAFE, Case, Expected
from contract_inputs import Params, as_json, photo, write_coco

Row = tuple[Any, Any]  # image_id, and file_name or caption
NAMES = ("a.png", "b.png", "val/c.png")


def _files() -> list[tuple[str, bytes]]:
    return [(name, photo(name)) for name in NAMES]


def _content(images: Sequence[Row], annotations: Sequence[Row], **others: Any) -> Params:
    return others | {
        "images": [{"id": at, "file_name": name, "width": 20, "height": 20} for at, name in images],
        "annotations": [
            {"id": number, "image_id": at, "caption": caption} for number, (at, caption) in enumerate(annotations)
        ],
    }


def _coco(name: str, images: Sequence[Row], annotations: Sequence[Row], *wanted: Expected, **others: Any) -> Case:
    content = _content(images, annotations, **others)
    return Case(f"COCO: {name}", lambda folder: write_coco(folder, content, _files()), wanted)


def _raw(name: str, content: bytes, *wanted: Expected) -> Case:
    return Case(f"COCO: {name}", lambda folder: write_coco(folder, content, _files()), wanted)


def _refused(name: str, content: bytes | Params, *words: str) -> Case:
    return Case(
        f"COCO: {name}", lambda folder: write_coco(folder, content, _files()), refused=(r"captions\.json", *words)
    )


def _used(name: str, *captions: str, lost: tuple[str, ...] = ()) -> Expected:
    return Expected(name, photo(name), captions, lost)


IMAGES = tuple(enumerate(NAMES, 1))
SAID = ((1, "a dog"), (2, "a cat"), (3, "an owl"))
ALL = _used("a.png", "a dog"), _used("b.png", "a cat"), _used("val/c.png", "an owl")
ODD: dict[str, Any] = {
    "NaN": float("nan"), "a list": ["a", "b"], "an object": {"raw": "a"}, "a number": 5, "a fraction": 0.5,
    "true": True, "false": False, "zero": 0, "infinity": float("inf"), "an empty list": [], "an empty object": {},
}  # fmt: skip
READ = [
    _coco("plain", IMAGES, SAID, *ALL),
    _coco("several captions", IMAGES, [*SAID, (1, "two"), (1, "a dog")], _used("a.png", "a dog", "two"), *ALL[1:]),
    _coco("images without captions", IMAGES, SAID[:1], ALL[0], _used("b.png"), _used("val/c.png")),
    *(_coco(f"one caption is {name}", IMAGES, [*SAID, (1, value)], _used("a.png", "a dog", lost=(NOT_TEXT,)), *ALL[1:])
      for name, value in ODD.items()),
    _coco("an image with odd captions only", IMAGES, [(1, 5), (1, ["x"]), *SAID[1:]],
          _used("a.png", lost=(NOT_TEXT, NOT_TEXT)), *ALL[1:]),
    _coco("an empty caption first", IMAGES, [(1, ""), (2, "\u200b"), *SAID],
          _used("a.png", "a dog", lost=(EMPTY,)), _used("b.png", "a cat", lost=(EMPTY,)), ALL[2]),
    _coco("a caption too long", IMAGES, [*SAID, (2, "x" * 131_073)],
          ALL[0], _used("b.png", "a cat", lost=(TOO_LONG,)), ALL[2]),
    _coco("half a pair in a caption", IMAGES, [*SAID, (2, "a \udc80 cat")],
          ALL[0], _used("b.png", "a cat", lost=(NOT_UTF8,)), ALL[2]),
    _coco("captions of unknown images", IMAGES, [*SAID, (7, "of nothing"), (7, "again"), ("1", "a text for a number")],
          *ALL, Expected("image_id 7", problem=NO_SUCH_IMAGE), Expected("image_id 1", problem=NO_SUCH_IMAGE)),
    _coco("ids that are text", [("x-1", "a.png"), ("y", "b.png"), ("z", "val/c.png")],
          [("x-1", "a dog"), ("y", "a cat"), ("z", "an owl")], *ALL),
    _coco("two images of one file", [*IMAGES, (9, "a.png")], [*SAID, (9, "two")],
          *ALL, Expected("a.png", photo("a.png"), ("two",))),
    _coco("files that are not there", [*IMAGES, (4, "gone.png"), (5, "train/a.png"), (6, "A.PNG"), (7, "val")], SAID,
          *ALL, *(Expected(name, problem=UNREADABLE) for name in ("gone.png", "train/a.png", "A.PNG", "val"))),
    _coco("names that lead out", [*IMAGES, (4, "../captions.json"), (5, "/etc/passwd"), (6, "val/../../x.png")],
          [*SAID, (4, "out")], *ALL,
          *(Expected(name, problem=UNSAFE) for name in ("../captions.json", "/etc/passwd", "val/../../x.png"))),
    _coco("more than captions", IMAGES, SAID, *ALL, info={"year": 2017}, licenses=[{"id": 1}], categories=[]),
    _raw("a byte order mark", b"\xef\xbb\xbf" + as_json(_content(IMAGES, SAID)), *ALL),
    _raw("indented, with line ends of Windows", as_json(_content(IMAGES, SAID)).replace(b", ", b",\r\n\t"), *ALL),
]  # fmt: skip
REFUSED = [
    _refused("instances", {"images": [{"id": 1, "file_name": "a.png"}],
                           "annotations": [{"id": 1, "image_id": 1, "bbox": [0, 0, 1, 1], "category_id": 3}]}),
    _refused("no caption is text", _content(IMAGES, [(1, {"raw": "a"}), (2, {"raw": "b"})])),
    _refused("all captions are NaN", _content(IMAGES, [(1, float("nan")), (2, float("nan"))])),
    _refused("all captions are numbers", _content(IMAGES, [(1, 5), (2, 6)])),
    _refused("all captions are lists", _content(IMAGES, [(1, ["a", "b"]), (2, ["c"])])),
    _refused("no JSON", b"captions"),
    _refused("empty", b""),
    _refused("a list", b"[]"),
    _refused("an empty object", b"{}"),
    _refused("cut", as_json(_content(IMAGES, SAID))[:-30]),
    _refused("two in one", as_json(_content(IMAGES, SAID)) * 2),
    _refused("100,000 lists deep", b'{"images": ' + b"[" * 100_000 + b"]" * 100_000 + b"}"),
    _refused("no images", {"annotations": [{"image_id": 1, "caption": "a"}]}),
    _refused("images that are no objects", {"images": ["a.png"], "annotations": [{"image_id": 0, "caption": "a"}]}),
    _refused("JSON lines", b'{"file_name": "a.png", "caption": "a"}\n' * 2),
]  # fmt: skip


def _elsewhere(key: str, name: str) -> Case:
    def write(folder: Path) -> Params:
        return write_coco(folder, _content(IMAGES, SAID), _files()) | {key: str(folder / name)}

    return Case(f"COCO: {key} not there", write, refused=(name,))


CASES = [*READ, *REFUSED, _elsewhere("path", "none.json"), _elsewhere("images", "nowhere")]
