"""Ctrl-C and SIGTERM: real processes end at once, with all that they started, and DVC can go on."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import psutil
import pytest

from benchmarks.common.project import clean_environment
from flows import interrupt
from flows.interrupt import MESSAGE, interruptible

STEP = Path(__file__).with_name("slow_step.py")
STAGES = f"""
stages:
  slow:
    cmd: {sys.executable} {STEP}
    deps: [params.yaml]
    outs: [made]
"""


@pytest.fixture
def here(root: Path, tmp_path: Path) -> Path:
    (tmp_path / "params.yaml").write_bytes((root / "params.yaml").read_bytes())
    return tmp_path


def heed() -> None:
    """Tests that run in the background ignore Ctrl-C, and what they start would, too."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def begun(command: list[str], here: Path, environment: dict[str, str]) -> tuple[subprocess.Popen[str], list[int]]:
    """`command` in a process group of its own once its slow task waits, and all processes below it."""
    process = subprocess.Popen(
        command,
        cwd=here,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
        preexec_fn=heed,
    )
    while not (here / "begun").exists():
        assert process.poll() is None, process.communicate()[0]
        time.sleep(0.02)
    return process, [one.pid for one in psutil.Process(process.pid).children(recursive=True)]


def ended(process: "subprocess.Popen[str]") -> str:
    """What it said. Killed with all its group where it does not end: that fails the test, and leaves nothing."""
    try:
        return process.communicate(timeout=30)[0]
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        raise


def alive(pids: list[int]) -> list[list[str]]:
    """Command lines of those that run still; one that ends while it is looked at does not."""
    return [one.info["cmdline"] for one in psutil.process_iter(["cmdline"]) if one.pid in pids and one.info["cmdline"]]


@pytest.mark.slow
@pytest.mark.parametrize("send", [os.kill, os.killpg])
def test_sigterm_ends_a_flow_and_its_children(send: Any, root: Path, here: Path, prefect_server: str) -> None:
    """Sent to the process alone or to all, as schedulers do. Prefect's own handler of it is not asked."""
    process, below = begun(
        [sys.executable, str(STEP)], here, clean_environment(root) | {"PREFECT_API_URL": prefect_server}
    )
    assert len(below) == 1
    send(process.pid, signal.SIGTERM)
    said = ended(process)
    assert process.returncode == 128 + signal.SIGTERM
    assert said.endswith(f"\n{MESSAGE}\n")
    assert said.count(MESSAGE) == 1  # the forked child has none of it
    assert "Traceback" not in said
    assert alive(below) == []


JUST_FORKED = """
import os, signal
os.register_at_fork(after_in_child=lambda: os.kill(os.getpid(), signal.{name}))  # before ours, which restores handlers
from flows.interrupt import interruptible

def ended_by():
    child = os.fork()
    if not child:
        os._exit(0)
    return os.WTERMSIG(os.waitpid(child, 0)[1])

print(interruptible(ended_by))
"""


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
def test_a_child_that_is_signalled_as_it_is_forked_says_nothing(name: str, root: Path) -> None:
    found = subprocess.run(
        [sys.executable, "-c", JUST_FORKED.format(name=name)],
        cwd=root,
        env=clean_environment(root),
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
        preexec_fn=heed,
    )
    assert (found.stdout, found.stderr) == (f"{signal.Signals[name].value}\n", "")


@pytest.mark.slow
def test_ctrl_c_ends_the_pipeline_its_server_and_stages(root: Path, here: Path) -> None:
    """To the whole group, as a terminal sends it: Prefect's temporary server dies of it as well."""
    environment = clean_environment(root) | {"DVC_SITE_CACHE_DIR": str(here / "site")}
    subprocess.run([sys.executable, "-m", "dvc", "init", "--no-scm", "-q"], cwd=here, env=environment, check=True)
    (here / "dvc.yaml").write_text(STAGES)
    process, below = begun([sys.executable, "-m", "flows.pipeline"], here, environment)
    assert len(below) >= 4  # the server, dvc, the step, its child; a shell where that stays
    os.killpg(process.pid, signal.SIGINT)
    said = ended(process)
    assert process.returncode == 128 + signal.SIGINT
    assert said.endswith(f"\n{MESSAGE}\n")
    assert "Traceback" not in said
    assert alive(below) == []
    assert not any(json.loads((here / ".dvc/tmp/rwlock").read_text()).values())


class TestWork:
    def test_its_result_and_its_error_come_back(self) -> None:
        assert interruptible(lambda: 3) == 3
        with pytest.raises(ZeroDivisionError):
            interruptible(lambda: 1 // 0)

    @pytest.mark.usefixtures("heeded")
    def test_signals_are_heeded_during_it_only(self) -> None:
        before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
        during = interruptible(lambda: [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)])
        assert during[0] is during[1] is not before[1]
        assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before

    @pytest.mark.usefixtures("heeded")
    def test_a_signal_that_another_thread_is_given_is_heard_while_it_works(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """As one is that a suspended job is sent: handlers run in the main thread, which is not woken by it."""
        heard = threading.Event()
        monkeypatch.setattr(interrupt, "_end", lambda *_: heard.set())

        def work() -> bool:
            time.sleep(0.3)  # by then the main thread waits
            signal.pthread_kill(threading.get_ident(), signal.SIGTERM)
            return heard.wait(20)

        assert interruptible(work)

    def test_an_ignored_signal_stays_ignored(self) -> None:
        before = signal.signal(signal.SIGINT, signal.SIG_IGN)
        try:
            assert interruptible(lambda: signal.getsignal(signal.SIGINT)) == signal.SIG_IGN
        finally:
            signal.signal(signal.SIGINT, before)

    def test_in_another_thread_it_is_just_done(self) -> None:
        found: list[int] = []
        thread = threading.Thread(target=lambda: found.append(interruptible(lambda: threading.get_ident())))
        thread.start()
        thread.join()
        assert found == [thread.ident]
