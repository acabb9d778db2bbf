"""Two real processes, started as users' are, against one: the same prompts and completions, the same training.

Processes take seconds to start, so that each launch trains several times, and one process is this one.
"""

import json
import os
from pathlib import Path
from typing import Any, Literal

import distributed_worker
import psutil
import pytest
import torch
from distributed_worker import Run
from safetensors.torch import load_file
from tiny_scene import make_scene

from cim.captioners.load import load_captioner
from cim.errors import CimError, TransientError
from cim.params.runtime import Ranks
from cim.tuning.launch import Launch
from cim.tuning.weights import write_tuned

HERE = Path(__file__).parent
LOSSES = ("grpo", "dapo")
SHORT = {"steps": 2, "validate_every": 1}
PARTS: dict[str, dict[str, Any]] = {
    "adapters": {"lora": {"rank": 2, "alpha": 4}},
    "frozen": {"vision": "frozen", "attention": "eager"},
    "both": {"lora": {"rank": 2, "alpha": 4}, "vision": "frozen"},
}
"""What may learn in place of all weights."""


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the captioner and its images lie, and each run's folder."""
    folder = tmp_path_factory.mktemp("distributed")
    make_scene(folder)
    return folder


def launch(root: Path, strategy: Literal["ddp", "fsdp", "zero2", "zero3"], *runs: Run) -> CimError | None:
    """Train in two ranks, one run after the other; what ended them early."""
    ranks = Ranks(processes=2, strategy=strategy)
    start = Launch("distributed_worker", distributed_worker.arguments(root, list(runs)), ranks, root / "error.json")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", os.pathsep.join([str(HERE), str(HERE.parent), str(HERE.parents[1])]))
        patch.setenv("OMP_NUM_THREADS", "1")
        try:
            start.run(print)
        except CimError as error:
            return error
    return None


def short(strategy: str, part: str = "all") -> Run:
    """Two steps on given completions."""
    return Run(f"{strategy}-{part}", {**SHORT, **PARTS.get(part, {})}, dtype="float32")


def longer(strategy: str) -> Run:
    """A third step, resumed, with completions of the model's own, whose lengths differ between ranks."""
    return Run(f"{strategy}-all", {**SHORT, "steps": 3}, sampled=True, dtype="float32")


@pytest.fixture(scope="module")
def killed(root: Path) -> CimError | None:
    """What ended two ranks that had trained by each loss, in the midst of a run of their own completions."""
    by_loss = [Run(f"two-{loss}", {"loss": loss}) for loss in LOSSES]
    by_part = [short("ddp", part) for part in PARTS]
    return launch(root, "ddp", *by_loss, *by_part, Run("killed", sampled=True, kill_at=4))


@pytest.fixture(scope="module")
def sharded(root: Path) -> None:
    """FSDP, with all of the ways to train less; ends resumed."""
    runs = [short("fsdp", part) for part in ("all", *PARTS)]
    assert launch(root, "fsdp", *runs, longer("fsdp")) is None


def record(root: Path, name: str, rank: int) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((root / name / f"rank{rank}.json").read_text())
    return found


def weights(root: Path, name: str, rank: int) -> dict[str, torch.Tensor]:
    return load_file(root / name / f"rank{rank}.safetensors")


def check_same(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> None:
    assert one.keys() == other.keys()
    for name, weight in one.items():
        torch.testing.assert_close(weight, other[name], rtol=0, atol=1e-5, msg=lambda text: f"{name}: {text}")  # noqa: B023


def ranks_left(root: Path) -> list[int]:
    """Others' processes come and go meanwhile: those that can't be read any more have no command line."""
    return [one.pid for one in psutil.process_iter(["cmdline"]) if str(root) in (one.info["cmdline"] or [])]


@pytest.mark.slow
@pytest.mark.parametrize("loss", LOSSES)
def test_two_processes_train_as_one_does(root: Path, killed: CimError | None, loss: str) -> None:
    distributed_worker.train(root, Run(f"one-{loss}", {"loss": loss}))
    alone, first, second = (record(root, *one) for one in ((f"one-{loss}", 0), (f"two-{loss}", 0), (f"two-{loss}", 1)))
    for rank in (0, 1):
        check_same(weights(root, f"one-{loss}", 0), weights(root, f"two-{loss}", rank))
    # Statistics of the whole batch on every rank, whichever scored it.
    for name in ("reward", "reward_std", "loss", "grad_norm", "kl", "rewards/by_id", "completions/mean_length"):
        expected = [step[name] for step in alone["log"]]
        assert [step[name] for step in first["log"]] == pytest.approx(expected, abs=1e-5), name
        assert [step[name] for step in second["log"]] == pytest.approx(expected, abs=1e-5), name
    # Rank 1's validations would have chosen otherwise: 1.1, 1.3 and 1.2 against 0.1, 0.3 and 0.2.
    assert first["validations"] == second["validations"] == alone["validations"]
    assert first["best"] == second["best"] == "best-000002"
    # 4 steps of 2 images in 2 completions each: each of the 4 images is used as often as by one process.
    assert sorted(first["ids"] + second["ids"]) == sorted(alone["ids"])


@pytest.mark.slow
def test_a_killed_rank_ends_all_and_the_next_run_goes_on(root: Path, killed: CimError | None) -> None:
    """With completions sampled by the model itself: weights, optimizer, order and random numbers go on as they were."""
    assert isinstance(killed, TransientError)
    assert "rank 1 of 2 ended by SIGKILL" in killed.found
    assert "goes on from its last checkpoint" in killed.remedy
    assert not ranks_left(root)
    assert (root / "killed" / "scratch" / "checkpoint-2").is_dir()
    assert not (root / "killed" / "rank0.json").exists()
    assert launch(root, "ddp", Run("killed", sampled=True), Run("undisturbed", sampled=True)) is None
    for rank in (0, 1):
        check_same(weights(root, "undisturbed", rank), weights(root, "killed", rank))
        rewards = [step["reward"] for step in record(root, "undisturbed", rank)["log"]]
        assert [step["reward"] for step in record(root, "killed", rank)["log"]] == pytest.approx(rewards, abs=1e-5)


def check_alike(root: Path, strategy: str, part: str = "all") -> None:
    """One process sees the same, and what ranks leave loads as a captioner with its weights."""
    one = short("one", part)
    if not (root / one.out).exists():
        distributed_worker.train(root, one)
    alone, together = record(root, one.out, 0), record(root, f"{strategy}-{part}", 0)
    for name in ("reward", "loss", "kl", "grad_norm"):
        expected = [step[name] for step in alone["log"]]
        assert [step[name] for step in together["log"]][:2] == pytest.approx(expected, abs=1e-4), name
    assert alone["best"] == together["best"] == "best-000001"
    kept = []
    for name in ("one", strategy):
        scratch = root / f"{name}-{part}" / "scratch"
        write_tuned(root / "base", scratch / "best-000001", 1.0, {}, scratch / "tuned", trusted=False)
        kept.append(dict(load_captioner(scratch / "tuned", "cpu").model.named_parameters()))
    for name, weight in kept[0].items():
        torch.testing.assert_close(kept[1][name], weight, rtol=0, atol=0.021, msg=name)  # two steps of 0.01 at most


@pytest.mark.slow
@pytest.mark.parametrize("part", PARTS)
def test_two_processes_train_a_part_as_one_does(root: Path, killed: CimError | None, part: str) -> None:
    check_alike(root, "ddp", part)


@pytest.mark.slow
@pytest.mark.parametrize("part", ["all", *PARTS])
def test_fsdp_leaves_a_captioner_that_stands_alone(root: Path, sharded: None, part: str) -> None:
    check_alike(root, "fsdp", part)
    assert len(record(root, "fsdp-all", 0)["log"]) == 3


@pytest.mark.slow
@pytest.mark.parametrize("strategy", ["zero2", "zero3"])
def test_zero_leaves_a_captioner_that_stands_alone(root: Path, strategy: Literal["zero2", "zero3"]) -> None:
    """Each run in ranks of its own, as users' are: ZeRO-3 also shards models that a process makes later."""
    pytest.importorskip("deepspeed", reason="DeepSpeed is no dependency of the project: pip install deepspeed")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DS_ACCELERATOR", "cpu")
        assert launch(root, strategy, short(strategy)) is None
        check_alike(root, strategy)
        assert launch(root, strategy, short(strategy, "both")) is None
        check_alike(root, strategy, "both")
        assert launch(root, strategy, longer(strategy)) is None
    assert len(record(root, f"{strategy}-all", 0)["log"]) == 3
