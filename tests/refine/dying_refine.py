"""A refinement that is killed again and again: `dying_refine.py STEP`, in a folder with refine.yaml and a server.

The flow runs in forks of this process, which has imported all and done nothing: in one alone undisturbed, then in one
after another, each killed (-9) once STEP things have been put on disk, of every fourth one more. After each, a line of
the file `kills` says how many requests the server has had (lines of `asked`), and which alt texts' answers are kept.
"""

import json
import os
import sys
from functools import partial
from pathlib import Path

from dying import killed
from refined_shards import alt_texts

import flows.refine
from cim.captions.journal import open_journal


def refined(out: str) -> object:
    return flows.refine.refine.fn(overrides={"refine.output": out})


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
    flows.refine.map_shards = lambda task, jobs, *_, workers, **given: [task.fn(job, **given) for job in jobs]
    step, kills = int(sys.argv[1]), 0
    if killed(partial(refined, "undisturbed"), -1):
        sys.exit("killed by nobody here")
    while killed(partial(refined, "out"), step + kills // 4):
        kills += 1
        if Path("out/summary.json").exists() and len(list(Path("out").glob("*.done.json"))) < 2:
            sys.exit(f"it looks finished after {kills} kills")
        with Path("kills").open("a") as lines:
            asked = len(Path("asked").read_text().splitlines())
            lines.write(json.dumps([asked, kept(Path("out"))]) + "\n")
