"""Refinements that are killed again and again: `dying_refine.py STEP NAME...`, each by NAME.yaml in the present folder.

The flow runs in forks of this process, which has imported all and done nothing: in one alone undisturbed, then in one
after another, each killed (-9) once STEP things have been put on disk, of every fourth one more. After each, a line of
the file NAME.kills says how many samples have been asked about (lines of NAME.asked), and of which ones the outcome is
kept.
"""

import json
import os
import sys
from functools import partial
from pathlib import Path

from dying import killed
from refined_shards import numbers_in

import flows.refine
from cim.captions.journal import open_journal
from cim.readers.webdataset import TarPart

NO_ANSWER = "failed: no answer"  # is none: of an object, it may be asked for by its next image


def refined(name: str, out: Path) -> object:
    return flows.refine.refine.fn(f"{name}.yaml", {"refine.output": str(out)})


def kept(out: Path) -> list[int]:
    """Numbers of samples whose outcome is in a journal, or in a shard that is done."""
    found = list[int]()
    for tar in sorted(Path("in").glob("*.tar")):
        journal = out / f".{tar.stem}.journal"
        done = (out / f"{tar.stem}.parquet.done.json").exists()
        if not done and not journal.exists():
            continue
        numbers = [numbers_in(item.facts["caption"])[0] for item in TarPart(tar).items()]
        if done:
            found += numbers
        else:
            header = journal.read_text().splitlines()[0].partition(" ")[2]
            with open_journal(journal, json.loads(header)) as one:
                found += [numbers[record["at"]] for record in one.found if record["outcome"] != NO_ANSWER]
    return found


def dying(name: str, step: int) -> None:
    """One refinement, until it ends."""
    kills, out = 0, Path(f"{name}.out")
    if killed(partial(refined, name, Path(f"{name}.undisturbed")), -1):
        sys.exit("killed by nobody here")
    while killed(partial(refined, name, out), step + kills // 4):
        kills += 1
        if (out / "summary.json").exists() and len(list(out.glob("*.done.json"))) < 2:
            sys.exit(f"it looks finished after {kills} kills")
        with Path(f"{name}.kills").open("a") as lines:
            asked = len(Path(f"{name}.asked").read_text().splitlines())
            lines.write(json.dumps([asked, kept(out)]) + "\n")


if __name__ == "__main__":
    os.dup2(2, 1)  # what the flow prints is not asked for
    flows.refine.map_shards = lambda task, jobs, *_, workers, **given: [task.fn(job, **given) for job in jobs]
    for name in sys.argv[2:]:
        dying(name, int(sys.argv[1]))
