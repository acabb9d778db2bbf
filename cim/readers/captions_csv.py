"""captions.csv: columns file_name, caption, several rows an image; strict where a lenient reader would lose rows."""

import csv
import io
from collections.abc import Iterator

from cim.errors import CimError
from cim.readers.address import bytes_of
from cim.readers.files import opened

LONGEST = 64 * 2**20  # characters of a field: what is longer is no caption but a quote that was never closed


def caption_rows(address: str) -> dict[str, list[bytes]]:
    """The captions of every file name, in their order.

    A row without a name has one that says where it is: `captions.csv line 3`. Raises CimError for a header without
    the columns, and where quotes are not closed or misplaced: the rows behind would be swallowed or cut.
    """
    rows = dict[str, list[bytes]]()
    # Bytes that are not UTF-8 survive as surrogates, and bytes_of gives them back.
    before = csv.field_size_limit(LONGEST)
    try:
        with opened(address) as stream:
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
