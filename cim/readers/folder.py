"""A folder of images, searched recursively, with a captions.csv or texts beside them."""

import os
import posixpath
import re
import unicodedata
from pathlib import PurePosixPath

from cim.images.checks import Reason
from cim.params.sources import FolderSource
from cim.readers.address import folder_of, is_remote, joined, local_address, source_name, to_locator
from cim.readers.base import Source
from cim.readers.captions_csv import caption_rows
from cim.readers.file_chunk import SIDECARS, FileChunk, ListedFile, cut
from cim.readers.files import files_at, walk

# Files called so are images or claim to be; others count only when captions.csv names them.
SUFFIXES = frozenset({
    "avif", "bmp", "gif", "heic", "heif", "jfif", "jp2", "jpe", "jpeg", "jpg", "png", "tif", "tiff", "webp",
})  # fmt: skip
_SUFFIX = re.compile(r"\.([a-z0-9]+)$")


def open_folder(params: FolderSource, size: int) -> Source:
    """All images, sorted by relative name, `size` a part; then folders not followed, and captions without a file.

    Raises CimError when the folder can't be listed, or its CSV is broken.
    """
    root = os.path.expanduser(local_address(params.path))
    listing = walk(root)
    table = _table(params.captions, root, listing.files)
    rows, others = caption_rows(table) if table else ({}, {})
    prefix = _prefix(table, root) if table else ""
    images = sorted((_key(name), to_locator(name)) for name in listing.files)  # keys may be equal, files are not
    known = {key for key, _ in images}
    captions, facts = dict[str, list[bytes]](), dict[str, dict[str, str]]()
    for name, texts in rows.items():
        key = _key(name)
        key = key if key in known else key.removeprefix(prefix)
        captions.setdefault(key, []).extend(texts)
        facts[key] = others[name] | facts.get(key, {})
    files = [
        ListedFile(locator, tuple(captions.get(key, ())), None, tuple(facts.get(key, {}).items()))
        for key, locator in images
        if key in captions or ((found := _SUFFIX.search(key.lower())) and found[1] in SUFFIXES)
    ]
    files += [ListedFile(to_locator(name), (), problem) for name, problem in sorted(listing.problems.items())]
    files += [
        ListedFile(key, tuple(texts), (Reason.NO_IMAGE, f"no file of that name in {PurePosixPath(root).name}"))
        for key, texts in sorted(captions.items())
        if key not in known
    ]
    chunk = FileChunk(PurePosixPath(root).name, root, tuple(files), SIDECARS)
    return Source(source_name("folder", root), cut(chunk, size, listing.versions))


def _table(given: str | None, root: str, files: list[str]) -> str | None:
    """The address of the captions' file; none is fine where no captions are needed."""
    if given:
        return files_at(given)[0]
    if "captions.csv" in files:
        return joined(root, "captions.csv")
    above = joined(folder_of(root.rstrip("/")), "captions.csv")
    return above if not is_remote(root) and os.path.isfile(above) else None


def _prefix(table: str, root: str) -> str:
    """`images/` where the CSV lies above the folder and may name files from where it lies itself."""
    if is_remote(table) or is_remote(root):
        here, below = folder_of(table), root.rstrip("/")
    else:
        here, below = os.path.realpath(folder_of(table)), os.path.realpath(root)
    return f"{posixpath.relpath(below, here)}/" if below != here and below.startswith(f"{here.rstrip('/')}/") else ""


def _key(name: str) -> str:
    """One spelling for names that mean the same file: no `./`, composed accents."""
    return to_locator(unicodedata.normalize("NFC", posixpath.normpath(name.strip())))
