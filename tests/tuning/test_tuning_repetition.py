import pytest

from cim.tuning.repetition import RepetitionShare, repeated_share


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a red star", 0.0),  # fewer than four words
        ("a red star above a blue star", 0.0),  # four 4-grams, all different
        ("red red red red red", 0.5),  # two 4-grams, the second repeats the first
        ("a b c d a b c d", 0.2),  # five: abcd bcda cdab dabc abcd
        ("A red star. A red star. A red star.", 0.5),  # six 4-grams, three different; case and stops are nothing
    ],
)
def test_repeated_share(text: str, expected: float) -> None:
    assert repeated_share(text) == pytest.approx(expected)


def test_it_is_logged_and_pays_nothing() -> None:
    logged = {}
    said = ["red red red red red", [{"role": "assistant", "content": "a red star"}]]
    assert RepetitionShare()(said, log_metric=logged.__setitem__) == [None, None]
    assert logged == {"repetition_share": 0.25}  # (0.5 + 0) / 2
    assert RepetitionShare()(said) == [None, None]
