"""How long a fast engine waits for pictures: read ahead across windows and shards, or window by window.

python -m benchmarks.feed [--shards 50] [--images 37] [--at-once 4] [--decoders 2] [--write docs/benchmarks.md]

A stand-in for a continuous engine has so many places and takes 20 ms an image: 20 ms times the places for each, that
many at once. It captions shards of photos, their sizes drawn evenly in the logarithm. "Read ahead" is what
re-captioning does: four shards at once share the engine, as the flow's threads do. "Window by window" is how it was,
over the first shards only: a window is decoded, the engine is given it and runs empty at its end, then the next one; a
shard is committed, then the next one. Both read with the same reader, and write the same files. An engine's waiting is
told by its own clock, from its first request to its last: seconds in which a place was free, of those of all places.
"""

import argparse
import tempfile
from pathlib import Path

from benchmarks.common.document import replace_between
from benchmarks.common.timing import ADDITIONS, cores, machine, seconds_for_additions
from benchmarks.feed.corpus import Corpus, make_corpus
from benchmarks.feed.engine import MOST_PIXELS
from benchmarks.feed.ways import HEAD, PLACE_SECONDS, Case, Row
from cim.images.memory import map_large_blocks
from cim.params import Runtime

FEW = 10  # shards, window by window
SMALL = (0.04, 0.06)  # megapixels: decoding costs nothing, borders would show


def rows(options: argparse.Namespace, root: Path) -> list[Row]:
    """All ways, each printed as it is there."""
    made, found = make_corpus(root / "in", options.shards, options.images, tuple(options.megapixels)), list[Row]()
    small = make_corpus(root / "small", options.shards, options.images, SMALL)

    def note(row: Row) -> None:
        print(row.cells(), flush=True)
        found.append(row)

    def case(corpus: Corpus = made, draft: int | None = None) -> Case:
        return Case(corpus, options.at_once, options.decoders, draft)

    few = made.first(FEW)
    note(case(few).window_by_window(f"window by window, {len(few.tars)} shards", root / "before"))
    note(case().ahead("read ahead, across shards", root / "after"))
    note(case(draft=MOST_PIXELS).ahead("the same, large JPEGs decoded smaller", root / "draft"))
    note(case(small).ahead(f"the same, photos of {SMALL[0]:g} to {SMALL[1]:g} megapixels", root / "tiny"))
    same = [[(root / way / f"{tar.stem}.tar").read_bytes() for tar in few.tars] for way in ("before", "after")]
    assert same[0] == same[1], "captions lost, doubled or beside another picture"
    return found


def table(found: list[Row], options: argparse.Namespace, calibration: tuple[float, float]) -> str:
    """Markdown."""
    low, high = options.megapixels
    have, whole = cores(), found[1]
    needs = 1000 * whole.cpu / whole.corpus.images
    return (
        f"{options.shards} shards of {options.images} JPEGs of {low:g} to {high:g} megapixels, an engine of"
        f" {options.at_once} places and {1000 * PLACE_SECONDS:g} ms an image, {options.decoders} decoding threads."
        f" Calibration ({ADDITIONS:,} additions in Python, about 0.5 s on a laptop): {calibration[0]:.2f} s before,"
        f" {calibration[1]:.2f} s after. {machine('pillow')}.\n\n"
        + "\n".join([HEAD, *(row.cells() for row in found)])
        + f"\n\nIn the {1000 * PLACE_SECONDS:g} ms of an image, {have} cores have"
        f" {1000 * PLACE_SECONDS * have:g} CPU-ms; all that is done for one takes {needs:.0f}, that is"
        f" {needs / (1000 * PLACE_SECONDS * have):.0%}: below 100% an engine need not wait."
        f" {whole.rate / found[0].rate:.2f} times the images a second of window by window."
    )


def main() -> None:
    """Measure, print, and write where asked."""
    parser = argparse.ArgumentParser(
        "python -m benchmarks.feed", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--shards", type=int, default=50)
    parser.add_argument("--images", type=int, default=37, help="in each")
    parser.add_argument("--at-once", type=int, default=4, help="requests that the engine works on")
    parser.add_argument(
        "--decoders", type=int, default=Runtime().decoders, help="threads that decode (default: as runtime.decoders)"
    )
    parser.add_argument("--megapixels", type=float, nargs=2, default=(0.3, 12.0), help="smallest and largest photo")
    parser.add_argument("--write", type=Path, help="document with the markers <!-- feed -->")
    options = parser.parse_args()
    map_large_blocks()  # as tasks/caption does
    calibration = seconds_for_additions()
    with tempfile.TemporaryDirectory(prefix="cim-feed-") as name:
        found = rows(options, Path(name))
    text = table(found, options, (calibration, seconds_for_additions()))
    print(text)
    if options.write:
        replace_between(options.write, "feed", text)


if __name__ == "__main__":
    main()
