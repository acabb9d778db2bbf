"""Two real processes, started as users' are, against one: the same prompts and completions, the same training."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import psutil
import pytest
import torch
from safetensors.torch import load_file

from cim.captioners.load import load_captioner
from cim.errors import TransientError
from cim.params.runtime import Ranks
from cim.shards.read import ImageLookup
from cim.tuning.launch import Launch
from cim.tuning.weights import write_tuned

Scene = tuple[Path, list[str], ImageLookup]
HERE = Path(__file__).parent


@pytest.fixture(autouse=True)
def importable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(HERE), str(HERE.parent), str(HERE.parents[1])]))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")


def train(scene: Scene, out: Path, processes: int, changes: dict[str, Any] | None = None, kill_at: int = 0) -> None:
    base, ids, _ = scene
    (base.parent / "ids.json").write_text(json.dumps(ids))
    out.mkdir(exist_ok=True)
    arguments = [str(base.parent), str(out), json.dumps(changes or {}), str(kill_at)]
    if processes == 1:
        subprocess.run([sys.executable, "-m", "distributed_worker", *arguments], check=True)
    else:
        Launch(
            "distributed_worker",
            arguments,
            Ranks(processes=processes, strategy=os.environ.get("STRATEGY", "ddp")),
            out / "error.json",
        ).run(print)


def left(out: Path, rank: int) -> tuple[dict[str, Any], dict[str, torch.Tensor]]:
    return json.loads((out / f"rank{rank}.json").read_text()), load_file(out / f"rank{rank}.safetensors")


def check_same(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> None:
    assert one.keys() == other.keys()
    for name, weight in one.items():
        torch.testing.assert_close(weight, other[name], rtol=0, atol=1e-5, msg=lambda text: f"{name}: {text}")  # noqa: B023


def ranks_left() -> list[int]:
    return [one.pid for one in psutil.process_iter() if "distributed_worker" in " ".join(one.cmdline())]


@pytest.mark.slow
@pytest.mark.parametrize("loss", ["grpo", "dapo"])
def test_two_processes_train_as_one_does(scene: Scene, tmp_path: Path, loss: str) -> None:
    train(scene, tmp_path / "one", 1, {"loss": loss})
    train(scene, tmp_path / "two", 2, {"loss": loss})
    (alone, weights), (first, its), (second, others) = (
        left(tmp_path / name, rank) for name, rank in [("one", 0), ("two", 0), ("two", 1)]
    )
    check_same(weights, its)
    check_same(weights, others)
    # Statistics of the whole batch on every rank, whichever scored it.
    for name in ("reward", "reward_std", "loss", "grad_norm", "kl", "rewards/by_id", "completions/mean_length"):
        expected = [record[name] for record in alone["log"]]
        assert [record[name] for record in first["log"]] == pytest.approx(expected, abs=1e-5), name
        assert [record[name] for record in second["log"]] == pytest.approx(expected, abs=1e-5), name
    # Rank 1's validations would have chosen otherwise: 1.1, 1.3 and 1.2 against 0.1, 0.3 and 0.2.
    assert first["validations"] == second["validations"] == alone["validations"]
    assert first["best"] == second["best"] == "best-000002"
    # 4 steps of 2 images in 2 completions each: each of the 4 images is used as often as by one process.
    assert sorted(first["ids"] + second["ids"]) == sorted(alone["ids"])


@pytest.mark.slow
def test_a_killed_rank_ends_all_and_the_next_run_goes_on(
    scene: Scene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With completions sampled by the model itself: weights, optimizer, order and random numbers go on as they were."""
    monkeypatch.setenv("SAMPLED", "1")
    train(scene, tmp_path / "undisturbed", 2)
    with pytest.raises(TransientError, match="rank 1 of 2 ended by SIGKILL") as caught:
        train(scene, tmp_path / "killed", 2, kill_at=4)
    assert "goes on from its last checkpoint" in caught.value.remedy
    assert not ranks_left()
    assert (tmp_path / "killed" / "scratch" / "checkpoint-2").is_dir()
    train(scene, tmp_path / "killed", 2)
    for rank in (0, 1):
        (before, weights), (after, its) = left(tmp_path / "undisturbed", rank), left(tmp_path / "killed", rank)
        check_same(weights, its)
        rewards = [record["reward"] for record in before["log"]]
        assert [record["reward"] for record in after["log"]] == pytest.approx(rewards, abs=1e-5)


@pytest.mark.slow
def test_fsdp_leaves_a_captioner_that_stands_alone(
    scene: Scene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DTYPE", "float32")
    changes = {"steps": 2, "validate_every": 1}
    train(scene, tmp_path / "one", 1, changes)
    monkeypatch.setenv("STRATEGY", "fsdp")
    train(scene, tmp_path / "two", 2, changes)
    alone, sharded = (json.loads((tmp_path / name / "rank0.json").read_text()) for name in ("one", "two"))
    for name in ("reward", "loss", "kl", "grad_norm"):
        assert [record[name] for record in sharded["log"]] == pytest.approx(
            [record[name] for record in alone["log"]], abs=1e-4
        )
    assert sharded["best"] == "best-000001"
    best = [tmp_path / name / "scratch" / "best-000001" for name in ("one", "two")]
    for place in best:
        write_tuned(scene[0], place, 1.0, {}, place.with_name("tuned"), trusted=False)
    weights = [dict(load_captioner(place.with_name("tuned"), "cpu").model.named_parameters()) for place in best]
    for name, weight in weights[0].items():
        torch.testing.assert_close(weights[1][name], weight, rtol=0, atol=0.021, msg=name)  # two steps of 0.01 at most
    monkeypatch.setenv("SAMPLED", "1")  # resumed, with completions of its own, whose lengths differ between ranks
    train(scene, tmp_path / "two", 2, {"steps": 3, "validate_every": 1})
