"""What is said of an address in public, and whether one lies in a store's folder however it is spelled."""

from pathlib import Path

import pytest

from cim.errors import TransientError
from cim.readers.address import lies_in, public
from cim.readers.remote import RemoteTar

CURL = "pipe:curl -s -H 'Authorization: Bearer SECRET' https://u:SECRET@127.0.0.1:1/0.tar?SECRET"


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("https://me:word@host/a/0.tar?token=x", "https://host/a/0.tar"),
        ("simplecache::https://me:word@host/a@b.tar?x::y", "simplecache::https://host/a@b.tar"),
        ("s3://bucket/a@b/0.tar", "s3://bucket/a@b/0.tar"),
        # printf pipe:cat | sha256sum | cut -c-16
        ("pipe:cat", "pipe:cat#ee0f700b78338ac7"),
    ],
)
def test_what_may_hold_secrets_is_left_out(url: str, said: str) -> None:
    assert public(url) == said


@pytest.mark.parametrize(
    ("command", "program"),
    [
        (CURL, "curl"),
        ("pipe:TOKEN=SECRET KEY='S ECRET' /opt/bin/aws s3 cp s3://b/0.tar -", "aws"),
        ("pipe:'unclosed SECRET", "command"),
        ("pipe:$(SECRET) x", "command"),
        ("pipe:TOKEN=SECRET", "command"),
        ("pipe:", "command"),
    ],
)
def test_of_a_command_only_the_program_is_named(command: str, program: str) -> None:
    assert public(command).rpartition("#")[0] == f"pipe:{program}"
    assert "ECRET" not in public(command)


def test_commands_of_one_program_are_told_apart() -> None:
    one, other = RemoteTar("pipe:curl x"), RemoteTar("pipe:curl y")
    assert one.name != other.name
    assert one.identity() != other.identity()


@pytest.mark.parametrize("command", [CURL, "pipe:exit 3 # SECRET 'and' \"more\""])
def test_a_command_that_fails_tells_no_secrets(command: str, tmp_path: Path) -> None:
    with pytest.raises(TransientError, match=r"exit [37] ") as caught:
        RemoteTar(command).here(tmp_path / "copy")
    assert "SECRET" not in str(caught.value)
    assert caught.value.__cause__ is None  # which a logged traceback would show
    assert caught.value.__suppress_context__


@pytest.mark.parametrize(
    ("url", "folder", "inside"),
    [
        ("s3://b/out/0.tar", "s3://b/out", True),
        ("s3a://b/out/0.tar", "s3://b/out", True),
        ("s3://b/out/0.tar", "s3a://b/out", True),
        ("s3://b//out/0.tar", "s3://b/out", True),
        ("s3://b/out/0.tar", "s3://b//out/", True),
        ("gcs://b/out/deep/0.tar", "gs://b/out", True),
        ("simplecache::s3://b/out/0.tar", "s3://b/out", True),
        ("zip://0.tar::s3://b/out/all.zip", "s3://b/out", True),
        ("pipe:aws s3 cp s3://b/out/0.tar -", "s3://b/out", True),
        ("pipe:aws s3 cp 's3://b//out' -", "s3a://b/out", True),
        ("pipe:gsutil cat gs://b/out/0.tar", "gcs://b/out", True),
        ("s3://b/out2/0.tar", "s3://b/out", False),
        ("s3://b/0.tar", "s3://b/out", False),
        ("s3://other/out/0.tar", "s3://b/out", False),
        ("gs://b/out/0.tar", "s3://b/out", False),
        ("https://b/out/0.tar", "s3://b/out", False),
        ("pipe:aws s3 cp s3://b/out-2/0.tar -", "s3://b/out", False),
        ("pipe:aws s3 cp s3://b/in/0.tar - # out", "s3://b/out", False),
        ("unknown://b/out/0.tar", "s3://b/out", False),
        ("abfs://b/out/0.tar", "s3://b/out", False),  # its driver is not installed
    ],
)
def test_an_address_lies_in_a_folder_in_whatever_spelling(url: str, folder: str, inside: bool) -> None:
    assert lies_in(url, folder) is inside
