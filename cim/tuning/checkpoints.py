"""Where a killed training goes on."""

import json
from pathlib import Path
from shutil import rmtree


def last_checkpoint(scratch: Path) -> str | None:
    """The newest whole checkpoint in `scratch`, None without one; the folder is made, broken checkpoints go.

    A trainer writes trainer_state.json last: a checkpoint without a whole one is what a kill left.
    """
    scratch.mkdir(parents=True, exist_ok=True)
    whole = []
    for folder in scratch.glob("checkpoint-*"):
        if _whole(folder / "trainer_state.json"):
            whole.append(folder)
        else:
            rmtree(folder)
    return str(max(whole, key=lambda folder: int(folder.name.rpartition("-")[2]))) if whole else None


def _whole(state: Path) -> bool:
    try:
        json.loads(state.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return False
    return True
