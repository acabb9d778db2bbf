"""What curation finds of what is planted: swapped captions, copies of photos, e-mail addresses and phone numbers.

python -m benchmarks.curation [--data data] [--photos FOLDER [--fit-on FOLDER]] [--only PART ...] [--write FILE]

--data holds a finished run, whose encoders score scenes that they have not seen. --photos has captions.csv (file_name,
caption) and images/; --fit-on is a larger folder of the kind, on whose other photos an encoder is fitted for them.
Parts: scenes, photos, copies, texts, downstream (models trained on what is kept; only where it is named).
"""

import argparse
import random
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from benchmarks.common.document import replace_between
from benchmarks.common.photo_encoder import Features
from benchmarks.curation.contacts import planted, reasons
from benchmarks.curation.copies import KINDS, Looked, changed, copies
from benchmarks.curation.downstream import Asked, downstream
from benchmarks.curation.swaps import Found, curate_swapped
from benchmarks.curation.worlds import Photos, fit_on, scenes
from cim.curation.encoders import Encoders
from cim.encoders.base import ClipEncoder
from cim.images.decode import decode_rgb
from cim.params.curate import Duplicates, TextFilters

SEED = 31
DENSE, VAGUE = 0.95, 0.2
PLANTED = 100
HEADS = ("AUC", "swapped: told", "moved to their own image", "of all swapped", "right pairs lost")


def main() -> None:
    """Measure, print, and write where asked."""
    parser = argparse.ArgumentParser(
        "python -m benchmarks.curation", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, default=Path("data"))
    parser.add_argument("--count", type=int, default=1000, help="scenes")
    parser.add_argument("--photos", type=Path)
    parser.add_argument("--fit-on", type=Path)
    parser.add_argument("--only", nargs="*", choices=PARTS, help="parts; default: all but downstream that can be made")
    parser.add_argument("--seeds", type=int, default=8, help="of the downstream models")
    parser.add_argument("--workers", type=int, default=2, help="downstream models trained at once")
    parser.add_argument("--work", type=Path, default=Path("data/curation"), help="of the downstream models; kept")
    parser.add_argument(
        "--write", type=Path, help="Markdown file with <!-- curation-PART --> and <!-- end curation-PART -->"
    )
    options = parser.parse_args()
    import torch

    torch.set_num_threads(1)
    possible = ["scenes", *(["copies", "texts"] if options.photos else []), *(["photos"] if options.fit_on else [])]
    for part in options.only or possible:
        with tempfile.TemporaryDirectory() as name:
            lines = []
            for line in PARTS[part](options, Path(name)):
                print(line, flush=True)
                lines.append(line)
        if options.write:
            replace_between(options.write, f"curation-{part}", "\n".join(lines))


def _scenes(options: argparse.Namespace, folder: Path) -> Iterator[str]:
    own = [_encoder(options.data / "models/image")]
    both = [*own, _encoder(options.data / "models/heldout")]
    yield from _head("pairs, 30% of them swapped", "cycle", *HEADS)
    for detail, what in ((DENSE, "detailed"), (VAGUE, "vague")):
        pairs = scenes(options.count, SEED, detail)
        for encoders, by in ((Encoders(own), "one encoder"), (Encoders(both), "two")):
            for cycle in (1, 2, 5):
                found = curate_swapped(pairs, encoders, folder / f"{what} {by} {cycle}", cycle)
                yield _swapped(f"{len(pairs.images)} scenes, {what} captions, {by}", cycle, found)


def _photos(options: argparse.Namespace, folder: Path) -> Iterator[str]:
    photos = Photos.read(options.photos)
    encoders = Encoders([fit_on(Photos.read(options.fit_on), photos, Features())])
    yield from _head("pairs, 30% of them swapped", "cycle", *HEADS)
    for cycle in (1, 2, 5):
        found = curate_swapped(photos.pairs(), encoders, folder / f"photos {cycle}", cycle)
        yield _swapped(f"{len(photos.captions)} photos", cycle, found)


def _copies(options: argparse.Namespace, folder: Path) -> Iterator[str]:
    encoders = Encoders([_encoder(options.data / "models/image")])
    images = [decode_rgb(one) for one in Photos.read(options.photos).pairs().images]
    looked = Looked.at(images, encoders)
    chosen = random.Random(0).sample(range(len(images)), PLANTED)
    tests = {"hash and vectors (default)": Duplicates(), "hash alone": Duplicates(cosine=None)}
    yield from _head(f"of {PLANTED} copies each are found, by", *tests)
    alarms = dict.fromkeys(tests, 0)
    for kind in KINDS:
        again = Looked.at(changed([images[one] for one in chosen], kind), encoders)
        found = {name: copies(looked, again, chosen, params) for name, params in tests.items()}
        alarms = {name: max(alarms[name], one.alarms) for name, one in found.items()}
        yield f"| {kind} | {' | '.join(str(one.found) for one in found.values())} |"
    yield f"| photos taken for another's copy, of {len(images)}, at most | {' | '.join(map(str, alarms.values()))} |"


def _texts(options: argparse.Namespace, folder: Path) -> Iterator[str]:
    captions = [caption for own in Photos.read(options.photos).captions.values() for caption in own]
    emails, phones = planted(captions, PLANTED)
    yield f"Of {PLANTED} e-mail addresses planted in captions of people {emails} are found,"
    yield f"of {PLANTED} phone numbers {phones}."
    dropped = reasons(captions, TextFilters(min_english=0.1))
    told = ", ".join(f"{name} {many}" for name, many in sorted(dropped.items())) or "none"
    yield f"Of {len(captions)} captions as they are, with `min_english: 0.1`, the rules drop: {told}."


def _downstream(options: argparse.Namespace, folder: Path) -> Iterator[str]:
    yield downstream(Asked(options.data, options.work, options.seeds, options.workers))


def _head(*cells: str) -> Iterator[str]:
    yield f"| {' | '.join(cells)} |"
    yield f"|{'---|' * len(cells)}"


def _swapped(name: str, cycle: int, found: Found) -> str:
    moved = f"{found.moved_right} of {found.moved} ({found.moved_right / max(1, found.moved):.1%})"
    of_all, told = f"{found.moved_right / found.swapped:.1%}", f"{found.told / found.swapped:.1%}"
    lost = f"{found.lost / found.right:.1%}"
    return f"| {name} | {cycle} | {found.auc:.4f} | {told} | {moved} | {of_all} | {lost} |"


def _encoder(folder: Path) -> ClipEncoder:
    from cim.encoders.load import load_clip

    return load_clip(folder, "cpu")


PARTS: dict[str, Callable[[argparse.Namespace, Path], Iterator[str]]] = {
    "scenes": _scenes, "photos": _photos, "copies": _copies, "texts": _texts, "downstream": _downstream,
}  # fmt: skip


if __name__ == "__main__":
    main()
