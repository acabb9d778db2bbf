"""caption.endpoint: captions from a server that has the captioner."""

from typing import Any, Literal

from pydantic import Field

from cim.params.chat import ChatServer


class EndpointParams(ChatServer):
    """An OpenAI-compatible server that sees images, and how they are sent to it."""

    parallel: int = Field(32, ge=1, le=1024, description="requests under way at once")
    timeout: float = Field(300.0, gt=0, description="seconds a try")
    max_pixels: int | None = Field(
        None, ge=1, description="larger images are scaled down to this before they are sent; null: the server's matter"
    )
    reencode: Literal["jpeg", "png"] = Field(
        "png", description="of images that can't be sent as they came: jpeg is smaller and costs some detail"
    )
    body: dict[str, Any] = Field(
        {}, description="further fields of every request, such as {top_p: 0.9}; null takes one of ours out"
    )
