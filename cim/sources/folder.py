"""A folder of images and a captions.csv with columns file_name, caption (several rows an image)."""

import csv
import os
import posixpath
import unicodedata
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path

import polars as pl

from cim.errors import CimError
from cim.params.shard import FolderSource as FolderParams
from cim.records import Candidate
from cim.sources.base import bytes_of, from_locator, read_image, source_name, to_locator
from cim.sources.pairs import captions, each, names, pair

# Files called so are images or claim to be; others count only when captions.csv names them.
SUFFIXES = {"avif", "bmp", "gif", "heic", "heif", "jfif", "jp2", "jpe", "jpeg", "jpg", "png", "tif", "tiff", "webp"}


class FolderSource:
    """Files are found recursively, sorted by relative name; names that start with a dot are left out."""

    def __init__(self, params: FolderParams) -> None:
        self.name = source_name("folder", params.path)
        self._root = Path(params.path).expanduser()
        if not self._root.is_dir():
            raise CimError(f"no folder at {self._root}", "a folder of images", "mend path in shard.sources")
        self._csv = self._find_csv(params.captions)

    def expected(self) -> int | None:
        return self._pairs.height

    def scan(self) -> Iterator[Candidate]:
        for key, locator, found in each(self._pairs):
            if locator is None:
                yield Candidate(None, found, key)
            else:
                image, problem = read_image(self._root / from_locator(locator))
                yield Candidate(image, found, locator, problem=problem or ("" if image is not None else "broken link"))

    def listing(self) -> Iterator[tuple[str, tuple[str | bytes, ...]]]:
        """(locator, captions) of every file, none read; captions that name no file are left out."""
        return ((locator, found) for _, locator, found in each(self._pairs) if locator is not None)

    def fetch(self, locator: str) -> bytes:
        return (self._root / from_locator(locator)).read_bytes()

    @cached_property
    def _pairs(self) -> pl.DataFrame:
        files = names((_key(name), to_locator(name)) for name in self._walk())
        rows = captions(_rows(self._csv) if self._csv else ())
        if self._csv and (prefix := self._prefix(self._csv)):
            known = pl.col("key").is_in(files["key"].implode())
            rows = rows.with_columns(
                pl.when(known).then(pl.col("key")).otherwise(pl.col("key").str.strip_prefix(prefix))
            )
        paired = pair(files, rows)
        suffix = pl.col("key").str.to_lowercase().str.extract(r"\.([a-z0-9]+)$")
        return paired.filter(pl.col("captions").is_not_null() | suffix.is_in(list(SUFFIXES)))

    def _walk(self) -> Iterator[str]:
        for folder, subfolders, files in os.walk(self._root, onerror=_stop):
            subfolders[:] = [name for name in subfolders if not name.startswith(".")]
            for name in files:
                if not name.startswith("."):
                    yield Path(folder, name).relative_to(self._root).as_posix()

    def _find_csv(self, given: str | None) -> Path | None:
        if given:
            if not (file := Path(given).expanduser()).is_file():
                raise CimError(f"no file at {given}", "columns file_name, caption", "mend captions in shard.sources")
            return file
        places = [self._root / "captions.csv", self._root.parent / "captions.csv"]
        return next((place for place in places if place.is_file()), None)  # none: fine where no captions are needed

    def _prefix(self, file: Path) -> str:
        """`images/` where the CSV lies above the folder and may name files from where it lies itself."""
        here, root = file.parent.resolve(), self._root.resolve()
        return f"{root.relative_to(here).as_posix()}/" if root != here and root.is_relative_to(here) else ""


def _stop(error: OSError) -> None:
    raise CimError(
        f"{error.filename} can't be read ({error.strerror})", "readable folders", "mend its rights"
    ) from error


def _rows(path: Path) -> Iterator[tuple[str, bytes]]:
    """(key of the file, caption bytes) of every row."""
    # Bytes that are not UTF-8 survive as surrogates, and bytes_of gives them back.
    with path.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as handle:
        reader = csv.DictReader(handle)
        try:
            header = list(reader.fieldnames or ())
            if not {"file_name", "caption"} <= set(header):
                raise CimError(f"header {header} in {path}", "columns file_name, caption", "rename the columns")
            for row in reader:
                name, caption = row["file_name"] or "", row["caption"] or ""
                if header[-1] == "caption":  # commas of an unquoted caption
                    caption = ",".join([caption, *(row.get(None) or ())])
                yield _key(name) if name.strip() else f"{path.name} line {reader.line_num}", bytes_of(caption)
        except csv.Error as error:
            raise CimError(f"{path} after line {reader.line_num}: {error}", "a valid CSV", "mend that line") from error


def _key(name: str) -> str:
    """One spelling for names that mean the same file: no `./`, composed accents."""
    return to_locator(unicodedata.normalize("NFC", posixpath.normpath(name.strip())))
