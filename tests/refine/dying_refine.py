"""A refinement that is killed again and again: `dying_refine.py STEP`, in a folder with refine.yaml and a server.

The flow runs in forks of this process, which has imported all and done nothing: in one alone undisturbed, then in one
after another, each killed (-9) once STEP things have been put on disk, of every fourth one more. After each, a line of
the file `kills` says how many requests the server has had (lines of `asked`), and which alt texts' answers are kept.
"""

import json
import os
import signal
import sys
from pathlib import Path

from refined_shards import alt_texts

import flows.refine
from cim.captions.journal import open_journal


def killed(out: str, after: int) -> bool:
    """Whether a process that runs the flow was killed, when so many things had been put on disk; -1: never."""
    if child := os.fork():
        status = os.waitpid(child, 0)[1]
        if status not in (0, signal.SIGKILL):
            sys.exit(f"a run ended with {status}")
        return status == signal.SIGKILL
    real, syncs = os.fsync, 0

    def fsync(handle: int) -> None:
        nonlocal syncs
        real(handle)
        syncs += 1
        if syncs == after:
            os.kill(os.getpid(), signal.SIGKILL)

    os.fsync = fsync
    try:
        flows.refine.refine.fn(overrides={"refine.output": out})
    except BaseException as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr, flush=True)
        os._exit(1)
    os._exit(0)


def kept(out: Path) -> list[str]:
    """Alt texts of samples whose answer is in a journal, or in a shard that is done."""
    found = list[str]()
    for tar in sorted(Path("in").glob("*.tar")):
        alts, journal = alt_texts(tar), out / f".{tar.stem}.journal"
        if (out / f"{tar.stem}.parquet.done.json").exists():
            found += alts
        elif journal.exists():
            header = journal.read_text().splitlines()[0].partition(" ")[2]
            with open_journal(journal, json.loads(header)) as one:
                found += [alts[record["at"]] for record in one.found]
    return found


if __name__ == "__main__":
    os.dup2(2, 1)  # what the flow prints is not asked for
    flows.refine.map_shards = lambda task, jobs, *_, workers, by: [task.fn(job, by) for job in jobs]
    step, kills = int(sys.argv[1]), 0
    if killed("undisturbed", -1):
        sys.exit("killed by nobody here")
    while killed("out", step + kills // 4):
        kills += 1
        if Path("out/summary.json").exists() and len(list(Path("out").glob("*.done.json"))) < 2:
            sys.exit(f"it looks finished after {kills} kills")
        with Path("kills").open("a") as lines:
            asked = len(Path("asked").read_text().splitlines())
            lines.write(json.dumps([asked, kept(Path("out"))]) + "\n")
