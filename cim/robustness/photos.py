"""What a captioner still says of a spoilt photo, held against people's captions: no exact truth is known."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from cim.encoders.base import Vectors
from cim.markdown import table as markdown_table
from cim.metrics.chair import chair, present_objects
from cim.metrics.units import UnitCounts
from cim.metrics.vocabulary import coco_vocabulary

Units = Callable[[Mapping[str, list[str]], Mapping[str, str]], Mapping[str, UnitCounts | None]]
Encode = Callable[[list[str]], Vectors]


@dataclass(frozen=True)
class Said:
    """Captions of photos spoilt in one way. changed: share of them that are not what is said of the clean photo.

    precision, recall: of units, by the references. invented: CHAIRi, COCO's objects that no reference has among those
    said. cosine: mean with the clean photo, None without an encoder. All but it in [0, 1]; None where nothing is said.
    """

    changed: float
    precision: float | None
    recall: float | None
    invented: float | None
    cosine: float | None


@dataclass(frozen=True)
class Photos:
    """What spoilt captions are held against. references: by photo. clean: captions of the photos as they are.

    units: who takes captions apart. images: (n, d) unit vectors of the clean photos, with `encode` of their captions.
    """

    references: Mapping[str, list[str]]
    clean: Mapping[str, str]
    units: Units
    images: Vectors | None = None
    encode: Encode | None = None

    def said(self, captions: Mapping[str, str]) -> Said:
        """captions: of all photos of `references`, in their order."""
        counts = sum((one for one in self.units(self.references, captions).values() if one), UnitCounts())
        words = coco_vocabulary()
        objects = [
            chair(captions[image], present_objects(None, texts, words) or set(), words)
            for image, texts in self.references.items()
        ]
        named = sum(one.said for one in objects)
        return Said(
            changed=sum(captions[image] != text for image, text in self.clean.items()) / len(self.clean),
            precision=counts.precision,
            recall=counts.recall,
            invented=sum(one.absent for one in objects) / named if named else None,
            cosine=self._cosine(list(captions.values())),
        )

    def _cosine(self, captions: list[str]) -> float | None:
        if self.images is None or self.encode is None:
            return None
        said = [i for i, text in enumerate(captions) if text.strip()]
        if not said:
            return None
        vectors = self.encode([captions[i] for i in said])
        return float(np.nanmean(np.einsum("nd,nd->n", vectors, self.images[said])))


def table(found: Mapping[str, Said]) -> str:
    """A Markdown table, shares in percent."""
    head = ["spoilt by", "captions changed", "units right", "units told", "CHAIRi", "cosine with the clean photo"]
    rows = []
    for name, one in found.items():
        shares = (one.changed, one.precision, one.recall, one.invented)
        cosine = "-" if one.cosine is None else f"{one.cosine:.3f}"
        rows.append([name, *("-" if share is None else f"{100 * share:.1f}" for share in shares), cosine])
    return markdown_table(head, rows)


def own_scores(captions: Sequence[str], images: Vectors, encode: Encode) -> list[float]:
    """Cosine of each caption with its own clean photo (n, d); -1 for a blank one: the worst there is."""
    vectors = encode([text if text.strip() else "." for text in captions])
    cosines = np.nan_to_num(np.einsum("nd,nd->n", vectors, images), nan=-1.0)
    return [float(value) if text.strip() else -1.0 for value, text in zip(cosines, captions, strict=True)]
