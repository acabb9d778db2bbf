"""One trial: the pipeline's own tune stage, in a folder that borrows all other artefacts from a finished workspace."""

import resource
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.ablation.variants import Variant
from benchmarks.common.project import clean_environment
from cim.atomic import read_json, write_bytes, write_json
from cim.params.yaml import dump_yaml, read_yaml

BORROWED = ("shards", "models", "embeddings", "index", "trunk_outputs")
CPU = "cpu_seconds.json"


def tune(changes: Mapping[str, Any], workspace: Path, folder: Path) -> None:
    """Run flows.tune in `folder` with `changes` to the workspace's params; done, it is not run again.

    Killed, it goes on from its last checkpoint. The CPU seconds of all starts that came to an end are added up in
    `folder`/cpu_seconds.json. Raises CalledProcessError where the stage fails; its words are in `folder`/log.txt.
    """
    (folder / "data").mkdir(parents=True, exist_ok=True)
    params = Variant((), dict(changes)).params(read_yaml(workspace / "params.yaml"))
    write_bytes(folder / "params.yaml", dump_yaml(params).encode())
    for part in BORROWED:
        link = folder / "data" / part
        if not link.is_symlink():
            link.symlink_to((workspace / "data" / part).resolve(), target_is_directory=True)
    before = _cpu_of_children()
    with (folder / "log.txt").open("a", encoding="utf-8") as log:
        command, root = [sys.executable, "-m", "flows.tune"], Path(__file__).parents[2]
        environment = clean_environment(root)
        done = subprocess.run(command, cwd=folder, env=environment, stdout=log, stderr=log, check=False)
    write_json(folder / CPU, cpu_seconds(folder) + _cpu_of_children() - before)
    done.check_returncode()


def cpu_seconds(folder: Path) -> float:
    """That the trial in `folder` has taken, 0 before it began."""
    return float(read_json(folder / CPU)) if (folder / CPU).is_file() else 0.0


def _cpu_of_children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
