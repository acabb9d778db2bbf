"""A stand-in for the Hugging Face hub."""

from pathlib import Path

import huggingface_hub
import pytest

COMMIT = "0123456789abcdef0123456789abcdef01234567"


class Hub:
    """Holds the repository maker/model: lists `files`, delivers those asked for, or raises `trouble`.

    lost: a file that does not arrive. asked: what each download asked for.
    """

    def __init__(self, files: dict[str, bytes], trouble: Exception | None = None, lost: str = "") -> None:
        self.files, self.trouble, self.lost = files, trouble, lost
        self.asked: list[list[str]] = []

    @classmethod
    def of(cls, folder: Path) -> "Hub":
        """One that holds the files of `folder`."""
        return cls({p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()})

    def install(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Take the real one's place for a test."""
        monkeypatch.setattr(huggingface_hub.HfApi, "list_repo_files", self._list)
        monkeypatch.setattr(huggingface_hub, "snapshot_download", self._download)

    def _list(self, name: str, revision: str) -> list[str]:
        assert (name, revision) == ("maker/model", COMMIT)
        if self.trouble:
            raise self.trouble
        return list(self.files)

    def _download(self, name: str, revision: str, local_dir: Path, allow_patterns: list[str]) -> None:
        assert (name, revision) == ("maker/model", COMMIT)
        chosen = list(huggingface_hub.utils.filter_repo_objects(self.files, allow_patterns=allow_patterns))
        self.asked.append(chosen)
        for file in chosen:
            if file != self.lost:
                (local_dir / file).parent.mkdir(parents=True, exist_ok=True)
                (local_dir / file).write_bytes(self.files[file])
        (local_dir / ".cache").mkdir(exist_ok=True)
