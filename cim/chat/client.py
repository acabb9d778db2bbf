"""One request to a chat server: sent, tried again while the server is busy, its answer read."""

import os
import random
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import httpx

from cim.errors import CimError, FatalError, TransientError
from cim.params.chat import ChatServer

_LATER = (408, 409, 425, 429, 500, 502, 503, 504, 529)
_SETUP = (401, 402, 403, 404, 405)  # key, quota, address or model: every other request meets the same
LONGEST = 60.0
"""Seconds between two tries at most, whatever the server asks for."""
_SHOWN = 200  # letters of an answer that a message shows


class NoAnswer(TransientError):
    """The server stayed busy or out of reach for every try of a request."""


class RefusedRequest(CimError):
    """The server does not take this request, or answers it with something that is no completion."""


@dataclass(frozen=True)
class Reply:
    """A completion. finish_reason: the server's own word ("stop", "length"). tokens, tokens_in: 0 where it says none.

    retries: tries that failed before this one.
    """

    text: str
    finish_reason: str
    tokens: int
    tokens_in: int
    retries: int = 0


class ChatClient:
    """Speaks to one server; may be used by several threads at once."""

    def __init__(
        self,
        server: ChatServer,
        transport: httpx.BaseTransport | None = None,
        wait: Callable[[float], object] = time.sleep,
    ) -> None:
        """transport, wait: for tests. Raises CimError for a key that is missing in the environment or is none."""
        self.server, self._wait = server, wait
        self._key = None if server.key_env is None else _key(server.key_env)
        headers = {} if self._key is None else {"Authorization": f"Bearer {self._key}"}
        limits = httpx.Limits(max_connections=server.parallel, max_keepalive_connections=server.parallel)
        # The pool is as large as what is under way, so a request never waits for a connection, only for the server.
        self._client = httpx.Client(headers=headers, timeout=server.timeout, limits=limits, transport=transport)

    @property
    def url(self) -> str:
        """Where completions are asked for."""
        return f"{self._base}/chat/completions"

    @property
    def _base(self) -> str:
        return self.server.base_url.rstrip("/")

    def complete(self, messages: Sequence[Mapping[str, Any]], more: Mapping[str, Any]) -> Reply:
        """The answer to `messages`; more: further fields of the request.

        Raises NoAnswer after `attempts` tries, FatalError for a wrong key, address or model, RefusedRequest for a
        request that the server does not take.
        """
        body = {"model": self.server.model, "messages": list(messages), **more}
        response, retries = self._send("POST", self.url, body)
        try:
            return _reply(response.json(), retries)
        except (ValueError, KeyError, IndexError, TypeError, AttributeError) as error:
            raise RefusedRequest(
                f"{self.url} answered {self._shown(response)!r}", "a chat completion", "check base_url and model"
            ) from error

    def identity(self) -> dict[str, str]:
        """What the server says of itself: the model's id, the weights behind it and its version, where it tells.

        Raises CimError when it does not answer, or does not have the model.
        """
        response, _ = self._send("GET", f"{self._base}/models")
        try:
            models = {str(one["id"]): one for one in response.json()["data"]}
        except (ValueError, KeyError, TypeError) as error:
            raise FatalError(
                f"{self._base}/models answered {self._shown(response)!r}",
                "a list of models, as OpenAI's protocol has it",
                "check base_url: up to and with /v1",
            ) from error
        if (found := models.get(self.server.model)) is None:
            raise FatalError(
                f"no model {self.server.model!r} at {self._base}",
                f"one of {', '.join(sorted(models)[:20]) or 'its models (it names none)'}",
                "mend the model's name",
            )
        said = {"id": self.server.model, "root": found.get("root"), "version": self._version()}
        return {name: str(value) for name, value in said.items() if value}

    def close(self) -> None:
        """Let the connections go; requests under way fail."""
        self._client.close()

    def _version(self) -> str:
        """Of vLLM and those that do as it does; "" elsewhere: the protocol has no place for it."""
        try:
            response = self._client.get(f"{self._base.removesuffix('/v1')}/version")
            return str(response.json()["version"]) if response.status_code == httpx.codes.OK else ""
        except (httpx.HTTPError, ValueError, KeyError, TypeError):
            return ""

    def _send(self, method: str, url: str, body: Any = None) -> tuple[httpx.Response, int]:
        """(a good response, tries that failed before it)."""
        trouble, asked = "", 0.0
        for attempt in range(self.server.attempts):
            if attempt:
                # Jitter, so that what failed together does not come back together.
                self._wait(min(max(asked, 2.0**attempt * random.uniform(0.75, 1.25)), LONGEST))
            try:
                response = self._client.request(method, url, json=body)
            except httpx.TransportError as error:
                trouble, asked = f"{type(error).__name__}: {error}", 0.0
                continue
            if response.status_code == httpx.codes.OK:
                return response, attempt
            trouble, asked = f"HTTP {response.status_code}: {self._shown(response)}", _asked(response)
            if response.status_code in _SETUP:
                raise FatalError(
                    f"no answer from {url} ({trouble})",
                    "a key, an address and a model that the server knows",
                    "mend base_url, model or the key, run again",
                )
            if response.status_code not in _LATER:
                raise RefusedRequest(
                    f"a request that {url} does not take ({trouble})", "one it takes", "see what it says"
                )
        raise NoAnswer(
            f"no answer from {url} in {self.server.attempts} tries ({trouble})",
            "a server that answers",
            "look after the server, or give it more time (timeout, attempts) or less to do (parallel); run again",
        )

    def _shown(self, response: httpx.Response) -> str:
        """The beginning of an answer, without the key, which some servers repeat."""
        text = response.text if self._key is None else response.text.replace(self._key, "<key>")
        return text[:_SHOWN]


def _reply(answer: Any, retries: int) -> Reply:
    choice, usage = answer["choices"][0], answer.get("usage") or {}
    content = choice["message"].get("content")
    return Reply(
        text=content if isinstance(content, str) else "",  # null: the model said nothing
        finish_reason=str(choice.get("finish_reason") or ""),
        tokens=int(usage.get("completion_tokens") or 0),
        tokens_in=int(usage.get("prompt_tokens") or 0),
        retries=retries,
    )


def _asked(response: httpx.Response) -> float:
    """Seconds that the server asks to be left alone; 0 where it does not say, or gives a date."""
    try:
        return max(float(response.headers.get("retry-after", "0")), 0.0)
    except ValueError:
        return 0.0


def _key(name: str) -> str:
    key = os.environ.get(name, "").strip()
    if not key:
        raise CimError(f"no {name} in the environment", "the server's key in it", f"export {name}, or mend key_env")
    if not key.isascii() or any(letter.isspace() for letter in key):
        raise CimError(f"{name} in the environment holds no key", "letters without blanks", f"mend {name}")
    return key
