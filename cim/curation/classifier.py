"""A classifier of images that a parameter names: a function of any package that is installed, or beside the params."""

import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from PIL.Image import Image

from cim.curation.measure import NsfwScores
from cim.errors import CimError
from cim.fingerprint import fingerprint


def open_classifier(name: str) -> NsfwScores:
    """The function `package.module:function`, what it returns checked at each call.

    Raises CimError where it can't be imported and, when called, for other than a number in [0, 1] an image.
    """
    classify = _imported(name)

    def scores(images: Sequence[Image]) -> list[float]:
        found = [float(one) for one in classify(list(images))]
        if len(found) != len(images) or not all(0 <= one <= 1 for one in found):
            raise CimError(
                f"{len(found)} scores by {name} for {len(images)} images, from {min(found, default=0)} to"
                f" {max(found, default=0)}",
                "a number in [0, 1] for each image",
                "mend the function, or name another as curate.nsfw.classifier",
            )
        return found

    return scores


def classifier_identity(name: str) -> str:
    """Fingerprint of the classifier's name and of its module's file. Raises CimError where it can't be imported."""
    _imported(name)
    file = getattr(sys.modules[name.partition(":")[0]], "__file__", None)
    return fingerprint("classifier", name, Path(file) if file else None)


def _imported(name: str) -> Any:
    module, _, function = name.partition(":")
    try:
        return getattr(import_module(module), function)
    except (ImportError, AttributeError) as error:
        raise CimError(
            f"curate.nsfw.classifier {name!r} ({type(error).__name__}: {error})",
            "package.module:function of a module that can be imported",
            "pip install its package, or put its module where python -m flows.curate is run",
        ) from error
