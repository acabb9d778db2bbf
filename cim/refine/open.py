"""Refiners by name. A new one: a file, its parameters in `cim.params.refiners`, a case below and a line in MODULES."""

from cim.languages.english import ENGLISH
from cim.languages.language import Language
from cim.params.refiners import Choose, Consensus, DropUnanswerable, Enrich, FuseAltText, FuseExperts, Refiner
from cim.refine.base import Refiner as Opened


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
        case DropUnanswerable():
            from cim.refine.unanswerable import DropUnanswerable as Dropping

            return Dropping(settings, language=language)
        case Enrich():
            from cim.refine.enrich import Enrich as Enriching

            return Enriching(settings, language=language)
        case Consensus():
            from cim.refine.consensus import Consensus as Agreeing

            return Agreeing(settings, language=language)
