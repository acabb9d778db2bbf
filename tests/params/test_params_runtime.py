"""What of the execution contradicts itself."""

import pytest
from pydantic import ValidationError

from cim.params import Runtime


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"prefetch_in": "processes", "prefetch": 0}, "prefetch_in processes with prefetch 0"),
        ({"prefetch_in": "processes", "task_runner": "dask"}, "its workers may start none"),
        ({"prefetch_in": "fibres"}, "'threads' or 'processes'"),
    ],
)
def test_what_can_prepare_nothing_is_refused(values: dict[str, object], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        Runtime(**values)  # type: ignore[arg-type]


def test_both_places_are_taken_threads_unless_asked() -> None:
    assert Runtime().prefetch_in == "threads"
    assert Runtime(prefetch_in="processes", task_runner="ray").prefetch == 1
