"""Which judge answers the questions: a small YAML file."""

from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from cim.errors import CimError
from cim.params.judge import Endpoint, JudgeSettings, Local
from cim.params.yaml import read_yaml


def read_settings(path: Path) -> Endpoint | Local:
    """Settings from YAML. Raises CimError naming every mistake."""
    value = read_yaml(path)
    try:
        settings: Endpoint | Local = TypeAdapter(JudgeSettings).validate_python(value)
        return settings
    except ValidationError as error:
        lines = [f"{'.'.join(map(str, problem['loc'])) or 'judge'}: {problem['msg']}" for problem in error.errors()]
        raise CimError(
            f"{len(lines)} problem(s) in {path}: " + "; ".join(lines),
            "kind: openai (base_url, model) or kind: local (folder)",
            "see docs/detailed.md",
        ) from error
