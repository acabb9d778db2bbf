"""Errors of a disk that refuses a write, in whatever words of whichever library: one that a user can mend."""

import errno
import re
from collections.abc import Iterator

from cim.errors import CimError

REFUSED = {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EFBIG, errno.EACCES, errno.EPERM}
"""No room, no room for this user, read-only, no room for so large a file, not open to this user."""

# numpy tells how far it got, torch's zip writer that its place is not where it should be.
SAID = re.compile(
    "No space left on device|Disk quota exceeded|Read-only file system|File too large"
    r"|\d+ requested and \d+ written|inline_container\.cc.*(unexpected pos|write failed)",
    re.S,
)


def disk_trouble(error: BaseException) -> CimError | None:
    """What is to be said where `error`, or what it comes from, is a disk's refusal; None for every other error."""
    for one in chain(error):
        if isinstance(one, CimError):
            return None  # it says what is to be said
        refused = isinstance(one, OSError) and one.errno in REFUSED
        if refused or SAID.search(str(one)):
            return CimError(
                f"a disk, or a folder of it, that refused a write ({on_one_line(one)})",
                "room for what is made, in folders open to you",
                "free some or move the folder, and run the same command again; what was finished is kept",
            )
    return None


def on_one_line(error: BaseException) -> str:
    """What it says, its first 300 characters."""
    return " ".join(str(error).split())[:300]


def chain(error: BaseException) -> Iterator[BaseException]:
    """The error, and what it comes from."""
    seen: list[BaseException] = []
    found: BaseException | None = error
    while found is not None and not any(found is one for one in seen):
        seen.append(found)
        yield found
        found = found.__cause__ or found.__context__
