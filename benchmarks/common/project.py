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
    "requirements-photos.lock",
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
    """This process's environment without settings of Prefect, DVC and our own; this Python is first on PATH."""
    ours = ("DVC_", "PREFECT_", "CIM_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    kept.pop("PYTHONDONTWRITEBYTECODE", None)  # would make every import a cold one
    paths = [*map(str, python_path), *filter(None, [kept.get("PYTHONPATH")])]
    return kept | {
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), kept.get("PATH", "")]),
        "PYTHONPATH": os.pathsep.join(paths),
        "DO_NOT_TRACK": "1",
        "DVC_NO_ANALYTICS": "1",
    }
