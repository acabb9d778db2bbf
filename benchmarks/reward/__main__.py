"""Captions scored a second, against one HTTP POST a caption as in the published implementation.

python -m benchmarks.reward [--rows 1000000] [--captions captions.csv] [--write docs/benchmarks.md]

The gallery is drawn from a process fitted to embeddings of real captions (synthetic_embeddings.py): those of
--captions, a CSV with a column `caption`, or else of the embedded scenes. Ours is what training pays for a batch: the
project's index, look-ups and reward through `Retriever.score`, source excluded; in rows of their own, also the default
reward's guards. The baseline is baseline_server.py. Both run in turns with a bare matrix product, so that all see the
machine in one state.
"""

import argparse
import random
import shutil
import sys
import tempfile
from pathlib import Path

import numpy as np
import polars as pl
from tqdm import tqdm

from benchmarks.common.document import replace_between
from benchmarks.common.timing import seconds_for_additions
from benchmarks.reward.baseline_server import Baseline, minilm
from benchmarks.reward.gallery import SPLIT, Queries, write_captions, write_gallery
from benchmarks.reward.measure import Bench, Guarded, Lifted
from benchmarks.reward.synthetic_embeddings import Vectors, fit
from benchmarks.reward.tables import Likenesses, Page, page
from benchmarks.reward.vector_statistics import Likeness
from cim.encoders.base import unit
from cim.layout import Layout
from cim.rewards.guards.base import GeneratedCaption

DIM = 768
SEED = 0
POSTS = 20
"""Captions a turn that the baseline scores: it takes as long for each of them."""

PROMPT = "Describe this image."
SCENES = 4000


def main() -> None:
    """Measure, print, and write where asked."""
    parser = argparse.ArgumentParser(
        "python -m benchmarks.reward", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--batch", type=int, default=1280, help="captions scored at once")
    parser.add_argument("--turns", type=int, default=5, help="of each measurement")
    parser.add_argument("--factories", nargs="*", default=["ivf_pq", "hnsw"], help="besides the exact one")
    parser.add_argument("--captions", type=Path, help="CSV of real captions (default: of the embedded scenes)")
    parser.add_argument(
        "--write", type=Path, help="Markdown file with the markers <!-- reward --> and <!-- end reward -->"
    )
    parser.add_argument("--keep", type=Path, help="folder to run in and to keep (default: a temporary one; 10 GB)")
    options = parser.parse_args()
    folder = options.keep or Path(tempfile.mkdtemp(prefix="cim-benchmark-"))
    try:
        shown = run(folder, options)
    finally:
        if not options.keep:
            shutil.rmtree(folder)
    print(shown)
    if options.write:
        replace_between(options.write, "reward", shown)


def run(folder: Path, options: argparse.Namespace) -> str:
    """Draw the galleries below `folder`, measure every index, and say it in Markdown."""
    before, encoder = seconds_for_additions(), minilm()
    captions = read_captions(options.captions)
    starts = tqdm(range(0, len(captions), 256), desc="encode captions", unit="batch")
    encoded = np.concatenate([encoder.encode_texts(captions[i : i + 256]) for i in starts])
    _say("fit a process to them")
    process = fit(encoded, DIM, SEED)
    layout = Layout(folder)
    drawn = write_gallery(layout, process, options.rows, options.batch, SEED)
    real = Queries([captions[i % len(captions)] for i in range(options.batch)], drawn.vectors, drawn.sources)
    np.save(folder / "queries.npy", drawn.vectors)
    np.save(folder / "lift.npy", process.origin)
    _say("write the gallery's captions")
    judges = guarded(folder, captions, real, options.rows)
    with Baseline(folder) as baseline:
        bench = Bench(layout, baseline, drawn, real, Lifted(encoder, process.origin), POSTS, judges)
        exact = bench.measure("flat", options.turns)
        others = [bench.tried(factory, options.turns, exact.scores) for factory in options.factories]
    _say("compare drawn and real vectors")
    named = f"{len(captions):,} captions of {options.captions.name if options.captions else 'the embedded scenes'}"
    like = Likenesses(named, Likeness.of(encoded), Likeness.of(sample(layout, len(encoded))))
    return page(Page(options.rows, DIM, exact, others, like, (before, seconds_for_additions())))


def _say(step: str) -> None:
    tqdm.write(f"{step} ...", file=sys.stderr)


def guarded(folder: Path, captions: list[str], queries: Queries, rows: int) -> Guarded:
    """The guards over the captions of `queries`, and a gallery of `rows` captions below `folder`."""
    write_captions(folder / "captions.parquet", captions, rows, SEED)
    asked = zip(queries.captions, queries.sources, strict=True)
    return Guarded([GeneratedCaption(caption, PROMPT, id=name) for caption, name in asked], folder / "captions.parquet")


def read_captions(path: Path | None) -> list[str]:
    """The column `caption` of a CSV, or what the embedded scenes' captions say."""
    if path is not None:
        return pl.read_csv(path)["caption"].to_list()
    from cim.scenes.describe import describe
    from cim.scenes.scene import scene_at

    return [describe(scene_at(SEED, i, 0.25), random.Random(f"{SEED}-{i}"), 0.7) for i in range(SCENES)]


def sample(layout: Layout, rows: int) -> Vectors:
    """The first rows of the gallery, which lie in no order."""
    first = sorted(layout.embeddings("text", SPLIT).glob("*.npy"))[0]
    return unit(np.load(first, mmap_mode="r")[:rows].astype(np.float32))


if __name__ == "__main__":
    main()
