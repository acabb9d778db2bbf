"""The guard that knows the gallery's captions: whole ones are found, of other images only, wherever they stand."""

import pickle
import random

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from word_gallery import reward

from benchmarks.hacking.galleries import Photos
from cim.errors import CimError
from cim.params.guards import CopiedGuard
from cim.rewards.guards.base import GeneratedCaption, judge
from cim.rewards.guards.copied import Copied, GalleryCaptions
from cim.rewards.trl import TrlReward
from cim.scenes.describe import describe
from cim.scenes.scene import scene_at

DOG = "A black dog runs through the shallow water."  # 8 words
CAT = "Two cats sleep on a red sofa."  # 7
SHORT = "A dog runs."
WORDS = ["a", "dog", "cat", "runs", "red"]


def written(folder, rows, name="captions.parquet"):
    pl.DataFrame(rows, schema=["id", "caption"], orient="row").write_parquet(folder / name)
    return folder / name


@pytest.fixture
def gallery(tmp_path):
    first = written(tmp_path, [("dog", DOG), ("dog", SHORT), ("gone", "...")], "1.parquet")
    return GalleryCaptions((first, written(tmp_path, [("cat", CAT), ("both", DOG), ("both", CAT)], "2.parquet")))


def share(gallery, text, source, min_words, min_telling):
    return gallery.copied_shares([text], [source], min_words, min_telling)[0]


def test_a_copy_of_another_image_s_caption_is_minus_one(gallery):
    guard = Copied(CopiedGuard(), gallery)
    assert guard(GeneratedCaption(DOG, id="cat")) == guard(GeneratedCaption(DOG, id="not in the gallery")) == -1
    assert (
        guard(GeneratedCaption("  a BLACK dog\nruns -- through the shallow water", id="cat")) == -1
    )  # words are what counts


def test_the_own_caption_and_what_is_no_copy_are_free(gallery):
    guard = Copied(CopiedGuard(), gallery)
    assert guard(GeneratedCaption(DOG, id="dog")) == 0
    assert (
        guard(GeneratedCaption(DOG, id="both")) == guard(GeneratedCaption(CAT, id="both")) == 0
    )  # another image has it, too
    assert guard(GeneratedCaption(SHORT, id="cat")) == 0  # shorter than min_words, and of its words two tell something
    assert guard(GeneratedCaption("A black dog runs through the deep water.", id="cat")) == 0
    assert (
        guard(GeneratedCaption("water shallow the through runs dog black A", id="cat")) == 0
    )  # the same words, another order
    assert guard(GeneratedCaption("", id="cat")) == guard(GeneratedCaption("...", id="cat")) == 0


def test_short_captions_are_looked_for_if_they_tell_enough(gallery):
    # "dog", "runs": two of three words
    assert [share(gallery, SHORT, "cat", words, telling) for words, telling in [(3, 3), (4, 2), (4, 3)]] == [
        1,
        1,
        0,
    ]


def test_a_copy_is_found_within_more_words(gallery):
    assert share(gallery, f"Here {DOG} Again here {DOG}", "cat", 6, 6) == pytest.approx(16 / 19)
    assert share(gallery, f"{DOG} {CAT}", "elsewhere", 6, 6) == 1  # two copies
    assert share(gallery, f"{DOG} {CAT}", "dog", 6, 6) == pytest.approx(7 / 15)  # the first is its own
    assert share(gallery, f"{DOG} {SHORT}", "cat", 3, 9) == 1
    # 8 of 11 words: 0.727, over a quarter of the way from 0.7 to 0.8
    assert Copied(CopiedGuard(), gallery)(GeneratedCaption(f"{DOG} One two three.", id="cat")) == pytest.approx(
        -(8 / 11 - 0.7) / 0.1
    )


@given(
    said=st.lists(st.sampled_from(WORDS), max_size=12), known=st.lists(st.sampled_from(WORDS), min_size=1, max_size=4)
)
def test_hashes_find_what_a_plain_search_finds(tmp_path_factory, said, known):
    gallery = GalleryCaptions((written(tmp_path_factory.mktemp("gallery"), [("x", " ".join(known))]),))
    starts = [i for i in range(len(said)) if said[i : i + len(known)] == known]
    copied = {i + k for i in starts for k in range(len(known))}
    assert share(gallery, " ".join(said), "y", 1, 1) == pytest.approx(len(copied) / max(1, len(said)))
    assert share(gallery, " ".join(said), "x", 1, 1) == 0


some_words = st.lists(st.sampled_from(WORDS), max_size=9)


@given(
    said=st.lists(st.tuples(some_words, st.sampled_from("xyz")), max_size=6),
    known=st.lists(st.tuples(some_words, st.sampled_from("xyz")), min_size=1, max_size=8),
    limits=st.tuples(st.integers(1, 5), st.integers(0, 4)),
)
def test_a_batch_is_judged_as_by_plain_search_of_each(tmp_path_factory, said, known, limits):
    """Words in a row that are a known caption, of this image no caption, and long or telling enough; "a" tells none."""
    min_words, min_telling = limits
    rows = [(name, " ".join(words)) for words, name in known]
    gallery = GalleryCaptions((written(tmp_path_factory.mktemp("gallery"), rows),))
    expected = []
    for words, name in said:
        copied = set()
        for caption, _ in known:
            enough = len(caption) >= min_words or len([word for word in caption if word != "a"]) >= min_telling
            if not caption or not enough or (caption, name) in known:
                continue
            starts = [i for i in range(len(words)) if words[i : i + len(caption)] == caption]
            copied.update(i + k for i in starts for k in range(len(caption)))
        expected.append(len(copied) / max(1, len(words)))
    texts, names = [" ".join(words) for words, _ in said], [name for _, name in said]
    assert gallery.copied_shares(texts, names, min_words, min_telling).tolist() == pytest.approx(expected)
    guard = Copied(CopiedGuard(), gallery)
    all_said = [GeneratedCaption(text, id=name) for text, name in zip(texts, names, strict=True)]
    assert guard.judge_batch(all_said) == [guard(one) for one in all_said] == judge(guard, all_said)


def fired(guard, said):
    """How many of (image id, caption) are punished."""
    return sum(guard(GeneratedCaption(caption, id=name)) < 0 for name, caption in said)


def test_hardly_any_honest_caption_of_another_scene_is_a_copy(tmp_path):
    scenes = {str(number): scene_at(1, number) for number in range(3000)}
    rng = random.Random(0)
    rows = [(name, describe(scene, rng, 1.0)) for name, scene in scenes.items()]
    guard = Copied(CopiedGuard(), GalleryCaptions((written(tmp_path, rows[1500:]),)))
    assert fired(guard, rows[1500:]) == 0  # every image's own caption
    assert fired(guard, rows[:1500]) < 0.01 * 1500  # one object on a background: some come twice
    assert fired(guard, [("another", caption) for _, caption in rows[1500:]]) > 0.99 * 1500  # but for the shortest


def test_hardly_any_honest_caption_of_a_photo_is_a_copy(request, tmp_path):
    folder = request.config.getoption("--photos")
    if folder is None:
        pytest.skip("no photos: give their folder with --photos")
    read = Photos.read(folder / "captions.csv")
    rows = [(name, caption) for name, several in zip(read.names, read.others, strict=True) for caption in several]
    guard = Copied(CopiedGuard(), GalleryCaptions((written(tmp_path, rows),)))
    punished = fired(guard, zip(read.names, read.honest, strict=True))
    print(f"{punished} of {len(read.names)}")
    assert punished < 0.005 * len(read.names)


def test_pickled_it_carries_paths(gallery):
    share(gallery, DOG, "cat", 6, 6)
    again = pickle.loads(pickle.dumps(Copied(CopiedGuard(), gallery)))
    assert vars(again.captions) == {"files": gallery.files, "language": gallery.language}
    assert again(GeneratedCaption(DOG, id="cat")) == -1


def test_a_gallery_without_captions_is_refused(layout):
    with pytest.raises(CimError, match="dvc repro embed"):
        share(GalleryCaptions.of(layout, ["gallery"]), DOG, "cat", 6, 6)


def test_a_retriever_opened_from_disk_knows_its_gallery_s_captions(world, monkeypatch):
    from cim.rewards.retriever import Retriever

    layout, encoder = world
    rows = [("one", DOG), ("two", CAT), ("three", CAT), ("two", SHORT)]
    written(layout.embeddings("text", "gallery"), rows, "gallery-000000.parquet")
    monkeypatch.setattr(encoder, "encode_texts", lambda texts: np.tile(np.float32([1, 0]), (len(texts), 1)))
    said = {"prompts": ["?"] * 2, "completions": [DOG, DOG], "id": ["near", "one"]}
    rewards = TrlReward(Retriever.open(layout, reward()))(**said)
    unguarded = TrlReward(Retriever.open(layout, reward(guards={"copied": None})))(**said)
    assert rewards == [pytest.approx(unguarded[0] - 3), unguarded[1]]  # "one" has said it itself
