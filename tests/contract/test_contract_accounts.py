"""Nothing goes without a word: counts by source, splits that need captions, and any small tar."""

import tempfile
from pathlib import Path

import pyarrow as pa
from contract_case import NOT_UTF8, Expected, differences, to_recaptions, to_shards
from contract_inputs import Params, as_json, photo, write_files, write_parquet, write_tar
from contract_runs import recaptioned, sharded
from hypothesis import given, settings
from hypothesis import strategies as st

from cim.atomic import read_json
from cim.images.ids import content_id

NO_CAPTION = "image without caption"


def test_every_source_has_its_own_account(tmp_path: Path) -> None:
    files = [("a.png", photo("a")), ("b.png", photo("b")), ("a.txt", b"a dog"), ("b.txt", b"a cat")]
    folder = write_files(tmp_path / "files", files)
    members = [("1.png", photo("a")), ("1.txt", b"a dog"), ("2.png", b"no image"), ("2.txt", b"x"),
               ("3.png", photo("c")), ("3.txt", b"caf\xe9")]  # fmt: skip
    tar = write_tar(tmp_path / "t.tar", members)
    table = write_parquet(
        tmp_path / "table", image=pa.array([photo("c"), photo("b"), photo("d")]), alt=["an owl", "a pig", "a dog"]
    )
    found = sharded(tmp_path / "run", folder, tar, table)
    wanted = [
        Expected("a", photo("a"), ("a dog",)), Expected("b", photo("b"), ("a cat", "a pig")), Expected("1", photo("a")),
        Expected("2", problem="not an image"), Expected("3", photo("c"), ("an owl",), (NOT_UTF8,)),
        Expected("t.parquet:0", photo("c")), Expected("t.parquet:1", photo("b")),
        Expected("t.parquet:2", photo("d"), ("a dog",)),
    ]  # fmt: skip
    assert differences(to_shards(wanted), found) == []
    sources = read_json(tmp_path / "run/data/shards/summary.json")["sources"]
    images = {name.partition(":")[0]: counts["images"] for name, counts in sources.items()}
    del images["scenes"]
    assert images == {
        "folder": {"in": 2, "out": 2, "rejected": 0, "merged": 0},
        "webdataset": {"in": 3, "out": 1, "rejected": 1, "merged": 1},  # c, 2, a
        "parquet": {"in": 3, "out": 1, "rejected": 0, "merged": 2},  # d; c and b were there
    }


def test_splits_that_need_captions_refuse_images_without(tmp_path: Path) -> None:
    members = [("1.png", photo("1")), ("1.txt", b"a dog"), ("2.png", photo("2")), ("3.png", photo("3")),
               ("3.txt", b"caf\xe9"), ("4.png", photo("4")), ("4.txt", b" "), ("5.png", photo("5")),
               ("5.json", b'{"captions": [5, null]}')]  # fmt: skip
    tar = write_tar(tmp_path / "t.tar", members)
    found = sharded(tmp_path / "run", tar, split="train")
    assert found.used == ((content_id(photo("1")), ("a dog",)),)
    assert sorted(reason for reason, _ in found.rejects) == [
        "caption is empty", NOT_UTF8, "caption is not text", NO_CAPTION, NO_CAPTION, NO_CAPTION, NO_CAPTION,
    ]  # fmt: skip
    assert found.images == {"in": 5, "out": 1, "rejected": 4, "merged": 0}


def test_generated_scenes_are_the_same_to_both(tmp_path: Path) -> None:
    scenes = {"kind": "scenes", "count": 6, "seed": 5, "detail": 0.9, "captions": 2, "near_duplicates": 0.0}
    shards, captions = sharded(tmp_path / "shards", scenes), recaptioned(tmp_path / "captions", scenes)
    assert (shards.error, captions.error) == ("", "")
    assert (len(shards.used), shards.rejects, captions.rejects) == (6, (), ())
    assert sorted(captions.used) == sorted((name, texts[:1]) for name, texts in shards.used)
    assert all(texts for _, texts in shards.used)


def test_several_tars_are_several_parts(tmp_path: Path) -> None:
    """One that holds the image of another, one that holds nothing of use."""
    write_tar(tmp_path / "in/0.tar", [("a.png", photo("a")), ("a.txt", b"one")])
    write_tar(tmp_path / "in/1.tar", [("a.png", photo("a")), ("a.txt", b"two"), ("b.png", photo("b"))])
    write_tar(tmp_path / "in/2.tar", [("c.txt", b"nothing")])
    source: Params = {"kind": "webdataset", "path": str(tmp_path / "in/*.tar")}
    wanted = [
        Expected("a", photo("a"), ("one",)), Expected("a", photo("a"), ("two",)), Expected("b", photo("b")),
        Expected("c", problem="sample without image"),
    ]  # fmt: skip
    assert differences(to_shards(wanted), sharded(tmp_path / "shards", source)) == []
    assert differences(to_recaptions(wanted), recaptioned(tmp_path / "captions", source)) == []


BAD_IMAGES = (b"", b"no image", b"GIF89a", photo("cut")[:60])
SUFFIXES = {
    "png": st.sampled_from(["good", *BAD_IMAGES]),
    "txt": st.sampled_from(["good", b"", b"caf\xe9", b"\xef\xbb\xbf"]),
    "json": st.sampled_from([b"{}", b'{"caption": "of a JSON"}', b"{", b"[]", b'{"captions": [5]}', b'{"a": NaN}']),
    "cls": st.just(b"7"),
}
MEMBERS = st.lists(
    st.sampled_from(list(SUFFIXES)).flatmap(
        lambda suffix: st.tuples(st.sampled_from(["k1", "k2", "k3"]), st.just(suffix), SUFFIXES[suffix])
    ),
    max_size=12,
)


@settings(max_examples=30, deadline=None)
@given(MEMBERS)
def test_any_tar_is_accounted_for_by_both(drawn: list[tuple[str, str, str | bytes]]) -> None:
    """Every image and every text is used, or a reject names its key; and both commands use the same images."""
    members = [("k0.png", photo("k0")), ("k0.json", as_json({"caption": "first"}))]
    for at, (key, suffix, content) in enumerate(drawn):
        good = photo(str(at)) if suffix == "png" else b"text %d" % at
        members.append((f"{key}.{suffix}", good if isinstance(content, str) else content))
    with tempfile.TemporaryDirectory() as place:
        tar = write_tar(Path(place) / "t.tar", members)
        shards, captions = sharded(Path(place) / "shards", tar), recaptioned(Path(place) / "captions", tar)
    assert (shards.error, captions.error) == ("", "")
    for found in (shards, captions):
        assert found.images["in"] == found.images["out"] + found.images["rejected"]  # no two images are the same
        named = " ".join(text for _, text in found.rejects)
        images, texts = {name for name, _ in found.used}, {text for _, said in found.used for text in said}
        for name, content in members:
            key, _, suffix = name.partition(".")
            if suffix == "png":
                assert content_id(content) in images or key in named, name
            elif suffix == "txt" and content.startswith(b"text"):
                assert content.decode() in texts or key in named, name
    assert shards.images["in"] == captions.images["in"]
    whole = {content_id(content) for name, content in members if name.endswith("png") and content not in BAD_IMAGES}
    assert {name for name, _ in shards.used} == whole
    assert {name for name, _ in captions.used} <= whole
