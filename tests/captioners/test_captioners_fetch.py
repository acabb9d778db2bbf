"""Fetching: pinned, safetensors only, whole or not at all."""

import shutil
from pathlib import Path
from typing import Any

import huggingface_hub
import pytest
from huggingface_hub.errors import HTTPError, OfflineModeIsEnabled, RevisionNotFoundError

from cim.captioners.fetch import fetch_captioner
from cim.captioners.load import captioner_fingerprint, load_captioner
from cim.errors import CimError
from cim.params import LoadedCaptioner

COMMIT = "0123456789abcdef0123456789abcdef01234567"
HUB = LoadedCaptioner(kind="hf", name="maker/model", revision=COMMIT)


class Hub:
    """Stands in for the hub: lists `files`, delivers those allowed, or raises `trouble`."""

    def __init__(self, files: dict[str, bytes], trouble: Exception | None = None, lost: str = "") -> None:
        self.files, self.trouble, self.lost = files, trouble, lost

    def install(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(huggingface_hub.HfApi, "list_repo_files", self._list)
        monkeypatch.setattr(huggingface_hub, "snapshot_download", self._download)

    def _list(self, name: str, revision: str) -> list[str]:
        assert (name, revision) == ("maker/model", COMMIT)
        if self.trouble:
            raise self.trouble
        return list(self.files)

    def _download(self, name: str, revision: str, local_dir: Path, allow_patterns: list[str]) -> None:
        for file in huggingface_hub.utils.filter_repo_objects(self.files, allow_patterns=allow_patterns):
            if file != self.lost:
                (local_dir / file).parent.mkdir(parents=True, exist_ok=True)
                (local_dir / file).write_bytes(self.files[file])
        (local_dir / ".cache").mkdir()


def _files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def _names(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*")}


def test_a_local_folder_is_copied_without_pickles_and_code(tiny_folder: Path, tmp_path: Path) -> None:
    source = Path(shutil.copytree(tiny_folder, tmp_path / "source"))
    for name in ("pytorch_model.bin", "modeling.py", "training_args.bin"):
        (source / name).write_bytes(b"x")
    fetch_captioner(LoadedCaptioner(kind="hf", name=str(source)), tmp_path / "out")
    assert _names(tmp_path / "out") == _names(tiny_folder)
    assert load_captioner(tmp_path / "out", "cpu").fingerprint == captioner_fingerprint(tiny_folder)


def test_a_hub_model_arrives_with_allowed_files_only(
    tiny_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    extra = {"pytorch_model.bin": b"x", "modeling.py": b"x", "README.md": b"x", "model.onnx": b"x"}
    Hub(_files(tiny_folder) | extra).install(monkeypatch)
    out = tmp_path / "out"
    out.mkdir()
    (out / "of an earlier model").touch()
    fetch_captioner(HUB, out)
    assert _names(out) == _names(tiny_folder)
    assert list(tmp_path.iterdir()) == [out]


@pytest.mark.parametrize("revision", [None, "main", "v1.0", COMMIT[:7]])
def test_an_unpinned_revision_is_refused(tmp_path: Path, revision: str | None) -> None:
    with pytest.raises(CimError, match="40 hex digits"):
        fetch_captioner(LoadedCaptioner.model_construct(**{**dict(HUB), "revision": revision}), tmp_path / "out")


@pytest.mark.parametrize("name", ["no/such/folder", "/nowhere", "word"])
def test_a_name_that_is_nothing_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(CimError, match="not a hub id"):
        fetch_captioner(LoadedCaptioner(kind="hf", name=name, revision=COMMIT), tmp_path / "out")


def test_a_repository_with_pickles_only_is_refused_before_any_download(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Hub({"config.json": b"{}", "pytorch_model.bin": b"x"}).install(monkeypatch)
    with pytest.raises(CimError, match=r"no \.safetensors file among the 2 files"):
        fetch_captioner(HUB, tmp_path / "out")
    assert _names(tmp_path) == set()


@pytest.mark.parametrize(
    ("trouble", "message"),
    [
        (HTTPError("Name or service not known"), "give its path as the name"),
        (OfflineModeIsEnabled("HF_HUB_OFFLINE"), "HF_HUB_OFFLINE"),
        (TimeoutError("slow"), "check network"),
        (RevisionNotFoundError.__new__(RevisionNotFoundError), "check name and revision"),
    ],
)
def test_trouble_with_the_hub_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, trouble: Any, message: str
) -> None:
    Hub({}, trouble).install(monkeypatch)
    with pytest.raises(CimError, match=message):
        fetch_captioner(HUB, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_what_another_models_broken_download_left_is_not_mixed_in(
    tiny_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Hub(_files(tiny_folder) | {"model-00002.safetensors": b"old"}, lost="tokenizer.json").install(monkeypatch)
    with pytest.raises(CimError, match="1 files are missing"):
        fetch_captioner(HUB, tmp_path / "out")
    shutil.copytree(tiny_folder, tmp_path / "source")
    fetch_captioner(LoadedCaptioner(kind="hf", name=str(tmp_path / "source")), tmp_path / "out")
    assert _names(tmp_path / "out") == _names(tiny_folder)
    assert {path.name for path in tmp_path.iterdir()} == {"out", "source"}


def test_a_download_that_lost_a_file_is_not_taken_for_whole(
    tiny_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Hub(_files(tiny_folder), lost="tokenizer.json").install(monkeypatch)
    with pytest.raises(CimError, match=r"1 files are missing, first tokenizer\.json"):
        fetch_captioner(HUB, tmp_path / "out")
    assert not (tmp_path / "out").exists()
