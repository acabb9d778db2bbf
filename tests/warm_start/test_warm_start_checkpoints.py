from pathlib import Path

from cim.warm_start.checkpoints import last_checkpoint


def checkpoint(folder: Path, step: int, *files: str) -> Path:
    path = folder / f"checkpoint-{step}"
    path.mkdir(parents=True)
    for name in files:
        (path / name).write_text("{}")
    return path


def test_the_newest_whole_one_counts_by_number(tmp_path: Path) -> None:
    checkpoint(tmp_path, 9, "trainer_state.json")
    newest = checkpoint(tmp_path, 10, "trainer_state.json")
    broken = checkpoint(tmp_path, 11, "model.safetensors")
    assert last_checkpoint(tmp_path) == str(newest)
    assert not broken.exists()


def test_none_without_one(tmp_path: Path) -> None:
    assert last_checkpoint(tmp_path / "new") is None
    assert (tmp_path / "new").is_dir()
