"""Order, bound and errors of work done ahead."""

import threading

import pytest

from cim.prefetch import prefetch


@pytest.mark.parametrize(("threads", "waiting"), [(0, 0), (1, 0), (3, 0), (3, 2), (2, 7)])
def test_results_come_in_order_and_items_are_taken_no_sooner_than_needed(threads: int, waiting: int) -> None:
    taken: list[int] = []

    def items():  # type: ignore[no-untyped-def]
        for number in range(10):
            taken.append(number)
            yield number

    for used, result in enumerate(prefetch(lambda number: number * number, items(), threads, waiting)):
        assert result == used * used
        assert len(taken) <= used + max(threads + 1, waiting)


def test_an_error_is_raised_in_its_place_and_ends_the_threads() -> None:
    before = threading.active_count()
    results = prefetch(lambda number: 6 // (2 - number), range(5), 2)
    assert [next(results), next(results)] == [3, 6]
    with pytest.raises(ZeroDivisionError):
        next(results)
    assert threading.active_count() == before
