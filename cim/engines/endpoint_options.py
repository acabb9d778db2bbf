"""What the engine `endpoint` is told, and what its server says of itself."""

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Self

from cim.fingerprint import fingerprint
from cim.params.chat import ChatServer
from cim.params.endpoint import EndpointParams

if TYPE_CHECKING:
    from cim.chat.client import ChatClient


@dataclass(frozen=True)
class EndpointOptions:
    """See `cim.params.endpoint.EndpointParams`. body, identity: JSON texts; identity: as the server had it at first."""

    server: ChatServer
    max_pixels: int | None
    reencode: Literal["jpeg", "png"]
    body: str
    identity: str

    @classmethod
    def of(cls, params: EndpointParams) -> Self:
        """The options of the section, and who answers there. Raises CimError for a server that has not the model."""
        from cim.chat.client import ChatClient  # and httpx, which other engines have no use for

        server = ChatServer(**params.model_dump(include=set(ChatServer.model_fields)))
        body = json.dumps(params.body, sort_keys=True)
        return cls(server, params.max_pixels, params.reencode, body, identity_of(ChatClient(server)))

    @property
    def fingerprint(self) -> str:
        """Of the captioner, as far as the server tells."""
        return fingerprint("endpoint", self.identity)

    def decisive(self) -> str:
        """What decides captions, for their lineage, JSON text: neither address nor key."""
        found: dict[str, Any] = {
            "server": json.loads(self.identity),
            "max_pixels": self.max_pixels,
            "reencode": self.reencode,
            "body": json.loads(self.body),
        }
        return json.dumps({name: value for name, value in found.items() if value}, sort_keys=True)


def identity_of(client: "ChatClient") -> str:
    """JSON text of `ChatClient.identity`."""
    return json.dumps(client.identity(), sort_keys=True)
