"""What is fetched is a captioner: it has a config, loads, and is told from others as before."""

import shutil
from pathlib import Path

import pytest

from cim.captioners.fetch import fetch_captioner
from cim.captioners.load import captioner_fingerprint, load_captioner
from cim.errors import CimError
from cim.models.folder import stated_license
from cim.params import LoadedCaptioner


def test_a_copy_is_the_same_captioner(tiny_folder: Path, tmp_path: Path) -> None:
    source = Path(shutil.copytree(tiny_folder, tmp_path / "source"))
    (source / "modeling.py").write_text("x")
    (source / "README.md").write_text("---\nlicense: mit\n---\n")  # its model card says what its licence is
    fetch_captioner(LoadedCaptioner(kind="hf", name=str(source)), tmp_path / "out")
    assert stated_license(tmp_path / "out") == "mit"
    assert load_captioner(tmp_path / "out", "cpu").fingerprint == captioner_fingerprint(tiny_folder)
    fetch_captioner(LoadedCaptioner(kind="hf", name=str(source), trust_remote_code=True), tmp_path / "out")
    assert captioner_fingerprint(tmp_path / "out") == captioner_fingerprint(source)


def test_weights_alone_are_no_captioner(tmp_path: Path) -> None:
    (tmp_path / "model.safetensors").touch()
    with pytest.raises(CimError, match=r"no config\.json"):
        fetch_captioner(LoadedCaptioner(kind="hf", name=str(tmp_path)), tmp_path / "out")
