"""Refiners by name. A new one: a file, its parameters in `cim.params.refiners`, a case below and a line in MODULES."""

from cim.params.refiners import Choose, Consensus, DropUnanswerable, Enrich, FuseAltText, FuseExperts, Refiner
from cim.refine.base import Refiner as Opened


def open_refiner(settings: Refiner) -> Opened:
    """The one that the parameters name; nothing of the others is imported. Raises CimError where it can't be opened."""
    match settings:
        case FuseAltText() | FuseExperts():
            from cim.refine.fuse import Fuse

            return Fuse(settings)
        case Choose():
            from cim.refine.choose import Choose as Chooser

            return Chooser(settings)
        case DropUnanswerable():
            from cim.refine.unanswerable import DropUnanswerable as Dropping

            return Dropping(settings)
        case Enrich():
            from cim.refine.enrich import Enrich as Enriching

            return Enriching(settings)
        case Consensus():
            from cim.refine.consensus import Consensus as Agreeing

            return Agreeing(settings)
