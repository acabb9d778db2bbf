"""A model that looks at a sample's image and answers prompts: a chat server's, or a captioner run here."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from cim.chat.client import ChatClient
from cim.engines.upload import Upload
from cim.images.decode import decode_rgb
from cim.params.refine_models import EndpointLooker, LocalLooker
from cim.refine.base import Bill


class Looker(Protocol):
    """Answers prompts about an image. May be called by as many threads as `parallel` says."""

    @property
    def parallel(self) -> int: ...

    def look(self, image: bytes, prompts: Sequence[str], bill: Bill) -> list[str]:
        """An answer to each prompt, one as another asked for the first time; sampled, if parameters say so.

        Raises NoAnswer, RefusedRequest, FatalError, as `ChatClient.complete`.
        """
        ...

    def identity(self) -> Mapping[str, Any]:
        """Which model answers, as far as it can be told. Raises CimError where it is gone."""
        ...


class ChatLooker:
    """Meets Looker: prompts of a sample are sent one after the other, samples side by side."""

    def __init__(self, settings: EndpointLooker, client: ChatClient | None = None) -> None:
        """client: for tests. Raises CimError for a key that the environment does not have."""
        self._settings, self._client = settings, client or ChatClient(settings)
        self._upload = Upload(settings.max_pixels)

    @property
    def parallel(self) -> int:
        """Requests under way at once."""
        return self._settings.parallel

    def look(self, image: bytes, prompts: Sequence[str], bill: Bill) -> list[str]:
        """As Looker says."""
        picture = {"type": "image_url", "image_url": {"url": self._upload(decode_rgb(image), image)}}
        found = []
        for prompt in prompts:
            content = [picture, {"type": "text", "text": prompt}]
            reply = self._client.complete([{"role": "user", "content": content}], self._settings.body)
            found.append(bill.paid(reply).text)
        return found

    def identity(self) -> Mapping[str, Any]:
        """What the server says of itself, and what else it is asked for."""
        return {"server": self._client.identity(), "body": self._settings.body}


def open_looker(settings: EndpointLooker | LocalLooker) -> Looker:
    """The model that the parameters name. Raises CimError where it can't be opened."""
    if isinstance(settings, EndpointLooker):
        return ChatLooker(settings)
    from cim.refine.local_looker import CaptionerLooker  # and torch

    return CaptionerLooker(settings)
