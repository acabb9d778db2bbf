"""What curation finds of what is planted: swapped captions, copies of photos, e-mail addresses and phone numbers.

python -m benchmarks.curation [--data data] [--photos FOLDER [--fit-on FOLDER]] [--write docs/curation.md]

--data holds a finished run, whose encoders score scenes that they have not seen. --photos has captions.csv (file_name,
caption) and images/; --fit-on is a larger folder of the kind, on whose other photos an encoder is fitted for them.
"""

import argparse
import tempfile
from collections.abc import Iterator
from pathlib import Path

from benchmarks.common.document import replace_between
from benchmarks.curation.contacts import planted, reasons
from benchmarks.curation.copies import copies
from benchmarks.curation.downstream import downstream
from benchmarks.curation.swaps import Found, curate_swapped
from benchmarks.curation.worlds import Photos, fit_on, scenes
from cim.curation.encoders import Encoders
from cim.encoders.base import ClipEncoder
from cim.params.curate import Duplicates, TextFilters

SEED = 31
DENSE, VAGUE = 0.95, 0.2
PLANTED = 100


def main() -> None:
    """Measure, print, and write where asked."""
    parser = argparse.ArgumentParser(
        "python -m benchmarks.curation", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, default=Path("data"))
    parser.add_argument("--count", type=int, default=1000, help="scenes")
    parser.add_argument("--photos", type=Path)
    parser.add_argument("--fit-on", type=Path)
    parser.add_argument("--seeds", type=int, default=0, help="of the downstream models; 0: none are trained")
    parser.add_argument("--write", type=Path, help="Markdown file with <!-- curation --> and <!-- end curation -->")
    options = parser.parse_args()
    import torch

    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as name:
        lines = []
        for line in _lines(options, Path(name)):
            print(line, flush=True)
            lines.append(line)
    if options.write:
        replace_between(options.write, "curation", "\n".join(lines))


def _lines(options: argparse.Namespace, folder: Path) -> Iterator[str]:
    """The lines of all tables."""
    own = Encoders([_encoder(options.data / "models/image")])
    both = Encoders([*own.encoders, _encoder(options.data / "models/heldout")])
    heads = ("AUC", "swapped: told", "moved to their own image", "of all swapped", "right pairs lost")
    yield f"| pairs, 30% of them swapped | cycle | {' | '.join(heads)} |"
    yield "|---|---|---|---|---|---|---|"
    for detail, what in ((DENSE, "detailed"), (VAGUE, "vague")):
        pairs = scenes(options.count, SEED, detail)
        for encoders, by in ((own, "one encoder"), (both, "two")):
            for cycle in (1, 2, 5):
                found = curate_swapped(pairs, encoders, folder / f"{what} {by} {cycle}", cycle)
                yield _swapped(f"{len(pairs.images)} scenes, {what} captions, {by}", cycle, found)
    if options.photos and options.fit_on:
        photos = Photos.read(options.photos)
        fitted = Encoders([_encoder(fit_on(Photos.read(options.fit_on), photos, folder / "fitted"))])
        for cycle in (1, 2):
            found = curate_swapped(photos.pairs(), fitted, folder / f"photos {cycle}", cycle)
            yield _swapped(f"{len(photos.captions)} photos", cycle, found)
    yield from _copied(options, own)
    if options.photos:
        yield from _texts(Photos.read(options.photos))
    if options.seeds:
        yield from downstream(options.count, options.seeds, both, folder)


def _swapped(name: str, cycle: int, found: Found) -> str:
    moved = f"{found.moved_right} of {found.moved} ({found.moved_right / max(1, found.moved):.1%})"
    of_all, told = f"{found.moved_right / found.swapped:.1%}", f"{found.told / found.swapped:.1%}"
    lost = f"{found.lost / found.right:.1%}"
    return f"| {name} | {cycle} | {found.auc:.4f} | {told} | {moved} | {of_all} | {lost} |"


def _copied(options: argparse.Namespace, encoders: Encoders) -> Iterator[str]:
    yield "\n| images | test | copies found | other images taken for copies |"
    yield "|---|---|---|---|"
    name = f"{options.count} scenes, a fifth of which differ from the one before in one fact"
    worlds = {name: scenes(options.count, SEED, DENSE)}
    if options.photos:
        photos = Photos.read(options.photos).pairs()
        worlds[f"{len(photos.images)} photos"] = photos
    for name, pairs in worlds.items():
        for params, what in ((Duplicates(cosine=None), "hash"), (Duplicates(), "hash and vectors")):
            found = copies(pairs.images, PLANTED, encoders, params)
            yield f"| {name} | {what} | {found.found} of {found.planted} | {found.alarms} of {found.images} |"


def _texts(photos: Photos) -> Iterator[str]:
    captions = [caption for own in photos.captions.values() for caption in own]
    emails, phones = planted(captions, PLANTED)
    yield f"\nOf {PLANTED} e-mail addresses planted in captions of people {emails} are found,"
    yield f"of {PLANTED} phone numbers {phones}."
    dropped = reasons(captions, TextFilters(min_english=0.1))
    told = ", ".join(f"{name} {many}" for name, many in sorted(dropped.items())) or "none"
    yield f"Of {len(captions)} captions as they are, with `min_english: 0.1`, the rules drop: {told}."


def _encoder(folder: Path) -> ClipEncoder:
    from cim.encoders.load import load_clip

    return load_clip(folder, "cpu")


if __name__ == "__main__":
    main()
