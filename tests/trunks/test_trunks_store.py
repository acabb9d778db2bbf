import os
from pathlib import Path

import pytest

from cim.trunks.store import OutputStore

A, B, C = (bytes([one]) * 16 for one in range(3))


@pytest.fixture
def store(tmp_path: Path) -> OutputStore:
    return OutputStore(tmp_path / "outputs", 4)


def another(store: OutputStore) -> OutputStore:
    return OutputStore(store.folder, 4)


def test_others_see_what_one_wrote(store: OutputStore) -> None:
    reader = another(store)
    assert reader.get([A]) == {}
    store.put({A: b"aaaa"})
    assert reader.get([A, B, A]) == {A: b"aaaa"}
    writer = another(store)
    writer.put({B: b"bbbb"})
    assert reader.get([A, B]) == store.get([A, B]) == {A: b"aaaa", B: b"bbbb"}
    assert len(list(store.folder.iterdir())) == 2


@pytest.mark.parametrize("cut", [1, 12, 27])
def test_a_record_cut_short_is_left_out(store: OutputStore, cut: int) -> None:
    store.put({A: b"aaaa", B: b"bbbb"})
    (file,) = store.folder.iterdir()
    os.truncate(file, 2 * 28 - cut)  # a record is 16 + 8 + 4 bytes
    assert another(store).get([A, B]) == {A: b"aaaa"}


def test_a_record_that_changed_is_absent_and_can_be_put_again(store: OutputStore) -> None:
    store.put({A: b"aaaa", B: b"bbbb"})
    (file,) = store.folder.iterdir()
    content = bytearray(file.read_bytes())
    content[27] ^= 1  # the last byte of the first payload
    file.write_bytes(content)
    reader = another(store)
    assert reader.get([A, B]) == {B: b"bbbb"}
    reader.put({A: b"aaaa"})
    assert reader.get([A]) == {A: b"aaaa"}


def test_what_memory_does_not_hold_is_read(store: OutputStore) -> None:
    small = OutputStore(store.folder, 4, in_memory=4)  # one payload
    small.put({A: b"aaaa", B: b"bbbb", C: b"cccc"})
    assert small.get([A, B, C]) == {A: b"aaaa", B: b"bbbb", C: b"cccc"}


def test_a_forked_child_has_a_file_of_its_own(store: OutputStore) -> None:
    store.put({A: b"aaaa"})
    if (child := os.fork()) == 0:
        store.put({B: b"bbbb"})
        os._exit(0)
    os.waitpid(child, 0)
    assert len(list(store.folder.iterdir())) == 2
    assert store.get([A, B]) == {A: b"aaaa", B: b"bbbb"}
