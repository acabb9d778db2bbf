"""A judge by its settings."""

from pathlib import Path

from cim.detailed.judge import SYSTEM, CachedJudge, Judge
from cim.detailed.settings import Endpoint, read_settings
from cim.models.folder import folder_fingerprint


def open_judge(path: Path, answers: Path | None, system: str = SYSTEM) -> Judge:
    """The judge that the YAML file at `path` describes; `answers`: where replies are kept. system: what stands before
    every prompt. Raises CimError."""
    settings = read_settings(path)
    judge: Judge
    if isinstance(settings, Endpoint):
        from cim.detailed.endpoint import EndpointJudge

        judge, name = EndpointJudge(settings, system=system), f"{settings.base_url} {settings.model} {settings.body}"
    else:
        from cim.detailed.local import LocalJudge

        judge, name = LocalJudge(settings, system), folder_fingerprint(Path(settings.folder))
    return judge if answers is None else CachedJudge(judge, name, answers, system)
