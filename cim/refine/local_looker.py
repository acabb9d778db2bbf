"""A captioner that runs here, asked about one sample at a time."""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from threading import Lock
from typing import Any

from cim.captioners.decoding import Decoding
from cim.captioners.generate import generate
from cim.captioners.load import load_captioner
from cim.chat.client import Reply
from cim.images.decode import decode_rgb
from cim.images.ids import content_id
from cim.params.refine_models import LocalLooker
from cim.refine.base import Bill


class CaptionerLooker:
    """Meets Looker. Draws depend on image, prompt and how often that was asked before of the same sample: a run that
    is resumed draws the same."""

    parallel = 1

    def __init__(self, settings: LocalLooker) -> None:
        """Raises CimError when the folder holds no captioner in safetensors that loads."""
        self._settings, self._free = settings, Lock()
        self._captioner = load_captioner(Path(settings.folder).expanduser(), settings.device)
        self._decoding = Decoding(settings.max_new_tokens, settings.temperature, settings.seed)

    def look(self, image: bytes, prompts: Sequence[str], bill: Bill) -> list[str]:
        """As Looker says."""
        picture, name, times, keys = decode_rgb(image), content_id(image), Counter[str](), []
        for prompt in prompts:
            keys.append(f"{name}-{times[prompt]}")
            times[prompt] += 1
        with self._free:
            found = generate(
                self._captioner, [picture] * len(prompts), prompts, self._decoding, keys, self._settings.batch
            )
        return [bill.paid(Reply(one.text, one.finish_reason, one.tokens, one.tokens_in)).text for one in found]

    def identity(self) -> Mapping[str, Any]:
        """By the content of its folder, and how it is asked."""
        return {"model": self._captioner.fingerprint, "decoding": self._decoding.values()}
