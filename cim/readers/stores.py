"""Object stores and web servers: how one is asked, and what it says of a file's version."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import IO, Any

from cim.errors import CimError, TransientError
from cim.fingerprint import fingerprint
from cim.readers.address import PIPE, public, without_secrets

# What stores say of a file's content or version (S3, GCS, Azure, HTTP, fsspec's own), the surest first: a file that is
# put there again with the same bytes should stay the same one, so times count only where there is nothing better.
_VERSION = (
    "md5Hash", "Content-MD5", "Digest", "ETag", "etag", "generation", "crc32c",
    "LastModified", "Last-Modified", "mtime", "updated", "created",
)  # fmt: skip


def store_of(url: str) -> tuple[Any, str]:
    """fsspec's file system for `url`, and the path there. Raises ImportError where its driver is not installed."""
    import fsspec

    found: tuple[Any, str] = fsspec.core.url_to_fs(url)
    return found


@contextmanager
def store_errors(url: str, doing: str = "read") -> Iterator[None]:
    """Turn what a store's driver raises into a TransientError: each client library has exceptions of its own kind.

    A driver that is not installed is a CimError: it stays away however often it is tried.
    """
    try:
        yield
    except CimError:
        raise
    except ImportError as error:
        raise CimError(f"{public(url)}, and no driver for it ({error})", "its fsspec package", "install it") from error
    except Exception as error:
        causes = [error] if error.__cause__ is None else [error, error.__cause__]
        message = without_secrets("; ".join(f"{type(one).__name__}: {one}" for one in causes), url)
        raise TransientError(
            f"{public(url)} can't be {doing} ({message})",
            "a store that answers, and rights to it",
            "check the address and your credentials for it (docs/recaption.md), and run again",
        ) from (error if public(url) == url else None)  # tracebacks are logged, and show what it was raised from


def version_info(info: Mapping[str, Any]) -> dict[str, str]:
    """What of a driver's `info` says which version of a file this is."""
    known = [name for name in _VERSION if info.get(name) is not None][:1]
    return {name: str(info.get(name)) for name in ["size", *known]}


def version_of(url: str) -> dict[str, str]:
    """What the store says of size and version now; a command stands for what it prints."""
    if url.startswith(PIPE):
        return {"command": fingerprint(url)}
    with store_errors(url):
        try:
            system, path = store_of(url)
        except ImportError:  # no driver for this store: a command-line opener reads it, and says nothing of versions
            return {}
        system.invalidate_cache(path)  # what a listing said may be hours old
        return version_info(system.info(path))


def listed_below(folder: str) -> dict[str, dict[str, str]]:
    """Name below `folder` -> what the store says of its size and version, of all files there: a request a page.

    Pages hold 1,000 names in S3. Empty where there is no such folder. Raises TransientError.
    """
    with store_errors(folder):
        system, root = store_of(folder)
        system.invalidate_cache()  # what was listed before may be hours old
        found = system.find(root, detail=True)
        return {name.removeprefix(root).lstrip("/"): version_info(info) for name, info in found.items()}


def listed_in(folder: str) -> dict[str, dict[str, str]]:
    """Path as the driver has it -> as `listed_below`, of the files that lie in `folder` itself."""
    with store_errors(folder):
        system, root = store_of(folder)
        system.invalidate_cache(root)
        return {info["name"]: version_info(info) for info in system.ls(root, detail=True) if info["type"] == "file"}


def blocks(url: str) -> Iterator[bytes]:
    """The file's content. Only reading is watched here: a full disk on the writer's side is not the store's failure."""
    with store_errors(url), _stream(url) as source:
        while block := source.read(2**20):
            yield block


@contextmanager
def _stream(url: str) -> Iterator[IO[bytes]]:
    """fsspec where it has a driver; else webdataset's openers, which run curl, gsutil or the user's command."""
    if not url.startswith(PIPE):
        try:
            system, path = store_of(url)
        except ImportError:
            from webdataset.gopen import gopen_schemes

            if url.partition("://")[0] not in gopen_schemes:
                raise
        else:
            with system.open(path, "rb") as stream:
                yield stream
            return
    import webdataset

    with webdataset.gopen(url) as stream:
        yield stream
