"""S3 and Google Cloud Storage, through their fsspec drivers and local servers that speak their protocols."""

import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import fsspec
import pytest
from corpus_files import plan, read, shard

from cim.captioners.decoding import Decoding, Generated
from cim.captions.job import ShardJob
from cim.captions.lineage import Lineage
from cim.captions.shard import finish_shard
from cim.corpus.remote import RemoteTar
from cim.errors import PassingError

TEXTS = [["alt 0", "alt 1"], ["alt 10", "alt 11"]]


@pytest.fixture(scope="module")
def s3_server() -> Iterator[str]:
    """URL of a server that keeps S3's buckets in memory."""
    pytest.importorskip("s3fs")
    moto = pytest.importorskip("moto.server")
    server = moto.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    yield "http://{}:{}".format(*server.get_host_and_port())
    server.stop()


@pytest.fixture
def s3(s3_server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A folder in a bucket, with two tars; the address and the keys are given by AWS's own files."""
    (tmp_path / "config").write_text(f"[default]\nregion = us-east-1\nendpoint_url = {s3_server}\n")
    (tmp_path / "credentials").write_text("[default]\naws_access_key_id = me\naws_secret_access_key = word\n")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")  # no search for a cloud machine's own role
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    for name in ("AWS_ENDPOINT_URL", "AWS_PROFILE", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name, raising=False)
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
    assert [[item.text for item in items] for items in read(parts, tmp_path / "copies")] == TEXTS


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


def test_a_changed_file_redoes_its_shard_only(s3: str, tmp_path: Path) -> None:
    def captioned() -> list[tuple[int, int]]:
        """(images captioned before, images) of each shard."""
        parts = plan({"kind": "webdataset", "path": f"{s3}/*.tar"})
        return [(before, facts["images"]) for before, facts in (caption(parts[n], tmp_path, n) for n in parts)]

    assert captioned() == [(0, 2), (0, 2)]
    assert captioned() == [(2, 2), (2, 2)]
    fsspec.filesystem("s3").pipe_file("corpus/a/1.tar", shard(20, 3))
    assert captioned() == [(2, 2), (0, 3)]
    assert not list((tmp_path / "out").glob(".*"))  # no copy of a source is left


def test_a_missing_file_fails_its_shard_only(s3: str, tmp_path: Path) -> None:
    parts = plan({"kind": "webdataset", "path": f"{s3}/{{1..2}}.tar"})
    assert caption(parts["00000"], tmp_path, "00000")[1]["captions"] == 2
    with pytest.raises(PassingError, match=rf"{s3}/2.tar can't be read \(FileNotFoundError"):
        caption(parts["00001"], tmp_path, "00001")


@pytest.mark.parametrize("ask", [RemoteTar.identity, lambda part: part.here(Path("never"))])
def test_without_credentials(s3: str, monkeypatch: pytest.MonkeyPatch, ask: Any) -> None:
    with monkeypatch.context() as changed:
        changed.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nowhere")
        fsspec.get_filesystem_class("s3").clear_instance_cache()
        with pytest.raises(PassingError, match=r"s3://corpus/a/0.tar can't be read \(NoCredentialsError"):
            ask(RemoteTar(f"{s3}/0.tar"))
        with pytest.raises(PassingError, match=r"NoCredentialsError.*your credentials"):
            plan({"kind": "webdataset", "path": f"{s3}/*.tar"})
    fsspec.get_filesystem_class("s3").clear_instance_cache()
    assert not Path("never").exists()


def test_the_environment_gives_the_address_too(
    s3: str, s3_server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As object stores other than Amazon's are reached."""
    (tmp_path / "config").write_text("")
    monkeypatch.setenv("AWS_ENDPOINT_URL", s3_server)
    fsspec.get_filesystem_class("s3").clear_instance_cache()
    parts = plan({"kind": "webdataset", "path": f"{s3}/*.tar"})
    assert [[item.text for item in items] for items in read(parts, tmp_path / "copies")] == TEXTS


def caption(part: Any, folder: Path, stem: str) -> tuple[int, dict[str, Any]]:
    """Caption one part; (images that were captioned before, the shard's facts)."""
    lineage = Lineage("model", "Say.", Decoding(8), "float32")
    job = ShardJob(part, folder / "out", stem, int(stem), lineage, True)
    outcome = finish_shard(job, lambda: lambda images, keys: [Generated("words", "stop", 1) for _ in images])
    assert outcome is not None
    return outcome.before, outcome.facts
