"""S3 and Google Cloud Storage, through their fsspec drivers and local servers that speak their protocols."""

import io
import json
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import fsspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from corpus_files import first, picture, plan, read, shard

from cim.captioners.decoding import Decoding
from cim.captions.job import ShardJob
from cim.captions.lineage import Lineage
from cim.errors import TransientError
from cim.readers.remote import RemoteTar, listed_identities

TEXTS = [["alt 0", "alt 1"], ["alt 10", "alt 11"]]


@pytest.fixture
def s3(s3_account: None) -> Iterator[str]:
    """A folder in a bucket, with two tars."""
    yield from filled("s3")


@pytest.fixture
def gs(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The same in Google's store."""
    pytest.importorskip("gcsfs")
    emulator = pytest.importorskip("gcp_storage_emulator.server")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    server = emulator.create_server("127.0.0.1", port, in_memory=True)
    server.start()
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", f"http://127.0.0.1:{port}")
    monkeypatch.setenv("NO_GCE_CHECK", "true")
    yield from filled("gs")
    server.stop()


def filled(scheme: str) -> Iterator[str]:
    """A bucket's folder with two tars, reached by a driver that has read the environment anew."""
    fsspec.get_filesystem_class(scheme).clear_instance_cache()
    store = fsspec.filesystem(scheme)
    store.mkdir("corpus")
    for number in range(2):
        store.pipe_file(f"corpus/a/{number}.tar", shard(10 * number, 2))
    yield f"{scheme}://corpus/a"
    fsspec.filesystem(scheme).rm("corpus", recursive=True)
    fsspec.get_filesystem_class(scheme).clear_instance_cache()


@pytest.fixture(params=["s3", "gs"])
def store(request: pytest.FixtureRequest) -> str:
    """Both, one after the other."""
    found: str = request.getfixturevalue(request.param)
    return found


@pytest.mark.parametrize("pattern", ["{}/*.tar", "{}/{{0..1}}.tar"])
def test_a_store_is_listed_and_read(store: str, tmp_path: Path, pattern: str) -> None:
    parts = plan({"kind": "webdataset", "path": pattern.format(store)})
    assert [part.name for part in parts.values()] == [f"{store}/0.tar", f"{store}/1.tar"]
    assert [[first(item) for item in items] for items in read(parts, tmp_path / "copies")] == TEXTS


@pytest.mark.parametrize("kind", ["parquet", "huggingface", "saved"])
def test_tables_are_read_where_they_lie(store: str, tmp_path: Path, kind: str) -> None:
    """A Parquet file, a downloaded dataset of such, and what `save_to_disk` writes."""
    table = pa.table({"image": [{"bytes": picture(shade)} for shade in (1, 2, 3)], "caption": ["one", "two", "three"]})
    sink = io.BytesIO()
    if kind == "saved":
        state = {"_data_files": [{"filename": "data-00000-of-00001.arrow"}]}
        fsspec.filesystem(store[:2]).pipe_file("corpus/tables/state.json", json.dumps(state).encode())
        with pa.ipc.new_stream(sink, table.schema) as writer:
            writer.write_table(table)
    else:
        pq.write_table(table, sink)
    name = "data-00000-of-00001.arrow" if kind == "saved" else "train-00000-of-00001.parquet"
    fsspec.filesystem(store[:2]).pipe_file(f"corpus/tables/{name}", sink.getvalue())
    path = f"{store[:2]}://corpus/tables"
    corpus = (
        {"kind": "parquet", "path": f"{path}/*.parquet"} if kind == "parquet" else {"kind": "huggingface", "path": path}
    )
    parts = plan(corpus, 2)
    assert list(parts) == ["00000", "00001"]
    items = [item for found in read(parts, tmp_path / "copies") for item in found]
    assert [(item.image, first(item)) for item in items] == [
        (picture(1), "one"), (picture(2), "two"), (picture(3), "three"),
    ]  # fmt: skip
    assert plan(corpus, 2)["00001"].identity() == parts["00001"].identity()


def test_a_file_is_known_by_its_content_whatever_was_listed_before(store: str) -> None:
    same, other = plan({"kind": "webdataset", "path": f"{store}/*.tar"}).values()  # the driver keeps this listing
    before = [same.identity(), other.identity()]
    elsewhere = type(fsspec.filesystem(store[:2]))(skip_instance_cache=True)  # as another machine would
    elsewhere.pipe_file("corpus/a/0.tar", shard(0, 2))  # the same bytes, at another time
    elsewhere.pipe_file("corpus/a/1.tar", shard(20, 2))
    assert same.identity() == before[0]
    assert other.identity() != before[1]


def test_a_new_file_is_listed(store: str) -> None:
    corpus = {"kind": "webdataset", "path": f"{store}/*.tar"}
    assert len(plan(corpus)) == 2
    type(fsspec.filesystem(store[:2]))(skip_instance_cache=True).pipe_file("corpus/a/2.tar", shard(20, 2))
    assert len(plan(corpus)) == 3


def test_a_listing_gives_the_identity_that_asking_gives(store: str) -> None:
    """What is done is looked for by listings; another identity would have every shard asked for, and none believed."""
    tars = [
        part for part in plan({"kind": "webdataset", "path": f"{store}/*.tar"}).values() if isinstance(part, RemoteTar)
    ]
    unlisted = [RemoteTar(f"{store}/none.tar"), RemoteTar("pipe:cat 0.tar"), RemoteTar(f"{store}/of/its/own.tar")]
    assert listed_identities([*tars, *unlisted]) == {tar: tar.identity() for tar in tars}


def test_a_changed_file_redoes_its_shard_only(s3: str, tmp_path: Path) -> None:
    def fingerprints() -> list[str]:
        parts = plan({"kind": "webdataset", "path": f"{s3}/*.tar"})
        lineage = Lineage("model", "Say.", Decoding(8), "float32")
        return [ShardJob(part, tmp_path, stem, int(stem), lineage, True).fingerprint() for stem, part in parts.items()]

    before = fingerprints()
    fsspec.filesystem("s3").pipe_file("corpus/a/1.tar", shard(20, 3))
    after = fingerprints()
    assert after[0] == before[0]
    assert after[1] != before[1]


def test_a_missing_file_fails_its_shard_only(s3: str, tmp_path: Path) -> None:
    there, missing = plan({"kind": "webdataset", "path": f"{s3}/{{1..2}}.tar"}).values()
    assert len(list(there.here(tmp_path / "copy").items())) == 2
    for ask in (missing.identity, lambda: missing.here(tmp_path / "none")):
        with pytest.raises(TransientError, match=rf"{s3}/2.tar can't be read \(FileNotFoundError"):
            ask()


@pytest.mark.parametrize("ask", [RemoteTar.identity, lambda part: part.here(Path("never"))])
def test_without_credentials(s3: str, monkeypatch: pytest.MonkeyPatch, ask: Any) -> None:
    with monkeypatch.context() as changed:
        changed.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nowhere")
        fsspec.get_filesystem_class("s3").clear_instance_cache()
        with pytest.raises(TransientError, match=r"s3://corpus/a/0.tar can't be read \(NoCredentialsError"):
            ask(RemoteTar(f"{s3}/0.tar"))
        with pytest.raises(TransientError, match=r"NoCredentialsError.*your credentials"):
            plan({"kind": "webdataset", "path": f"{s3}/*.tar"})
    fsspec.get_filesystem_class("s3").clear_instance_cache()
    assert not Path("never").exists()


def test_the_environment_gives_the_address_too(
    s3: str, s3_server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As object stores other than Amazon's are reached."""
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nowhere")
    monkeypatch.setenv("AWS_ENDPOINT_URL", s3_server)
    fsspec.get_filesystem_class("s3").clear_instance_cache()
    parts = plan({"kind": "webdataset", "path": f"{s3}/*.tar"})
    assert [[first(item) for item in items] for items in read(parts, tmp_path / "copies")] == TEXTS
