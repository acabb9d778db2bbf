"""The judge that parameters name."""

from pathlib import Path

from cim.judges.base import CachedJudge, Judge
from cim.models.folder import folder_fingerprint
from cim.params.judge import Endpoint, Local


def open_judge(settings: Endpoint | Local, system: str, answers: Path | None = None) -> Judge:
    """answers: a file where replies are kept, so that nothing is asked twice. Raises CimError."""
    judge: Judge
    if isinstance(settings, Endpoint):
        from cim.judges.endpoint import EndpointJudge

        judge, name = EndpointJudge(settings, system), f"{settings.base_url} {settings.model} {settings.body}"
    else:
        from cim.judges.local import LocalJudge

        judge, name = LocalJudge(settings, system), folder_fingerprint(Path(settings.folder))
    return judge if answers is None else CachedJudge(judge, name, system, answers)
