"""What people say of images, by image id: what captions are held against where no published set is used."""

from collections.abc import Mapping
from pathlib import Path

from cim.detailed.benchmark import read_json
from cim.errors import CimError

References = dict[str, list[str]]


def read_references(path: Path) -> References:
    """JSON {image id: a description, or a list of them}. Raises CimError for anything else, also an empty text."""
    value = read_json(path)
    expected = "one JSON object {image id: description, or list of descriptions}, none of them blank"
    if not isinstance(value, dict) or not value:
        raise CimError(f"{path} holds something else", expected, "mend the file")
    found = {image: [said] if isinstance(said, str) else said for image, said in value.items()}
    for image, several in found.items():
        texts = isinstance(several, list) and several and all(isinstance(one, str) and one.strip() for one in several)
        if not texts:
            raise CimError(f"{image!r} in {path}: {str(several)[:60]}", expected, "mend the entry, or leave it out")
    return found


def together(references: Mapping[str, list[str]]) -> dict[str, str]:
    """All that is said of an image as one text."""
    return {image: " ".join(several) for image, several in references.items()}
