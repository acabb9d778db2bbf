"""Ids come from content, splits from ids."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cim.images.ids import content_hash, content_id
from cim.shards.plan import position, split_of

SHARES = {"train": 0.7, "validation": 0.1, "eval": 0.2}


def test_id_is_start_of_sha256():
    # sha256("abc") is the first example of FIPS 180-2.
    assert content_id(b"abc") == "ba7816bf8f01cfea"
    assert content_hash(b"abc").startswith("ba7816bf8f01cfea414140de5dae2223")


@given(st.binary(), st.integers(0, 10**6))
def test_same_bytes_same_place(image, seed):
    assert content_id(image) == content_id(bytes(image))
    assert 0 <= position(content_id(image), seed) < 1
    assert split_of(content_id(image), seed, SHARES) in SHARES


def test_shares_are_kept_within_chance():
    ids = [content_id(str(number).encode()) for number in range(4000)]
    found = [split_of(one, 5, SHARES) for one in ids]
    # Binomial, n 4000: standard deviation at most 32; five of them is 4 points.
    assert {split: found.count(split) / 4000 for split in SHARES} == pytest.approx(SHARES, abs=0.04)


def test_seed_moves_images():
    ids = [content_id(str(number).encode()) for number in range(200)]
    assert [split_of(i, 0, SHARES) for i in ids] != [split_of(i, 1, SHARES) for i in ids]


def test_shares_with_rounding_error_cover_everything(monkeypatch):
    monkeypatch.setattr("cim.shards.plan.position", lambda *_: 1 - 2**-53)
    # Ten times 0.1 reaches 0.9999999999999999 only, which is position's largest value.
    shares = {"gallery": 0.1, "train": 0.1, "validation": 0.1, "target": 0.7 - 1e-9}
    assert split_of("0" * 16, 0, shares) == "target"
