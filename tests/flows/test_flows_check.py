"""`python -m flows.check`: profiles as they are, and what it refuses."""

import re
import shutil
from pathlib import Path

import pytest

from cim.errors import CimError
from cim.params import load_params
from cim.params.yaml import dump_yaml, read_yaml
from flows.check import PROFILES, check, parser, profile_file

GALLERY = ["--gallery-images", "1006500"]
NAMES = sorted(path.stem for path in PROFILES.glob("*.yaml"))


def test_there_are_four() -> None:
    assert NAMES == ["demo", "lora-24gb", "paper-7b", "photos"]


def test_demo_is_the_default(root: Path) -> None:
    assert (PROFILES / "demo.yaml").read_bytes() == (root / "params.yaml").read_bytes()


@pytest.mark.parametrize("name", NAMES)
def test_a_profile_is_whole(name: str) -> None:
    written = read_yaml(PROFILES / f"{name}.yaml")
    assert load_params(PROFILES / f"{name}.yaml").model_dump(mode="json", exclude_unset=True) == written


@pytest.mark.parametrize("name", NAMES)
def test_a_copied_profile_is_what_dvc_reads(root: Path, tmp_path: Path, name: str) -> None:
    """`cp profiles/NAME.yaml params.yaml`: every stage's parameters are those of the profile."""
    import dvc.api
    from dvc.repo import Repo

    shutil.copy(root / "dvc.yaml", tmp_path)
    shutil.copy(PROFILES / f"{name}.yaml", tmp_path / "params.yaml")
    Repo.init(str(tmp_path), no_scm=True).close()
    shown = dvc.api.params_show(repo=str(tmp_path), deps=True)
    written = read_yaml(PROFILES / f"{name}.yaml")
    for section in ("shard", "embed", "tune", "evaluate"):  # lists that two stages name are shown twice: no index
        assert shown[section] == written[section]
    assert shown["models"] == written["models"]
    assert "runtime" not in shown  # no stage depends on it


def test_every_line_of_the_demo(capsys: pytest.CaptureFixture[str]) -> None:
    """Images: 6,000 to search, 4,000 of which 95% are trained on, 1,400 of which 30% are captioned."""
    check(["--profile", "demo", "--device-memory", "2GiB", "--generate-rate", "800", "--train-rate", "1000"])
    shown = capsys.readouterr().out
    assert "an estimate by formulas, not a measurement" in shown
    assert "gallery 6,000, train 3,800, validation 200, target 420, eval 980" in shown
    assert "60 steps, 60 rollouts, 7,680 captions, 0.25 epochs" in shown
    assert "fits: 2.0 GiB a device, 1.8 GiB of it to be used" in shown
    # 307,200 generated and 729,600 trained tokens, 30,720 to validate: 384 + 729.6 + 38.4 s
    assert "0.3 hours at 800 generated and 1,000 trained tokens a second of one device" in shown


def test_what_does_not_fit_is_refused_after_the_table(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(CimError, match=r"at most 90.0 MiB of 100.0 MiB") as caught:
        check(["--profile", "demo", "--device-memory", "100MiB"])
    assert "lower tune.micro_batch" in caught.value.remedy
    assert "DOES NOT FIT" in capsys.readouterr().out


def test_a_disk_that_is_too_small_is_refused() -> None:
    with pytest.raises(CimError, match=r"of files besides your images; expected at most 1.0 MiB"):
        check(["--profile", "demo", "--disk", "1MiB"])


def test_the_paper_fits_eight_cards(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(CimError, match="/path/to/train/images") as caught:  # absent data are the only problem
        check(["--profile", "paper-7b", "--device-memory", "80GiB", "--train-images", "6500", *GALLERY])
    assert "problems" not in caught.value.found
    shown = capsys.readouterr().out
    assert "Qwen/Qwen2.5-VL-7B-Instruct at cc594898137f, fetched by dvc repro models-captioner" in shown
    assert "204 steps, 51 rollouts, 65,280 captions, 2.01 epochs of the train images" in shown
    assert "8 x fsdp" in shown
    assert "  fits: 80.0 GiB a device" in shown


def test_the_paper_does_not_fit_cards_of_40(capsys: pytest.CaptureFixture[str]) -> None:
    """8,292,166,656 x 12 bytes of weights and moments are 11.6 GiB of each of eight, gradients not yet summed 15.4."""
    with pytest.raises(CimError, match="2 problems") as caught:
        check(["--profile", "paper-7b", "--device-memory", "40GiB"])
    assert "/path/to/train/images" in caught.value.found
    assert "a device in the update" in caught.value.found
    assert "expected at most 36.0 GiB of 40.0 GiB" in caught.value.found
    assert "Remedy: lower tune.micro_batch" in caught.value.found
    assert "DOES NOT FIT" in capsys.readouterr().out


def test_lora_fits_its_card(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(CimError, match="/path/to/photos/images") as caught:  # the only problem
        check(["--profile", "lora-24gb", "--device-memory", "24GiB"])
    assert "problems" not in caught.value.found
    assert "  fits: 24.0 GiB a device" in capsys.readouterr().out


def test_encoders_elsewhere_are_counted_apart(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    values = read_yaml(PROFILES / "demo.yaml")
    values["runtime"] |= {"device": "cuda", "reward_device": "cpu"}
    (tmp_path / "mine.yaml").write_text(dump_yaml(values))
    check(["--profile", str(tmp_path / "mine.yaml")])
    here, apart = capsys.readouterr().out.split("memory of what scores captions, which is elsewhere")
    assert "text encoder (reward)" not in here
    assert "text encoder (reward)" in apart


def test_the_page_shows_what_is_printed(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Every block of docs/profiles.md that begins with `$ python -m flows.check`."""
    page = (root / "docs/profiles.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^```\n\$ python -m flows\.check (.*)\n([^`]*)```", page, re.M)
    assert len(blocks) == 3
    for arguments, shown in blocks:
        with pytest.raises(CimError) as caught:  # their paths are nobody's
            check(arguments.split())
        assert f"{capsys.readouterr().out}check: {caught.value}\n" == shown


def test_a_file_is_a_profile_and_unknown_names_are_refused(tmp_path: Path) -> None:
    values = read_yaml(PROFILES / "photos.yaml")
    values["tune"]["generation"] = values["tune"].pop("generations")
    (tmp_path / "mine.yaml").write_text(dump_yaml(values))
    with pytest.raises(CimError, match=r"tune.generation: unknown name; did you mean 'generations'"):
        check(["--profile", str(tmp_path / "mine.yaml")])


def test_a_profile_that_is_not_there() -> None:
    with pytest.raises(CimError, match="expected demo, lora-24gb, paper-7b, photos, or a YAML file"):
        profile_file("paper-8b")


def test_every_mistake_of_a_file_at_once(tmp_path: Path) -> None:
    """A misspelt name, a wrong type, ranks that don't share a step (128 captions) and bits that shards don't have."""
    values = read_yaml(PROFILES / "demo.yaml")
    values["runtime"]["train"] = {"processes": 3, "strategy": "fsdp"}
    values["tune"] |= {"precison": "4bit", "precision": "4bit", "lora": {"rank": "16"}}
    (tmp_path / "mine.yaml").write_text(dump_yaml(values))
    with pytest.raises(CimError, match=r"4 problem\(s\)") as caught:
        check(["--profile", str(tmp_path / "mine.yaml")])
    text = caught.value.found
    assert "tune.precison: unknown name; did you mean 'precision'" in text
    assert "tune.lora.rank: Input should be a valid integer (found '16'); leave the quotes out" in text
    assert "128 captions of a step of tune are not shared evenly by 3 processes" in text
    assert "tune.precision 4bit with runtime.train.strategy fsdp" in text


@pytest.mark.parametrize("size", ["0", "24 cards", "GiB", ""])
def test_wrong_sizes_are_refused_before_anything_is_looked_at(size: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(CimError, match="such as 24GiB or 80GB"):
        check(["--profile", "demo", "--device-memory", size])
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("wrong", [["--train-images", "0"], ["--train-rate", "0"], ["--gallery-images", "many"]])
def test_wrong_options(wrong: list[str]) -> None:
    with pytest.raises(SystemExit):
        parser().parse_args(wrong)
