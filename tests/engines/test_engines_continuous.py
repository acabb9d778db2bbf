"""Candidates, repetition, refusals and scores sample by sample, with a backend that answers in no order."""

from collections.abc import Sequence

import pytest
from PIL import Image

from benchmarks.feed.engine import FixedLatency
from cim.captioners.decoding import Decoding, Generated
from cim.engines.breaker import ContinuousCircuitBreaker
from cim.engines.captioning import Captioning
from cim.engines.continuous import ContinuousCaptioning
from cim.engines.prepared import Asked, held_bytes
from cim.engines.spec import ContinuousEngine, Request, captions_of
from cim.errors import FatalError

ROUND = "red red red red red red"  # 4 3-grams, 3 of them again: 0.75
PICTURES = [Image.new("RGB", (8 * n, 8)) for n in range(1, 4)]
IDS = ["one", "two", "three"]


class Says:
    """Answers by (id, how often that id was asked before), and the requests that it was asked."""

    def __init__(self, answers: dict[str, list[str | ValueError]]) -> None:
        self.answers, self.asked = answers, list[Request]()

    def __call__(self, request: Request) -> Generated | ValueError:
        self.asked.append(request)
        found = self.answers[request.key.split("\x00")[0]].pop(0)
        return found if isinstance(found, ValueError) else Generated(found, "stop", len(found.split()), 20)


def engine(says: Says, decoding: Decoding, scorer: object = None) -> ContinuousCaptioning:
    return ContinuousCaptioning(FixedLatency(2, 0.0, answers=says), decoding, scorer)  # type: ignore[arg-type]


def test_it_is_told_from_an_engine_of_batches() -> None:
    assert isinstance(engine(Says({}), Decoding(9)), ContinuousEngine)
    assert not isinstance(Captioning(None, Decoding(9)), ContinuousEngine)  # type: ignore[arg-type]


def test_a_caption_that_goes_round_is_asked_for_anew_and_holds_up_no_other() -> None:
    says = Says({"one": [ROUND, "a cat"], "two": ["a dog"], "three": [ROUND, ROUND, ROUND]})
    made = engine(says, Decoding(9, max_repetition=0.5, retries=2, retry_temperature=0.9))
    for number, (picture, key) in enumerate(zip(PICTURES, IDS, strict=True)):
        made.submit(number, made.prepare(picture, b""), key)
    assert [(one.number, one.found[:2]) for one in made.collect(0.0)] == [(1, ("a dog", "stop"))]  # type: ignore[index]
    assert [(one.number, one.found[:2]) for one in made.collect(0.0)] == [(0, ("a cat", "stop"))]  # type: ignore[index]
    (last,) = made.collect(0.0)
    assert isinstance(last.found, Generated)
    assert (last.number, last.found.finish_reason, last.found.candidates) == (2, "repetition", (ROUND,) * 3)
    assert made.retried == 3
    assert [(one.key, one.decoding.temperature) for one in says.asked[3:]] == [
        ("three\x00again 0", 0.9), ("one\x00again 0", 0.9), ("three\x00again 1", 0.9),
    ]  # fmt: skip


class Lengths:
    """Scores a caption by its words; notes the widths of the pictures it is shown."""

    widths: tuple[int, ...] = ()

    def __call__(self, captions: list[str], keys: list[str], images: Sequence[Image.Image]) -> list[float | None]:
        self.widths += tuple(image.width for image in images)
        return [float(len(text.split())) for text in captions]


def test_the_best_scored_candidate_is_kept_and_capacity_counts_samples() -> None:
    says, scorer = Says({"one": ["a", "a b c", "a b"]}), Lengths()
    made = engine(says, Decoding(9, 1.0, candidates=3), scorer)
    (found,) = captions_of(made, PICTURES[:1], ["one"])
    assert (found.text, found.candidates, found.scores) == ("a b c", ("a", "a b c", "a b"), (1.0, 3.0, 2.0))
    assert [one.key for one in says.asked] == ["one", "one\x001", "one\x002"]
    assert scorer.widths == (8, 8, 8)
    assert made.capacity == 1  # of 2 requests at once, 3 a sample
    assert held_bytes(made.prepare(PICTURES[0], b"")) == 4 * 8 * 8


def test_a_prompt_of_its_own_goes_with_every_request_of_a_sample_and_its_picture_to_the_scorer() -> None:
    says, scorer = Says({"one": [ROUND, ROUND, "a cat"], "two": ["a", "b c"]}), Lengths()
    made = engine(says, Decoding(9, 1.0, candidates=2, max_repetition=0.5, retries=1), scorer)
    made.submit(0, Asked(made.prepare(PICTURES[0], b""), "What?"), "one")
    made.submit(1, made.prepare(PICTURES[1], b""), "two")
    found = {one.number: one.found for _ in range(3) for one in made.collect(0.0)}
    assert {number: one.text for number, one in found.items() if isinstance(one, Generated)} == {0: "a cat", 1: "b c"}
    prompts = sorted((one.key.partition("\x00")[0], one.prompt) for one in says.asked)
    assert prompts == [("one", "What?")] * 3 + [("two", None)] * 2
    assert sorted(scorer.widths) == [8] * 3 + [16] * 2  # 8 pixels wide: two candidates and the retry


def test_a_refused_image_is_answered_once_whatever_its_other_requests_say() -> None:
    no = ValueError("too thin")
    made = engine(Says({"one": ["a", no, "b"], "two": ["c"] * 3}), Decoding(9, 1.0, candidates=3), Lengths())
    for number, key in enumerate(IDS[:2]):
        made.submit(number, made.prepare(PICTURES[number], b""), key)
    found = {one.number: one.found for one in made.collect(0.0)}
    assert found[0] is no
    assert isinstance(found[1], Generated)
    assert not made.collect(0.0)


def test_an_engine_that_takes_nothing_gives_up() -> None:
    """Three images refused and none captioned; one that has captioned something is never given up."""
    refused: list[str | ValueError] = [ValueError("no such tensor")] * 3
    broken = ContinuousCircuitBreaker(engine(Says({"one": [*refused]}), Decoding(9)), 3)
    for number in range(3):
        broken.submit(number, PICTURES[0], "one")
    with pytest.raises(FatalError, match=r"none of the first 3 images .*ValueError: no such tensor"):
        broken.collect(0.0)
    sound = ContinuousCircuitBreaker(engine(Says({"one": ["a", *refused]}), Decoding(9)), 3)
    for number in range(4):
        sound.submit(number, PICTURES[0], "one")
    assert sorted(one.number for one in sound.collect(0.0)) == [0, 1, 2, 3]
