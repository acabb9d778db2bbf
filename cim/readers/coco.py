"""COCO captions: a JSON with images and annotations, and the folder its file names are in."""

import json
import math
import os
from pathlib import PurePosixPath
from typing import Any

from cim.errors import CimError
from cim.images.checks import Reason
from cim.params.sources import CocoSource
from cim.readers.address import bytes_of, from_locator, local_address, source_name, to_locator
from cim.readers.base import Problem, Source
from cim.readers.file_chunk import FileChunk, ListedFile, cut
from cim.readers.files import open_file, walk
from cim.readers.text import read_captions


def open_coco(params: CocoSource, size: int) -> Source:
    """The images that the JSON lists, in the order of their ids, `size` a part; then captions without an image.

    Other files of the folder are left out. Raises CimError where there is no such file or folder, or the JSON is not
    of COCO captions.
    """
    address, root = (os.path.expanduser(local_address(one)) for one in (params.path, params.images))
    far = "://" in root
    versions = walk(root).versions if far else {}
    if not far and not os.path.isdir(root):
        raise CimError(f"no folder at {root}", "the images of the JSON", "mend images of this source")
    images, annotations, licenses = _content(address)
    captions = dict[str, list[Any]]()
    for at, one in enumerate(annotations):
        key, caption = _caption(one, at)
        captions.setdefault(key, []).append(caption)
    listed = sorted(((_key(one.get("id")), *_file(one), _facts(one, licenses)) for one in images), key=_without_facts)
    files = [
        ListedFile(locator, tuple(captions.get(key, ())), problem, facts) for key, locator, problem, facts in listed
    ]
    known = {key for key, *_ in listed}
    files += [
        ListedFile(f"image_id {key.lstrip()}", tuple(texts), (Reason.NO_IMAGE, "no image of that id in the JSON"))
        for key, texts in sorted(captions.items())
        if key not in known
    ]
    chunk = FileChunk(PurePosixPath(address).name, root, tuple(files))
    return Source(source_name("coco", address), cut(chunk, size, versions))


def _content(address: str) -> tuple[list[dict[str, Any]], list[Any], dict[str, str]]:
    """(images, annotations, licences by id); a file without annotations (a test set's) has none."""
    try:
        with open_file(address) as stream:
            content = json.loads(stream.read().decode("utf-8-sig", "surrogateescape"))
        images, annotations = list(content["images"]), list(content.get("annotations") or ())
        if not all(isinstance(one, dict) for one in images):
            raise TypeError("images that are no objects")
        if annotations and not any(read_captions([_caption(one, 0)[1]])[0] for one in annotations):
            raise KeyError("caption")
        licenses = _licenses(content.get("licenses"))
    except OSError as error:
        raise CimError(f"no file at {address} ({error})", "a COCO captions JSON", "mend path of this source") from error
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise CimError(
            f"{address} is not COCO captions ({type(error).__name__}: {error})"[:500],
            "images with id, file_name and annotations with image_id and a caption that is text",
            "give the captions JSON, not the instances one",
        ) from error
    return images, annotations, licenses


def _licenses(table: Any) -> dict[str, str]:
    """id -> "NAME (ADDRESS)" of the table that COCO's images refer to; what can't be read of it is left out."""
    rows = [one for one in table if isinstance(one, dict)] if isinstance(table, list) else []
    found = {str(one.get("id")): (_plain(one.get("name")), _plain(one.get("url"))) for one in rows}
    return {key: f"{name} ({url})" if name and url else f"{name}{url}" for key, (name, url) in found.items()}


def _facts(image: dict[str, Any], licenses: dict[str, str]) -> tuple[tuple[str, Any], ...]:
    """What the JSON says of an image beside its file name: texts, numbers, truth values; its licence in words."""
    kept = {name: value for name, value in image.items() if name != "file_name" and _is_plain(value)}
    if name := licenses.get(str(image.get("license"))):
        kept["license"] = name
    return tuple(kept.items())


def _without_facts(listed: tuple[Any, ...]) -> tuple[Any, ...]:
    return listed[:3]  # images are sorted by what they are, and fields need not compare


def _plain(value: Any) -> str:
    return value.strip() if isinstance(value, str) and _is_plain(value) else ""


def _is_plain(value: Any) -> bool:
    """Whether a JSON file can hold it as it is: UTF-8, no NaN and no infinity."""
    if isinstance(value, str):
        return value == value.encode("utf-8", "replace").decode()
    return isinstance(value, int) or (isinstance(value, float) and math.isfinite(value))


def _caption(annotation: Any, at: int) -> tuple[str, Any]:
    """(key of the image, the caption as it is; text as bytes, which need not be UTF-8)."""
    if not isinstance(annotation, dict) or "image_id" not in annotation:
        return f"of annotation {at}, which names none", str(annotation)[:200]
    caption = annotation.get("caption")
    return _key(annotation["image_id"]), bytes_of(caption) if isinstance(caption, str) else caption


def _file(image: dict[str, Any]) -> tuple[str, Problem | None]:
    """(locator, why it is not looked for): a name from the JSON stays in the image folder."""
    name = image.get("file_name")
    if not isinstance(name, str) or not name:
        return f"image {image.get('id')}"[:200], (Reason.WITHOUT_IMAGE, f"file_name is {name!r}"[:200])
    locator = to_locator(name)
    path = PurePosixPath(from_locator(locator))
    if ".." in path.parts or path.is_absolute():
        return locator, (Reason.UNSAFE_NAME, f"{locator!r} leads out of the folder"[:200])
    return locator, None


def _key(image_id: Any) -> str:
    """Padded, so that it sorts as a number."""
    return f"{image_id:>20}" if isinstance(image_id, int) else to_locator(str(image_id))
