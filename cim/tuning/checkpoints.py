"""Where a killed training goes on."""

from pathlib import Path
from shutil import rmtree


def last_checkpoint(scratch: Path) -> str | None:
    """The newest whole checkpoint in `scratch`, None without one; the folder is made, broken checkpoints go.

    A trainer writes trainer_state.json last: a checkpoint without it is what a kill left of one.
    """
    scratch.mkdir(parents=True, exist_ok=True)
    whole = []
    for folder in scratch.glob("checkpoint-*"):
        if (folder / "trainer_state.json").is_file():
            whole.append(folder)
        else:
            rmtree(folder)
    return str(max(whole, key=lambda folder: int(folder.name.rpartition("-")[2]))) if whole else None
