"""A store is never the corpus itself, however its address is spelled."""

import pytest

from cim.captions.store import Store
from cim.errors import CimError
from cim.readers.remote import RemoteTar


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("s3://ours/out/00000.tar", r"s3://ours/out/00000\.tar"),
        ("s3a://ours/out/00000.tar", r"s3a://ours/out/00000\.tar"),
        ("s3://ours//out/00000.tar", r"s3://ours//out/00000\.tar"),
        ("pipe:aws s3 cp s3://ours/out/00000.tar -", "pipe:aws#[0-9a-f]{16}"),
    ],
)
def test_a_corpus_is_never_written_over(url: str, name: str) -> None:
    """An earlier run's shards, described anew, into the same address: 00000.tar would be read and replaced."""
    with pytest.raises(CimError, match=rf"s3://ours/out, and {name} of the corpus in it"):
        Store("s3://ours/out").listed([RemoteTar(url)])
