"""Fusions by a server that fails, hangs, repeats itself and answers in the wrong form; the run killed on the way."""

import json
import re
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from chat_server import Script, chat_server, said
from refined_shards import asked_of, contents, fused, unrefined

from cim.atomic import read_json
from cim.params.yaml import dump_yaml

HANGS, FAILS, LOOPS, WRONG, ONCE = 7, 11, 13, 17, 19  # of every hundred samples; of those that hang the first alone


def test_no_answer_that_was_kept_is_asked_for_again(root: Path, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    """Two shards. As in an undisturbed run, every sample comes out once, with the text that it had or a better one."""
    each, failed = request.config.getoption("--fusions") // 2, set[str]()

    def answer(body: Any) -> Any:
        alt, caption = asked_of(body)
        with script.lock, (tmp_path / "asked").open("a") as lines:
            lines.write(alt + "\n")
        number = int(re.findall(r"\d+", alt)[0])
        if number == HANGS:
            time.sleep(2.5)  # longer than it is waited for
        match number % 100:
            case 11:
                return 500, "no"
            case 13:
                return said(f"{caption}, " * 5)
            case 17:
                return said('```json\n{"caption": "a gray square"}\n```')
            case 19 if alt not in failed:
                failed.add(alt)
                return 503, "busy"
        return fused(body)

    for number in range(2):
        unrefined(tmp_path / "in", number, each, first=1000 * number)
    with chat_server(Script(answer)) as script:
        writer = {"kind": "openai", "base_url": script.base_url, "model": "captioner", "parallel": 8, "attempts": 2}
        by = {"kind": "fuse_alt_text", "writer": {**writer, "timeout": 2.0}}
        refine = {"shards": "in/*.tar", "output": "out", "max_failed_share": 1.0, "by": by}
        (tmp_path / "refine.yaml").write_text(dump_yaml({"refine": refine}))
        run = [sys.executable, str(Path(__file__).with_name("dying_refine.py")), str(9 + each // 10)]
        places = {"PYTHONPATH": f"{root}:{root}/tests:{root}/tests/refine", "PATH": "/usr/bin:/bin"}
        done = subprocess.run(run, cwd=tmp_path, env=places, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    kills = [json.loads(line) for line in (tmp_path / "kills").read_text().splitlines()]
    assert len(kills) >= 5
    asked = (tmp_path / "asked").read_text().splitlines()
    for had, kept in kills:
        assert set(kept).isdisjoint(asked[had:])
    assert contents(tmp_path / "out") == contents(tmp_path / "undisturbed")
    summary, shards = read_json(tmp_path / "out/summary.json"), 2
    of_each = Counter(at % 100 for at in range(each))
    bad = {"repeats itself": LOOPS, "no plain paragraph": WRONG, "no answer": FAILS}
    wanted = {f"failed: {why}": shards * of_each[number] for why, number in bad.items()}
    wanted["failed: no answer"] += 1  # the one that hangs
    wanted["kept: without original"] = shards
    wanted["fused"] = shards * each - sum(wanted.values())
    assert summary["outcomes"] == wanted
    assert (summary["images"], summary["captions"], summary["rejects"]) == (shards * each, shards * each, 0)
    rows = pl.read_parquet(tmp_path / "out/*.parquet")
    assert rows.filter(pl.col("outcome") != "fused").select((pl.col("txt") == pl.col("before")).all()).item()
    assert failed
