"""Requests over a hand-made gallery: embedded sources, pictures in files, and what cannot be scored."""

import io

import numpy as np
import polars as pl
import pytest
from PIL import Image
from word_gallery import ByColour
from word_gallery import reward as chosen_reward

from cim.errors import CimError
from cim.images.ids import content_id
from cim.params.guards import Guards
from cim.records import IdentityScore
from cim.report.pictures import Splits
from cim.rewards.open import open_image_encoder
from cim.rewards.pictures import ExtendedVectors, lazy_encoder
from cim.rewards.retriever import Retriever, Unscorable
from cim.rewards.trl import TrlReward
from cim.score import run
from cim.score.requests import InvalidRequest, Request
from cim.score.run import Result, batches, read_picture, retrieved


def reward(**changes):
    return chosen_reward(**{"guards": {"copied": None}, **changes})  # the gallery has no captions


@pytest.fixture
def scored(world):
    """scored(*requests): their results over the gallery of `world`; scored.encoder encodes pictures."""
    layout, _ = world
    encoder = ByColour()

    def score(*requests, **changes):
        retriever = Retriever.open(layout, reward(**changes))
        return [one for batch in batches(requests, retriever, lazy_encoder(lambda: encoder)) for one in batch]

    score.encoder = encoder
    return score


def picture(path, colour):
    Image.new("RGB", (4, 4), colour).save(path)
    return path


def test_a_picture_in_a_file_earns_what_its_vector_earns(scored, tmp_path):
    red = picture(tmp_path / "red.png", (255, 0, 0))  # (1, 0, 0), as "near"
    found, embedded = scored(Request("1 0", image=red), Request("1 0", id="near"))
    assert found.outcome == embedded.outcome
    assert found.outcome.ids == ("one", "two")
    assert found.id == content_id(red.read_bytes())
    assert retrieved([found, embedded, InvalidRequest("x")]) == {"one", "two"}


def test_near_duplicates_of_a_picture_are_left_out(scored, tmp_path):
    red = picture(tmp_path / "red.png", (255, 0, 0))
    (found,) = scored(Request("1 0", image=red), exclude="near_duplicates", duplicate_cosine=0.9)
    assert found.outcome.ids == ("two", "three")


def test_an_embedded_picture_is_known_by_its_content_and_not_encoded_again(world, embed, tmp_path):
    layout, _ = world
    red = picture(tmp_path / "red.png", (255, 0, 0))
    embed("image", "validation", [([content_id(red.read_bytes())], [[0, 0, 1]])], encoder="image-1")
    retriever = Retriever.open(layout, reward())
    encoder = ByColour()
    ((found,),) = batches([Request("1 0", image=red)], retriever, lazy_encoder(lambda: encoder))
    assert encoder.calls == 0
    assert found.outcome.cosines == pytest.approx((0, 0), abs=1e-6)  # (0, 0, 1) with one and two


def test_what_cannot_be_scored_or_read_leaves_the_rest_alone(scored, tmp_path):
    broken = io.BytesIO()
    Image.new("RGB", (64, 64), "blue").save(broken, "PNG")
    (tmp_path / "cut.png").write_bytes(broken.getvalue()[:100])
    (tmp_path / "text.png").write_bytes(b"hello")
    requests = [
        Request("1 0", id="near", line=1),
        InvalidRequest("not JSON", 2),
        Request("1 0", id="nowhere", line=3),
        Request("1 0", image=tmp_path / "gone.png", line=4),
        Request("1 0", image=tmp_path / "nu\0ll.png", line=5),
        Request("1 0", image=tmp_path / "cut.png", line=6),
        Request("1 0", image=tmp_path / "text.png", line=7),
        Request("1 0", image=picture(tmp_path / "black.png", "black"), line=8),
        Request(" ", id="near", line=9),
        Request("0 1", id="far", line=10),
    ]
    found = scored(*requests)
    assert [one.line if isinstance(one, InvalidRequest) else one.request.line for one in found] == list(range(1, 11))
    kinds = [type(one) if isinstance(one, InvalidRequest) else type(one.outcome) for one in found]
    assert kinds == [
        IdentityScore,
        InvalidRequest,
        InvalidRequest,
        InvalidRequest,
        InvalidRequest,
        *[Unscorable] * 4,
        IdentityScore,
    ]
    assert found[2].reason == "no embedded sample with id nowhere"
    assert "gone.png (No such file" in found[3].reason
    assert [one.outcome.reason.split(" (")[0] for one in found[5:9]] == [
        "undecodable image",
        "undecodable image",
        "no image vector of the source",
        "empty after cleaning",
    ]


def test_batches_change_nothing_but_their_size(scored, monkeypatch, tmp_path):
    red = picture(tmp_path / "red.png", (255, 0, 0))
    requests = [
        Request("1 0", id="near"),
        Request("0 1", image=red),
        InvalidRequest("x", 3),
        Request("1 1", id="far"),
    ] * 3
    whole = scored(*requests)
    monkeypatch.setattr(run, "BATCH", 2)
    assert scored(*requests) == whole
    assert scored() == []


def test_added_and_embedded_vectors_come_in_the_order_asked(world):
    layout, _ = world
    sources = Retriever.open(layout, reward()).sources
    both = ExtendedVectors(sources, {"new": np.array([0, 1, 0], dtype=np.float32)})
    assert both.has(["new", "near", "gone"]).tolist() == [True, True, False]
    np.testing.assert_allclose(both.get(["near", "new", "far"]), [[1, 0, 0], [0, 1, 0], [-1, 0, 0]], atol=1e-6)


def test_the_id_of_a_picture_is_that_of_its_bytes_even_when_broken(tmp_path):
    (tmp_path / "x").write_bytes(b"hello")
    # printf hello | sha256sum
    assert read_picture(tmp_path / "x").id == "2cf24dba5fb0a30e"


def test_another_image_encoder_is_refused(world, monkeypatch):
    layout, _ = world
    encoder = ByColour()
    monkeypatch.setattr("cim.rewards.open._load", lambda _, role, *__: {"image": encoder}[role])
    assert open_image_encoder(layout, "cpu") is encoder
    encoder.fingerprint = "image-2"
    with pytest.raises(CimError, match=r"items built with encoder image-1; expected image-2.*models/image"):
        open_image_encoder(layout, "cpu")


def test_the_gallery_is_the_splits_the_index_was_built_from(world):
    layout, _ = world
    assert Splits.indexed(layout).names == ["gallery"]


def test_a_result_without_a_score_found_nothing():
    assert retrieved([Result(Request("a", id="b"), "b", Unscorable("why"))]) == set()


def test_a_caption_earns_what_training_pays(world, scored):
    """The number that TRL gets, for a caption that guards punish and for one that says nothing."""
    layout, _ = world
    rows = pl.DataFrame({"id": ["one", "two", "three", "two"], "caption": ["a dog runs"] * 4})
    rows.write_parquet(layout.embeddings("text", "gallery") / "gallery-000000.parquet")
    for caption in ("1 0", " "):
        (found,) = scored(Request(caption, id="near", prompt="1 0"), guards={})
        logged = {}
        paid = TrlReward(Retriever.open(layout, reward(guards={})))(
            prompts=["1 0"], completions=[caption], id=["near"], log_metric=logged.__setitem__
        )
        assert paid == [found.reward.total]
        assert found.reward.faults
        terms = {f"rewards/{name}/mean": value for name, value in found.reward.terms().items()}
        assert {name: value for name, value in logged.items() if name.startswith("rewards/")} == terms


def test_without_guards_training_pays_nothing_for_what_has_no_score(scored):
    blank, honest = scored(Request(" ", id="near"), Request("1 0", id="near"), guards=Guards.off().model_dump())
    assert blank.reward.total is None
    assert honest.reward.total == honest.outcome.total
