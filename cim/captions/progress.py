"""A shard's captions and rejects as they come, each in its journal before the next is made."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Self

from cim.captions.journal import Journal
from cim.records import Caption, Reject


@dataclass
class ShardProgress:
    """What is journalled, by a sample's place in its part. read: samples in the windows that are finished.

    A record is a sample's, {"at", "caption"} or {"at", "reject"}, or the end of a window, {"read"}: that all samples
    before it are there, good or bad.
    """

    journal: Journal
    captions: dict[int, Caption] = field(default_factory=dict)
    rejects: dict[int, Reject] = field(default_factory=dict)
    read: int = 0

    @classmethod
    def of(cls, journal: Journal) -> Self:
        """With what an earlier run left in the journal."""
        progress = cls(journal)
        for record in journal.found:
            progress._note(record)
        journal.found.clear()
        return progress

    def __contains__(self, at: int) -> bool:
        return at in self.captions or at in self.rejects

    def __len__(self) -> int:
        return len(self.captions) + len(self.rejects)

    def add(self, captions: Mapping[int, Caption], rejects: Mapping[int, Reject]) -> None:
        """Journal those that are not there yet: of a batch that an earlier run was killed in, some may be."""
        new = [{"at": at, "caption": asdict(one)} for at, one in captions.items() if at not in self]
        self._append([*new, *self._refused(rejects)])

    def end_window(self, read: int, rejects: Mapping[int, Reject]) -> None:
        """All of the first `read` samples are made, now that these rejects are."""
        self._append([*self._refused(rejects), {"read": read}])

    def sorted(self) -> tuple[list[Caption], list[Reject]]:
        """In the order of their part."""
        return [self.captions[at] for at in sorted(self.captions)], [self.rejects[at] for at in sorted(self.rejects)]

    def _refused(self, rejects: Mapping[int, Reject]) -> Iterator[dict[str, Any]]:
        for at, one in rejects.items():
            if at not in self:
                yield {"at": at, "reject": [one.source, one.reason, one.detail]}

    def _append(self, records: list[dict[str, Any]]) -> None:
        self.journal.append(records)
        for record in records:
            self._note(record)

    def _note(self, record: dict[str, Any]) -> None:
        if "read" in record:
            self.read = record["read"]
        elif "caption" in record:
            self.captions[record["at"]] = Caption(**record["caption"])
        else:
            self.rejects[record["at"]] = Reject(*record["reject"])
