"""Candidates, repetition and truncation, with a backend that says what the test wants."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from PIL import Image

from cim.captioners.decoding import Decoding, Generated
from cim.engines.captioning import Captioning
from cim.engines.prepared import Asked, picture_in
from cim.engines.spec import as_it_is, captions_of

ROUND = "red red red red red red"  # 4 3-grams, 3 of them again: 0.75
PICTURES = [Image.new("RGB", (8 * n, 8)) for n in range(1, 4)]
IDS = ["one", "two", "three"]
GUARDED = Decoding(9, max_repetition=0.5, retries=2, retry_temperature=0.9)


@dataclass
class Says:
    """EngineResults by (id, how often that id was asked before); notes what it was asked."""

    answers: dict[str, list[Generated]]
    asked: list[tuple[list[list[str]], Decoding, list[int]]] = field(default_factory=list)
    size: int = 9
    prepare = staticmethod(as_it_is)

    def plan(self, sizes: Sequence[tuple[int, int]]) -> list[list[int]]:
        rows = list(range(len(sizes)))
        return [rows[start : start + self.size] for start in range(0, len(rows), self.size)]

    def __call__(self, batches: Iterable[tuple[Any, Any]], decoding: Decoding) -> Iterator[list[list[Generated]]]:
        for images, keys in batches:
            self.asked.append(([list(of) for of in keys], decoding, [picture_in(image).width for image in images]))
            yield [[self.answers[key.split("\x00")[0]].pop(0) for key in of] for of in keys]


def said(text: str, reason: str = "stop") -> Generated:
    return Generated(text, reason, len(text.split()), 20)


def test_a_caption_that_goes_round_is_sampled_anew_alone() -> None:
    backend = Says({"one": [said("a cat")], "two": [said(ROUND), said("a dog")], "three": [said("a bird")]})
    found = captions_of(Captioning(backend, GUARDED), PICTURES, IDS)
    assert [one.text for one in found] == ["a cat", "a dog", "a bird"]
    assert [one.finish_reason for one in found] == ["stop"] * 3
    assert found[1].candidates == (ROUND, "a dog")
    assert found[1].scores == (None, None)
    assert found[0].candidates == ()
    keys, decoding, widths = backend.asked[1]
    assert (keys, widths) == ([["two\x00again 0"]], [16])  # a draw of its own, of its own picture
    assert (decoding.temperature, GUARDED.temperature) == (0.9, 0.0)
    assert len(backend.asked) == 2


def test_a_batch_is_yielded_when_its_retries_are_over_and_the_next_is_not_begun() -> None:
    backend = Says({"one": [said(ROUND), said("a cat")], "two": [said("a dog")], "three": [said("a bird")]}, size=1)
    engine = Captioning(backend, GUARDED)
    assert engine.plan([picture.size for picture in PICTURES]) == [[0], [1], [2]]
    found = engine([([picture], [key]) for picture, key in zip(PICTURES, IDS, strict=True)])
    assert [one.text for one in next(found)] == ["a cat"]
    assert [keys for keys, _, _ in backend.asked] == [[["one"]], [["one\x00again 0"]]]
    assert [one.text for one in next(found)] == ["a dog"]
    assert [one.text for one in next(found)] == ["a bird"]
    assert list(found) == []


def test_after_two_retries_the_least_repetitive_is_kept_and_marked() -> None:
    # 0.75, then 5 3-grams of which 3 repeat (0.6), then 0.75
    less = "blue red red red red red red"
    backend = Says({"one": [said(ROUND), said(less), said(ROUND)]})
    (found,) = captions_of(Captioning(backend, GUARDED), PICTURES[:1], ["one"])
    assert (found.text, found.finish_reason) == (less, "repetition")
    assert found.candidates == (ROUND, less, ROUND)
    assert [keys for keys, _, _ in backend.asked] == [[["one"]], [["one\x00again 0"]], [["one\x00again 1"]]]


def test_by_default_nothing_is_retried() -> None:
    (found,) = captions_of(Captioning(Says({"one": [said(ROUND)]}), Decoding(9)), PICTURES[:1], ["one"])
    assert (found.text, found.finish_reason) == (ROUND, "stop")


def test_a_truncated_caption_ends_at_a_sentence_and_says_so() -> None:
    backend = Says({"one": [said("A cat. It sits on a", "length")], "two": [said("A cat. It sits on a")]})
    first, second = captions_of(Captioning(backend, Decoding(9)), PICTURES[:2], IDS[:2])
    assert (first.text, first.finish_reason, first.cut, first.tokens) == ("A cat.", "length", True, 6)
    assert (second.text, second.finish_reason, second.cut) == ("A cat. It sits on a", "stop", False)


class Lengths:
    """Scores a caption by its words; None for one that starts with "odd"."""

    def __init__(self) -> None:
        self.calls: list[tuple[list[str], list[str], list[int]]] = []

    def __call__(self, captions: list[str], keys: list[str], images: list[Image.Image]) -> list[float | None]:
        self.calls.append((captions, keys, [image.width for image in images]))
        return [None if text.startswith("odd") else float(len(text.split())) for text in captions]


def test_the_best_scored_candidate_is_kept_with_all_others() -> None:
    backend = Says(
        {
            "one": [said("a cat"), said("a black cat"), said("odd black cat that sits")],
            "two": [said("a dog. A bl", "length"), said("odd"), said("a big dog")],
        }
    )
    scorer = Lengths()
    found = captions_of(Captioning(backend, Decoding(9, 1.0, candidates=3), scorer), PICTURES[:2], IDS[:2])
    assert [one.text for one in found] == ["a black cat", "a big dog"]
    assert found[0].candidates == ("a cat", "a black cat", "odd black cat that sits")
    assert found[0].scores == (2.0, 3.0, None)
    assert found[1].candidates == ("a dog.", "odd", "a big dog")  # scored as it would be delivered
    assert found[1].scores == (2.0, None, 3.0)
    assert backend.asked[0][0] == [["one", "one\x001", "one\x002"], ["two", "two\x001", "two\x002"]]
    assert scorer.calls[0][1:] == (["one"] * 3 + ["two"] * 3, [8] * 3 + [16] * 3)
    assert len(scorer.calls) == 1


def test_a_repeating_candidate_never_wins_and_none_scorable_keeps_the_first() -> None:
    backend = Says({"one": [said(ROUND), said("a cat")], "two": [said("odd one"), said("odd two")]})
    decoding = Decoding(9, 1.0, candidates=2, max_repetition=0.5, retries=2)
    first, second = captions_of(Captioning(backend, decoding, Lengths()), PICTURES[:2], IDS[:2])
    assert (first.text, first.scores) == ("a cat", (6.0, 2.0))
    assert (second.text, second.scores) == ("odd one", (None, None))
    assert len(backend.asked) == 1  # one sound candidate is enough


def test_with_a_scorer_a_single_caption_is_scored() -> None:
    (found,) = captions_of(Captioning(Says({"one": [said("a cat")]}), Decoding(9), Lengths()), PICTURES[:1], ["one"])
    assert (found.candidates, found.scores) == (("a cat",), (2.0,))


def test_pictures_that_come_with_a_prompt_of_their_own_are_scored_and_tried_again() -> None:
    backend, scorer = Says({"one": [said(ROUND), said("a cat")]}), Lengths()
    engine = Captioning(backend, GUARDED, scorer)
    ((found,),) = engine([([Asked(PICTURES[0], "What?")], ["one"])])
    assert (found.text, found.scores) == ("a cat", (6.0, 2.0))
    assert scorer.calls[0][2] == [8, 8]
