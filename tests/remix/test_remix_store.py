"""Mixed shards in an object store: whole, from several machines, killed on the way, never beside other files."""

from pathlib import Path
from typing import Any

import pytest
from finished_shards import TXT, Run, contents
from object_stores import dying_at_put, stored, unmarked

import flows.mixing
from cim.atomic import read_json
from cim.captions.store import Store
from cim.errors import CimError

TEXTS = {"txt": TXT, "budget": None}
STORE = "s3://mixes/out"


def undisturbed(place: Path, mixed: Run) -> dict[str, bytes]:
    """What a run writes into a folder."""
    mixed(TEXTS, remix__output="alone")
    return unmarked(contents(place / "alone"))


def test_the_store_holds_what_a_folder_would_and_the_folder_no_tars(place: Path, mixed: Run, bucket: Any) -> None:
    wanted = undisturbed(place, mixed)
    summary = mixed(TEXTS, remix__store=STORE)
    assert stored(bucket) == wanted
    assert summary == read_json(place / "alone/summary.json")
    assert not list((place / "out").glob("*.tar"))


def test_another_run_and_another_machine_change_nothing(
    place: Path, mixed: Run, bucket: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = mixed(TEXTS, remix__store=STORE)
    before = {name: bucket.info(name)["LastModified"] for name in bucket.find("mixes/out")}
    monkeypatch.setattr(Store, "publish", lambda *_: pytest.fail("put again"))
    assert mixed(TEXTS, remix__store=STORE) == first
    assert mixed(TEXTS, remix__store=STORE, remix__output="elsewhere") == first
    bucket.invalidate_cache()
    after = {name: bucket.info(name)["LastModified"] for name in bucket.find("mixes/out")}
    tables = [name for name in before if name.endswith((".tar", ".parquet", ".done.json"))]
    assert [after[name] for name in tables] == [before[name] for name in tables]


def test_killed_on_the_way_the_next_machine_ends_with_the_same(place: Path, mixed: Run, bucket: Any) -> None:
    """While files are put there: the card, three of each of three shards, the summary."""
    wanted = undisturbed(place, mixed)
    for at in (1, 3, 4, 8, 11):  # of 11: card, 9 files, summary
        with dying_at_put(at), pytest.raises(KeyboardInterrupt):
            mixed(TEXTS, remix__store=STORE, remix__output=f"machine-{at}")
        if at % 2:  # the same machine goes on, or another one
            mixed(TEXTS, remix__store=STORE, remix__output=f"machine-{at}")
        else:
            mixed(TEXTS, remix__store=STORE, remix__output=f"next-{at}")
        assert stored(bucket) == wanted
        bucket.rm("mixes/out", recursive=True)


def test_another_mix_has_the_store_and_a_run_that_was_at_it_stops(
    place: Path, mixed: Run, bucket: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = flows.mixing.map_shards

    def taken(task: Any, jobs: Any, *told: Any, **given: Any) -> Any:
        monkeypatch.setattr(flows.mixing, "map_shards", plain)
        mixed(TEXTS | {"seed": 7}, remix__store=STORE, remix__output="other")
        return plain(task, jobs, *told, **given)

    monkeypatch.setattr(flows.mixing, "map_shards", taken)
    with pytest.raises(CimError, match=r"s3://mixes/out in use by another run.*set remix\.store to another"):
        mixed(TEXTS, remix__store=STORE)


def test_stores_with_other_files_in_them_are_refused(place: Path, mixed: Run, bucket: Any) -> None:
    bucket.pipe_file("mixes/out/recaption.json", b"{}")  # captions that another run has made
    with pytest.raises(CimError, match=r"with files in it, but no remix\.json.*set remix\.store"):
        mixed(TEXTS, remix__store=STORE)
    for tar in (place / "in").glob("*.tar"):
        bucket.put_file(str(tar), f"mixes/in/{tar.name}")
    with pytest.raises(CimError, match=r"remix\.store s3://mixes/in, and s3://mixes/in/00000\.tar of the corpus in it"):
        mixed(TEXTS, remix__shards="s3://mixes/in/*.tar", remix__store="s3://mixes/in")
    with pytest.raises(CimError, match="no folder of an object store"):
        mixed(TEXTS, remix__store="/tmp/out")


def test_from_a_store_into_a_store(place: Path, mixed: Run, bucket: Any) -> None:
    wanted = undisturbed(place, mixed)
    for tar in (place / "in").glob("*.tar"):
        bucket.put_file(str(tar), f"mixes/in/{tar.name}")
    summary = mixed(TEXTS, remix__shards="s3://mixes/in/*.tar", remix__store=STORE)
    assert {name: stored(bucket)[name] for name in wanted if name.endswith(".tar")} == {
        name: content for name, content in wanted.items() if name.endswith(".tar")
    }
    assert mixed(TEXTS, remix__shards="s3://mixes/in/*.tar", remix__store=STORE, remix__output="elsewhere") == summary
    assert not list((place / "elsewhere").glob("*.parquet"))  # by listings alone
