"""Streams whose reader leaves in the middle."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

import pytest

from cim.streams import Unread


@pytest.fixture
def broken() -> Iterator[TextIO]:
    """A pipe that nobody reads any more."""
    reading, writing = os.pipe()
    with os.fdopen(writing, "w") as stream:
        os.close(reading)
        yield stream
        os.dup2(os.open(os.devnull, os.O_WRONLY), writing)  # closing writes what is left


def test_a_pipe_without_a_reader_is_an_error(broken: TextIO) -> None:
    broken.write("a")
    with pytest.raises(BrokenPipeError):
        broken.flush()


@pytest.mark.parametrize("size", [1, 100_000])  # in the buffer until it is flushed; more than the buffer holds
def test_unread_it_is_silent(broken: TextIO, size: int) -> None:
    stream = Unread(broken)
    for _ in range(2):
        assert stream.write("a" * size) == size
        stream.flush()
    os.write(broken.fileno(), b"a")  # as a child would
    assert (stream.encoding, stream.fileno()) == (broken.encoding, broken.fileno())


BARS = """
from concurrent.futures import ThreadPoolExecutor
from tqdm import tqdm
from cim.command import plain_exit

def work(number):
    for _ in tqdm(range(3), mininterval=0, file=FILE):
        pass
    return number

with plain_exit("x"), tqdm(total=3, mininterval=0, file=FILE) as bar, ThreadPoolExecutor(2) as pool:
    for number in pool.map(work, range(3)):
        bar.update()
        print(number)
"""


def ended(root: Path, code: str) -> subprocess.CompletedProcess[str]:
    """With a stderr that nobody reads. A bar that keeps its lock would wait for ever."""
    reading, writing = os.pipe()
    os.close(reading)
    command = ["timeout", "-s", "KILL", "600", sys.executable, "-c", code]
    done = subprocess.run(command, cwd=root, stdout=subprocess.PIPE, stderr=writing, text=True)
    os.close(writing)
    return done


def test_bars_of_several_threads_go_on_without_a_reader(root: Path) -> None:
    done = ended(root, BARS.replace("FILE", "None"))
    assert (done.returncode, done.stdout) == (0, "0\n1\n2\n")


def test_bars_on_the_stream_itself_do_not(root: Path) -> None:
    """The violation: what the test above would find if commands did not mind."""
    done = ended(root, BARS.replace("FILE", "__import__('sys').__stderr__"))
    assert (done.returncode == 0, done.stdout) == (False, "")
