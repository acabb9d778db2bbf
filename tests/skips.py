"""What was skipped is counted by what it needs, and on a CI that promised to have it, fails the run."""

import os
from collections import Counter
from collections.abc import Iterable
from typing import Any

import pytest

REQUIRE = "CIM_CI_REQUIRE"
"""Variable that a CI sets to the names of those TOOLS that it has, with commas: a test skipped for another reason than
the lack of one that is not named, or of what is OPTIONAL, then fails the run."""

TOOLS = {"chromium": "Chromium", "java": "Java"}
"""By name, a word of the reasons of tests that need it."""

OPTIONAL = ("--photos", "--detailed", "--wordnet", "capture-metric", "DeepSpeed")
"""Words of the reasons of tests that need what nobody can be asked to have: data, packages in no lock."""


def lacking(reasons: Iterable[str]) -> Counter[str]:
    """Tests by what they lack: a name of TOOLS, or the reason itself; those of OPTIONAL left out."""
    found = Counter[str]()
    for reason in reasons:
        if not any(word in reason for word in OPTIONAL):
            found[next((tool for tool, word in TOOLS.items() if word in reason), reason)] += 1
    return found


def forbidden(lacks: Counter[str], require: str | None) -> Counter[str]:
    """Of `lacking` what makes a CI fail: what it requires, and what no tool accounts for; nothing elsewhere (None)."""
    if require is None:
        return Counter()
    required = {name.strip() for name in require.split(",") if name.strip()}
    if unknown := required - set(TOOLS):
        raise ValueError(f"{REQUIRE} names {sorted(unknown)}; known are {sorted(TOOLS)}")
    return Counter({name: count for name, count in lacks.items() if name in required or name not in TOOLS})


def required() -> str | None:
    """What the environment says."""
    return os.environ.get(REQUIRE)


def pytest_configure(config: pytest.Config) -> None:
    forbidden(lacking([]), required())  # a name that is wrong is said before an hour of tests


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if reporter is not None and forbidden(lacking(skipped(reporter)), required()) and not session.exitstatus:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """How many tests were skipped for lack of what; in red where that makes the run fail."""
    lacks = lacking(skipped(terminalreporter))
    wrong = forbidden(lacks, required())
    for name, count in lacks.items():
        said = f", which {REQUIRE} does not allow" if name in wrong else ""
        terminalreporter.write_line(f"{count} tests skipped for lack of: {name}{said}", red=name in wrong, yellow=True)


def skipped(reporter: Any) -> list[str]:
    """The reasons of all skipped tests."""
    return [str(report.longrepr[2]) for report in reporter.stats.get("skipped", ())]
