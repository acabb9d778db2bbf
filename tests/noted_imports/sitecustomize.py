"""Python loads this at start when its folder is on PYTHONPATH: a stage's process notes what it imported."""

import atexit
import os
import sys
from pathlib import Path


def _note() -> None:
    """Append the top-level names in sys.modules to IMPORTS_FOLDER/<stage>, the stage as DVC names it."""
    folder, stage = os.environ.get("IMPORTS_FOLDER"), os.environ.get("DVC_STAGE")
    if folder and stage:
        Path(folder).mkdir(exist_ok=True)
        with open(Path(folder) / stage, "a") as file:
            file.writelines(f"{name}\n" for name in sorted({name.split(".")[0] for name in sys.modules}))


atexit.register(_note)
