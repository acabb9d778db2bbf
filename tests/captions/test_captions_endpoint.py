"""Re-captioning through a chat server: whole, with failures, with a server that dies in the middle, without secrets."""

import json
from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest
from captioned_shards import contents
from chat_server import Script, chat_server, colour, picture

import tasks.caption
from cim.errors import CimError
from cim.params.yaml import dump_yaml, read_yaml
from flows.recaption import recaption


@pytest.fixture
def server(place: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Script]:
    """One that says a picture's colour, and the params that name it; nobody waits between two tries."""
    monkeypatch.setattr("cim.chat.client.LONGEST", 0.0)
    monkeypatch.setenv("CHAT_KEY", "s3cret")
    tasks.caption._kept.clear()
    with chat_server(Script()) as script:
        params = read_yaml(place / "recaption.yaml")
        del params["recaption"]["model"]
        params["caption"] |= {
            "engine": "endpoint",
            "endpoint": {
                "base_url": script.base_url, "model": "captioner", "key_env": "CHAT_KEY", "parallel": 2, "attempts": 2,
            },
        }  # fmt: skip
        (place / "recaption.yaml").write_text(dump_yaml(params))
        yield script


def rows(place: Path) -> pl.DataFrame:
    return pl.concat(pl.read_parquet(path) for path in sorted((place / "out").glob("*.parquet")))


def test_a_corpus_is_captioned_and_no_secret_is_written(server: Script, place: Path) -> None:
    assert recaption.fn()["captions"] == 5
    found = rows(place)
    assert sorted(found["caption"]) == sorted(f"colour {40 * n} {40 * n} {40 * n}." for n in range(5))
    decoding = json.loads(found["decoding"][0])
    assert decoding["engine"] == "endpoint"
    assert decoding["options"]["server"] == {"id": "captioner", "root": "weights", "version": "0.30.0"}
    assert "precision" not in decoding
    written = b"".join(path.read_bytes() for path in place.rglob("*") if path.is_file() and path.parent.name != "in")
    assert b"s3cret" not in written
    asked, made = len(server.bodies), contents(place / "out")
    recaption.fn()
    assert (len(server.bodies), contents(place / "out")) == (asked, made)  # all is done


def test_one_that_stays_without_an_answer_is_a_reject_with_its_reason(server: Script, place: Path) -> None:
    server.answer = lambda body: (500, "no") if picture(body).getpixel((0, 0))[0] == 80 else colour(body)
    with pytest.raises(CimError, match="refused by the captioner"):  # 1 of 5 is more than 5%
        recaption.fn()
    assert len(rows(place)) == 4
    rejects = pl.concat(pl.read_parquet(path) for path in (place / "out/rejects").glob("*.parquet"))
    ((reason, detail),) = rejects.select("reason", "detail").rows()
    assert reason == "refused by the captioner"
    assert "HTTP 500: no" in detail


@pytest.mark.parametrize(("status", "message"), [(503, "a server that is gone"), (401, "no answer from")])
def test_a_server_that_dies_loses_nothing_that_it_had_said(
    server: Script, place: Path, status: int, message: str
) -> None:
    """It is gone for good after three answers, or knows the key no more; the next run asks for the others alone."""
    params = read_yaml(place / "recaption.yaml")
    params["caption"]["endpoint"]["parallel"] = 1  # so that no answer is on its way when it goes
    (place / "recaption.yaml").write_text(dump_yaml(params))
    said: list[int] = []

    def until_three(body: object) -> object:
        if len(said) >= 3:
            server.gone = status == 503
            return status, "gone"
        said.append(picture(body).getpixel((0, 0))[0])
        return colour(body)

    server.answer = until_three
    with pytest.raises(CimError, match=message):
        recaption.fn()
    server.gone, server.answer = False, colour
    server.bodies.clear()
    assert recaption.fn()["rejects"] == 0
    assert len(rows(place)) == 5
    again = [picture(body).getpixel((0, 0))[0] for body in server.bodies]
    assert sorted([*said, *again]) == [0, 40, 80, 120, 160]  # nothing that was answered is asked twice


def test_a_server_out_of_reach_is_said_before_anything_is_made(server: Script, place: Path) -> None:
    server.gone = True
    with pytest.raises(CimError, match="no answer from"):
        recaption.fn()
    assert not (place / "out").exists()
