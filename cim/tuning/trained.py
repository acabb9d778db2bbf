"""A finished training on disk: the best weights and the run's record. The tuned captioner is written from it."""

from dataclasses import asdict, replace
from pathlib import Path
from shutil import copytree, rmtree

from cim.atomic import done_facts, mark_done
from cim.tuning.grpo import Tuned


def keep_trained(tuned: Tuned, out: Path, fingerprint: str) -> Tuned:
    """The same run with its best weights in `out`, marked done with the rest of the run as facts.

    The folder that holds `out` and the marker, and nothing else, is replaced by a whole one. Weights are copied: after
    a kill a rerun looks for them where the run left them. fingerprint: of all that training depends on.
    """
    work = out.parent.with_name(f".{out.parent.name}.partial")
    rmtree(work, ignore_errors=True)
    copytree(tuned.best, work / out.name)
    record = asdict(tuned)
    del record["best"]
    mark_done(work / out.name, fingerprint, **record)
    if out.parent.exists():
        rmtree(out.parent)
    work.replace(out.parent)
    return replace(tuned, best=out)


def read_trained(out: Path, fingerprint: str) -> Tuned | None:
    """What `keep_trained` left if it was made from exactly this and is as it was, else None."""
    record = done_facts(out, fingerprint)
    return None if record is None else Tuned(best=out, **record)
