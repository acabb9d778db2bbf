"""The neighbours of an image by its vector: not itself, not its copies, and no more than there are."""

import numpy as np
from term_stubs import Images, gallery

# cosines with (1, 0): own 1, copy 0.9999, near 0.8, far 0.6, off 0
GALLERY = {"far": [0.6, 0.8], "own": [1, 0], "copy": [0.9999, 0.01], "off": [0, 1], "near": [0.8, 0.6]}
SEEN = Images({"own": [1, 0], "else": [0, 1]})


def test_the_nearest_without_itself_and_its_copies():
    found = gallery(GALLERY).of(["own", "else"], SEEN, 2, 0.98)
    np.testing.assert_allclose(found[0], [[0.8, 0.6], [0.6, 0.8]], atol=1e-6)
    np.testing.assert_allclose(found[1], [[0.6, 0.8], [0.8, 0.6]], atol=1e-6)  # off is its copy, by another name


def test_where_the_gallery_ends_there_are_no_more():
    found = gallery(GALLERY).of(["own"], SEEN, 4, 0.98)
    np.testing.assert_allclose(found[0, :3], [[0.8, 0.6], [0.6, 0.8], [0, 1]], atol=1e-6)
    assert np.isnan(found[0, 3]).all()
    assert gallery(GALLERY).of(["own"], SEEN, 0, 0.98).shape == (1, 0, 2)


def test_an_image_is_searched_for_once():
    alike = gallery(GALLERY)
    searches = []
    search = alike._flat.search
    alike._flat.search = lambda *asked: searches.append(len(asked[0])) or search(*asked)
    first = alike.of(["own", "own"], SEEN, 1, 0.98)
    again = alike.of(["else", "own"], SEEN, 1, 0.98)
    np.testing.assert_array_equal(first[0], again[1])
    # "own": depth 2 holds it and its copy, so 4 rows deeper; "else" alone afterwards
    assert searches == [1, 1, 1]
