"""Windows are cut by the memory that their pictures take."""

import pyarrow as pa
import pytest
from captioned_shards import png
from PIL import Image

from cim.captions.job import AnySize
from cim.captions.windows import picture_of, windows
from cim.engines.prepared import PIXEL_BYTES
from cim.engines.spec import as_it_is
from cim.readers.base import Item


def test_a_pixel_takes_what_is_counted_for_it() -> None:
    """Pillow hands out its own memory as an Arrow array, without a copy."""
    assert pa.array(Image.new("RGB", (30, 10))).nbytes == 30 * 10 * PIXEL_BYTES


# Pictures of 10 x 10: 400 bytes each.
@pytest.mark.parametrize(
    ("held", "sizes"),
    [
        (1200, [3, 3, 1]),
        (1201, [4, 3]),  # the last one may go over: a window ends with the picture that fills it
        (1, [1] * 7),
        (10_000, [5, 2]),  # by number
    ],
)
def test_a_window_ends_with_the_picture_that_fills_it(held: int, sizes: list[int]) -> None:
    items = (Item(f"{at}", png(at, (10, 10)), "png") for at in range(7))
    found = [picture_of(at, item, AnySize(), as_it_is) for at, item in enumerate(items)]
    assert [len(one.pictures) for one in windows(found, 5, held)] == sizes
