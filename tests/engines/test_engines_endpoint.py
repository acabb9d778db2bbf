"""The engine `endpoint` against a server of this machine: what is sent, what comes back, what a failure costs."""

import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from chat_server import Script, chat_server, colour, picture, said
from PIL import Image

from cim.captioners.decoding import Decoding, Generated
from cim.chat.client import ChatClient
from cim.engines.continuous import ContinuousCaptioning
from cim.engines.endpoint import Endpoint
from cim.engines.endpoint_options import EndpointOptions
from cim.engines.open import open_engine
from cim.engines.prepared import Asked
from cim.engines.spec import Answer, EngineSpec, captions_of
from cim.engines.upload import Upload
from cim.errors import CimError, EngineLost, FatalError
from cim.params.endpoint import EndpointParams

SHADES = range(0, 200, 10)
PICTURES = [Image.new("RGB", (8, 6), (shade, shade, shade)) for shade in SHADES]
KEYS = [f"key {shade}" for shade in SHADES]
ASKED = "Describe it."
GREEDY = Decoding(9)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Script]:
    """One that says a picture's colour; nobody waits between two tries."""
    monkeypatch.setattr("cim.chat.client.LONGEST", 0.0)
    with chat_server(Script()) as script:
        yield script


def spec(server: Script, decoding: Decoding = GREEDY, **more: Any) -> EngineSpec:
    params = EndpointParams(base_url=server.base_url, model="captioner", **({"attempts": 2, "parallel": 4} | more))
    options = EndpointOptions.of(params)
    return EngineSpec(Path(), options.fingerprint, ASKED, decoding, "endpoint", endpoint=options)


def collected(engine: Any, count: int) -> dict[int, Any]:
    """What comes of `count` samples, errors included."""
    found: list[Answer] = []
    while len(found) < count:
        found += engine.collect(5.0)
    return dict(found)


def submitted(engine: Any, count: int) -> None:
    for number in range(count):
        engine.submit(number, engine.prepare(PICTURES[number], b""), KEYS[number])


class TestRequests:
    def test_captions_come_back_with_their_pictures(self, server: Script) -> None:
        four = threading.Barrier(4)  # none of 20 requests is answered before four are there

        def together(body: Any) -> Any:
            four.wait(30)
            return colour(body)

        server.answer = together
        found = captions_of(open_engine(spec(server)), PICTURES, KEYS)
        assert [one.text for one in found] == [f"colour {shade} {shade} {shade}." for shade in SHADES]
        assert {one[1:4] for one in found} == {("stop", 5, 20)}
        assert server.most_at_once == 4

    def test_what_is_sent(self, server: Script) -> None:
        decoding = Decoding(9, 0.7, seed=3)
        captions_of(
            open_engine(spec(server, decoding, body={"top_p": 0.9, "temperature": None})), PICTURES[:2], KEYS[:2]
        )
        one, other = server.bodies
        (message,) = one["messages"]
        assert [part["type"] for part in message["content"]] == ["image_url", "text"]
        assert message["content"][1]["text"] == ASKED
        assert {name: value for name, value in one.items() if name not in ("messages", "seed")} == {
            "model": "captioner", "max_tokens": 9, "top_p": 0.9,
        }  # fmt: skip
        assert one["seed"] != other["seed"]
        seeds = {one["seed"], other["seed"]}
        captions_of(open_engine(spec(server, decoding)), PICTURES[1::-1], KEYS[1::-1])  # in another order
        assert {body["seed"] for body in server.bodies[2:]} == seeds

    def test_a_prompt_of_its_own_takes_the_place_of_the_other(self, server: Script) -> None:
        engine = open_engine(spec(server))
        for number, prompt in enumerate(("What?", "Who?")):
            engine.submit(number, Asked(engine.prepare(PICTURES[0], b""), prompt), KEYS[number])
        collected(engine, 2)
        assert {body["messages"][0]["content"][1]["text"] for body in server.bodies} == {"What?", "Who?"}

    def test_candidates_are_requests_of_their_own(self, server: Script) -> None:
        def score(texts: list[str], *_: Any) -> list[float]:
            return [float(number) for number in range(len(texts))]

        engine = open_engine(spec(server, Decoding(9, 0.7, candidates=3)), score)
        (found,) = captions_of(engine, PICTURES[:1], KEYS[:1])
        assert found.scores == (0.0, 1.0, 2.0)
        assert len({body["seed"] for body in server.bodies}) == 3

    @pytest.mark.parametrize(("reason", "kept"), [("stop", "stop"), ("length", "length"), (None, "stop")])
    def test_why_captions_end(self, server: Script, reason: str | None, kept: str) -> None:
        server.answer = lambda _: said("A red dot. And then it goes on", reason)
        (found,) = captions_of(open_engine(spec(server)), PICTURES[:1], KEYS[:1])
        assert found.finish_reason == kept
        assert found.text == ("A red dot." if reason == "length" else "A red dot. And then it goes on")

    def test_a_filtered_caption_is_none(self, server: Script) -> None:
        server.answer = lambda _: said("I am sorry", "content_filter")
        with pytest.raises(ValueError, match="content_filter"):
            captions_of(open_engine(spec(server)), PICTURES[:1], KEYS[:1])

    def test_beams_are_refused(self, server: Script) -> None:
        with pytest.raises(CimError, match="beams 2"):
            open_engine(spec(server, Decoding(9, beams=2)))


class TestFailures:
    def test_tried_again(self, server: Script) -> None:
        """Each of 20 requests fails once, is asked for again, and has its caption."""
        seen = set[int]()

        def once(body: Any) -> Any:
            if body["seed"] in seen:
                return colour(body)
            seen.add(body["seed"])
            return 503, "busy"

        server.answer = once
        engine = open_engine(spec(server))
        assert [one.text for one in captions_of(engine, PICTURES, KEYS)][3] == "colour 30 30 30."
        assert engine.retried == 20

    @pytest.mark.parametrize("answer", [(400, "too large"), (200, "<html>"), (200, {"choices": []}), (503, "busy")])
    def test_one_image_alone_fails(self, server: Script, answer: Any) -> None:
        """Not answered, not taken or answered in the wrong form: its own fault, as others are answered."""

        def but_one(body: Any) -> Any:
            return answer if picture(body).convert("RGB").getpixel((0, 0)) == (30, 30, 30) else colour(body)

        server.answer = but_one
        engine = open_engine(spec(server))
        submitted(engine, 10)
        found = collected(engine, 10)
        assert isinstance(found[3], ValueError)
        assert sum(isinstance(one, Generated) for one in found.values()) == 9

    def test_the_last_image_fails(self, server: Script) -> None:
        """No other request tells whether the server is there: it is asked for its models."""
        server.answer = lambda _: (503, "busy")
        engine = open_engine(spec(server))
        submitted(engine, 1)
        assert "503" in str(collected(engine, 1)[0])

    def test_a_server_that_is_gone_makes_no_rejects(self, server: Script) -> None:
        engine = open_engine(spec(server))
        submitted(engine, 3)
        collected(engine, 3)
        server.gone = True
        submitted(engine, 5)
        with pytest.raises(EngineLost, match="gone"):
            collected(engine, 5)
        server.gone = False  # nothing of before is in flight
        submitted(engine, 2)
        assert set(collected(engine, 2)) == {0, 1}

    def test_a_server_that_answers_nothing_but_is_there(self, server: Script, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("cim.chat.held_back.FAILED", 2)
        server.answer = lambda _: (503, "full")
        engine = open_engine(spec(server))
        submitted(engine, 5)
        with pytest.raises(EngineLost, match="5 requests in a row"):
            collected(engine, 5)

    def test_a_key_that_is_refused_ends_it(self, server: Script) -> None:
        server.answer = lambda _: (401, "who are you")
        engine = open_engine(spec(server))
        submitted(engine, 1)
        with pytest.raises(FatalError, match="who are you"):
            collected(engine, 1)

    def test_nobody_is_there_at_the_start(self, server: Script) -> None:
        server.gone = True
        with pytest.raises(CimError, match="no answer from"):
            spec(server)

    def test_another_server_than_planned(self, server: Script) -> None:
        planned = spec(server)
        server.version = "0.31.0"
        with pytest.raises(CimError, match=r"0\.31\.0.*0\.30\.0"):
            open_engine(planned)


class TestLineage:
    def test_model_and_version_but_neither_address_nor_key(
        self, server: Script, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("CHAT_KEY", "s3cret")
        options = spec(server, key_env="CHAT_KEY", max_pixels=99).endpoint
        assert options is not None
        assert json.loads(options.decisive()) == {
            "server": {"id": "captioner", "root": "weights", "version": "0.30.0"}, "max_pixels": 99, "reencode": "png",
        }  # fmt: skip
        assert "s3cret" not in repr(options)

    def test_another_version_is_another_captioner(self, server: Script) -> None:
        before = spec(server).fingerprint
        server.version = "0.31.0"
        assert spec(server).fingerprint != before


def test_a_client_alone(server: Script) -> None:
    """Without `open`, as a test of the server would: nothing but the client is needed."""
    client = ChatClient(spec(server).endpoint.server)  # type: ignore[union-attr]
    engine = ContinuousCaptioning(Endpoint(client, ASKED, {}, Upload()), Decoding(9))
    assert captions_of(engine, PICTURES[:1], KEYS[:1])[0].text == "colour 0 0 0."
