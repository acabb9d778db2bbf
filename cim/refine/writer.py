"""The text model of a refiner: a chat server or a model run here, one prompt at a call, several threads at once."""

from collections.abc import Mapping
from typing import Any, Protocol

from cim.chat.client import ChatClient, Reply
from cim.params.refine_models import EndpointWriter, LocalWriter


class Writer(Protocol):
    """Answers a prompt. May be called by as many threads as `parallel` says."""

    @property
    def parallel(self) -> int: ...

    def write(self, prompt: str) -> Reply:
        """The model's answer. Raises NoAnswer, RefusedRequest, FatalError, as `ChatClient.complete`."""
        ...

    def identity(self) -> Mapping[str, Any]:
        """Which model answers, as far as it can be told. Raises CimError where it is gone."""
        ...


class ChatWriter:
    """Meets Writer."""

    def __init__(self, settings: EndpointWriter, client: ChatClient | None = None) -> None:
        """client: for tests. Raises CimError for a key that the environment does not have."""
        self._settings, self._client = settings, client or ChatClient(settings)

    @property
    def parallel(self) -> int:
        """Requests under way at once."""
        return self._settings.parallel

    def write(self, prompt: str) -> Reply:
        """As Writer says."""
        return self._client.complete([{"role": "user", "content": prompt}], self._settings.body)

    def identity(self) -> Mapping[str, Any]:
        """What the server says of itself, and what else it is asked for."""
        return {"server": self._client.identity(), "body": self._settings.body}


def open_writer(settings: EndpointWriter | LocalWriter) -> Writer:
    """The model that the parameters name. Raises CimError where it can't be opened."""
    if isinstance(settings, EndpointWriter):
        return ChatWriter(settings)
    from cim.refine.local_writer import TransformersWriter  # and torch

    return TransformersWriter(settings)
