"""The benchmark of sharding: each way writes all images, and the prices are of what they say."""

from pathlib import Path
from unittest.mock import patch

import pytest

from benchmarks.shard import ALL_BUT_DECODING, AS_IT_IS, BARE, WAYS, Photos, measure, table


def test_every_way_writes_all_images_in_turns(tmp_path: Path) -> None:
    photos = Photos(5, (0.002, 0.004), 2)
    size = photos.write(tmp_path / "photos")
    assert size == sum(path.stat().st_size for path in (tmp_path / "photos").glob("*.jpg"))
    taken = measure(photos, tmp_path / "photos", 1)
    assert {name: len(runs) for name, runs in taken.items()} == dict.fromkeys(WAYS, 1)
    assert len(table(taken, photos, size).splitlines()) == 2 + len(WAYS)


def test_a_way_that_loses_images_is_no_measurement(tmp_path: Path) -> None:
    photos = Photos(3, (0.002, 0.002), 2)
    photos.write(tmp_path / "photos")
    alike = WAYS[ALL_BUT_DECODING].without | {"cim.shards.scan.content_hash": lambda image: "0" * 64}
    way = type(WAYS[BARE])(WAYS[AS_IT_IS].run, alike)
    with patch.dict(WAYS, {"all alike": way}), pytest.raises(RuntimeError, match="all alike: 1 of 3 images"):
        measure(photos, tmp_path / "photos", 1)


def test_ratios_and_prices() -> None:
    """2 MB in 100 images: the loop takes 1 and 2 s, ours 4 and 4 with decoding, 2 and 1 without it.

    Medians: 1.5, 4, 1.5 s, so 1.33, 0.5, 1.33 MB/s. Ratios by round: 1/4 and 2/4; 1/2 and 2/1.
    Decoding: 2 and 3 s of 4. CPU: 1, 8 and 2 s, so 10, 80 and 20 ms an image, and 6 of 8 s for decoding.
    """
    taken = {
        BARE: [(1.0, 1.0), (2.0, 1.0)],
        AS_IT_IS: [(4.0, 8.0), (4.0, 8.0)],
        ALL_BUT_DECODING: [(2.0, 2.0), (1.0, 2.0)],
    }
    assert table(taken, Photos(100, (1, 1), 1), 2_000_000).splitlines()[2:] == [
        f"| {BARE} | 1 | 1.00 | 10.00 |  |",
        f"| {AS_IT_IS} | 0 | 0.38 | 80.00 |  |",
        f"| {ALL_BUT_DECODING} | 1 | 1.25 | 20.00 | 62% of time, 75% of CPU |",
    ]
