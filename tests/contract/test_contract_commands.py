"""The same through Prefect: what ends a command is one message, exit code 1 and no traceback."""

from pathlib import Path
from typing import Any

import contract_refused
import contract_runs
import contract_tars
import pytest
from contract_case import Case, differences, to_recaptions, to_shards, unsaid

import flows.recaption
import flows.shard

pytestmark = pytest.mark.slow
CUT = next(case for case in contract_tars.CASES if case.stops)
STRUCTS = next(case for case in contract_refused.CASES if case.refused)
PLAIN = contract_tars.CASES[0]


@pytest.fixture(autouse=True)
def _with_prefect(prefect_server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The flows themselves, not only what is in them."""
    command = contract_runs._command
    whole = {"shard": flows.shard.shard, "recaption": flows.recaption.recaption}

    def through_prefect(place: Path, params: Any, flow: Any, section: str, **options: Any) -> str:
        return command(place, params, whole[section], section, **options)

    monkeypatch.setattr(contract_runs, "_command", through_prefect)


@pytest.mark.parametrize("case", [CUT, STRUCTS], ids=lambda case: case.name)
def test_sharding_ends_with_a_message(case: Case, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    found = contract_runs.sharded(tmp_path / "run", case.write(tmp_path / "source"))
    assert unsaid(case.refused or case.stops or (), found.error) == []
    assert "Traceback" not in found.error + "".join(capfd.readouterr())


def test_recaptioning_ends_with_a_message(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    found = contract_runs.recaptioned(tmp_path / "run", STRUCTS.write(tmp_path / "source"))
    assert unsaid(STRUCTS.refused or (), found.error) == []
    assert "Traceback" not in found.error + "".join(capfd.readouterr())


def test_both_read_the_same_as_without_it(tmp_path: Path) -> None:
    source = PLAIN.write(tmp_path / "source")
    assert differences(to_shards(PLAIN.wanted), contract_runs.sharded(tmp_path / "shards", source)) == []
    assert differences(to_recaptions(PLAIN.wanted), contract_runs.recaptioned(tmp_path / "captions", source)) == []
