"""Skipped tests: counted, and on a CI that promised what they need, a failure. And what .ci/run installs."""

import os
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from skips import REQUIRE, forbidden, lacking

REASONS = [
    "Skipped: no Chromium on PATH (Debian: apt install chromium)",
    "Skipped: no Chromium on PATH (Debian: apt install chromium)",
    "Skipped: METEOR need Java",
    "Skipped: needs --photos DIR, a folder with captions.csv",
    "Skipped: a new one",
]


def test_counted_by_what_they_lack() -> None:
    assert lacking(REASONS) == {"chromium": 2, "java": 1, "Skipped: a new one": 1}


@pytest.mark.parametrize(
    ("require", "fails"),
    [
        (None, {}),
        ("", {"Skipped: a new one": 1}),
        ("chromium", {"chromium": 2, "Skipped: a new one": 1}),
        ("chromium, java", {"chromium": 2, "java": 1, "Skipped: a new one": 1}),
    ],
)
def test_a_ci_fails_for_what_it_promised(require: str | None, fails: dict[str, int]) -> None:
    assert forbidden(lacking(REASONS), require) == Counter(fails)


def test_a_name_that_is_no_tool() -> None:
    with pytest.raises(ValueError, match=r"names \['chrome'\]; known are \['chromium', 'java'\]"):
        forbidden(Counter(), "chrome")


def test_a_run_with_a_forbidden_skip_fails(root: Path, tmp_path: Path) -> None:
    """pytest itself over one test that is skipped for lack of Java."""
    (tmp_path / "test_one.py").write_text("import pytest\ndef test_one():\n    pytest.skip('needs Java')\n")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "skips", "--rootdir", tmp_path, tmp_path]
    for require, code in ((None, 0), ("java", 1)):
        environment = {name: value for name, value in os.environ.items() if name != REQUIRE}
        environment |= {"PYTHONPATH": str(root / "tests")} | ({} if require is None else {REQUIRE: require})
        done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
        assert done.returncode == code, done.stdout + done.stderr
        assert "1 tests skipped for lack of: java" in done.stdout


def stand_ins(programs: Path, said: dict[str, str]) -> Path:
    """A folder with these programs, by name what bash is to do, and no others but those of .ci/run's own shell."""
    programs.mkdir()
    for name in ("bash", "dirname", "timeout"):
        (programs / name).symlink_to(shutil.which(name) or "")
    for name, line in said.items():
        (programs / name).write_text(f"#!{programs}/bash\n{line}\n")
        (programs / name).chmod(0o755)
    return programs


def ci(root: Path, programs: Path, more: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """.ci/run with no other program on PATH."""
    environment = {"PATH": str(programs)} | (more or {})
    command = [programs / "bash", root / ".ci/run"]
    return subprocess.run(command, env=environment, capture_output=True, text=True)


@pytest.mark.parametrize(("there", "asked"), [([], "chromium default-jre-headless"), (["java"], "chromium")])
@pytest.mark.parametrize("code", [0, 1])
def test_ci_installs_what_is_missing_and_goes_on_without(
    root: Path, tmp_path: Path, there: list[str], asked: str, code: int
) -> None:
    """With stand-ins for make and apt-get, and no program but those of the shell on PATH."""
    said = {"make": "echo $CIM_CI_REQUIRE make $@", "apt-get": f"echo apt-get $@; exit {code}", "id": "echo 0"}
    programs = stand_ins(tmp_path / "bin", said | dict.fromkeys(there, ""))
    done = ci(root, programs)
    assert done.returncode == 0, done.stderr
    required = [*there, "make test PYTEST=--durations=10"]  # what is there in the end, and nothing else
    assert done.stdout.splitlines()[-1] == " ".join(required)
    assert (f"install -qq -y --no-install-recommends {asked}" in done.stdout) == (code == 0)
    assert (f"could not install {asked}" in done.stderr) == (code == 1)


def test_ci_requires_what_it_is_told_to(root: Path, tmp_path: Path) -> None:
    programs = stand_ins(tmp_path / "bin", {"make": "echo $CIM_CI_REQUIRE make", "chromium": "", "java": ""})
    assert ci(root, programs).stdout == "chromium,java make\n"
    assert ci(root, programs, {REQUIRE: "java"}).stdout == "java make\n"
    assert ci(root, programs, {REQUIRE: ""}).stdout == "make\n"
