"""Whose shard it is when its holder has children."""

import multiprocessing
import os
import signal
import socket
import time
from multiprocessing.connection import Connection
from pathlib import Path

from cim.lock import file_lock, holder

FORK = multiprocessing.get_context("fork")


def hold_and_fork(path: Path, say: Connection) -> None:
    with file_lock(path) as mine:
        assert mine
        child = FORK.Process(target=time.sleep, args=(60,))
        child.start()
        say.send(child.pid)
        time.sleep(60)


def test_a_killed_holder_s_children_keep_nothing_and_a_living_one_s_take_nothing(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    hear, say = FORK.Pipe()
    holder = FORK.Process(target=hold_and_fork, args=(path, say))
    holder.start()
    orphan = hear.recv()
    try:
        with file_lock(path) as mine:
            assert not mine  # the child let go of its handle, not of its parent's lock
        holder.kill()
        holder.join()
        os.kill(orphan, 0)  # alive
        with file_lock(path) as mine:
            assert mine
    finally:
        os.kill(orphan, signal.SIGKILL)


def test_a_lock_names_its_holder(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    assert holder(path) == ""
    path.write_text("a much longer name of one that was killed, process 123456789")
    with file_lock(path):
        assert holder(path) == f"{socket.gethostname()}, process {os.getpid()}"
    assert holder(path) == ""
