"""A worker that may write no file longer than so many bytes: `limited_worker.py BYTES TAR CORPUS OUT`.

TAR: "tars", or "tables" alone. To a process the limit is as a full disk is: a write is short, the next one fails.
"""

import resource
import sys
from dataclasses import replace
from pathlib import Path

from benchmarks.chaos.worker import SaysWhatItSees, jobs
from cim.captions.shard import finish_shard

if __name__ == "__main__":
    for job in jobs(Path(sys.argv[3]), Path(sys.argv[4])):
        resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[1]), int(sys.argv[1])))
        finish_shard(replace(job, tar=sys.argv[2] == "tars"), SaysWhatItSees)
