"""Untrusted tars, read member by member: what is broken is one exception, what is hostile costs nothing."""

import lzma
import re
import tarfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Literal, Self

from cim.images.checks import Reason
from cim.readers.base import Problem
from cim.readers.files import MAX_BYTES, MAX_TEXT

_MAX_HEADER = 2**20  # bytes of names and attributes before a member; tarfile holds them in memory
_HEADERS = frozenset({
    tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.SOLARIS_XHDTYPE, tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK,
})  # fmt: skip
# ValueError, KeyError, IndexError: broken numbers in extended headers; RecursionError: each of them nests.
_BROKEN = (tarfile.TarError, EOFError, zlib.error, lzma.LZMAError, ValueError, LookupError, RecursionError)
_CHUNK = 2**20
_ODD = re.compile(r"[\x00-\x1f\x7f]|\A[A-Za-z]:")  # control characters; a drive


class _Member(tarfile.TarInfo):
    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> Self:
        """Refuses sizes that would send the reader backwards for ever (CVE-2025-8194), or fill the memory."""
        member = super().frombuf(buf, encoding, errors)
        if member.size < 0 or (member.type in _HEADERS and member.size > _MAX_HEADER):
            raise tarfile.ReadError(f"a header with size {member.size}")
        return member


class Tar:
    """A tar opened by `opened`. Whatever is broken in it raises tarfile.ReadError, from any method."""

    def __init__(self, tar: tarfile.TarFile) -> None:
        self._tar = tar

    def __iter__(self) -> Iterator[tarfile.TarInfo]:
        """Members in order, compressed or not, up to the first header that is none: see `after`."""
        with _broken():
            for member in self._tar:
                if member.size < 0:  # an extended header may change it
                    raise tarfile.ReadError(f"{member.name!r} has size {member.size}")
                yield member
                self._tar.members = []  # type: ignore[attr-defined]  # else it remembers all of them

    def content(self, member: tarfile.TarInfo) -> bytes:
        """Bytes of a member that has no `problem_of`."""
        with _broken():
            handle = self._tar.extractfile(member)
            content = handle.read() if handle else b""
            if len(content) != member.size:
                raise tarfile.ReadError(f"it breaks off inside {member.name!r}")
            return content

    def after(self) -> str:
        """What is wrong behind the last member, "" if nothing: a tar ends in zeros, and nothing follows them.

        tarfile takes one that was cut between or inside headers for finished, and one glued to another for one.
        """
        handle = self._tar.fileobj
        assert handle is not None
        with _broken():
            handle.seek(self._tar.offset)
            if (block := handle.read(tarfile.BLOCKSIZE)).count(0) != tarfile.BLOCKSIZE:
                problem = "no member's header" if len(block) == tarfile.BLOCKSIZE else "it breaks off"
                return f"{problem} at byte {self._tar.offset}"
            at = self._tar.offset + tarfile.BLOCKSIZE
            while chunk := handle.read(_CHUNK):
                if stripped := chunk.lstrip(b"\0"):
                    return f"more data behind its end, at byte {at + len(chunk) - len(stripped)}"
                at += len(chunk)
        return ""


@contextmanager
def open_tar(path: Path, mode: Literal["r:", "r:*"] = "r:*") -> Iterator[Tar]:
    """A tar on local disk, with mode "r:" only an uncompressed one; tarfile.ReadError for what is none."""
    try:
        tar = tarfile.open(path, mode, tarinfo=_Member)  # noqa: SIM115  (what its reader raises is not for this try)
    except (*_BROKEN, OSError) as error:
        if isinstance(error, OSError) and error.errno is not None:  # the disk's
            raise
        raise tarfile.ReadError("it does not begin as a tar") from error
    with tar:
        yield Tar(tar)


def problem_of(member: tarfile.TarInfo) -> Problem | None:
    """Names and kinds that a well-made shard never holds; nothing is ever written under a member's name."""
    path, name = PurePosixPath(member.name.replace("\\", "/")), repr(member.name)[:160]
    if path.is_absolute() or ".." in path.parts or _ODD.search(member.name):
        return Reason.UNSAFE_NAME, name
    if not member.isreg() or member.issparse():
        kind = "a link" if member.issym() or member.islnk() else "a device, a pipe or a sparse file"
        return Reason.NOT_A_FILE, f"{name} is {kind}"
    most = MAX_TEXT if path.suffix.lower() in (".txt", ".json") else MAX_BYTES
    if member.size > most:
        return Reason.UNREADABLE, f"{name}: {member.size} bytes, more than {most}"
    return None


@contextmanager
def _broken() -> Iterator[None]:
    try:
        yield
    except tarfile.ReadError:
        raise
    except _BROKEN as error:
        raise tarfile.ReadError(f"{type(error).__name__}: {error}") from error
    except OSError as error:
        if error.errno is not None:  # the disk's, not the decompressor's
            raise
        raise tarfile.ReadError(str(error)) from error
