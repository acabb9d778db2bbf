"""An S3 of one's own, as fixtures."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from cim.captions.store import Store


@pytest.fixture(scope="session")
def s3_server() -> Iterator[str]:
    """URL of a server that keeps S3's buckets in memory."""
    pytest.importorskip("s3fs")
    moto = pytest.importorskip("moto.server")
    server = moto.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    yield "http://{}:{}".format(*server.get_host_and_port())
    server.stop()


@pytest.fixture
def s3_account(s3_server: str, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its address and keys, given by AWS's own files."""
    folder: Path = tmp_path_factory.mktemp("aws")
    (folder / "config").write_text(f"[default]\nregion = us-east-1\nendpoint_url = {s3_server}\n")
    (folder / "credentials").write_text("[default]\naws_access_key_id = me\naws_secret_access_key = word\n")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")  # no search for a cloud machine's own role
    monkeypatch.setenv("AWS_CONFIG_FILE", str(folder / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(folder / "credentials"))
    for name in ("AWS_ENDPOINT_URL", "AWS_PROFILE", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def bucket(s3_account: None) -> Iterator[Any]:
    """An empty one named mixes, as its file system."""
    import fsspec

    fsspec.get_filesystem_class("s3").clear_instance_cache()
    system = fsspec.filesystem("s3")
    system.mkdir("mixes")
    yield system
    system.rm("mixes", recursive=True)
    fsspec.get_filesystem_class("s3").clear_instance_cache()


def stored(bucket: Any) -> dict[str, bytes]:
    """All files at s3://mixes/out, without those that are about the store itself."""
    bucket.invalidate_cache()
    names = [name for name in bucket.find("mixes/out") if not name.endswith((".done.json", "markers.json.gz"))]
    return {name.removeprefix("mixes/out/"): bucket.cat_file(name) for name in names}


def unmarked(files: dict[str, bytes]) -> dict[str, bytes]:
    """The same of a folder's files."""
    return {name: content for name, content in files.items() if not name.endswith(".done.json")}


@contextmanager
def dying_at_put(number: int) -> Iterator[None]:
    """While this is open, a run dies before its put of this number, from 1, into a store."""
    real, left = Store.put, number

    def put(self: Store, file: Path, name: str = "") -> None:
        nonlocal left
        left -= 1
        if not left:
            raise KeyboardInterrupt
        real(self, file, name)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(Store, "put", put)
        yield
