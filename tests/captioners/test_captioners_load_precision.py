"""What `auto` stands for."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from cim.captioners.load import precision_of


@pytest.mark.parametrize(
    ("asked", "engine", "device", "gpu", "found"),
    [
        ("auto", "transformers", "auto", False, "float32"),
        ("auto", "transformers", "auto", True, "bfloat16"),
        ("auto", "transformers", "cpu", True, "float32"),
        ("auto", "transformers", "cuda", False, "bfloat16"),  # without a GPU it fails when the model is loaded
        ("auto", "vllm", "auto", False, "bfloat16"),
        ("auto", "vllm", "cpu", False, "float32"),
        ("float32", "vllm", "cuda", True, "float32"),
        ("bfloat16", "transformers", "cpu", False, "bfloat16"),
    ],
)
def test_auto_goes_by_engine_and_device(
    monkeypatch: pytest.MonkeyPatch, asked: Any, engine: Any, device: Any, gpu: bool, found: str
) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: gpu)
    assert precision_of(asked, engine, device) == found


def test_torch_is_imported_only_to_be_asked(root: Path) -> None:
    code = (
        "import sys; from cim.captioners.load import precision_of;"
        "precision_of('auto', 'transformers', 'cpu'); precision_of('auto', 'vllm', 'auto');"
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=root).returncode == 0
