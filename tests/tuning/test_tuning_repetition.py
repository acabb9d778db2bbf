from cim.tuning.repetition import RepetitionShare


def test_it_is_logged_and_pays_nothing() -> None:
    logged = {}
    said = ["red red red red red", [{"role": "assistant", "content": "a red star"}]]
    assert RepetitionShare()(said, log_metric=logged.__setitem__) == [None, None]
    assert logged == {"repetition_share": 0.25}  # (0.5 + 0) / 2
    assert RepetitionShare()(said) == [None, None]
