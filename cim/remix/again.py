"""A finished shard's tar written again with the same images."""

from collections.abc import Callable, Iterable

from cim.atomic import replacing, unmark
from cim.captions.files import ShardFiles
from cim.captions.tar import Recaptioned, write_pairs
from cim.errors import CimError
from cim.readers.base import ReadablePart, Reading


def write_again(
    job: ShardFiles,
    part: ReadablePart,
    identity: str,
    samples: Callable[[Reading], Iterable[Recaptioned]],
    check_still_ours: Callable[[], None],
) -> int:
    """Put the tar of `samples` in place; its bytes. The shard's old marker goes before.

    part: the job's, ready to be read. identity: of the job's part when the work began. Raises CimError where that is
    another one by now, and what `check_still_ours` raises where another run has the folder: nothing is changed then.
    """
    reading = Reading(part)
    with replacing(job.pairs) as temporary:
        write_pairs(temporary, samples(reading))
        if (reading.sha256() if part is job.part else job.part.identity()) != identity:
            raise CimError(f"{job.part.name} changed meanwhile", "shards that stay as they are", "run again")
        check_still_ours()  # whoever has it now waits for this shard, to make it anew
        unmark(job.table)  # before the first file changes: it stands for those that were there
    return job.pairs.stat().st_size
