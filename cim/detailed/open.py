"""A judge by its file of settings."""

from pathlib import Path

from cim.detailed.judge import SYSTEM
from cim.detailed.settings import read_settings
from cim.judges.base import Judge
from cim.judges.open import open_judge as open_settings


def open_judge(path: Path, answers: Path | None, system: str = SYSTEM, tokens: int | None = None) -> Judge:
    """The judge that the YAML file at `path` describes; `answers`: where replies are kept. system: what stands before
    every prompt. tokens: the longest reply, where it is not a short one. Raises CimError."""
    return open_settings(read_settings(path), system, answers, tokens)
