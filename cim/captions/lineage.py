"""Where a caption comes from: the part of a row that all captions of one run, or of one shard, share."""

import json
from dataclasses import dataclass
from typing import Any

from cim import __version__
from cim.captioners.decoding import Decoding
from cim.captioners.inputs import prompt_hash
from cim.captioners.load import Precision
from cim.fingerprint import code_of

# Decide the words and the bytes of the output, given model, prompt, decoding and images: the shard, and its engine.
ENTRIES = ("cim.captions.shard", "cim.engines.open")


@dataclass(frozen=True)
class Lineage:
    """Model, prompt and decoding of a caption, and what it was computed by: never "auto", which is another thing on
    another machine; None where a server decides. options: JSON text of the engine's that decide captions, {} where
    none does."""

    model_fingerprint: str
    prompt: str
    decoding: Decoding
    precision: Precision | None = "float32"
    engine: str = "transformers"
    options: str = "{}"

    def columns(self) -> dict[str, Any]:
        """The lineage columns of a captions table; decoding as JSON text."""
        return {
            "seed": self.decoding.seed,
            "prompt": self.prompt,
            "prompt_hash": prompt_hash(self.prompt),
            "model_fingerprint": self.model_fingerprint,
            "decoding": json.dumps(self._decoding(), sort_keys=True),
            "pipeline_version": pipeline_version(),
        }

    def values(self) -> dict[str, Any]:
        """Everything, JSON-able: for fingerprints and the `.json` of re-captioned samples."""
        return self.columns() | {"decoding": self._decoding()}

    def _decoding(self) -> dict[str, Any]:
        options = json.loads(self.options)
        found = {**self.decoding.values(), "engine": self.engine}
        found |= {"precision": self.precision} if self.precision else {}
        return found | ({"options": options} if options else {})


def pipeline_version() -> str:
    """`0.1.0+3f2a...`: cim's version, and the code that makes captions."""
    return f"{__version__}+{code_of(*ENTRIES)[:12]}"
