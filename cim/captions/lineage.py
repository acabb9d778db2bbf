"""Where a caption comes from: the part of a row that all captions of one run share."""

import json
from dataclasses import dataclass
from typing import Any

from cim.captioners.decoding import Decoding
from cim.captioners.prompts import prompt_hash


@dataclass(frozen=True)
class Lineage:
    """Model, prompt and decoding of a caption. precision: as params name it."""

    model_fingerprint: str
    prompt: str
    decoding: Decoding
    precision: str = "auto"

    def columns(self) -> dict[str, Any]:
        """The lineage columns of a captions table: seed, prompt_hash, model_fingerprint, decoding (JSON text)."""
        decoding = {**self.decoding.values(), "precision": self.precision}
        return {
            "seed": self.decoding.seed,
            "prompt_hash": prompt_hash(self.prompt),
            "model_fingerprint": self.model_fingerprint,
            "decoding": json.dumps(decoding, sort_keys=True),
        }

    def values(self) -> dict[str, Any]:
        """Everything, JSON-able: for fingerprints and the `.json` of re-captioned samples."""
        return {
            "model_fingerprint": self.model_fingerprint,
            "prompt": self.prompt,
            "prompt_hash": prompt_hash(self.prompt),
            "decoding": {**self.decoding.values(), "precision": self.precision},
        }
