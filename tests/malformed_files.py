"""A folder of malformed and odd files, and what must become of each image."""

import os
from pathlib import Path

from corpus_files import plan
from malformed import SAMPLES, Known, Planned, good, malformed
from malformed_images import IMAGES, ODD, Random, encoded, picture

BESIDE = ("pickle called", "text that", "JSON", "cut JSON", "deep JSON")  # what can be wrong with files, too
FROM_TARS = (*IMAGES, *(kind for kind in SAMPLES if kind.startswith(BESIDE)))
OWN = ("link to nothing", "link to itself", "pipe", "text is a folder", "text is a pipe", "JSON is a folder")
KINDS = (*FROM_TARS, *OWN)


def folders(folder: Path, count: int, rng: Random, trap: bytes) -> list[Planned]:
    """`count` malformed images of all kinds in turn and half as many good ones, in several folders."""
    known = []
    for number in range(count + count // 2):
        place = folder / "photos" / f"{number % 7}"
        place.mkdir(parents=True, exist_ok=True)
        kind = KINDS[number % len(KINDS)] if number < count else list(ODD)[number % len(ODD)]
        if kind in OWN and number < count:
            name, reason, image = _own(place, kind, f"m{number:08d}", rng)
        else:
            case = (malformed if number < count else good)(kind, number, rng, trap)
            name, reason, image = case.members[0].name, case.reason, case.members[0].content
            for member in case.members:
                (place / member.name).write_bytes(member.content)
        known.append(Known(f"{place.name}/{name}", reason, image))
    known.sort(key=lambda one: one.name)
    parts = plan({"kind": "folder", "path": str(folder / "photos")}, samples=200).values()
    return [(part, known[200 * at : 200 * at + 200]) for at, part in enumerate(parts)]


def _own(place: Path, kind: str, stem: str, rng: Random) -> tuple[str, str, bytes]:
    """(file name, reason, bytes) of what only a folder can hold."""
    file = place / f"{stem}.png"
    if kind.startswith(("text", "JSON")):
        file.write_bytes(encoded(picture(rng), "PNG"))
        beside = file.with_suffix(".txt" if kind.startswith("text") else ".json")
        (os.mkfifo if kind.endswith("pipe") else os.mkdir)(beside)
    elif kind == "pipe":
        os.mkfifo(file)
    else:
        file.symlink_to(file.name if kind == "link to itself" else "gone.png")
    return file.name, "unreadable file", b""
