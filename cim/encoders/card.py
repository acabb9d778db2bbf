"""cim.json: what a model folder holds and where it came from. Reading it needs no torch."""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from cim.atomic import read_json, write_json
from cim.errors import CimError

CARD = "cim.json"
Kind = Literal["sentence-transformers", "open_clip"]
REMEDY = "run the models stages: `dvc repro models models-heldout`"


@dataclass(frozen=True)
class EncoderCard:
    """The lineage of an encoder's folder.

    role: text, image or heldout. kind: the library that loads it. name, revision: as in params, or how it was made.
    dim: d. fingerprint: of all files of the folder but this one. made_from: JSON facts about its making.
    """

    role: str
    kind: Kind
    name: str
    revision: str | None
    dim: int
    fingerprint: str
    made_from: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def read(cls, folder: Path) -> "EncoderCard":
        """The card of `folder`. Raises CimError when there is none or it is no encoder's."""
        try:
            return cls(**read_json(folder / CARD))
        except FileNotFoundError as error:
            raise CimError(f"no {CARD} in {folder}", "an encoder's folder", REMEDY) from error
        except (json.JSONDecodeError, UnicodeDecodeError, TypeError) as error:
            raise CimError(f"{folder / CARD} is no encoder's card ({error})", "an encoder's folder", REMEDY) from error

    def write(self, folder: Path) -> None:
        """Write cim.json, atomically. Call it after everything else is in the folder."""
        write_json(folder / CARD, asdict(self))
