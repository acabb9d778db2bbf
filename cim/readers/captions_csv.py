"""A CSV of captions by file name, read strictly: what is broken in it must not swallow rows."""

import csv
import io
from collections.abc import Iterator, Mapping
from typing import Any

from cim.errors import CimError
from cim.readers.address import bytes_of
from cim.readers.files import open_file

LONGEST = 64 * 2**20  # characters of a CSV field: what is longer is no caption but a quote that was never closed


def caption_rows(address: str) -> tuple[dict[str, list[bytes]], dict[str, dict[str, str]]]:
    """(captions in their order, other columns) of every file name in a CSV with columns file_name, caption.

    Of other columns the first row that says something counts. A row without a name has one that says where it is:
    `captions.csv line 3`. Raises CimError for a header without the columns, and where quotes are not closed or
    misplaced: the rows behind would be swallowed or cut.
    """
    rows, others = dict[str, list[bytes]](), dict[str, dict[str, str]]()
    # Bytes that are not UTF-8 survive as surrogates, and bytes_of gives them back.
    before = csv.field_size_limit(LONGEST)
    try:
        with open_file(address) as stream:
            text = io.TextIOWrapper(stream, encoding="utf-8-sig", errors="surrogateescape", newline="")
            for name, caption, columns in _rows(text, address):
                rows.setdefault(name, []).append(bytes_of(caption))
                others[name] = columns | others.get(name, {})
    except OSError as error:
        raise CimError(f"{address} can't be read ({error.strerror})", "a CSV of captions", "mend its rights") from error
    finally:
        csv.field_size_limit(before)
    return rows, others


def _rows(text: Iterator[str], address: str) -> Iterator[tuple[str, str, dict[str, str]]]:
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
            yield name if name.strip() else f"{address.rpartition('/')[2]} line {line}", caption, _others(row)
    except csv.Error as error:
        raise CimError(
            f"{address}: {error}, in the row that begins at line {line + 1}",
            "a valid CSV, every quote closed",
            "mend that row; the file may be cut",
        ) from error


def _others(row: Mapping[Any, Any]) -> dict[str, str]:
    """The columns beside name and caption that say something in UTF-8."""
    found = {name: text for name, text in row.items() if name and name not in ("file_name", "caption") and text}
    return {name: text for name, text in found.items() if text == text.encode("utf-8", "replace").decode()}
