"""What stops an export before anything is written: what was found, what was expected, what mends it."""

import shutil
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest
from corpus_files import picture, tar_bytes
from finished_outputs import OUTPUTS, Export, recaptioned, sharded

import flows.export
from cim.atomic import mark_done, write_json
from cim.errors import CimError
from cim.params.yaml import dump_yaml


def unfinished(root: Path) -> None:
    (root / "summary.json").unlink()


def changed(root: Path) -> None:
    (root / "00001.tar").write_bytes(b"other")


def gone(root: Path) -> None:
    (root / "00001.tar").unlink()


def in_a_store(root: Path) -> None:
    for tar in root.glob("*.tar"):
        tar.unlink()


def unmarked(root: Path) -> None:
    (root / "00001.parquet.done.json").unlink()


def fewer(root: Path) -> None:
    for path in root.glob("00001.parquet*"):
        path.unlink()


def no_json(root: Path) -> None:
    (root / "summary.json").write_text("{")


REFUSED: dict[str, tuple[Callable[[Path], None], str]] = {
    "unfinished": (unfinished, r"with recaption.json, but no summary.json: not finished"),
    "changed": (changed, r"00001.tar has changed; expected the file that 00001.parquet.done.json stands for"),
    "gone": (gone, r"00001.tar is missing; .* Remedy: copy it there, from its store"),
    "in a store": (in_a_store, r"no tar in .*; with recaption.store they lie in the store"),
    "unmarked": (unmarked, r"00001.parquet without 00001.parquet.done.json: not finished"),
    "fewer": (fewer, r"1 finished tars in .*; expected the 2 that it says it has"),
    "no JSON": (no_json, r"summary.json can't be read"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_shards_that_no_flow_left_so(name: str, place: Path, exporting: Export) -> None:
    spoil, found = REFUSED[name]
    source = recaptioned(place)
    spoil(source)
    with pytest.raises(CimError, match=found):
        exporting(source)
    assert not any(place.glob("out*"))


def test_folders_that_are_none_of_it(place: Path, exporting: Export) -> None:
    with pytest.raises(CimError, match="no folder nowhere"):
        exporting("nowhere")
    with pytest.raises(CimError, match=r"in with neither summary.json nor a card"):
        exporting("in")
    source = recaptioned(place)
    write_json(place / "captions/summary.json", {"tuned": {"target": {}}})
    shutil.copytree(source, place / "captions/tuned/target")
    with pytest.raises(CimError, match="Remedy: name one of tuned/target in it"):
        exporting("captions")
    for output in ("recaptioned/out", "."):
        with pytest.raises(CimError, match="expected folders of which none lies in the other"):
            exporting(source, output=output)
    (place / "mine").mkdir()
    (place / "mine/README.md").write_text("my own")
    with pytest.raises(CimError, match=r"mine with files in it, but no export.json.*set export.dataset.output"):
        exporting(source, output="mine")
    assert (place / "mine/README.md").read_text() == "my own"


def test_splits_are_those_of_sharding(place: Path, exporting: Export) -> None:
    with pytest.raises(CimError, match=r"export.dataset.splits \['train'\] for shards of flows.recaption"):
        exporting(recaptioned(place), splits=["train"])
    with pytest.raises(CimError, match=r"export\.dataset\.splits with eval; expected some of target, train"):
        exporting(sharded(place), splits=["eval"])
    assert exporting(sharded(place), splits=["target"])["dataset"]["shards"] == 1
    assert [path.name for path in (place / "out/data").iterdir()] == ["target"]


@pytest.mark.parametrize(
    ("members", "found"),
    [
        ([("0.txt", b"text")], "sample 0 without an image"),
        ([("0.png", picture(1)), ("0.json", b'{"a": NaN}')], "sample 0: broken JSON"),
        ([("0.png", picture(1)), ("0.png", picture(2))], "sample 0 twice"),
        ([("../0.png", picture(1))], "unsafe name"),
        ([], "no sample in"),
    ],
)
def test_tars_that_no_reader_would_take(
    members: list[tuple[str, bytes]], found: str, place: Path, exporting: Export
) -> None:
    """Linked by curation as the corpus has them, say."""
    source = OUTPUTS["curate"](place)
    for tar in source.glob("*.tar"):
        tar.unlink()
        tar.write_bytes(tar_bytes(members))
        mark_done(tar, "made from")
    with pytest.raises(CimError, match=found):
        exporting(source)
    assert not (place / "out").exists()


def test_a_tar_that_breaks_off(place: Path, exporting: Export) -> None:
    source = recaptioned(place)
    tar = source / "00000.tar"
    with tarfile.open(tar) as opened:
        at = opened.getmembers()[3].offset  # where the second sample begins
    whole = tar.read_bytes()
    tar.write_bytes(whole[:at] + bytes([1]) * (len(whole) - at))
    with pytest.raises(CimError, match=r"00000.tar: broken \(no member's header at byte"):
        exporting(source)


def test_a_flow_that_begins_meanwhile(place: Path, exporting: Export, monkeypatch: pytest.MonkeyPatch) -> None:
    source, real = recaptioned(place), flows.export.map_shards

    def while_looking(task: object, *given: object, **named: object) -> object:
        (source / "summary.json").unlink(missing_ok=True)
        return real(task, *given, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(flows.export, "map_shards", while_looking)
    with pytest.raises(CimError, match="recaptioned changed meanwhile"):
        exporting(source)
    assert not (place / "out").exists()


def test_all_that_is_wrong_with_params_is_told_at_once(place: Path) -> None:
    wrong = {"dataset": {"shards": 5, "outptu": "out", "title": 3}, "workspace": "s3://bucket/data"}
    Path("export.yaml").write_text(dump_yaml({"export": wrong}))
    with pytest.raises(CimError) as error:
        flows.export.export.fn()
    for told in (
        "export.dataset.shards",
        "did you mean 'output'",
        "export.dataset.title",
        "export.workspace",
        "field required",
    ):
        assert told.lower() in str(error.value).lower(), told
    Path("export.yaml").write_text(dump_yaml({"export": {}}))
    with pytest.raises(CimError, match="nothing to export: give dataset, model or both"):
        flows.export.export.fn()
    assert not any(place.glob("out*"))
