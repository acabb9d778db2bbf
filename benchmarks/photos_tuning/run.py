"""One trial: the pipeline's own tune stage, in a folder that borrows all other artefacts from a finished workspace."""

import resource
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.ablation.variants import Variant
from benchmarks.common.project import clean_environment
from benchmarks.photos_tuning.trials import FIRST
from cim.atomic import read_json, write_bytes, write_json
from cim.params.yaml import dump_yaml, read_yaml

BORROWED = ("shards", "models", "embeddings", "index", "trunk_outputs")
INDEXED = ("embed text", "index")  # what runs again where another gallery is searched
CPU = "cpu_seconds.json"
TRAINED = "data/tuned/training"


def tune(changes: Mapping[str, Any], workspace: Path, folder: Path, trained: Path | None = None) -> None:
    """Run flows.tune in `folder` with `changes` to FIRST and the workspace's params; done, it is not run again.

    trained: folder of a trial that differs in interpolation alone; what it trained is not trained again. Killed, it
    goes on from its last checkpoint. The CPU seconds of all starts that came to an end are added up in
    `folder`/cpu_seconds.json. Raises CalledProcessError where a stage fails; its words are in `folder`/log.txt.
    """
    params = Variant((), {**FIRST, **changes}).params(read_yaml(workspace / "params.yaml"))
    write_bytes(folder / "params.yaml", dump_yaml(params).encode())
    own = ("embeddings", "index") if any(name.startswith("index.") for name in changes) else ()
    _borrow(workspace / "data", folder / "data", own)
    if trained is not None and not (folder / TRAINED).is_dir():
        shutil.copytree(trained / TRAINED, folder / TRAINED)
    before = _cpu_of_children()
    for stage in (*INDEXED, "tune") if own else ("tune",):
        with (folder / "log.txt").open("a", encoding="utf-8") as log:
            command = [sys.executable, "-m", *f"flows.{stage}".split()]
            environment = clean_environment(Path(__file__).parents[2])
            done = subprocess.run(command, cwd=folder, env=environment, stdout=log, stderr=log, check=False)
        if done.returncode:
            break
    write_json(folder / CPU, cpu_seconds(folder) + _cpu_of_children() - before)
    done.check_returncode()


def _borrow(source: Path, data: Path, own: Sequence[str]) -> None:
    """Links to the workspace's artefacts but to its `own`; of embeddings that it will add to, a copy of the images'."""
    data.mkdir(parents=True, exist_ok=True)
    for part in BORROWED:
        if part not in own and not (data / part).is_symlink():
            (data / part).symlink_to((source / part).resolve(), target_is_directory=True)
    for role in ("image", "heldout") if "embeddings" in own else ():
        if not (data / "embeddings" / role).is_dir():
            shutil.copytree(source / "embeddings" / role, data / "embeddings" / role)


def cpu_seconds(folder: Path) -> float:
    """That the trial in `folder` has taken, 0 before it began."""
    return float(read_json(folder / CPU)) if (folder / CPU).is_file() else 0.0


def _cpu_of_children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
