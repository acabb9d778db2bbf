"""Keys, and the shards as training loaders read them: webdataset's and open_clip's own."""

import inspect
import io
import json
import re
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import polars as pl
import pytest
import webdataset
from answering import Says
from corpus_files import picture, plan, shard, tar_bytes
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from cim.captioners.decoding import Decoding, Generated
from cim.captions.job import ShardJob
from cim.captions.lineage import Lineage
from cim.captions.shard import finish_shard
from cim.captions.tar import sample_key

NUMBERS = st.one_of(st.integers(0, 200_000), st.sampled_from([10_000, 99_999, 100_000, 100_001]))


@given(NUMBERS, NUMBERS, NUMBERS, NUMBERS)
def test_keys_are_unique_padded_and_free_of_dots(shard: int, at: int, other: int, there: int) -> None:
    first, second = sample_key(shard, at), sample_key(other, there)
    assert (first == second) == ((shard, at) == (other, there))
    assert re.fullmatch(r"\d{9,11}|\d{6}_\d{4,6}", first)


def test_keys_are_img2datasets() -> None:
    assert sample_key(1, 23) == "000010023"
    assert sample_key(99_999, 9_999) == "999999999"


def test_keys_beyond_five_digits_meet_no_other() -> None:
    """Digits alone would: shard 10,000 with its sample 10,001, and shard 100,001 with its sample 1 (`1000010001`)."""
    assert sample_key(10_000, 10_001) == "1000010001"
    assert sample_key(100_001, 1) == "100001_0001"


def engine(images: list[Image.Image], keys: list[str]) -> list[Generated]:
    texts = [f"shade {image.getpixel((0, 0))[0]}" for image in images]  # type: ignore[index]
    return [Generated(text, "stop", 3, 9, ("a", text), (0.1, 0.2)) for text in texts]


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """Two re-captioned shards of four samples, one of which has a broken image."""
    for number in range(2):
        (tmp_path / f"in-{number}.tar").write_bytes(shard(4 * number, 4))
    broken = [("x.jpeg", picture(200, "JPEG")), ("y.png", b""), ("z.jpg", picture(201))]  # z is a PNG by its content
    (tmp_path / "in-2.tar").write_bytes(tar_bytes(broken))
    lineage = Lineage("model", "Say.", Decoding(8), "float32")
    for stem, part in plan({"kind": "webdataset", "path": f"{tmp_path}/in-*.tar"}).items():
        assert finish_shard(ShardJob(part, tmp_path / "out", stem, int(stem), lineage, True), lambda: Says(engine))
    return tmp_path / "out"


def test_webdataset_reads_images_untouched_with_their_new_captions(out: Path) -> None:
    samples = list(webdataset.WebDataset(f"{out}/{{00000..00002}}.tar", shardshuffle=False))
    keys = [f"0000{number}000{at}" for number in (0, 1) for at in range(4)] + ["000020000", "000020002"]
    assert [sample["__key__"] for sample in samples] == keys
    assert [sample["png"] for sample in samples[:8]] == [picture(shade) for shade in range(8)]
    assert (samples[8]["jpeg"], samples[9]["png"]) == (picture(200, "JPEG"), picture(201))
    assert [sample["txt"].decode() for sample in samples] == [f"shade {n}" for n in (*range(8), 200, 201)]
    facts = json.loads(samples[5]["json"])
    assert (facts["key"], facts["caption"], facts["alt_text"]) == ("000010001", "shade 5", "alt 5")
    assert facts["original"]["url"] == "http://x/5.png"
    told = facts["recaption"]
    assert (told["candidates"], told["scores"], told["cim_score"]) == (["a", "shade 5"], [0.1, 0.2], 0.2)
    assert (told["tokens"], told["tokens_in"], told["source_shard"]) == (3, 9, "in-1.tar")


def test_the_table_has_the_keys_of_the_tar(out: Path) -> None:
    for tar in sorted(out.glob("*.tar")):
        table = pl.read_parquet(tar.with_suffix(".parquet"))
        samples = webdataset.WebDataset(str(tar), shardshuffle=False)
        assert table.select("key", "caption").rows() == [(s["__key__"], s["txt"].decode()) for s in samples]
    (reject,) = pl.read_parquet(out / "rejects/00002.parquet").iter_rows()
    assert reject == ("y", "in-2.tar", "empty file", "")


def _shade(image: Image.Image) -> int:
    return int(image.getpixel((0, 0))[0])  # type: ignore[index, arg-type]


def test_open_clips_training_loader_reads_them(out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import open_clip_train.data

    # open_clip 3.3's loader is made for webdataset up to 0.2.86; since 0.2.96 a mark at each shard's end, which it
    # does not know, is on by default (webdataset issue 384). Off again, all else is the loader as it is.
    if "eof_value" in inspect.signature(open_clip_train.data.tar_file_expander).parameters:
        expander = partial(open_clip_train.data.tar_file_expander, eof_value=None)
        monkeypatch.setattr(open_clip_train.data, "tar_file_expander", expander)
    options = SimpleNamespace(
        train_data=f"{out}/{{00000..00002}}.tar", train_num_samples=10, train_data_upsampling_factors=None,
        dataset_resampled=False, seed=0, batch_size=5, workers=0, world_size=1,
    )  # fmt: skip
    # The image stays a picture and the text a string, so that what arrives together can be compared.
    data = open_clip_train.data.get_wds_dataset(options, _shade, True, tokenizer=lambda text: [text])
    pairs = [pair for shades, texts in data.dataloader for pair in zip(shades.tolist(), texts, strict=True)]
    assert data.dataloader.num_samples == 10
    assert sorted(pairs) == [(shade, f"shade {shade}") for shade in (*range(8), 200, 201)]


def test_images_are_whole_for_the_loaders_decoder(out: Path) -> None:
    for sample in webdataset.WebDataset(str(out / "00002.tar"), shardshuffle=False):
        (image,) = [content for name, content in sample.items() if name in ("jpg", "jpeg", "png")]
        assert Image.open(io.BytesIO(image)).convert("RGB").size == (20, 20)
