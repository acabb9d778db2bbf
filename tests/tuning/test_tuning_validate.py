import numpy as np

from cim.tuning.validate import own_ranks


def test_ranks_by_hand_with_a_tie_counted_against_the_caption() -> None:
    images = np.eye(3, dtype=np.float32)
    queries = np.array([[1, 0, 0], [0.6, 0.6, 0], [0.9, 0.3, 0.1]], dtype=np.float32)
    # 0: own image first. 1: own ties with image 0, so second. 2: images 0 and 1 are nearer, so third.
    assert own_ranks(queries, images).tolist() == [1, 2, 3]


def test_a_caption_without_a_vector_ranks_last() -> None:
    images = np.eye(3, dtype=np.float32)
    queries = np.array([[np.nan] * 3, [0, 1, 0], [0, 0, 1]], dtype=np.float32)
    assert own_ranks(queries, images).tolist() == [3, 1, 1]
