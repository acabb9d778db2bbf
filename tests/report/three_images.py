"""An eval split of three pictures with the captions of both captioners, and judges that need no model."""

import json
import tarfile
from io import BytesIO

import numpy as np
import polars as pl

from cim.atomic import write_json
from cim.captioners.decoding import Decoding
from cim.captions.lineage import Lineage
from cim.captions.write import captions_path, write_captions
from cim.records import Caption, IdentityScore
from cim.scenes.scene import Scene, Thing

SCENES = [
    Scene(
        (Thing("circle", color, "small", "plain", 1), Thing("star", "green", "large", "plain", 1)), "above", "white", 1
    )
    for color in ("red", "blue", "orange")
]
TUNED = [
    "a small plain red circle above a large plain green star on a white background",
    "a small plain blue circle above a large plain green star on a white background",
    "a small plain purple circle below a large plain green star on a white background",
]
IDS = [f"e{i:015x}" for i in range(3)]


def split(layout, name, ids, pictures, captions, truths):
    folder = layout.shards(name)
    folder.mkdir(parents=True)
    rows = []
    with tarfile.open(folder / f"{name}-000000.tar", "w") as tar:
        for key, picture, caption, truth in zip(ids, pictures, captions, truths, strict=True):
            extra = {} if truth is None else {"scene": truth}
            facts = {"captions": [caption], "source": "made", "width": 64, "height": 64, "extra": extra}
            for suffix, content in (("json", json.dumps(facts).encode()), ("png", picture), ("txt", caption.encode())):
                info = tarfile.TarInfo(f"{key}.{suffix}")
                info.size = len(content)
                tar.addfile(info, BytesIO(content))
            rows.append((key, f"{name}-000000.tar", [caption], json.dumps(extra)))
    table = pl.DataFrame(rows, schema=["id", "shard", "captions", "extra"], orient="row")
    table.write_parquet(folder / "manifest.parquet")


def embed(layout, role, encoder):
    folder = layout.embeddings(role, "eval")
    folder.mkdir(parents=True)
    np.save(folder / "eval-000000.npy", np.eye(3, dtype=np.float16)[::-1])
    pl.DataFrame({"id": IDS[::-1]}).write_parquet(folder / "eval-000000.parquet")
    meta = {"encoder_fingerprint": encoder, "dim": 3, "fingerprint": "f"}
    write_json(folder / "meta.json", meta)


def caption(layout, captioner, texts, ids=IDS):
    lineage = Lineage(captioner, "describe", Decoding(max_new_tokens=20))
    folder = layout.captions(captioner, "eval")
    rows = [Caption(name, text, "stop", 5) for name, text in zip(ids, texts, strict=True)]
    write_captions(captions_path(folder, "eval-000000"), rows, lineage)


def encode(captions):
    """(n, 3): by colour, as a perfect encoder would; all-equal for captions without one."""
    rows = [[float(color in c) for color in ("red", "blue", "purple")] for c in captions]
    return np.array([row if any(row) else [0.577] * 3 for row in rows], dtype=np.float32)


def score(captions, sources):
    return [IdentityScore(0.5, len(c) / 100, 0.5 + len(c) / 100, ("g1", "g2"), (0.9, 0.8), (0.3, 0.2)) if c else None
            for c in captions]  # fmt: skip
