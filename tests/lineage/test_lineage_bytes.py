"""One changed byte anywhere on a caption's way back to the gallery is found, and named where it is."""

import json
import os
from pathlib import Path

import pytest
from workspace import Workspace

from cim.layout import Layout
from cim.lineage.find import links_from
from cim.lineage.verify import Verdict, told, verified

TABLE = "captions/tuned/target/target-000000"
CHAIN = [
    "captions", "rows", "images", "captioner", "base captioner", "training", "shards, train", "embeddings, image/train",
    "shards, validation", "embeddings, image/validation", "reward", "encoder, image", "encoder, text",
    "index, caption_text", "index, clip", "index, items", "embeddings, text/gallery", "embeddings, image/gallery",
    "shards, gallery",
]  # fmt: skip
"""What the tiny run's captions come from: its reward is fused, so it has both indexes."""

FILES = {
    f"{TABLE}.parquet": "captions",
    f"{TABLE}.parquet.done.json": "captions",
    f"{TABLE}.tar": "captions",
    "captions/tuned/target/rejects/target-000000.parquet": "captions",
    "shards/target/target-000000.tar": "images",
    "tuned/model/model.safetensors": "captioner",
    "tuned/model/tokenizer.json": "captioner",
    "tuned/model/cim.json": "captioner",
    "models/captioner/model.safetensors": "base captioner",
    "models/captioner/cim.json": "base captioner",
    "tuned/training/best/model.safetensors": "training",
    "tuned/training/best.done.json": "training",
    "tuned/summary.json": "training",
    "shards/train/manifest.parquet": "shards, train",
    "shards/train/train-000001.tar": "shards, train",
    "embeddings/image/train/train-000000.npy": "embeddings, image/train",
    "shards/validation/validation-000000.tar": "shards, validation",
    "embeddings/image/validation/meta.json": "embeddings, image/validation",
    "models/image/open_clip_model.safetensors": "encoder, image",
    "models/image/cim.json": "encoder, image",
    "models/text/model.safetensors": "encoder, text",
    "index/caption_text/vectors.npy": "index, caption_text",
    "index/clip/ids.parquet": "index, clip",
    "index/clip.done.json": "index, clip",
    "index/items/norms.npy": "index, items",
    "index/items/meta.json": "index, items",
    "embeddings/text/gallery/gallery-000000.npy": "embeddings, text/gallery",
    "embeddings/text/gallery/gallery-000001.npy.done.json": "embeddings, text/gallery",
    "embeddings/image/gallery/gallery-000000.parquet": "embeddings, image/gallery",
    "embeddings/image/gallery/meta.json": "embeddings, image/gallery",
    "shards/gallery/gallery-000000.tar": "shards, gallery",
}
"""A file of every link, and of every kind of record, with the first link that it breaks."""


def change(path: Path) -> Path:
    """Flip a bit in the middle of a file, which may be a hard link to another workspace's; the file as it was."""
    content, kept = bytearray(path.read_bytes()), path.with_name(f".{path.name}.kept")
    content[len(content) // 2] ^= 1
    os.rename(path, kept)
    path.write_bytes(content)
    return kept


def first_broken(layout: Layout) -> Verdict | None:
    links = verified(links_from(layout, str(layout.root / f"{TABLE}.tar")))
    return next((verdict for verdict in links if verdict.problem), None)


@pytest.mark.slow
def test_one_changed_byte_is_found_where_it_is(copied: Workspace) -> None:
    layout = Layout(copied.folder / "data")
    found = [verdict.link.title for verdict in told(links_from(layout, "target-000000")) if verdict.link]
    assert found == CHAIN
    assert set(FILES.values()) == set(CHAIN) - {"rows", "reward"}  # recorded in a file that another link holds
    assert first_broken(layout) is None
    for name, title in FILES.items():
        kept = change(layout.root / name)
        broken = first_broken(layout)
        os.replace(kept, layout.root / name)
        assert broken is not None, name
        assert broken.link is not None, (name, broken.problem)
        assert broken.link.title == title, (name, broken.problem)
    assert first_broken(layout) is None


@pytest.mark.slow
def test_the_tuned_model_names_index_and_gallery_and_the_report_shows_the_chain(finished: Workspace) -> None:
    data = finished.folder / "data"
    reward = json.loads((data / "tuned/model/cim.json").read_text())["made_from"]["reward"]
    assert set(reward["index"]) == {"caption_text", "clip", "items"}
    assert set(reward["encoders"]) == {"text", "image"}
    assert list(reward["gallery"]) == ["gallery"]
    page = (data / "report/report.html").read_text()
    assert "From a caption back to the gallery" in page
    for number, title in enumerate(CHAIN, start=1):
        assert f"{number}. {title}" in page
    for sha256 in (*reward["index"].values(), *reward["gallery"].values()):
        assert sha256 in page
