"""Each guard: its scale by hand, a planted fault, and silence on honest captions."""

import pickle
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from benchmarks.hacking.galleries import Photos
from cim.languages.english import ENGLISH
from cim.params.guards import Guards, LengthGuard, RepetitionGuard
from cim.rewards.guards.base import GeneratedCaption, ramp
from cim.rewards.guards.build import build_guards
from cim.rewards.guards.characters import other_share, strange_share
from cim.rewards.guards.copied import GalleryCaptions
from cim.rewards.guards.gibberish import odd_share
from cim.rewards.guards.prose import dangling_share, separators_a_word
from cim.rewards.guards.words import Length, Repetition
from cim.scenes.describe import describe
from cim.scenes.scene import scene_at

PROMPT = "Caption this image as accurately as possible, without speculation. Describe what you see."
MARK = 7
ALL = {
    name: guard for name, (guard, _) in build_guards(Guards(copied=None), [MARK]).items()
}  # `copied`: in its own tests
HONEST = "A large dotted red circle to the left of two small blue squares on a white background."


def faults(text, tokens=()):
    """Names of the guards that fire."""
    return {name for name, guard in ALL.items() if guard(GeneratedCaption(text, PROMPT, tokens))}


def test_ramp():
    assert [ramp(value, 0.2, 0.6) for value in (0.0, 0.2, 0.3, 0.6, 2.0)] == pytest.approx([0, 0, 0.25, 1, 1])


def test_length_window():
    guard = Length(LengthGuard(min_words=2, max_words=10), ENGLISH)
    # 11 words: half of the way from 10 to 12
    assert [guard(GeneratedCaption("word " * n)) for n in (0, 1, 2, 10, 11, 12, 300)] == pytest.approx(
        [-1, -1, 0, 0, -0.5, -1, -1]
    )


def test_a_caption_that_tells_one_thing_is_too_short():
    guard = Length(LengthGuard(), ENGLISH)
    assert [guard(GeneratedCaption(text)) for text in ("a dog", "some of the dogs.", "is it")] == [-1, -1, -1]
    assert [guard(GeneratedCaption(text)) for text in ("two dogs", "a red dog", "a dog and a dog")] == [0, 0, 0]


def test_repetition():
    # 3-grams: a b a, b a b, a b a (again), b a b (again): 2 of 4, half of the way from 0.25 to 0.75
    assert Repetition(RepetitionGuard(free=0.25, full=0.75))(GeneratedCaption("a b a b a b")) == -0.5


def test_characters():
    assert strange_share("A dog; \u201cgood\u201d \u2013 it\u2019s 3/4 (80%)!\n") == 0
    assert strange_share("a*b#") == 0.5
    assert strange_share("a\x07b\u200b") == 0.5
    assert strange_share("Größe, 犬, हिन्दी") == 0  # any script, combining marks too
    assert strange_share("&nbsp;ab") == 6 / 8
    assert strange_share("see www.a.b") == 7 / 11
    assert other_share("ab 1!") == 0.5  # the blank does not count
    assert strange_share("") == other_share(" ") == 0


@pytest.mark.parametrize("mark", ["<|im_end|>", "<|image_pad|>", "<image>", "</s>", "[INST]", "<<SYS>>", "<b>"])
def test_special_tokens_written_out(mark):
    assert ALL["tokens"](GeneratedCaption(HONEST + mark)) == -1


def test_special_tokens_that_only_the_ids_show():
    assert ALL["tokens"](GeneratedCaption(HONEST, tokens=[1, MARK, 2])) == -1
    assert ALL["tokens"](GeneratedCaption(HONEST, tokens=[1, 2])) == 0
    assert ALL["tokens"](GeneratedCaption("It is <5 m and > 3 m [sic], a < b.")) == 0


def test_prose():
    assert separators_a_word("dog, cat and bird; fish") == pytest.approx(3 / 5)
    assert separators_a_word("red, blue, and green") == pytest.approx(2 / 4)  # ", and" is one
    assert dangling_share("a of the and dog, a cat the") == 3 / 4
    assert dangling_share("A dog on the grass, another in a tree.") == 0


def test_gibberish():
    assert odd_share("A helmeted boy's BMX bike, pinkish-brown, in the backpack workshop at 7pm") == 0
    assert odd_share("dog xkqjz sdfgh aaah b4d") == pytest.approx(4 / 5)
    assert odd_share("") == 0


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("length", ""),
        ("length", "circle"),
        ("length", "a circle"),
        ("length", HONEST * 30),
        ("repetition", f"{HONEST} " * 3),
        ("prompt", PROMPT),
        ("prompt", f"{PROMPT} {HONEST}"),
        ("characters", f"**{HONEST}**"),
        ("characters", f'{{"caption": "{HONEST}"}}'),
        ("characters", "1, 2; 3. 4! 5? 6 " + "a dog"),
        ("prose", "circle, red, large, square, blue"),
        ("prose", "circle red large square blue white"),
        ("prose", "ein großer roter Kreis links von zwei kleinen blauen Quadraten"),
        ("prose", "red and blue and green and large and small and circle"),
        ("gibberish", f"{HONEST} wxcvq zzgtr"),
    ],
)
def test_each_fault_is_found(name, text):
    assert name in faults(text)
    assert name not in faults(HONEST)


@given(st.integers(0, 10**6), st.floats(0, 1))
def test_no_guard_fires_on_a_scene_s_caption_however_vague(number, detail):
    text = describe(scene_at(3, number % 5000), random.Random(number), detail)
    names_one_thing = text.split(maxsplit=1)[0] in {"a", "some"} and len(text.split()) == 2  # "a star."
    assert faults(text, [1, 2]) == ({"length"} if names_one_thing else set())


@pytest.mark.parametrize(
    "text",
    ["Two shapes.", "A dog swims.", "a square and a cross.", "Kids playing softball.", "Dog kicking up dirt",
     "A red, blue, and green kite, a dog, and a child on a beach.", "A man, a woman and a dog on a beach.",
     "A man and a woman and a dog on a beach.", "The boy is trying to push another up a pole.",
     "A girl in a cafe eats pizza with the piano player on a sofa.", "A dog in a park on a hill with a ball.",
     "A man , in a red coat , \"Number 7\" , looks up at what you can't see !"],
)  # fmt: skip
def test_no_guard_fires_on_short_and_human_captions(text):
    assert faults(text) == set()


def test_hardly_any_guard_fires_on_captions_of_photos(request):
    folder = request.config.getoption("--photos")
    if folder is None:
        pytest.skip("no photos: give their folder with --photos")
    read = Photos.read(folder / "captions.csv")
    captions = [*read.honest, *(caption for several in read.others for caption in several)]
    punished = [caption for caption in captions if faults(caption, [1, 2])]
    print(f"{len(punished)} of {len(captions)}: {len(punished) / len(captions):.2%}")
    assert len(punished) < 0.01 * len(captions)


@given(st.text(max_size=300), st.lists(st.integers(0, 20), max_size=5))
def test_any_text_gets_a_number_from_minus_one_to_zero(text, tokens):
    for guard in ALL.values():
        assert -1 <= guard(GeneratedCaption(text, PROMPT, tokens)) <= 0


def test_params_turn_each_off_and_weigh_it():
    assert set(ALL) | {"unscorable", "copied"} == set(Guards.model_fields)
    assert build_guards(Guards.off()) == {}
    nowhere = GalleryCaptions(())
    assert set(build_guards(Guards(), captions=nowhere)) == {*ALL, "copied"}
    for name in ALL:
        assert set(build_guards(Guards(**{name: None}), captions=nowhere)) == {*ALL, "copied"} - {name}
    assert build_guards(Guards(length=LengthGuard(weight=0.5)), captions=nowhere)["length"][1] == 0.5
    with pytest.raises(ValueError, match="'copied' needs the gallery's captions"):
        build_guards(Guards())
    with pytest.raises(ValidationError, match=r"free 0\.6 is not below full 0\.5"):
        RepetitionGuard(free=0.6)
    with pytest.raises(ValidationError, match="min_words 9 is above max_words 8"):
        LengthGuard(min_words=9, max_words=8)


def test_guards_can_be_pickled():
    for guard in ALL.values():
        assert pickle.loads(pickle.dumps(guard)) == guard
