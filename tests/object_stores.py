"""An S3 of one's own, as fixtures."""

from collections.abc import Iterator
from pathlib import Path

import pytest


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
