"""Refiners by name. A new one is a line in MODULES, a case below, its parameters in `cim.params.refine`, and a file."""

from cim.languages.english import ENGLISH
from cim.languages.language import Language
from cim.params.refine import Choose, FuseAltText, FuseExperts, Refiner
from cim.refine.base import Refiner as Opened

MODULES = {"fuse_alt_text": "cim.refine.fuse", "fuse_experts": "cim.refine.fuse", "choose": "cim.refine.choose"}
"""Where the code of each is: a change there makes its own shards stale, and no other refiner's."""


def open_refiner(settings: Refiner, language: Language = ENGLISH) -> Opened:
    """The one that the parameters name, for texts in `language`; nothing of the others is imported.

    Raises CimError where it can't be opened.
    """
    match settings:
        case FuseAltText() | FuseExperts():
            from cim.refine.fuse import Fuse

            return Fuse(settings, language=language)
        case Choose():
            from cim.refine.choose import Choose as Chooser

            return Chooser(settings)
