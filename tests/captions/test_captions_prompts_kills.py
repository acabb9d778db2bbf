"""kill -9 while a corpus is captioned by several prompts and mixed: the bytes of an undisturbed run, nothing twice."""

import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from captioned_shards import contents
from dying_prompts import BATCH
from test_captions_by_prompts import ASKING, with_questions

from cim.params.yaml import dump_yaml, read_yaml


@pytest.mark.parametrize("kind", ["batches", "continuous"])
def test_killed_again_and_again(kind: str, prepared: Path, root: Path) -> None:
    """Five pictures in three shards by two prompts, image 3 without a question; journals, tables, markers, tars."""
    with_questions(prepared, {"0": "the cat", "1": 7, "2": "it", "3": " ", "4": "us"})
    params = read_yaml(prepared / "recaption.yaml")
    params["caption"]["max_reject_share"] = 0.5
    params["recaption"]["texts"] = ASKING
    (prepared / "recaption.yaml").write_text(dump_yaml(params))
    command = [sys.executable, str(root / "tests/captions/dying_prompts.py"), kind, "11"]
    paths = os.pathsep.join(str(root / one) for one in ("", "tests", "tests/captions"))
    done = subprocess.run(
        command, cwd=prepared, env=os.environ | {"PYTHONPATH": paths}, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    kills = int((prepared / "kills").read_text())
    assert kills >= 5
    assert contents(prepared / "out") == contents(prepared / "undisturbed")
    asked = Counter((prepared / "out.asked").read_text().splitlines())
    assert asked.keys() == set((prepared / "undisturbed.asked").read_text().splitlines())
    assert len(asked) == 9  # 5 pictures by 2 prompts, but for the one without a question
    assert asked.total() <= 9 + kills * BATCH  # at most what was in the model when a process died
