"""The identity of the part that a shard is made from, known without reading it wherever that can be."""

from cim.captions.commit import changed
from cim.captions.job import ShardJob
from cim.readers.base import Chunk, ReadablePart
from cim.readers.hash_cache import cache_hash, cached_hash, file_stats


class PartIdentity:
    """A shard's part with its identity, read for at most once, and not at all when the job's hash_cache knows it.

    known: the identity, None while nobody had to ask.
    """

    def __init__(self, job: ShardJob) -> None:
        self._job = job
        self._stats = file_stats(job.part)
        self.known = cached_hash(job.hash_cache, self._stats) if job.hash_cache else None

    def identity(self) -> str:
        """The part's, see `Part.identity`."""
        if self.known is None:
            self.known = self._job.part.identity()
            self.cache(self.known)
        return self.known

    def journal_key(self, job: ShardJob) -> str:
        """What the journal of the unfinished shard `job`, of this part, goes by.

        Of a chunk it is what its files' folders say of them: its content is known when it has been captioned.
        """
        if self._stats is not None and isinstance(self._job.part, Chunk):
            return job.fingerprint(self._stats.portable)
        return job.fingerprint(self.identity())

    def check(self, part: ReadablePart, sha256: str) -> None:
        """Raise CimError when the part, as it was captioned, is not what it was known as before."""
        if part is self._job.part and self.known not in (None, sha256):
            if self._job.hash_cache:
                self._job.hash_cache.unlink(missing_ok=True)  # it may have been the one that was wrong
            raise changed(part.name)

    def cache(self, sha256: str) -> None:
        """Keep the identity for the next run, unless a file has changed since this object was made."""
        if self._job.hash_cache:
            cache_hash(self._job.hash_cache, self._job.part, self._stats, sha256)
