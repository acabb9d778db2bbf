"""A folder of images, searched recursively, with a captions.csv or texts beside them."""

import csv
import io
import os
import posixpath
import re
import unicodedata
from collections.abc import Iterator
from pathlib import PurePosixPath

from cim.errors import CimError
from cim.images.checks import Reason
from cim.params.sources import FolderSource
from cim.readers.address import bytes_of, folder_of, is_remote, joined, local_address, source_name, to_locator
from cim.readers.base import Source
from cim.readers.file_chunk import SIDECARS, FileChunk, ListedFile, cut
from cim.readers.files import files_at, open_file, walk

# Files called so are images or claim to be; others count only when captions.csv names them.
SUFFIXES = frozenset({
    "avif", "bmp", "gif", "heic", "heif", "jfif", "jp2", "jpe", "jpeg", "jpg", "png", "tif", "tiff", "webp",
})  # fmt: skip
LONGEST = 64 * 2**20  # characters of a CSV field: what is longer is no caption but a quote that was never closed
_SUFFIX = re.compile(r"\.([a-z0-9]+)$")


def open_folder(params: FolderSource, size: int) -> Source:
    """All images, sorted by relative name, `size` a part; then folders not followed, and captions without a file.

    Raises CimError when the folder can't be listed, or its CSV is broken.
    """
    root = os.path.expanduser(local_address(params.path))
    listing = walk(root)
    table = _table(params.captions, root, listing.files)
    rows = caption_rows(table) if table else {}
    prefix = _prefix(table, root) if table else ""
    images = sorted((_key(name), to_locator(name)) for name in listing.files)  # keys may be equal, files are not
    known = {key for key, _ in images}
    captions = dict[str, list[bytes]]()
    for name, texts in rows.items():
        key = _key(name)
        captions.setdefault(key if key in known else key.removeprefix(prefix), []).extend(texts)
    files = [
        ListedFile(locator, tuple(captions.get(key, ())))
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


def caption_rows(address: str) -> dict[str, list[bytes]]:
    """The captions of every file name in a CSV with columns file_name, caption, in their order.

    A row without a name has one that says where it is: `captions.csv line 3`. Raises CimError for a header without
    the columns, and where quotes are not closed or misplaced: the rows behind would be swallowed or cut.
    """
    rows = dict[str, list[bytes]]()
    # Bytes that are not UTF-8 survive as surrogates, and bytes_of gives them back.
    before = csv.field_size_limit(LONGEST)
    try:
        with open_file(address) as stream:
            text = io.TextIOWrapper(stream, encoding="utf-8-sig", errors="surrogateescape", newline="")
            for name, caption in _rows(text, address):
                rows.setdefault(name, []).append(bytes_of(caption))
    except OSError as error:
        raise CimError(f"{address} can't be read ({error.strerror})", "a CSV of captions", "mend its rights") from error
    finally:
        csv.field_size_limit(before)
    return rows


def _rows(text: Iterator[str], address: str) -> Iterator[tuple[str, str]]:
    reader = csv.DictReader(text, strict=True)
    line = 0  # of the row before: an unclosed quote begins behind it
    try:
        header = list(reader.fieldnames or ())
        if not {"file_name", "caption"} <= set(header):
            raise CimError(f"header {header} in {address}", "columns file_name, caption", "rename the columns")
        line = reader.line_num
        for row in reader:
            name, caption = row["file_name"] or "", row["caption"] or ""
            if header[-1] == "caption":  # commas of an unquoted caption
                caption = ",".join([caption, *(row.get(None) or ())])
            line = reader.line_num
            yield name if name.strip() else f"{address.rpartition('/')[2]} line {line}", caption
    except csv.Error as error:
        raise CimError(
            f"{address}: {error}, in the row that begins at line {line + 1}",
            "a valid CSV, every quote closed",
            "mend that row; the file may be cut",
        ) from error


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
