"""A judge behind an OpenAI-compatible server."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from cim.chat.client import ChatClient
from cim.detailed.judge import SYSTEM
from cim.detailed.settings import Endpoint


class EndpointJudge:
    """Meets Judge. One request a prompt, several under way at once, tried again when the server is busy."""

    def __init__(self, settings: Endpoint, client: ChatClient | None = None, system: str = SYSTEM) -> None:
        """client: for tests. Raises CimError for a key that the environment does not have."""
        self._settings, self._client, self._system = settings, client or ChatClient(settings), system

    def reply(self, prompts: Sequence[str]) -> list[str]:
        """Replies in the order of the prompts. Raises CimError when the server refuses, or stays out of reach."""
        with ThreadPoolExecutor(self._settings.parallel) as pool:
            return list(pool.map(self._one, prompts))

    def _one(self, prompt: str) -> str:
        messages = [{"role": "system", "content": self._system}, {"role": "user", "content": prompt}]
        return self._client.complete(messages, self._settings.body).text
