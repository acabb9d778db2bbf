"""Requests to a chat server over a planted transport: keys, retries, refusals, what is no answer."""

import json
from typing import Any

import httpx
import pytest

from cim.chat.client import LONGEST, ChatClient, NoAnswer, RefusedRequest, Reply
from cim.errors import CimError, FatalError
from cim.params.chat import ChatServer

MESSAGES = [{"role": "user", "content": "p"}]


def server(**more: Any) -> ChatServer:
    return ChatServer(base_url="http://chat/v1/", model="m", **more)


class Scripted:
    """A server that gives these answers in order, and keeps the requests it got. waited: between tries."""

    def __init__(self, *answers: httpx.Response | Exception, **more: Any) -> None:
        self._answers = list(answers)
        self.requests: list[httpx.Request] = []
        self.waited: list[float] = []
        self.client = ChatClient(server(**more), httpx.MockTransport(self._answer), self.waited.append)

    def _answer(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        answer = self._answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def complete(self) -> Reply:
        return self.client.complete(MESSAGES, {"max_tokens": 16})


def saying(text: str | None, **more: Any) -> httpx.Response:
    return httpx.Response(200, json={"choices": [{"message": {"content": text}, "finish_reason": "stop"}], **more})


class TestRequest:
    def test_what_is_sent_and_read(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("CHAT_KEY", "secret\n")
        chat = Scripted(saying("Yes", usage={"prompt_tokens": 7, "completion_tokens": 2}), key_env="CHAT_KEY")
        assert chat.complete() == Reply("Yes", "stop", tokens=2, tokens_in=7)
        assert str(chat.requests[0].url) == "http://chat/v1/chat/completions"
        assert chat.requests[0].headers["Authorization"] == "Bearer secret"
        assert json.loads(chat.requests[0].content) == {"model": "m", "messages": MESSAGES, "max_tokens": 16}

    def test_no_key_none_sent(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("OPENAI_API_KEY", "of another server")
        chat = Scripted(saying(None))
        assert chat.complete() == Reply("", "stop", 0, 0)
        assert "Authorization" not in chat.requests[0].headers

    @pytest.mark.parametrize("key", ["", " ", "two words", "line\nline", "schlüssel"])
    def test_environments_without_a_key(self, monkeypatch: pytest.MonkeyPatch, key: str) -> None:
        monkeypatch.setenv("CHAT_KEY", key)
        with pytest.raises(CimError, match="CHAT_KEY"):
            Scripted(key_env="CHAT_KEY")
        monkeypatch.delenv("CHAT_KEY")
        with pytest.raises(CimError, match="no CHAT_KEY"):
            Scripted(key_env="CHAT_KEY")

    @pytest.mark.parametrize("url", ["http://me:pass@chat/v1", "http://chat/v1?api-key=1", "chat/v1", "ftp://chat"])
    def test_addresses_that_may_hold_a_secret_or_are_none(self, url: str) -> None:
        with pytest.raises(ValueError, match=r"secret|pattern"):
            ChatServer(base_url=url, model="m")


class TestBusy:
    def test_asked_again(self) -> None:
        """2 and 4 seconds, a quarter more or less."""
        chat = Scripted(httpx.Response(429), httpx.ConnectError("gone"), saying("No"))
        assert chat.complete() == Reply("No", "stop", 0, 0, retries=2)
        assert [round(seconds / base) for seconds, base in zip(chat.waited, [2, 4], strict=True)] == [1, 1]

    def test_as_late_as_the_server_asks_but_no_later_than_a_minute(self) -> None:
        later = [httpx.Response(503, headers={"retry-after": text}) for text in ("17", "9999", "Wed, 21 Oct 2026")]
        chat = Scripted(*later, saying("No"))
        assert chat.complete().text == "No"
        assert chat.waited[:2] == [17.0, LONGEST]
        assert 6 <= chat.waited[2] <= 10  # a date is not read: 8 seconds, a quarter more or less

    def test_not_for_ever(self) -> None:
        chat = Scripted(*[httpx.Response(503, text="full")] * 3, attempts=3)
        with pytest.raises(NoAnswer, match=r"in 3 tries .*HTTP 503: full"):
            chat.complete()
        assert len(chat.requests) == 3

    def test_a_server_that_hangs(self) -> None:
        with pytest.raises(NoAnswer, match="ReadTimeout"):
            Scripted(*[httpx.ReadTimeout("slow")] * 2, attempts=2).complete()


class TestRefused:
    @pytest.mark.parametrize("status", [401, 403, 404])
    def test_what_every_request_would_meet(self, status: int) -> None:
        chat = Scripted(httpx.Response(status, text="who are you"))
        with pytest.raises(FatalError, match=f"HTTP {status}: who are you"):
            chat.complete()
        assert len(chat.requests) == 1

    @pytest.mark.parametrize("status", [400, 413, 422])
    def test_what_this_request_alone_met(self, status: int) -> None:
        with pytest.raises(RefusedRequest, match=f"HTTP {status}: too large"):
            Scripted(httpx.Response(status, text="too large")).complete()

    @pytest.mark.parametrize("body", ["<html>", "{}", '{"choices": []}', "[]", "null", '{"choices": [{"message": 1}]}'])
    def test_what_is_no_completion(self, body: str) -> None:
        with pytest.raises(RefusedRequest, match="chat completion"):
            Scripted(httpx.Response(200, text=body)).complete()

    def test_a_key_that_the_server_repeats_is_not_shown(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("CHAT_KEY", "s3cret")
        with pytest.raises(FatalError) as caught:
            Scripted(httpx.Response(401, text="wrong key s3cret"), key_env="CHAT_KEY").complete()
        assert "wrong key <key>" in str(caught.value)
        assert "s3cret" not in str(caught.value)


class TestIdentity:
    def models(self, *ids: str) -> httpx.Response:
        return httpx.Response(200, json={"data": [{"id": one, "root": f"weights/{one}", "created": 1} for one in ids]})

    def test_model_weights_and_version(self) -> None:
        """`created` is left out: with vLLM it is the time of the question."""
        chat = Scripted(self.models("other", "m"), httpx.Response(200, json={"version": "0.32.0"}))
        assert chat.client.identity() == {"id": "m", "root": "weights/m", "version": "0.32.0"}
        assert [str(one.url) for one in chat.requests] == ["http://chat/v1/models", "http://chat/version"]

    @pytest.mark.parametrize("version", [httpx.Response(404), httpx.Response(200, text="hi"), httpx.ConnectError("")])
    def test_servers_without_a_version(self, version: Any) -> None:
        assert Scripted(self.models("m"), version).client.identity() == {"id": "m", "root": "weights/m"}

    def test_a_server_without_the_model(self) -> None:
        with pytest.raises(FatalError, match=r"no model 'm' at .*; expected one of a, b"):
            Scripted(self.models("b", "a")).client.identity()

    def test_what_is_no_list(self) -> None:
        with pytest.raises(FatalError, match="up to and with /v1"):
            Scripted(httpx.Response(200, text="<html>")).client.identity()
