"""What the evaluate flow leaves on Prefect's page of its run."""

from pathlib import Path

import pytest
from one_measure import metrics

from cim.layout import Layout


@pytest.mark.usefixtures("prefect_server")
def test_artefacts_say_the_numbers_and_where_the_report_is(tmp_path: Path) -> None:
    from prefect import flow
    from prefect.artifacts import Artifact

    from flows.evaluate import create_artifacts

    @flow
    def evaluated() -> None:
        create_artifacts(Layout(tmp_path), metrics(), "s3://bucket/files/md5/ab/cd")

    evaluated()
    numbers, report = Artifact.get("before-after"), Artifact.get("report")
    assert numbers is not None
    assert numbers.type == "markdown"
    assert "| R@1 | 20.0% | 60.0% | +40.0 | +30.0 to +50.0 | better |" in str(numbers.data)
    assert "60.0% of the time, up from 20.0%" in str(numbers.description)
    assert report is not None
    assert report.type == "markdown"
    assert str(tmp_path / "report/report.html") in str(report.data)
    assert "after `dvc push` also s3://bucket/files/md5/ab/cd" in str(report.data)
    assert "file:" not in str(report.data)  # of this machine: nobody else's browser opens that
