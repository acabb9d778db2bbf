"""A clone in miniature: the code and configuration of this repository beside parameters of a test's own."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.common.project import clean_environment, copy_project
from cim.params.yaml import dump_yaml, read_yaml


@dataclass
class Workspace:
    """A folder to run stages in. imports: where each stage's process notes the modules it loaded, by stage."""

    folder: Path
    environment: dict[str, str]
    first_run: str = ""
    imports: Path = field(init=False)

    def __post_init__(self) -> None:
        self.imports = self.folder / "imports"
        self.environment = {**self.environment, "IMPORTS_FOLDER": str(self.imports)}

    def run(self, module: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
        """`python -m module arguments` here, to its end; stdout and stderr together."""
        return subprocess.run(
            [sys.executable, "-m", module, *arguments],
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def check(self, module: str, *arguments: str) -> str:
        """The same; a failure fails the test with the whole output."""
        done = self.run(module, *arguments)
        assert done.returncode == 0, f"{module} {' '.join(arguments)} ended with {done.returncode}:\n{done.stdout}"
        return done.stdout

    def kill_when(self, module: str, condition: Callable[[], bool]) -> None:
        """Start `python -m module` in a process group of its own; kill -9 all of it once `condition` holds."""
        process = subprocess.Popen(
            [sys.executable, "-m", module],
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            while process.poll() is None and not condition():
                time.sleep(0.001)
            assert process.poll() is None, f"{module} ended before it could be killed:\n{process.communicate()[0]!r}"
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
            process.communicate()

    def change(self, name: str, value: Any) -> None:
        """Set one parameter, named with dots, in params.yaml."""
        path = self.folder / "params.yaml"
        values = read_yaml(path)
        *sections, last = name.split(".")
        inner = values
        for section in sections:
            inner = inner[section]
        inner[last] = value
        path.write_text(dump_yaml(values))

    def copy(self, folder: Path) -> "Workspace":
        """All of it in another folder. Models and DVC's cache, large and never written to, are hard links."""

        def place(source: str, target: str) -> None:
            link = source.startswith((f"{self.folder}/data/models/", f"{self.folder}/.dvc/cache/"))
            (os.link if link else shutil.copy2)(source, target)

        shutil.copytree(self.folder, folder, symlinks=True, copy_function=place)
        return Workspace(folder, self.environment)

    def contents(self, folder: str) -> dict[str, bytes]:
        """Bytes of every file below data/<folder> by name; done markers left out, as they hold times."""
        base = self.folder / "data" / folder
        files = (path for path in base.rglob("*") if path.is_file() and not path.name.endswith(".done.json"))
        return {str(path.relative_to(base)): path.read_bytes() for path in files}


def make_workspace(folder: Path, params: Path, server: str) -> Workspace:
    """Copy the code and configuration to `folder`, with `params` as its params.yaml."""
    copy_project(folder, params)
    environment = clean_environment(Path(__file__).parent / "noted_imports") | {
        "PREFECT_API_URL": server,
        "DVC_SITE_CACHE_DIR": str(folder / ".dvc-site"),
        "HF_HUB_OFFLINE": "1",
    }
    return Workspace(folder, environment)
