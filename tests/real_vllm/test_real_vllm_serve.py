"""vLLM as an OpenAI-compatible server: an image as a data URL gives the caption that transformers gives."""

import base64
import io
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from openai_server import NAME, serving
from PIL.Image import Image

from cim.engines.endpoint_options import EndpointOptions
from cim.engines.open import open_engine
from cim.engines.spec import EngineSpec, captions_of
from cim.params.endpoint import EndpointParams


@pytest.fixture(scope="module")
def server(captioner_folder: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Its base URL."""
    with serving(captioner_folder, tmp_path_factory.mktemp("serve") / "log", "--max-model-len", "256") as url:
        yield url


def data_url(picture: Image) -> str:
    stream = io.BytesIO()
    picture.save(stream, "PNG")
    return f"data:image/png;base64,{base64.b64encode(stream.getvalue()).decode()}"


def ask(url: str, picture: Image, prompt: str, **more: Any) -> Any:
    content = [
        {"type": "image_url", "image_url": {"url": data_url(picture)}},
        {"type": "text", "text": prompt},
    ]
    body = {"model": NAME, "messages": [{"role": "user", "content": content}], "temperature": 0, **more}
    return httpx.post(f"{url}/chat/completions", json=body, timeout=120, trust_env=False)


def test_it_says_what_transformers_says(server: str, spec: EngineSpec, pictures: list[Image], keys: list[str]) -> None:
    theirs = captions_of(open_engine(spec), pictures[:4], keys[:4])
    for picture, one in zip(pictures, theirs, strict=False):
        found = ask(server, picture, spec.prompt, max_tokens=spec.decoding.max_new_tokens).json()
        (choice,) = found["choices"]
        assert choice["message"]["content"].strip() == one.text
        assert choice["finish_reason"] == one.finish_reason
        assert (found["usage"]["completion_tokens"], found["usage"]["prompt_tokens"]) == (one.tokens, one.tokens_in)


def test_an_image_over_its_limits_is_a_bad_request(server: str, pictures: list[Image]) -> None:
    wide = pictures[0].resize((3200, 16))
    assert ask(server, wide, "red " * 210, max_tokens=4).status_code == 400
    assert ask(server, pictures[0], "red " * 20, max_tokens=4).status_code == 200


def test_the_engine_endpoint_says_it_too(server: str, spec: EngineSpec, pictures: list[Image], keys: list[str]) -> None:
    options = EndpointOptions.of(EndpointParams(base_url=server, model=NAME, parallel=4))
    endpoint = replace(spec, name="endpoint", folder=Path(), endpoint=options, fingerprint=options.fingerprint)
    theirs = captions_of(open_engine(spec), pictures, keys)
    found = captions_of(open_engine(endpoint), pictures, keys)
    assert [one[:4] for one in found] == [one[:4] for one in theirs]
    assert json.loads(options.identity)["version"]
