"""How commands end, in this process and at the end of a pipe."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from cim.command import check_writable, is_broken_pipe, plain_exit
from cim.errors import CimError


def test_what_a_user_can_mend_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="1"), plain_exit("step"):
        raise CimError("no images", "some", "put some in")
    assert capsys.readouterr().err == "step: found no images; expected some. Remedy: put some in\n"


def test_a_fault_of_the_code_is_not_hidden() -> None:
    with pytest.raises(ZeroDivisionError), plain_exit("step"):
        raise ZeroDivisionError
    with pytest.raises(BrokenPipeError), plain_exit("step"):
        raise BrokenPipeError  # not that of stdout, which is read


def test_ctrl_c_is_no_fault(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="130"), plain_exit("step"):
        raise KeyboardInterrupt
    assert capsys.readouterr().err == ""


def test_a_command_ends_without_a_search_for_objects_that_nobody_holds() -> None:
    """Two objects that hold each other go only by such a search, and these would say so."""
    made = (
        "class Held:\n"
        "    def __del__(self): print('searched', flush=True)\n"
        "one, other = Held(), Held()\n"
        "one.held, other.held = other, one\n"
    )
    command = "from cim.command import plain_exit\nwith plain_exit('step'): pass\n"
    said = [subprocess.check_output([sys.executable, "-c", text], text=True) for text in (made, command + made)]
    assert said == ["searched\nsearched\n", ""]


def test_a_reader_that_leaves() -> None:
    reading, writing = os.pipe()
    assert not is_broken_pipe(writing)
    os.close(reading)
    assert is_broken_pipe(writing)
    os.close(writing)


@pytest.mark.parametrize("lines", [1, 100_000])  # one line stays in Python's buffer until the end
def test_head_ends_it_in_silence(root: Path, lines: int) -> None:
    code = f"from cim.command import plain_exit\nwith plain_exit('x'):\n for i in range({lines}): print('caption', i)"
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run([sys.executable, "-c", code], cwd=root, stdout=writing, stderr=subprocess.PIPE, text=True)
    os.close(writing)
    assert (done.returncode, done.stderr) == (141, "")


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1252"])
def test_a_terminal_that_lacks_a_character(root: Path, encoding: str) -> None:
    code = "from cim.command import plain_exit\nwith plain_exit('x'): print('a \\u732b')"
    environment = os.environ | {"PYTHONIOENCODING": encoding}
    done = subprocess.run([sys.executable, "-c", code], cwd=root, env=environment, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "a \\u732b\n")


@pytest.mark.parametrize("place", [".", "file/page.html", "/proc/nobody/page.html"])
def test_a_place_for_no_file_is_refused(tmp_path: Path, place: str) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(CimError, match=r"--html .* can't be written"):
        check_writable("--html", tmp_path / place)


def test_a_place_for_a_file(tmp_path: Path) -> None:
    check_writable("--html", tmp_path / "new/page.html")
    assert list((tmp_path / "new").iterdir()) == []
