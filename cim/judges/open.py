"""The judge that parameters name."""

from pathlib import Path

from cim.judges.base import CachedJudge, Judge
from cim.models.folder import folder_fingerprint
from cim.params.judge import Endpoint, Local


def open_judge(
    settings: Endpoint | Local, system: str, answers: Path | None = None, tokens: int | None = None
) -> Judge:
    """answers: a file where replies are kept, so that nothing is asked twice. tokens: the longest reply, where it is
    not a short one; a server's settings that give a body of their own keep it. Raises CimError."""
    judge: Judge
    if isinstance(settings, Endpoint):
        if tokens is not None and "body" not in settings.model_fields_set:
            settings = settings.model_copy(update={"body": settings.body | {"max_tokens": tokens}})
        from cim.judges.endpoint import EndpointJudge

        judge, name = EndpointJudge(settings, system), f"{settings.base_url} {settings.model} {settings.body}"
    else:
        from cim.judges.local import SHORT, LocalJudge

        judge, name = LocalJudge(settings, system, tokens or SHORT), folder_fingerprint(Path(settings.folder))
    return judge if answers is None else CachedJudge(judge, name, system, answers)
