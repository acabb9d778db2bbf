"""DVC's remote, as pages and pushes name it."""

from pathlib import Path

import pytest
from dvc.repo import Repo

from cim.errors import CimError
from flows.remote import address_of, configured, remote_of


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A DVC project with one artefact, report.html."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "report.html").write_text("<p>")
    with Repo.init(no_scm=True) as repo:
        repo.add("report.html")
    return tmp_path


def configure(project: Path, remotes: str) -> None:
    (project / ".dvc/config").write_text(f"[core]\n    remote = store\n    no_scm = true\n{remotes}")


def test_none_is_configured(project: Path) -> None:
    assert configured() is None
    assert address_of(Path("report.html")) is None
    with pytest.raises(CimError, match=r"no default DVC remote; .*dvc remote add -d store"):
        remote_of()


def test_the_default_one_without_its_secret(project: Path) -> None:
    disk = "['remote \"disk\"']\n    url = /disk\n"
    configure(project, f"['remote \"store\"']\n    url = ssh://me:secret@host/x\n{disk}")
    assert remote_of() == ("store", "ssh://host/x")
    assert remote_of("disk") == ("disk", "/disk")
    with pytest.raises(CimError, match="no DVC remote 'other'"):
        remote_of("other")


def test_the_address_is_where_push_puts_it(project: Path) -> None:
    configure(project, f"['remote \"store\"']\n    url = {project / 'store'}\n")
    address = address_of(Path("report.html"))
    assert address is not None
    assert not Path(address).exists()
    with Repo() as repo:
        repo.push()
    assert Path(address).read_text() == "<p>"
    assert address_of(Path("nothing.html")) is None
