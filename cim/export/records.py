"""What flows and stages recorded, read from JSON files that people may have touched since."""

from pathlib import Path
from typing import Any

from cim.atomic import read_json
from cim.errors import CimError


def record(path: Path) -> dict[str, Any]:
    """The object in a file that is there. Raises CimError where it can't be read, or is no object."""
    try:
        found = read_json(path)
    except ValueError as error:  # no JSON, or no UTF-8
        raise CimError(f"{path} can't be read ({error})", "JSON as its flow wrote it", "run its flow again") from error
    if not isinstance(found, dict):
        raise CimError(f"{path} with a {type(found).__name__}", "an object, as its flow wrote it", "run its flow again")
    return found


def record_if_any(path: Path) -> dict[str, Any]:
    """The same; {} where there is none that can be read."""
    try:
        found = read_json(path)
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
