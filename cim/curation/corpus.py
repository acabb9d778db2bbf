"""The parts of a corpus of several sources, numbered on."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from cim.errors import CimError
from cim.params.curate import Curate
from cim.params.provenance import PROVENANCE, ProvenanceColumns
from cim.readers.address import is_remote
from cim.readers.base import Part
from cim.readers.open import open_sources


@dataclass(frozen=True)
class NumberedPart:
    """A part with its place in the output (`00000`) and the name of its source."""

    stem: str
    source: str
    part: Part
    provenance: ProvenanceColumns = PROVENANCE


def parts_of(params: Curate) -> list[NumberedPart]:
    """All parts of the corpus. Raises CimError as `open_sources`, and for a corpus without any."""
    sources = open_sources(params.corpus, params.samples_per_shard)
    parts = [(source.name, part, source.provenance) for source in sources for part in source.parts]
    if not parts:
        raise CimError("no image in curate.corpus", "at least one", "mend the paths in curate.corpus")
    return [NumberedPart(f"{number:05d}", *one) for number, one in enumerate(parts)]


def check_apart(output: Path, parts: Iterable[Part]) -> None:
    """Raises CimError for an output that lies in the corpus or holds it: it would be cleared away, or read again."""
    for part in parts:
        found = [getattr(part, name, None) for name in ("path", "root")]
        for place in [Path(one) for one in found if one is not None and not is_remote(str(one))]:
            inner, outer = place.resolve(), output.resolve()
            if inner.is_relative_to(outer) or (place.is_dir() and outer.is_relative_to(inner)):
                raise CimError(
                    f"curate.output {output}, and the corpus at {place}",
                    "folders of which none lies in the other",
                    "set curate.output to a folder of its own",
                )
