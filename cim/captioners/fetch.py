"""Bring a captioner that exists into the data folder."""

from pathlib import Path

from cim.models.fetch import Wanted, fetch
from cim.params import LoadedCaptioner


def fetch_captioner(params: LoadedCaptioner, out: Path) -> None:
    """Make the folder `out` hold the captioner that `params` names, whole or not at all. Raises CimError as `fetch`."""
    fetch(params, out, Wanted("models.captioner.name", ["config.json"], params.trust_remote_code))
