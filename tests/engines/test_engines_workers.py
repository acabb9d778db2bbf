"""Order, bound, errors and end of work done ahead by processes."""

import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from cim.engines.workers import Workers
from cim.errors import TransientError


def square(number: int) -> int:
    return number * number


def refuse_three(number: int) -> int:
    if number == 3:
        raise ValueError("no threes\nat all")
    return number


def die_at_three(number: int) -> int:
    if number == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    return number


def whose(_: int) -> int:
    return os.getpid()


@pytest.mark.parametrize("processes", [1, 2])
def test_results_come_in_order_and_items_are_taken_no_sooner_than_needed(processes: int) -> None:
    taken: list[int] = []

    def items() -> Iterator[int]:
        for number in range(10):
            taken.append(number)
            yield number

    with Workers(square, processes).ahead(items()) as results:
        for used, result in enumerate(results):
            assert result == used * used
            assert len(taken) <= used + processes + 1
    assert len(taken) == 10


def test_the_same_processes_serve_one_call_after_another_and_end_with_the_object() -> None:
    before = set(multiprocessing.active_children())
    workers = Workers(whose, 2)
    seen = []
    for _ in range(2):
        with workers.ahead(range(4)) as results:
            seen.append(list(results))
    assert seen[0] == seen[1]
    assert len(set(seen[0])) == 2
    assert os.getpid() not in seen[0]
    del workers
    assert set(multiprocessing.active_children()) <= before


def test_a_call_within_another_is_done_here_and_disturbs_nothing() -> None:
    workers = Workers(whose, 2)
    with workers.ahead(range(6)) as outer:
        first = next(outer)
        with workers.ahead(range(2)) as inner:
            assert list(inner) == [os.getpid()] * 2
        assert len([first, *outer]) == 6
    assert first != os.getpid()


def test_a_refusal_is_raised_in_its_place_with_its_text_and_the_next_call_is_not_the_worse_for_it() -> None:
    workers = Workers(refuse_three, 2)
    with workers.ahead(range(9)) as results:
        assert [next(results) for _ in range(3)] == [0, 1, 2]
        with pytest.raises(ValueError, match=r"^no threes\nat all$"):
            next(results)
    with workers.ahead([5, 6, 7]) as results:  # what was under way, 4, is not among them
        assert list(results) == [5, 6, 7]


@pytest.mark.parametrize("where", ["in the main thread", "in another"])  # torch sets its signal handler in the main one
def test_a_process_that_dies_is_an_error_that_a_retry_may_mend_and_the_next_call_has_new_ones(where: str) -> None:
    found: list[str] = []

    def run() -> None:
        workers = Workers(die_at_three, 2)
        with (
            pytest.raises(TransientError, match=r"died .*DataLoader worker.*runtime.prefetch_in"),
            workers.ahead(range(9)) as all,
        ):
            list(all)
        with workers.ahead([5, 6]) as results:
            found.extend(map(str, results))

    if where == "in another":
        thread = threading.Thread(target=run)
        thread.start()
        thread.join()
    else:
        run()
    assert found == ["5", "6"]


def test_one_killed_while_its_result_is_used_is_the_same_error() -> None:
    """Not within next(): by torch's signal handler, wherever the main thread is."""

    def kill_one_at_work() -> None:
        with Workers(whose, 1).ahead(range(9)) as results:
            os.kill(next(results), signal.SIGKILL)
            time.sleep(30)

    with pytest.raises(TransientError, match="a process that prepares images died"):
        kill_one_at_work()


def test_another_error_of_the_one_who_uses_them_is_left_alone() -> None:
    with pytest.raises(RuntimeError, match=r"^out of memory$"), Workers(square, 1).ahead([1]) as results:
        raise RuntimeError("out of memory" if next(results) else "")


@pytest.mark.slow
@pytest.mark.usefixtures("heeded")
def test_ctrl_c_ends_all_of_them_and_only_the_parent_says_so(tmp_path: Path) -> None:
    """SIGINT to the group, as a terminal sends it, while processes work and the parent waits."""
    script = tmp_path / "waits.py"
    script.write_text(
        "import os, time\n"
        "from cim.engines.workers import Workers\n"
        "def work(seconds): os.write(1, f'{os.getpid()}\\n'.encode()); time.sleep(seconds)\n"
        "with Workers(work, 2).ahead([60, 60]) as results: list(results)\n"
    )
    command = [sys.executable, str(script)]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    parent = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment, start_new_session=True
    )
    assert parent.stdout is not None
    pids = [int(parent.stdout.readline()) for _ in range(2)]
    os.killpg(parent.pid, signal.SIGINT)
    _, said = parent.communicate(timeout=60)
    assert parent.returncode == -signal.SIGINT
    assert said.count("Traceback") == 1
    for pid in pids:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


@pytest.mark.slow
def test_what_the_parent_ends_with_its_threads_is_not_ended_by_its_processes(tmp_path: Path) -> None:
    """Prefect's services are: a process that tried exited with 1, and torch's handler of that raised in the parent."""
    script = tmp_path / "ends.py"
    script.write_text(
        "import os, threading\n"
        "from cim.engines.workers import Workers\n"
        "parent = os.getpid()\n"
        "def end():\n"
        "    print('parent' if os.getpid() == parent else 'child', flush=True)\n"
        "    assert os.getpid() == parent\n"
        "threading._register_atexit(end)\n"
        "workers = Workers(abs, 2)\n"
        "with workers.ahead([-1, -2]) as results: print(list(results), flush=True)\n"
        "started = workers._loader._iterator._workers\n"
        "del workers, results\n"
        "print([one.exitcode for one in started], flush=True)\n"
    )
    ran = subprocess.run(
        [sys.executable, str(script)],
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
        timeout=60,
    )
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "[1, 2]\n[0, 0]\nparent\n", "")
