"""How far the reward, its parts and the field's metrics agree with what experts say of captions of photos.

python -m benchmarks.human --photos FOLDER --ratings CSV --image-encoder FOLDER --text-encoder FOLDER --work FOLDER

FOLDER of --photos holds captions.csv (columns file_name, caption; several rows a photo) and the photos in images/; CSV
has file_name, caption, rating_1, rating_2, rating_3 (1 to 4) and own (1 where the caption was written for the photo).
"""

import argparse
import time
from pathlib import Path

import numpy as np

from benchmarks.common.document import replace_between
from benchmarks.human.measures import field_metrics, reward_parts
from benchmarks.human.panel import Agreement, Panel
from benchmarks.human.plot import plot
from benchmarks.human.ratings import first_half, gallery_of, read_captions, read_ratings
from benchmarks.human.retrieved import measured
from benchmarks.human.tables import measures_table, told, variants_table
from benchmarks.human.variants import variants
from benchmarks.human.workspace import Models, build

KS, SPACES = (1, 3, 5, 10), ("caption_text", "clip", "fused")
CEILING = "one expert against the mean of the other two"


def main() -> None:
    """Embed, retrieve, compare, print, and write where asked."""
    options = parsed()
    captions = read_captions(options.photos)
    rated = read_ratings(options.ratings, captions)
    taught = set(options.taught.read_text(encoding="utf-8").split()) if options.taught else None
    gallery = gallery_of(captions, rated, taught)
    models = Models(options.image_encoder, options.text_encoder, options.judge)
    layout = build(options.work, models, options.photos / "images", gallery, rated.photos)
    everybody = Panel(rated, np.ones(len(rated.captions), dtype=bool), options.samples)
    field = {CEILING: everybody.ceiling(rated)}
    field |= {name: everybody.asked(values) for name, values in field_metrics(layout, rated).items()}
    parts: dict[str, Agreement] = {}
    for space in SPACES:
        parts |= {name: everybody.asked(values) for name, values in reward_parts(layout, rated, space, KS).items()}
    half = first_half(rated.photos)
    panels = [Panel(rated, some, options.samples) for some in (half, ~half)]
    values = measured(layout, rated, variants())
    chosen, reported = ({name: panel.asked(one) for name, one in values.items()} for panel in panels)
    size = sum(map(len, gallery.values()))
    halves = f"{panels[0].pairs:,} captions of {panels[0].images} photos to choose by, {panels[1].pairs:,} of"
    shown = {
        "human-field": f"{told(everybody, len(gallery), size)}\n\n{measures_table(field, 'measure')}",
        "human-reward": measures_table(parts, "reward"),
        "human-variants": f"{halves} {panels[1].images} others for the rest.\n\n{variants_table(chosen, reported)}",
    }
    for name, table in shown.items():
        print(f"\n{table}")
        if options.write:
            replace_between(options.write, name, table)
    if options.write:
        plot(field, parts, options.write.with_suffix(".svg"))
    print(f"\n{time.process_time():.0f} CPU s")


def parsed() -> argparse.Namespace:
    """The options of the command."""
    parser = argparse.ArgumentParser(
        "python -m benchmarks.human", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--photos", type=Path, required=True, help="folder with captions.csv and images/")
    parser.add_argument("--ratings", type=Path, required=True, help="CSV of captions and what experts said of them")
    parser.add_argument("--image-encoder", type=Path, required=True, help="open_clip folder: the reward's")
    parser.add_argument("--text-encoder", type=Path, required=True, help="sentence-transformers folder: the reward's")
    parser.add_argument("--judge", type=Path, help="another open_clip folder, for CLIPScore by others than the reward")
    parser.add_argument("--taught", type=Path, help="file of photo names: the gallery holds no others")
    parser.add_argument("--work", type=Path, required=True, help="folder of embeddings and indexes; kept")
    parser.add_argument("--samples", type=int, default=2000, help="of images, for intervals; default: %(default)s")
    parser.add_argument("--write", type=Path, help="Markdown file with the markers <!-- human-field --> and others")
    return parser.parse_args()


if __name__ == "__main__":
    main()
