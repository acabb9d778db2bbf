"""Which shards a worker takes first."""

import pytest

from cim.captions.order import in_order
from cim.errors import CimError


def test_each_begins_with_its_own_and_goes_on_from_the_others_ends() -> None:
    """7 shards for 3: 0-1, 2-3, 4-6."""
    assert in_order(range(7), 0, 3) == [0, 1, 3, 2, 6, 5, 4]
    assert in_order(range(7), 1, 3) == [2, 3, 6, 5, 4, 1, 0]
    assert in_order(range(7), 2, 3) == [4, 5, 6, 1, 0, 3, 2]
    assert in_order(range(7), 0, 1) == list(range(7))


def test_more_workers_than_shards_have_all_of_them_still() -> None:
    assert [sorted(in_order(range(2), rank, 5)) for rank in range(5)] == [[0, 1]] * 5


@pytest.mark.parametrize("rank", [-1, 3])
def test_a_rank_that_there_is_not(rank: int) -> None:
    with pytest.raises(CimError, match="of 3"):
        in_order(range(7), rank, 3)
