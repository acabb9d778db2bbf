"""Model files from the Hugging Face hub, at a pinned commit, or one clear error."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cim.hub import check_pinned, hub_errors


@contextmanager
def downloaded(name: str, revision: str | None, patterns: list[str], beside: Path) -> Iterator[Path]:
    """A folder with the files of hub repository `name` at commit `revision` that match `patterns`, for a while.

    It lies in `beside`. It goes when the caller has used it and stays when the download breaks off, to be continued.
    Raises CimError without a pinned revision, for an unknown one, and when the hub can't be reached.
    """
    commit = check_pinned(name, revision)
    folder = beside / f".download-{name.replace('/', '--')}-{commit[:12]}"
    from huggingface_hub import snapshot_download

    with hub_errors(name, commit):
        snapshot_download(name, revision=commit, local_dir=folder, allow_patterns=patterns)
    try:
        yield folder
    finally:
        shutil.rmtree(folder)
