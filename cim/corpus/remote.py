"""Tars that lie elsewhere: object stores, web servers, the output of a command."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from cim.atomic import replacing
from cim.corpus.tar import TarPart
from cim.errors import CimError
from cim.fingerprint import fingerprint

PIPE = "pipe:"
# What stores say of a file that changes with its content (S3, GCS, HTTP, fsspec's own): whatever of it is there.
_VERSION = (
    "size", "ETag", "etag", "Content-MD5", "Digest", "Last-Modified", "LastModified", "md5Hash", "crc32c",
    "generation", "mtime", "updated", "created",
)  # fmt: skip


@dataclass(frozen=True)
class RemoteTar:
    """A tar behind a URL that fsspec or webdataset's openers know, `pipe:COMMAND` included.

    It is copied beside the output while its shard is worked on: read twice, fetched once.
    """

    url: str
    images: int | None = None

    @property
    def name(self) -> str:
        """The URL without what may hold secrets: a query, credentials."""
        if self.url.startswith(PIPE):
            return self.url
        scheme, _, rest = self.url.partition("://")
        host, slash, path = rest.partition("?")[0].partition("/")
        return f"{scheme}://{host.rpartition('@')[2]}{slash}{path}"

    def identity(self) -> str:
        """The name with what its store says of size and version; a command stands for what it prints."""
        return fingerprint("remote", self.name, _version(self.url))

    def here(self, copy: Path) -> TarPart:
        if not copy.exists():
            try:
                with replacing(copy) as temporary, temporary.open("wb") as to, _opened(self.url) as source:
                    shutil.copyfileobj(source, to, 2**20)
            except (OSError, ValueError) as error:
                raise _unreachable(self.name, error) from error
        return TarPart(copy, self.name, self.images)


def is_remote(path: str) -> bool:
    """Whether `path` is a URL or a command rather than a local path."""
    return path.startswith(PIPE) or "://" in path


def listed(url: str) -> list[str]:
    """The URLs that a remote glob stands for, sorted; one without `*` stands for itself. Web servers list nothing."""
    scheme = url.partition("://")[0]
    if url.startswith((PIPE, "http:", "https:")) or "*" not in url:
        return [url]
    try:
        import fsspec

        system, path = fsspec.core.url_to_fs(url)
        found = [f"{scheme}://{name.lstrip('/')}" for name in sorted(system.glob(path))]
    except (ImportError, OSError, ValueError) as error:
        raise _unreachable(url, error) from error
    if not found:
        raise CimError(f"no file at {url}", "a glob that some file of the store fits", "mend recaption.corpus.path")
    return found


def _version(url: str) -> dict[str, Any]:
    if url.startswith(PIPE):
        return {}
    try:
        import fsspec

        system, path = fsspec.core.url_to_fs(url)
        info = system.info(path)
    except ImportError:  # no driver for this store: a command-line opener reads it, and says nothing of versions
        return {}
    except (OSError, ValueError) as error:
        raise _unreachable(url, error) from error
    return {name: str(info[name]) for name in _VERSION if info.get(name) is not None}


@contextmanager
def _opened(url: str) -> Iterator[IO[bytes]]:
    """fsspec where it has a driver; else webdataset's openers, which run curl, gsutil or the user's command."""
    try:
        if url.startswith(PIPE):
            raise ImportError
        import fsspec

        with fsspec.open(url, "rb") as stream:
            yield stream
        return
    except ImportError:
        import webdataset
    with webdataset.gopen(url) as stream:
        yield stream


def _unreachable(name: str, error: Exception) -> CimError:
    return CimError(
        f"{name} can't be read ({type(error).__name__}: {error})",
        "a tar that this machine may read",
        "check the address, your rights and the store's fsspec package (s3fs, gcsfs)",
    )
