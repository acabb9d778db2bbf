"""A copy of the project's code and configuration to run in, so that a measurement touches no data of yours."""

import os
import shutil
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
PARTS = (
    "cim",
    "flows",
    "tasks",
    "dvc.yaml",
    ".dvcignore",
    "prefect.toml",
    "prefect.yaml",
    "automations.yaml",
    "requirements.lock",
)


def copy_project(folder: Path, params: Path) -> None:
    """Copy what the stages need to `folder`, with the file `params` as its params.yaml."""
    folder.mkdir(parents=True, exist_ok=True)
    for part in PARTS:
        source = ROOT / part
        if source.is_dir():
            shutil.copytree(source, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, folder / part)
    shutil.copy(params, folder / "params.yaml")


def clean_environment(*python_path: Path) -> dict[str, str]:
    """This process's environment without settings of Prefect and DVC; this Python is first on PATH."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("DVC_", "PREFECT_"))}
    kept.pop("PYTHONDONTWRITEBYTECODE", None)  # would make every import a cold one
    paths = [*map(str, python_path), *filter(None, [kept.get("PYTHONPATH")])]
    return kept | {
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), kept.get("PATH", "")]),
        "PYTHONPATH": os.pathsep.join(paths),
        "DO_NOT_TRACK": "1",
        "DVC_NO_ANALYTICS": "1",
    }
