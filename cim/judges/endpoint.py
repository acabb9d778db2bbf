"""A judge behind an OpenAI-compatible server."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from cim.chat.client import ChatClient, NoAnswer, RefusedRequest
from cim.params.judge import Endpoint


class EndpointJudge:
    """Meets Judge. One request a prompt, several under way at once, tried again when the server is busy."""

    def __init__(self, settings: Endpoint, system: str, client: ChatClient | None = None) -> None:
        """client: for tests. Raises CimError for a key that the environment does not have."""
        self._settings, self._system, self._client = settings, system, client or ChatClient(settings)

    def reply(self, prompts: Sequence[str]) -> list[str]:
        """Replies in the order of the prompts. Raises CimError when the server refuses, or stays out of reach."""
        with ThreadPoolExecutor(self._settings.parallel) as pool:
            return list(pool.map(self._one, prompts))

    def attempt(self, prompts: Sequence[str]) -> list[str | None]:
        """As `reply`; None for what the server does not take, or leaves unanswered for every try.

        Raises FatalError for a wrong key, address or model.
        """
        with ThreadPoolExecutor(self._settings.parallel) as pool:
            return list(pool.map(self._one_if_answered, prompts))

    def _one_if_answered(self, prompt: str) -> str | None:
        try:
            return self._one(prompt)
        except (NoAnswer, RefusedRequest):  # counted by whoever asks
            return None

    def _one(self, prompt: str) -> str:
        messages = [{"role": "system", "content": self._system}, {"role": "user", "content": prompt}]
        return self._client.complete(messages, self._settings.body).text
