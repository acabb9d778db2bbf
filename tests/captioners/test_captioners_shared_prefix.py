"""Captions in one row with the prefix that they share: what each token sees and where it stands."""

from cim.captioners.shared_prefix import pack


def test_what_a_token_sees_and_where_it_stands() -> None:
    packed = pack([[7, 8], [7]], [[[1, 2, 9], [3, 9]], [[4, 9]]], fill=0)
    assert packed.input_ids.tolist() == [[7, 8, 1, 2, 3], [7, 4, 0, 0, 0]]
    assert packed.position_ids.tolist() == [[0, 1, 2, 3, 2], [0, 1, 0, 0, 0]]
    assert packed.attention_mask[0, 0].int().tolist() == [
        [1, 0, 0, 0, 0],
        [1, 1, 0, 0, 0],
        [1, 1, 1, 0, 0],
        [1, 1, 1, 1, 0],
        [1, 1, 0, 0, 1],  # the second caption sees the prefix and itself
    ]
    # Each caption: the prefix's last token predicts its first, its last the end.
    assert packed.places.T.tolist() == [[0, 1], [0, 2], [0, 3], [0, 1], [0, 4], [1, 0], [1, 1]]
    assert packed.targets.tolist() == [1, 2, 9, 3, 9, 4, 9]


def test_a_caption_that_was_cut_or_is_empty() -> None:
    packed = pack([[7, 8]], [[[1, 2, 3], [], [4]]], fill=0)
    assert packed.input_ids.tolist() == [[7, 8, 1, 2]]  # no caption's last token is read
    assert packed.places.T.tolist() == [[0, 1], [0, 2], [0, 3], [0, 1]]
    assert packed.targets.tolist() == [1, 2, 3, 4]
