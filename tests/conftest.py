"""What more than one folder of tests needs: a Prefect server, and a workspace in which everything was made once."""

import csv
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings
from object_stores import bucket, s3_account, s3_server  # noqa: F401
from skips import pytest_configure, pytest_sessionfinish, pytest_terminal_summary  # noqa: F401
from workspace import Workspace, make_workspace

ROOT = Path(__file__).parents[1]
settings.register_profile("untimed", deadline=None)  # a busy machine is no failure
settings.load_profile("untimed")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--photos", type=Path, help="folder with captions.csv (columns file_name, caption)")
    parser.addoption("--detailed", type=Path, help="folder with the files of COCO-LN500 and DOCCI500")
    parser.addoption("--fusions", type=int, default=120, help="samples that tests/refine has fused and killed")
    parser.addoption("--wordnet", type=Path, help="WordNet 3.0's dict folder, to compare with capture-metric")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """With several processes (`make test`) a file's tests stay together, and so do all of the finished workspace."""
    for item in items:
        shared = "finished" in getattr(item, "fixturenames", ())
        item.add_marker(pytest.mark.xdist_group("finished" if shared else item.path.stem))


@pytest.fixture(scope="session")
def photo_captions(request: pytest.FixtureRequest) -> list[list[str]]:
    """People's captions by photo."""
    folder: Path | None = request.config.getoption("--photos")
    if folder is None:
        pytest.skip("needs --photos DIR, a folder with captions.csv")
    found: dict[str, list[str]] = {}
    with (folder / "captions.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            found.setdefault(row["file_name"], []).append(row["caption"])
    return list(found.values())


@pytest.fixture(scope="session")
def detailed_folder(request: pytest.FixtureRequest) -> Path:
    """Where COCO-LN500 and DOCCI500 lie."""
    folder: Path | None = request.config.getoption("--detailed")
    if folder is None:
        pytest.skip("needs --detailed DIR, the folder with the files of COCO-LN500 and DOCCI500")
    return folder


@pytest.fixture(scope="session")
def root() -> Path:
    """The repository."""
    return ROOT


@pytest.fixture(scope="session")
def prefect_server() -> Iterator[str]:
    """URL of one throw-away Prefect server, used by flows in this process and by those in subprocesses."""
    from prefect.settings import PREFECT_API_URL
    from prefect.testing.utilities import prefect_test_harness

    with prefect_test_harness(server_startup_timeout=600):
        yield str(PREFECT_API_URL.value())


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory, prefect_server: str) -> Workspace:
    """A workspace after its first `dvc repro` with tests/end_to_end/tiny.yaml. Copy it before changing it."""
    folder = tmp_path_factory.mktemp("finished")
    workspace = make_workspace(folder, ROOT / "tests/end_to_end/tiny.yaml", prefect_server)
    workspace.check("dvc", "init", "--no-scm", "--quiet")
    workspace.first_run = workspace.check("dvc", "repro")
    return workspace


@pytest.fixture
def copied(finished: Workspace, tmp_path: Path) -> Workspace:
    """A copy of the finished workspace, free to be broken, except below data/models and DVC's cache."""
    return finished.copy(tmp_path / "copy")


@pytest.fixture(scope="session")
def scratch(finished: Workspace, tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """A copy in which only params.yaml changes; a test puts it back."""
    return finished.copy(tmp_path_factory.mktemp("scratch") / "copy")


@pytest.fixture(autouse=True)
def _no_stray_switches(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """What the person's shell sets, and DVC's machine-wide cache, play no part."""
    for name in [name for name in os.environ if name.startswith("DVC_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("CIM_LOG", "off")  # of flows in this process, which may run in the repository itself
    monkeypatch.setenv("DVC_SITE_CACHE_DIR", str(tmp_path_factory.getbasetemp() / "dvc-site"))


@pytest.fixture
def heeded() -> Iterator[None]:
    """SIGINT as in a terminal: a suite that a script runs in the background begins with it ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)
