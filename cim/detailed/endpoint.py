"""A judge behind an OpenAI-compatible server."""

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx

from cim.detailed.judge import SYSTEM
from cim.detailed.settings import Endpoint
from cim.errors import CimError

_LATER = (408, 409, 429, 500, 502, 503, 504)
_LONGEST = 60.0  # seconds between two tries


class EndpointJudge:
    """Meets Judge. One request a prompt, several under way at once, tried again when the server is busy."""

    def __init__(
        self,
        settings: Endpoint,
        transport: httpx.BaseTransport | None = None,
        wait: Callable[[float], None] = time.sleep,
    ) -> None:
        """transport, wait: for tests. Raises CimError for a key file that is not readable or empty."""
        self._settings, self._wait = settings, wait
        headers = {} if settings.key_file is None else {"Authorization": f"Bearer {_key(Path(settings.key_file))}"}
        self._client = httpx.Client(headers=headers, timeout=settings.timeout, transport=transport)

    def reply(self, prompts: Sequence[str]) -> list[str]:
        """Replies in the order of the prompts. Raises CimError when the server refuses, or stays out of reach."""
        with ThreadPoolExecutor(self._settings.parallel) as pool:
            return list(pool.map(self._one, prompts))

    def _one(self, prompt: str) -> str:
        trouble = ""
        for attempt in range(self._settings.attempts):
            if attempt:
                self._wait(min(2.0**attempt, _LONGEST))
            try:
                response = self._client.post(self._url, json=self._body(prompt))
            except httpx.TransportError as error:
                trouble = f"{type(error).__name__}: {error}"
                continue
            if response.status_code == httpx.codes.OK:
                return self._text(response)
            trouble = f"HTTP {response.status_code}: {response.text[:200]}"
            if response.status_code not in _LATER:
                break
        raise CimError(
            f"no answer from {self._url} ({trouble})", "a server that answers", "mend the judge's settings, run again"
        )

    @property
    def _url(self) -> str:
        return f"{self._settings.base_url.rstrip('/')}/chat/completions"

    def _body(self, prompt: str) -> dict[str, Any]:
        messages = [{"role": "system", "content": SYSTEM}, {"role": "user", "content": prompt}]
        return {"model": self._settings.model, "messages": messages, **self._settings.body}

    def _text(self, response: httpx.Response) -> str:
        try:
            content = response.json()["choices"][0]["message"]["content"]
        except (ValueError, KeyError, IndexError, TypeError) as error:
            raise CimError(
                f"{self._url} answered {response.text[:200]!r}", "a chat completion", "check base_url and model"
            ) from error
        return content if isinstance(content, str) else ""  # null: the model said nothing, which is unparsable


def _key(path: Path) -> str:
    try:
        key = path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise CimError(f"no readable key file {path} ({error})", "a file with the key", "mend key_file") from error
    if not key or not key.isascii() or any(letter.isspace() for letter in key):
        raise CimError(f"{path} holds no key", "one line with the key and nothing else", "mend the file")
    return key
