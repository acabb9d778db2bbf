"""Where a chat server is and how it is asked: what a judge's file and `caption.endpoint` share."""

from typing import Annotated

from pydantic import AfterValidator, Field

from cim.params.base import Section


def _address(url: str) -> str:
    import httpx

    try:
        address = httpx.URL(url)
    except httpx.InvalidURL as error:
        raise ValueError(f"{url} is no address ({error})") from error
    if address.userinfo or address.query or address.fragment:
        raise ValueError("an address with user, password or query may hold a secret: keys come by key_env alone")
    return url


class ChatServer(Section):
    """A server that speaks OpenAI's chat completions (vLLM, SGLang, llama.cpp, a provider)."""

    base_url: Annotated[str, AfterValidator(_address)] = Field(pattern=r"^https?://", description="up to and with /v1")
    model: str = Field(min_length=1, description="the model's name at that server")
    key_env: str | None = Field(
        None, pattern=r"^[A-Za-z_][A-Za-z0-9_]*$", description="environment variable with the key; none is sent without"
    )
    parallel: int = Field(8, ge=1, le=1024, description="requests under way at once")
    attempts: int = Field(5, ge=1, le=20, description="tries a request, when the server is busy or out of reach")
    timeout: float = Field(60.0, gt=0, description="seconds a try")
