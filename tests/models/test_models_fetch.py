"""Fetching: pinned, safetensors only, whole or not at all."""

from pathlib import Path
from typing import Any

import huggingface_hub.constants
import pytest
from huggingface_hub.errors import HTTPError, OfflineModeIsEnabled, RevisionNotFoundError
from model_hub import COMMIT, Hub

from cim.errors import CimError
from cim.models.fetch import RequiredFiles, fetch, fetched
from cim.params.models import Loaded

HUB = Loaded(name="maker/model", revision=COMMIT)
FILES = {"config.json": b"{}", "model.safetensors": b"w", "2_Dense/model.safetensors": b"d", "vocab[1].txt": b"a"}
FILES |= {"chat_template.jinja": b"t", "spiece.model": b"s"}
NEVER = dict.fromkeys(("pytorch_model.bin", "README.md", "training_args.bin", "model.onnx", ".git/config.json"), b"x")
NEVER |= dict.fromkeys(("onnx/config.json", "openvino/config.json", "cim.json", "trainer_state.json"), b"{}")
CODE = {"modeling.py": b"x"}
WANTED = RequiredFiles("models.captioner.name", ["config.json"])


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A local folder that holds all of them."""
    for name, content in (FILES | NEVER | CODE).items():
        path = tmp_path / "source" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return tmp_path / "source"


def contents(folder: Path) -> dict[str, bytes]:
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


class TestLocal:
    def test_a_folder_is_copied_without_pickles_code_and_another_ones_card(self, source: Path, tmp_path: Path) -> None:
        fetch(Loaded(name=str(source)), tmp_path / "out", WANTED)
        assert contents(tmp_path / "out") == FILES

    def test_code_comes_along_only_where_it_is_trusted(self, source: Path, tmp_path: Path) -> None:
        trusting = RequiredFiles("models.captioner.name", trust_remote_code=True)
        fetch(Loaded(name=str(source)), tmp_path / "out", trusting)
        assert contents(tmp_path / "out") == FILES | CODE

    def test_a_folder_in_the_home_directory(
        self, source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("HOME", str(tmp_path))
        fetch(Loaded(name="~/source"), tmp_path / "out", WANTED)
        assert contents(tmp_path / "out") == FILES

    def test_a_package(self, source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        (tmp_path / "planted_model.py").write_text(f"def get_model_path():\n    return {str(source)!r}\n")
        monkeypatch.syspath_prepend(tmp_path)
        fetch(Loaded(name="package:planted_model"), tmp_path / "out", WANTED)
        assert contents(tmp_path / "out") == FILES

    @pytest.mark.parametrize("lost", ["config.json", "model.safetensors"])
    def test_what_is_no_model_folder_leaves_the_old_one(self, tmp_path: Path, lost: str) -> None:
        for name in {"config.json", "model.safetensors", "pytorch_model.bin"} - {lost}:
            (tmp_path / "source").mkdir(exist_ok=True)
            (tmp_path / "source" / name).write_bytes(b"{}")
        (tmp_path / "out").mkdir()
        (tmp_path / "out/old").touch()
        with pytest.raises(CimError, match=r"no config\.json" if lost == "config.json" else "never read"):
            fetch(Loaded(name=str(tmp_path / "source")), tmp_path / "out", WANTED)
        assert contents(tmp_path / "out") == {"old": b""}


class TestHub:
    @pytest.mark.parametrize("prefix", ["", "hf-hub:"])
    def test_a_model_arrives_with_allowed_files_only(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, prefix: str
    ) -> None:
        Hub(FILES | NEVER | CODE).install(monkeypatch)
        out = tmp_path / "out"
        out.mkdir()
        (out / "of an earlier model").touch()
        fetch(Loaded(name=f"{prefix}maker/model", revision=COMMIT), out, WANTED)
        assert contents(out) == FILES
        assert list(tmp_path.iterdir()) == [out]

    @pytest.mark.parametrize("revision", [None, "main", "v1.0", COMMIT[:7]])
    def test_an_unpinned_revision_is_refused(self, tmp_path: Path, revision: str | None) -> None:
        with pytest.raises(CimError, match=r"40 hex digits.*copy it from https://huggingface\.co/maker/model"):
            fetch(Loaded.model_construct(name="maker/model", revision=revision), tmp_path / "out", WANTED)

    @pytest.mark.parametrize("name", ["no/such/folder", "/nowhere", "word", "hf-hub:word", "no such thing"])
    def test_a_name_that_is_nothing_is_refused(self, tmp_path: Path, name: str) -> None:
        with pytest.raises(CimError, match=r"models\.captioner\.name .*not a hub id"):
            fetch(Loaded.model_construct(name=name, revision=COMMIT), tmp_path / "out", WANTED)

    def test_a_repository_with_pickles_only_is_refused_before_any_download(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        hub = Hub({"config.json": b"{}", "pytorch_model.bin": b"x"})
        hub.install(monkeypatch)
        with pytest.raises(CimError, match=r"no \.safetensors file in the 2 files"):
            fetch(HUB, tmp_path / "out", WANTED)
        assert hub.asked == []
        assert list(tmp_path.iterdir()) == []

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
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, trouble: Any, message: str
    ) -> None:
        Hub({}, trouble).install(monkeypatch)
        with pytest.raises(CimError, match=message):
            fetch(HUB, tmp_path / "out", WANTED)
        assert not (tmp_path / "out").exists()

    def test_what_another_models_broken_download_left_is_not_mixed_in(
        self, source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        Hub(FILES | {"model-00002.safetensors": b"old"}, lost="config.json").install(monkeypatch)
        with pytest.raises(CimError, match="1 files are missing"):
            fetch(HUB, tmp_path / "out", WANTED)
        fetch(Loaded(name=str(source)), tmp_path / "out", WANTED)
        assert contents(tmp_path / "out") == FILES
        assert {path.name for path in tmp_path.iterdir()} == {"out", "source"}

    def test_a_download_that_lost_a_file_is_not_taken_for_whole_and_goes_on(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        hub = Hub(FILES, lost="spiece.model")
        hub.install(monkeypatch)
        with pytest.raises(CimError, match=r"1 files are missing, first spiece\.model"):
            fetch(HUB, tmp_path / "out", WANTED)
        assert not (tmp_path / "out").exists()
        (partial,) = tmp_path.iterdir()
        assert (partial / "config.json").is_file()  # what the hub's client goes on with
        hub.lost = ""
        fetch(HUB, tmp_path / "out", WANTED)
        assert contents(tmp_path / "out") == FILES
        assert [path.name for path in tmp_path.iterdir()] == ["out"]


class TestKept:
    def test_a_local_folder_stays_where_it_is(self, source: Path) -> None:
        assert fetched(Loaded(name=str(source)), WANTED) == source

    def test_a_hub_model_is_asked_for_once(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(huggingface_hub.constants, "HF_HOME", str(tmp_path))
        Hub(FILES | CODE).install(monkeypatch)
        folder = fetched(HUB, WANTED)
        assert contents(folder) == FILES
        assert tmp_path in folder.parents
        Hub({}, HTTPError("no network")).install(monkeypatch)
        assert fetched(HUB, WANTED) == folder
