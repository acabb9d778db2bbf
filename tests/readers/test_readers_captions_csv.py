"""captions.csv: every row is read as it was meant, or the file is refused."""

import csv
from pathlib import Path

import pytest

from cim.errors import CimError
from cim.readers.captions_csv import caption_rows


def rows(folder: Path, content: bytes) -> dict[str, list[bytes]]:
    (folder / "captions.csv").write_bytes(content)
    return caption_rows(str(folder / "captions.csv"))[0]


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (b"file_name,caption\n", {}),
        (b"file_name,caption\na,one\na,two\nb,three\n", {"a": [b"one", b"two"], "b": [b"three"]}),
        (b"caption,x,file_name\none,2,a\n", {"a": [b"one"]}),
        (b'file_name,caption\r\na,"one, ""two"""\r\n', {"a": [b'one, "two"']}),
        (b'file_name,caption\na,"two\nlines"\nb,x\n', {"a": [b"two\nlines"], "b": [b"x"]}),
        (b"file_name,caption\na,one, and two\n", {"a": [b"one, and two"]}),  # commas of an unquoted caption
        (b'file_name,caption\na,a 5" screen\n', {"a": [b'a 5" screen']}),
        (b"\xef\xbb\xbffile_name,caption\na,caf\xe9\n", {"a": [b"caf\xe9"]}),
        (b"file_name,caption\na\n\nb,x\n", {"a": [b""], "b": [b"x"]}),
        (b"file_name,caption\na,x\n,nameless\n", {"a": [b"x"], "captions.csv line 3": [b"nameless"]}),
        (b"file_name,caption\na," + b"x" * 200_000, {"a": [b"x" * 200_000]}),  # too long, but that is its row's affair
    ],
)
def test_rows_as_they_were_meant(tmp_path: Path, content: bytes, found: dict[str, list[bytes]]) -> None:
    before = csv.field_size_limit()
    assert rows(tmp_path, content) == found
    assert csv.field_size_limit() == before


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", r"header \[\]"),
        (b"image;text\na;b\n", "columns file_name, caption"),
        (b"file_name;caption\na;b\n", "columns file_name, caption"),
        ("file_name,caption\n".encode("utf-16"), "columns file_name, caption"),
        # A lenient reader would make one caption of all rows behind the quote, and lose theirs.
        (b'file_name,caption\na,one\nb,"two\nc,three\nd,four\n', "unexpected end of data, in the row .* at line 3"),
        (b'file_name,caption\na,"one" more\nb,x\n', "',' expected after '\"', in the row that begins at line 2"),
        (b'file_name,caption\na,"one\nb,"two"\n', "expected after '\"', in the row that begins at line 2"),
    ],
)
def test_what_would_lose_rows_is_one_error(tmp_path: Path, content: bytes, message: str) -> None:
    before = csv.field_size_limit()
    with pytest.raises(CimError, match=message):
        rows(tmp_path, content)
    assert csv.field_size_limit() == before


def test_a_quote_never_closed_in_a_large_file_is_found_before_all_of_it_is_one_field(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cim.readers.captions_csv.LONGEST", 1000)
    content = b'file_name,caption\na,one\nb,"two\n' + b"c,three\n" * 1000
    with pytest.raises(CimError, match=r"field larger than field limit \(1000\), in the row that begins at line 3"):
        rows(tmp_path, content)


def test_no_file_and_a_folder_are_errors(tmp_path: Path) -> None:
    for place in (tmp_path / "none.csv", tmp_path):
        with pytest.raises(CimError, match="can't be read"):
            caption_rows(str(place))
