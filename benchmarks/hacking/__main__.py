"""Does cheating pay? Dishonest captions against an honest one of the same image, by CIM alone and with guards.

python -m benchmarks.hacking [--photos FOLDER] [--write docs/guards.md]

FOLDER holds captions.csv (columns file_name, caption; several rows a photo) and the photos in images/; it needs the
packages of benchmarks/hacking/image_vectors.py.
"""

import argparse
import tempfile
from pathlib import Path

from benchmarks.common.document import replace_between
from benchmarks.hacking.dishonest_captions import FALSE, KINDS
from benchmarks.hacking.galleries import MiniLM, Photos, photos, scenes
from benchmarks.hacking.image_vectors import cnn_vectors, fitted_vectors
from benchmarks.hacking.outcomes import likeness_table, outcomes, table
from cim.params.tune import Reward


def main() -> None:
    """Measure, print, and write where asked."""
    parser = argparse.ArgumentParser(
        "python -m benchmarks.hacking", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--photos", type=Path, help="folder with captions.csv and images/")
    parser.add_argument("--cases", type=int, default=200, help="images of each world")
    parser.add_argument("--write", type=Path, help="Markdown file with <!-- hacking --> and <!-- end hacking -->")
    options = parser.parse_args()
    encoder, reward = MiniLM(), Reward()
    with tempfile.TemporaryDirectory() as name:
        worlds = {"scenes": scenes(Path(name) / "scenes", encoder, reward, cases=options.cases)}
        if options.photos:
            read = Photos.read(options.photos / "captions.csv")
            files = [options.photos / "images" / one for one in read.names]
            vectors = {"CNN": cnn_vectors(files), "fitted": fitted_vectors(files, read.others), "ideal": None}
            for kind, seen in vectors.items():
                folder = Path(name) / kind
                worlds[f"photos, {kind}"] = photos(folder, encoder, reward, read, options.cases, seen)
        parts = {
            heading: table({world: outcomes(made, kinds) for world, made in worlds.items()})
            for heading, kinds in (("Kinds that must never pay", KINDS), ("Kinds that look like captions", FALSE))
        }
        parts["Other images' captions, by how alike the images are"] = likeness_table(worlds)
        shown = "\n\n".join(f"### {heading}\n\n{part}" for heading, part in parts.items())
    print(shown)
    if options.write:
        replace_between(options.write, "hacking", shown)


if __name__ == "__main__":
    main()
