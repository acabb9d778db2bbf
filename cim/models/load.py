"""The one way in which weights, processors and tokenizers are read: from a folder, running nothing found in it.

No network, no pickles, no weights left random; Python files of the folder run only where the user trusts them.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from cim.errors import CimError
from cim.models.folder import check_folder


def load_model(
    auto: Any, folder: Path, *, unused: Sequence[str] = (), trust_remote_code: bool = False, **options: Any
) -> Any:
    """The model in `folder`, read by `auto`, a class of transformers (AutoModelForCausalLM), in eval mode.

    unused: patterns of weights that may be missing or too many, as nothing reads them. options: for from_pretrained.
    Raises CimError for a folder without safetensors, that does not load, or whose weights are not the model's.
    """
    check_folder(folder)
    with loading(folder):
        model, report = auto.from_pretrained(
            folder,
            use_safetensors=True,
            local_files_only=True,
            trust_remote_code=trust_remote_code,
            output_loading_info=True,
            ignore_mismatched_sizes=True,  # refused below, by name
            **options,
        )
    _check_weights(report, folder, unused)
    return model


def load_part(auto: Any, folder: Path, *, trust_remote_code: bool = False, **options: Any) -> Any:
    """What a model comes with, read by `auto` (AutoTokenizer, AutoProcessor). Raises CimError when it does not load."""
    with loading(folder):
        return auto.from_pretrained(folder, local_files_only=True, trust_remote_code=trust_remote_code, **options)


@contextmanager
def loading(folder: Path) -> Iterator[None]:
    """Turns what the libraries raise about a model folder into CimErrors."""
    from safetensors import SafetensorError

    try:
        yield
    except ImportError as error:  # a processor may want a package of its own
        raise CimError(
            f"a model folder {folder} that needs a Python package which is not installed ({error})",
            f"{error.name or 'the package named'}, which this architecture's model or processor imports",
            f"pip install {error.name or 'it'} in this environment and run again",
        ) from error
    except (OSError, ValueError, KeyError, TypeError, RuntimeError, SafetensorError) as error:
        raise CimError(
            f"a model folder {folder} that does not load ({type(error).__name__}: {error})",
            "a whole model that the installed libraries know, which needs no network",
            "check the architecture and that the copy is whole, or make it again; code in it runs only with"
            " trust_remote_code",
        ) from error


def _check_weights(report: Mapping[str, Any], folder: Path, unused: Sequence[str]) -> None:
    found = {
        "without weights": report["missing_keys"],
        "that the model does not have": report["unexpected_keys"],
        "of another size": {name for name, *_ in report["mismatched_keys"]},
    }
    wrong = {
        what: [name for name in sorted(names) if not any(fnmatch(name, pattern) for pattern in unused)]
        for what, names in found.items()
    }
    if any(wrong.values()):
        raise CimError(
            "; ".join(f"{len(names)} parameters {what}, {_some(names)}" for what, names in wrong.items() if names)
            + f" in {folder}",
            "weights for every parameter, and no others (what is not read would be random, or lost)",
            "fetch the whole model, or one whose weights fit its config.json",
        )


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:3]) + (" and others" if len(names) > 3 else "")
