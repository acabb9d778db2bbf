"""A folder of images as chunks of so many files."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cim.corpus.part import Chunk, Item
from cim.corpus.sidecars import Problem, old_caption, read_facts, read_text
from cim.images.checks import Reason
from cim.params.recaption import FolderCorpus
from cim.params.shard import FolderSource as FolderParams
from cim.sources.base import from_locator, read_image
from cim.sources.folder import FolderSource

Listed = tuple[str, str | bytes | None]  # a file's locator, its first caption in captions.csv


@dataclass(frozen=True)
class FolderChunk(Chunk):
    """Some files of `root`. A `.txt` or `.json` of the same stem beside an image is its old caption and fields."""

    root: Path
    name: str
    files: tuple[Listed, ...]

    @property
    def images(self) -> int:
        return len(self.files)

    def paths(self) -> Iterator[Path]:
        """The images, and what may lie beside each."""
        for locator, _ in self.files:
            path = self.root / from_locator(locator)
            yield from (path, path.with_suffix(".txt"), path.with_suffix(".json"))

    def items(self) -> Iterator[Item]:
        for locator, caption in self.files:
            yield self._item(locator, caption)

    def _item(self, locator: str, caption: str | bytes | None) -> Item:
        path = self.root / from_locator(locator)
        image, problem = read_image(path)
        if image is None:
            return Item(locator, None, problem=(Reason.UNREADABLE, problem or "broken link"))
        text, bad_text, facts, bad_facts = None, None, dict[str, Any](), None
        if caption is None:
            caption, bad_text = _beside(path, ".txt")
        if caption is not None:
            text, bad_text = (caption, None) if isinstance(caption, str) else read_text(caption)
        content, bad_facts = _beside(path, ".json")
        if content is not None:
            facts, bad_facts = read_facts(content)
        suffix = path.suffix.lower().removeprefix(".")
        return Item(locator, image, suffix, old_caption(text, facts), facts, bad_text or bad_facts)


def _beside(path: Path, suffix: str) -> tuple[bytes | None, Problem | None]:
    content, problem = read_image(path.with_suffix(suffix))
    return content, (Reason.UNREADABLE, problem) if problem else None


def folder_chunks(corpus: FolderCorpus, size: int) -> list[FolderChunk]:
    """All images of the folder, sorted by name, `size` a chunk. Raises CimError when it can't be listed."""
    params = FolderParams(kind="folder", path=corpus.path, captions=corpus.captions, splits={"target": 1.0})
    files = [(name, texts[0] if texts else None) for name, texts in FolderSource(params).listing()]
    root = Path(corpus.path).expanduser()
    starts = range(0, len(files), size)
    return [FolderChunk(root, f"{root.name}[{at}:{at + size}]", tuple(files[at : at + size])) for at in starts]
