"""kill -9 in the middle of the warm start; the next run goes on from the checkpoint that is there."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from cim.atomic import read_json
from cim.images.ids import content_hash
from cim.params import Models
from cim.records import Sample
from cim.scenes.draw import draw
from cim.scenes.scene import scene_at
from cim.shards.tar import write_tar
from cim.warm_start.checkpoints import last_checkpoint
from cim.warm_start.make import make_base_captioner

pytestmark = pytest.mark.slow

FIT = {"kind": "fit", "width": 8, "epochs": 1, "learning_rate": 0.001}
SIZE = {"hidden": 64, "layers": 1, "vision_hidden": 64, "vision_depth": 1, "side": 32, "vocabulary": 320}
PARAMS = {
    "text_encoder": {"name": "package:none"},
    "image_encoder": {**FIT, "seed": 0},
    "heldout_encoder": {**FIT, "seed": 1},
    "captioner": {"kind": "tiny", **SIZE, "align": {"steps": 2, "batch_size": 4}},
    "warm_start": {"epochs": 2, "batch_size": 2, "learning_rate": 0.001},
}
MAKE = """
import sys
from pathlib import Path
from cim.warm_start.make import make_base_captioner
from cim.params import Models
make_base_captioner(Models.model_validate_json(sys.argv[1]), [Path(sys.argv[2])], ["Say."], "cpu", Path(sys.argv[3]))
"""


@pytest.fixture
def train(tmp_path: Path) -> Path:
    """Sixteen captioned scenes as a split: 2 passes in batches of 2 are 16 steps."""
    folder = tmp_path / "train"
    folder.mkdir()
    pictures = {content_hash(image)[:16]: image for image in (draw(scene_at(0, i), 32) for i in range(16))}
    write_tar(folder / "train-000000.tar", [Sample(i, pictures[i], "png", (), "s", 32, 32) for i in sorted(pictures)])
    table = {"id": sorted(pictures), "captions": [["a star"] for _ in pictures]}
    pl.DataFrame(table).write_parquet(folder / "manifest.parquet")
    return folder


def whole_checkpoint(folder: Path) -> bool:
    try:
        return any(json.loads(path.read_text()) for path in folder.rglob("checkpoint-*/trainer_state.json"))
    except (FileNotFoundError, ValueError):  # being written, or just replaced by a newer one
        return False


def test_a_warm_start_killed_for_real_goes_on(
    train: Path, tmp_path: Path, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from trl import SFTTrainer

    out = tmp_path / "models" / "captioner"
    command = [sys.executable, "-c", MAKE, json.dumps(PARAMS), str(train), str(out)]
    environment = os.environ | {"PYTHONPATH": str(root), "HF_HUB_OFFLINE": "1"}
    with (tmp_path / "output").open("wb") as output:
        child = subprocess.Popen(command, env=environment, stdout=output, stderr=output, start_new_session=True)
        while child.poll() is None and not whole_checkpoint(out.parent):
            time.sleep(0.001)
        alive = child.poll() is None
        if alive:
            os.killpg(child.pid, signal.SIGKILL)
        child.wait()
    assert alive, (tmp_path / "output").read_text()
    assert not out.exists()
    (scratch,) = out.parent.glob(".captioner.*/checkpoints")
    newest = last_checkpoint(scratch)
    assert newest is not None
    behind = read_json(Path(newest) / "trainer_state.json")["global_step"]
    assert 0 < behind < 16

    steps, real = [], SFTTrainer.training_step

    def counted(*arguments: Any, **keywords: Any) -> Any:
        steps.append(1)
        return real(*arguments, **keywords)

    monkeypatch.setattr(SFTTrainer, "training_step", counted)
    params = Models.model_validate(PARAMS)
    make_base_captioner(params, [train], ["Say."], "cpu", out)
    assert len(steps) == 16 - behind
    assert [path.name for path in out.parent.iterdir()] == ["captioner"]

    # The same as a run that nobody killed: each step once, with the same losses up to rounding.
    undisturbed = tmp_path / "undisturbed" / "captioner"
    make_base_captioner(params, [train], ["Say."], "cpu", undisturbed)
    losses, expected = ([(r["step"], r["loss"]) for r in read_json(f / "cim.json")["log"]] for f in (out, undisturbed))
    assert [step for step, _ in losses] == [step for step, _ in expected]
    assert [loss for _, loss in losses] == pytest.approx([loss for _, loss in expected], rel=1e-3)
