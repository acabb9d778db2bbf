"""kill -9 in the middle of a stage; the next run keeps what was finished and ends with the same bytes."""

import csv
import shutil
from pathlib import Path

import pytest
from workspace import Workspace

pytestmark = pytest.mark.slow


def empty(workspace: Workspace, *folders: str) -> None:
    for folder in folders:
        path = workspace.folder / "data" / folder
        shutil.rmtree(path, ignore_errors=True)
        path.unlink(missing_ok=True)


def done_markers(folder: Path) -> list[Path]:
    return list(folder.rglob("*.done.json"))


def artefacts(markers: list[Path]) -> dict[Path, int]:
    """When the finished artefact of each marker was written."""
    paths = [marker.with_name(marker.name.removesuffix(".done.json")) for marker in markers]
    return {path: path.stat().st_mtime_ns for path in paths}


@pytest.mark.parametrize(("step", "folder"), [("embed", "embeddings"), ("caption", "captions")])
def test_finished_shards_survive_a_kill(copied: Workspace, finished: Workspace, step: str, folder: str) -> None:
    whole, made = finished.contents(folder), copied.folder / "data" / folder
    expected = len(done_markers(finished.folder / "data" / folder))
    empty(copied, folder)
    copied.kill_when(f"flows.{step}", lambda: bool(done_markers(made)))
    kept = artefacts(done_markers(made))
    assert 0 < len(kept) < expected, "killed too late to show anything"
    copied.check(f"flows.{step}")
    assert {path: path.stat().st_mtime_ns for path in kept} == kept
    left_by_the_kill = {name for name in copied.contents(folder) if Path(name).name.startswith(".")}
    assert {n: b for n, b in copied.contents(folder).items() if n not in left_by_the_kill} == whole


def test_stale_marker_is_redone(copied: Workspace, finished: Workspace) -> None:
    """A marker of other inputs does not count: another vector size, the same names."""
    some = sorted((copied.folder / "data/embeddings/image/eval").glob("*.npy"))[0]
    marker = some.with_name(f"{some.name}.done.json")
    marker.write_text(marker.read_text().replace('"fingerprint": "', '"fingerprint": "0'))
    some.write_bytes(b"not what it was")
    copied.check("flows.embed")
    assert copied.contents("embeddings") == finished.contents("embeddings")


def test_tuning_goes_on_from_its_checkpoint(copied: Workspace) -> None:
    """Killed after step 1; killed again while step 2 is being saved; then left alone."""
    checkpoints = copied.folder / "data/tuned/checkpoints"
    empty(copied, "tuned")
    # A trainer's state is the last thing it writes into a checkpoint, at once when it has been opened.
    copied.kill_when(
        "flows.tune", lambda: any(one.stat().st_size for one in checkpoints.rglob("checkpoint-1/trainer_state.json"))
    )
    assert not (copied.folder / "data/tuned/model.done.json").exists()
    first = written(checkpoints, "checkpoint-1")
    copied.kill_when("flows.tune", lambda: any(checkpoints.rglob("checkpoint-2/*")))
    assert written(checkpoints, "checkpoint-1") == first != {}  # step 1 was not taken again
    copied.check("flows.tune")  # whether or not checkpoint-2 is whole
    with (copied.folder / "data/tuned/curves.csv").open(newline="") as file:
        steps = [int(row["step"]) for row in csv.DictReader(file)]
    assert steps == [0, 1, 2, 3]  # each once; 0 is the base model
    assert (copied.folder / "data/tuned/model.done.json").exists()


def test_another_interpolation_killed_while_weights_are_written(copied: Workspace, finished: Workspace) -> None:
    """No step is trained again, nor after a checkout; at the first value every byte is that of the undisturbed run."""
    tuned = copied.folder / "data/tuned"
    trained = written(tuned, "best")
    copied.change("tune.interpolation", 0.25)
    copied.kill_when("flows.tune", (tuned / ".model.partial").exists)
    assert not (tuned / "model.done.json").exists()
    assert "Nothing to train: weights are written 0.25 of the way" in copied.check("dvc", "repro", "tune")
    assert copied.contents("tuned/model") != finished.contents("tuned/model")
    assert written(tuned, "best") == trained != {}
    empty(copied, "tuned")
    copied.check("dvc", "checkout", "tune")
    copied.change("tune.interpolation", 0.5)
    assert "Nothing to train" in copied.check("flows.tune")
    assert copied.contents("tuned") == finished.contents("tuned")


def written(folder: Path, name: str) -> dict[Path, int]:
    """When each file below a folder of that name was written."""
    return {path: path.stat().st_mtime_ns for path in folder.rglob(f"{name}/*")}
