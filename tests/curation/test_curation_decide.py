"""Whatever a corpus holds, each of its rows has one fate, and the tables agree on it."""

from typing import Any

import numpy as np
import polars as pl
import pytest

from cim.curation.decide import Corpus, decide
from cim.curation.measure import MEASURED
from cim.curation.tables import counts, key_lists, pair_table, sample_table
from cim.curation.vectors import Rows
from cim.params.curate import Curate

TEXTS = [
    "a red bus",
    "mail me@there.de",
    "call 555-123-4567",
    "two men on a hill",
    "собака бежит",
    "IMG_1234.jpg",
    "ok",
]


def corpus(seed: int) -> Corpus:
    """Up to 40 images of two parts and three sources with up to three texts each, the rest at random."""
    rng = np.random.default_rng(seed)
    rows = list[dict[str, Any]]()
    for part in range(2):
        for at in range(int(rng.integers(0, 20))):
            image = {"part": part, "at": at, "key": f"k{at}", "id": f"{part}-{at}", "source": str(rng.integers(3))}
            if rng.random() < 0.1:
                rows.append(image | {"reason": "corrupt image"})
                continue
            image |= {"hash": int(rng.integers(0, 6)) * 0x0F0F0F, "pixels": int(rng.integers(1, 4)), "suffix": "png"}
            image |= {"nsfw": float(rng.random())}
            texts = rng.choice(TEXTS, int(rng.integers(0, 4)), replace=False).tolist()
            for number, caption in enumerate(texts):
                score = None if rng.random() < 0.1 else float(rng.integers(0, 5))
                rows.append(image | {"number": number, "caption": caption, "score": score})
            if not texts:
                rows.append(image | {"reason": "image without caption"})
    return Corpus(pl.DataFrame(rows, schema={**MEASURED, "part": pl.Int64}), Rows([]), Rows([]))


PARAMS = {
    "corpus": [{"kind": "webdataset", "path": "x"}], "output": "out", "encoders": [], "score": {"kind": "cim"},
    "nsfw": {"classifier": "some:classifier", "threshold": 0.8}, "buckets": {"count": 2}, "text": {"max_images": 6},
    "duplicates": {"hash_distance": 3},
}  # fmt: skip


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("keep", [None, {"threshold": 2.0}, {"best_share": 0.4}])
def test_rows_in_are_rows_kept_and_rows_dropped(seed: int, keep: dict[str, float] | None) -> None:
    found, params = corpus(seed), Curate.model_validate(PARAMS | {"keep": keep})
    decision = decide(found, params)
    rows = decision.rows
    assert rows.select("part", "at", "caption").equals(found.rows.select("part", "at", "caption"))
    shards = pl.DataFrame(
        {"part": [0, 1], "shard": ["00000", "00001"], "source_shard": ["a", "b"], "numbered": [False, True]}
    )
    pairs, samples = pair_table(decision, shards), sample_table(decision)
    told = counts(pairs, samples, decision.edges)
    for one in (told, *told["sources"].values()):
        assert one["pairs"] == one["kept"] + sum(one["dropped"].values())
    assert told["pairs"] == len(found.rows) == sum(one["pairs"] for one in told["sources"].values())
    assert sum(len(texts) for texts in samples["captions"]) == told["kept"]
    lists = key_lists(pairs, samples)
    assert len(lists["kept"]) == len(samples) == told["images_kept"]
    assert len(lists["kept"]) + len(lists["dropped"]) == told["images"]
    first = rows.filter(pl.col("duplicate_of").is_not_null())["duplicate_of"].to_list()
    assert rows[first]["duplicate_of"].is_null().all()  # what is repeated repeats nothing itself
    kept = rows.filter(pl.col("reason").is_null())
    assert (kept["nsfw"] <= 0.8).all()
    assert set(kept["caption"]) <= {"a red bus", "two men on a hill"}
    if keep and "best_share" in keep:
        scored = rows.filter(pl.col("reason").is_null() | (pl.col("reason") == "low score"))
        for (_,), own in scored.partition_by("source", as_dict=True).items():
            stay = own.filter(pl.col("reason").is_null())
            assert stay["score"].min() >= (own.filter(pl.col("reason").is_not_null())["score"].max() or 0.0)
