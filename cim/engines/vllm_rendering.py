"""What vLLM makes of a prompt and an image, in the threads that decode: its own loop would stand still meanwhile."""

from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock
from typing import Any

from PIL.Image import Image

from cim.engines.spec import Prepare


@dataclass(frozen=True)
class Rendered:
    """A vLLM EngineInput, tokens and tensors, and their bytes; or why the image is refused."""

    content: Any
    nbytes: int
    refusal: str = ""


@dataclass(frozen=True)
class Rendering:
    """A `Prepare`. renderer: vLLM's, of one request at a time (`turn`), as vLLM's server asks it.

    prompt: as the model sees it. smaller: leaves of an image what the model sees. nbytes: of tensors. refused: what
    vLLM raises.
    """

    renderer: Any
    turn: Lock
    prompt: str
    smaller: Prepare
    nbytes: Callable[[Any], int]
    refused: tuple[type[Exception], ...]

    def __call__(self, pixels: Image, encoded: bytes) -> Rendered:
        content = {"prompt": self.prompt, "multi_modal_data": {"image": self.smaller(pixels, encoded)}}
        try:
            with self.turn:
                (found,) = self.renderer.render_cmpl([content])
        except self.refused as error:
            return Rendered(None, 0, str(error) or type(error).__name__)
        return Rendered(found, self.nbytes(found["mm_kwargs"]))
