"""Items by the batch."""

from cim.batches import batched


def test_batches_are_whole_but_for_the_last() -> None:
    assert list(batched("abcde", 2)) == [("a", "b"), ("c", "d"), ("e",)]
    assert list(batched([], 2)) == []


def test_no_item_is_taken_before_it_is_asked_for() -> None:
    left = iter(range(5))
    made = batched(left, 2)
    assert next(made) == (0, 1)
    assert next(left) == 2
