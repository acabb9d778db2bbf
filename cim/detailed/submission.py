"""The captions to be measured, and how they fit the images of a set."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cim.detailed.benchmark import read_json
from cim.errors import CimError


@dataclass(frozen=True)
class Submission:
    """One caption for every image of the set, "" where none was given.

    missing: ids of the set without a caption (also those with an empty one). unknown: ids that are not in the set.
    """

    name: str
    captions: dict[str, str]
    missing: list[str]
    unknown: list[str]


def submission(name: str, given: dict[str, str], ids: Sequence[str]) -> Submission:
    """Fit captions to the images of a set. A missing one counts as empty: leaving images out gains nothing."""
    captions = {image: given.get(image, "") for image in ids}
    return Submission(
        name=name,
        captions=captions,
        missing=[image for image, caption in captions.items() if not caption.strip()],
        unknown=sorted(given.keys() - captions.keys()),
    )


def read_submission(path: Path, ids: Sequence[str]) -> Submission:
    """The file's captions, {image id: caption}; file endings in ids (".jpg") are taken off.

    Raises CimError when the file is no such JSON, two ids are the same image, or none is in the set.
    """
    value = read_json(path)
    expected = "one JSON object {image id: caption}"
    if not isinstance(value, dict) or not all(isinstance(caption, str) for caption in value.values()):
        raise CimError(f"{path} holds something else", expected, "write the captions in this form")
    given = {_bare(image): caption for image, caption in value.items()}
    if len(given) < len(value):
        raise CimError(f"{len(value) - len(given)} image(s) twice in {path}", expected, "give one caption an image")
    fitted = submission(path.stem, given, ids)
    if len(fitted.unknown) == len(given):
        raise CimError(f"no id of the set in {path}", f"ids such as {ids[0]!r}", "check --set and the file")
    return fitted


def _bare(image: str) -> str:
    stem, dot, ending = image.rpartition(".")
    return stem if dot and ending.lower() in ("jpg", "jpeg", "png", "webp") else image
