"""One reading for both commands: every odd source through flows.shard and through flows.recaption."""

from collections import Counter
from pathlib import Path

import contract_addresses
import contract_beside
import contract_cells
import contract_coco
import contract_csv
import contract_folders
import contract_images
import contract_refused
import contract_tars
import contract_texts
import pytest
from contract_case import Case, differences, to_recaptions, to_shards, unsaid
from contract_runs import recaptioned, sharded

MODULES = (
    contract_addresses, contract_beside, contract_cells, contract_coco, contract_csv, contract_folders,
    contract_images, contract_refused, contract_tars, contract_texts,
)  # fmt: skip
CASES = [case for module in MODULES for case in module.CASES]
each_case = pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:PIL")  # about broken EXIF


@each_case
def test_sharding_reads_it_so(case: Case, tmp_path: Path) -> None:
    found = sharded(tmp_path / "run", case.write(tmp_path / "source"))
    ends = case.stops if case.refused is None else case.refused
    wrong = differences(to_shards(case.wanted), found) if ends is None else unsaid(ends, found.error)
    assert not wrong, "\n".join(wrong)


@each_case
def test_recaptioning_reads_it_so(case: Case, tmp_path: Path) -> None:
    found = recaptioned(tmp_path / "run", case.write(tmp_path / "source"))
    ends = case.refused
    wrong = differences(to_recaptions(case.wanted), found) if ends is None else unsaid(ends, found.error)
    assert not wrong, "\n".join(wrong)


def test_names_are_distinct() -> None:
    assert [name for name, count in Counter(case.name for case in CASES).items() if count > 1] == []
