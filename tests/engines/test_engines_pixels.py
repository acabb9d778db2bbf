"""The cap on pixels."""

from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from cim.engines.pixels import shrink


@given(st.integers(1, 300), st.integers(1, 300), st.integers(1, 5000))
def test_never_more_never_larger_about_the_same_shape(width: int, height: int, most: int) -> None:
    image = Image.new("L", (width, height))
    small = shrink(image, most)
    assert small.width * small.height <= most
    assert small.width <= width
    assert small.height <= height
    if width * height <= most:
        assert small is image
    elif min(small.size) > 10:  # rounding by less than a tenth
        assert 0.8 < (small.width / small.height) / (width / height) < 1.25
