"""Where the T5 parser's weights lie: in a folder, or in the hub's own cache after a download of a pinned commit."""

from pathlib import Path

from cim.errors import CimError
from cim.hub import check_pinned, hub_errors
from cim.params.models import HUB_ID, Loaded

PATTERNS = ["*.safetensors", "*.json", "*.txt", "*.model"]  # pickles and code are never fetched


def model_folder(model: Loaded) -> Path:
    """The local folder of `model`, downloaded once where it is a hub id.

    The hub's cache (HF_HOME) keeps it, so the next evaluation needs no network. Raises CimError for a name that is
    neither, an unpinned or unknown revision, and a hub out of reach.
    """
    if Path(model.name).is_dir():
        return Path(model.name)
    if not HUB_ID.fullmatch(model.name):
        raise CimError(
            f"t5 {model.name!r}: no such folder, and not a hub id",
            "the folder of FactualSceneGraph's T5, or a hub id like lizhuang144/flan-t5-base-VG-factual-sg",
            "mend the name",
        )
    commit = check_pinned(model.name, model.revision)
    from huggingface_hub import snapshot_download

    with hub_errors(model.name, commit):
        return Path(snapshot_download(model.name, revision=commit, allow_patterns=PATTERNS))
