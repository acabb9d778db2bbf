"""Commands: help from the types, every mistake in plain words, code 1."""

import os
import re
import shlex
from pathlib import Path
from typing import Any, Literal

import pytest

from cim.errors import CimError
from cim.params import Params
from cim.params.yaml import dump_yaml, read_yaml
from flows.command import main, parser_for
from flows.help import describe, models_in


def step(params_path: str = "params.yaml") -> str:
    """Do the step.

    Said only to readers of the code.
    """
    return params_path


def failing(params_path: str = "params.yaml") -> None:
    """Fail as a user can mend."""
    raise CimError("no images in there", "some", "put some in")


def broken(params_path: str = "params.yaml") -> None:
    """Fail as only a developer can mend."""
    raise ZeroDivisionError


def chosen(params_path: str = "params.yaml", role: Literal["text", "image"] | None = None) -> tuple[str, Any]:
    """Do it for a role, or for all."""
    return params_path, role


class TestHelp:
    @pytest.mark.parametrize("section", [name for name in Params.model_fields if name != "language"])
    def test_names_every_field_of_its_section(self, section: str) -> None:
        (model,) = models_in(Params.model_fields[section].annotation)
        text = parser_for(step, section).format_help()

        def check(model: Any) -> None:
            for name, field in model.model_fields.items():
                assert re.search(rf"^ +{name}: ", text, re.MULTILINE), name
                assert (field.description or "") in text
                for inner in models_in(field.annotation):
                    check(inner)

        check(model)
        assert "python -m flows." + section in text

    def test_of_a_runtime_field(self) -> None:
        (model,) = models_in(Params.model_fields["runtime"].annotation)
        assert "  task_runner: threads | ray | dask (default threads)  Prefect task runner" in list(describe(model))
        assert any("workers: int >= 1 (default 2)  cores" in line for line in describe(model))

    def test_kinds_are_told_apart(self) -> None:
        lines = list(describe(models_in(Params.model_fields["shard"].annotation)[0]))
        assert "    kind scenes: Generated scenes with exact ground truth: the embedded default." in lines
        assert "  sources: list of section (required)  read in this order" in lines

    def test_ends_well(self, capsys: pytest.CaptureFixture[str]) -> None:
        with pytest.raises(SystemExit) as ended:
            main(step, "tune", ["--help"])
        assert ended.value.code == 0
        assert "learning_rate: float > 0 (required)" in capsys.readouterr().out


class TestMain:
    def test_params_path_reaches_the_flow(self, root: Path) -> None:
        assert main(step, "shard", ["--params", str(root / "params.yaml")]) == str(root / "params.yaml")

    @pytest.mark.parametrize(("arguments", "role"), [([], None), (["text"], "text")])
    def test_literal_becomes_an_argument(self, root: Path, arguments: list[str], role: str | None) -> None:
        assert main(chosen, "models", ["--params", str(root / "params.yaml"), *arguments])[1] == role

    def test_unknown_argument_is_refused(self, capsys: pytest.CaptureFixture[str]) -> None:
        with pytest.raises(SystemExit) as ended:
            main(chosen, "models", ["sound"])
        assert ended.value.code == 2
        assert "sound" in capsys.readouterr().err

    def test_user_error_is_plain(self, root: Path, capsys: pytest.CaptureFixture[str]) -> None:
        with pytest.raises(SystemExit) as ended:
            main(failing, "shard", ["--params", str(root / "params.yaml")])
        assert ended.value.code == 1
        assert capsys.readouterr().err == "shard: found no images in there; expected some. Remedy: put some in\n"

    def test_bug_is_not_hidden(self, root: Path) -> None:
        with pytest.raises(ZeroDivisionError):
            main(broken, "shard", ["--params", str(root / "params.yaml")])

    def test_bad_params_end_it_before_any_work(
        self, root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        values = read_yaml(root / "params.yaml")
        values["tune"] |= {"stepz": 1, "kl": -1}
        (tmp_path / "p.yaml").write_text(dump_yaml(values))
        with pytest.raises(SystemExit) as ended:
            main(broken, "shard", ["--params", str(tmp_path / "p.yaml")])
        assert ended.value.code == 1
        message = capsys.readouterr().err
        assert "2 problem(s)" in message
        assert "did you mean 'steps'?" in message
        assert "tune.kl" in message


def test_ranks_are_options(capsys: pytest.CaptureFixture[str]) -> None:
    from cim.params.recaption import Recaptioning
    from flows.recaption import recaption

    parser = parser_for(recaption, "recaption", Recaptioning)
    assert vars(parser.parse_args(["--rank", "3", "--world", "64"])) | {"params": None} == {
        "params": None, "rank": 3, "world": 64,
    }  # fmt: skip


def test_the_workers_of_the_recipes_are_told_which_they_are(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each command of docs/scale.md with the variables that a scheduler sets, on its own: `&`, `;` and `"` end it."""
    from cim.params.recaption import Recaptioning
    from flows.recaption import recaption

    for name in ("gpu", "SLURM_ARRAY_TASK_ID", "JOB_COMPLETION_INDEX"):
        monkeypatch.setenv(name, "3")
    text = (root / "docs/scale.md").read_text(encoding="utf-8")
    commands = re.findall(r'python -m flows\.recaption( [^&;"`\n]*--rank[^&;"`\n]*)', text)
    assert len(commands) == 3
    for arguments in commands:
        given = shlex.split(os.path.expandvars(arguments))
        found = parser_for(recaption, "recaption", Recaptioning).parse_args(given)
        assert (found.rank, found.world) in [(3, 4), (3, 64)]
