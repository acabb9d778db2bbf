"""Refined shards in an object store: whole, asked for once, killed on the way."""

from pathlib import Path
from typing import Any

import pytest
from chat_server import Script
from object_stores import dying_at_put, stored, unmarked
from refined_shards import asked_of, contents, fused, numbers_in

from cim.atomic import read_json
from cim.errors import CimError, FatalError

STORE = "s3://mixes/out"


def undisturbed(place: Path, refined: Any, fusing: Any, server: Script) -> dict[str, bytes]:
    """What a run writes into a folder; it has asked nothing afterwards."""
    refined(fusing, refine__output="alone")
    server.bodies.clear()
    return unmarked(contents(place / "alone"))


def asked(server: Script) -> list[int]:
    """Numbers of the samples that were asked about."""
    return [numbers_in(asked_of(body)[1])[0] for body in server.bodies]


def test_the_store_holds_what_a_folder_would_and_no_machine_asks_again(
    place: Path, refined: Any, fusing: Any, server: Script, bucket: Any
) -> None:
    wanted = undisturbed(place, refined, fusing, server)
    summary = refined(fusing, refine__store=STORE)
    assert stored(bucket) == wanted
    assert summary == read_json(place / "alone/summary.json")
    assert not list((place / "out").glob("*.tar"))
    assert sorted(asked(server)) == [0, 1, 2, 4, 5, 10, 11, 12, 14, 15]  # 3 and 13 have no alt text
    server.bodies.clear()
    assert refined(fusing, refine__store=STORE) == summary
    assert refined(fusing, refine__store=STORE, refine__output="elsewhere") == summary
    assert asked(server) == []


@pytest.mark.parametrize("dies_at", [2, 9], ids=["at the first shard", "at the second"])
def test_killed_at_an_answer_the_same_machine_asks_for_no_answer_twice_and_another_for_no_shard(
    dies_at: int, place: Path, refined: Any, fusing: Any, server: Script, bucket: Any
) -> None:
    """Of two shards with 5 answers each. The journal of the shard it was at is that machine's."""
    wanted = undisturbed(place, refined, fusing, server)
    real = server.answer

    def dying(body: Any) -> Any:
        return (401, "no") if len(server.bodies) >= dies_at else real(body)

    server.answer = dying
    with pytest.raises(FatalError):
        refined(fusing, refine__store=STORE)
    server.answer = fused
    kept = asked(server)[: dies_at - 1]
    server.bodies.clear()
    refined(fusing, refine__store=STORE)
    assert set(asked(server)).isdisjoint(kept)
    assert stored(bucket) == wanted


def test_killed_while_files_are_put_there_the_next_machine_ends_with_the_same(
    place: Path, refined: Any, fusing: Any, server: Script, bucket: Any
) -> None:
    """The card, three files of each of two shards, the summary."""
    wanted = undisturbed(place, refined, fusing, server)
    for at in (1, 3, 6, 8):
        with dying_at_put(at), pytest.raises(KeyboardInterrupt):
            refined(fusing, refine__store=STORE, refine__output=f"machine-{at}")
        refined(fusing, refine__store=STORE, refine__output=f"machine-{at}" if at % 2 else f"next-{at}")
        assert stored(bucket) == wanted
        bucket.rm("mixes/out", recursive=True)


def test_other_refiners_and_other_files_keep_a_store_for_themselves(
    place: Path, refined: Any, fusing: Any, bucket: Any
) -> None:
    bucket.pipe_file("mixes/out/remix.json", b"{}")
    with pytest.raises(CimError, match=r"with files in it, but no refine\.json.*set refine\.store"):
        refined(fusing, refine__store=STORE)
    with pytest.raises(CimError, match="no folder of an object store"):
        refined(fusing, refine__store="/tmp/out")
