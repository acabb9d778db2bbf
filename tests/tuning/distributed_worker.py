"""Trainings on given completions, one after the other in this rank: what it sees, and its weights, in files."""

import json
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any
from unittest.mock import patch

import torch
from safetensors.torch import save_file
from tiny_run import TUNE

from cim.captioners.load import outline_captioner
from cim.params import Tune
from cim.ranks import rank_and_size
from cim.shards.read import ImageLookup
from cim.tuning.grpo import grpo, prompt_rows
from cim.tuning.orphans import end_with_parent
from cim.tuning.policy import load_policy
from cim.tuning.ranks import is_sharded, join
from cim.tuning.validate import Validation

PARAMS = {"steps": 4, "prompts_per_step": 2, "generations": 2, "validate_every": 2, "kl": 0.1, "seed": 3}


@dataclass(frozen=True)
class Run:
    """One training. out: its folder. changes: of PARAMS. sampled: completions by the model itself, else given ones.

    kill_at: the step before which rank 1 kills itself; 0: none.
    """

    out: str
    changes: dict[str, Any] = field(default_factory=dict)
    sampled: bool = False
    dtype: str = "float64"
    kill_at: int = 0


class ById:
    """Pays by image and text, so that the reward of a completion is the same whoever scores it."""

    __name__ = "by_id"

    def __init__(self) -> None:
        self.ids: list[str] = []

    def __call__(self, completions: list[Any], id: list[str], log_metric: Any, **_: Any) -> list[float | None]:
        self.ids += id
        rewards = [(sum(map(ord, i + c[0]["content"])) % 97) / 97 for i, c in zip(id, completions, strict=True)]
        for reward in rewards:
            log_metric("rewards/by_id", reward)
        return list(rewards)


def given(trainer: Any, prompt_ids: list[list[int]], images: Any) -> list[list[int]]:
    """Completions that depend on the image, the step, and which of its group they are: the same for any ranks."""
    end, turns, found = trainer.eos_token_ids[0], dict[bytes, int](), []
    for picture in images:
        key = picture[0].tobytes()
        nth = turns[key] = turns.get(key, -1) + 1
        start = sum(key) + 31 * nth + 7 * trainer.state.global_step
        found.append([10 + (start * k) % 200 for k in range(1, 4 + nth)] + [end])
    return found


@contextmanager
def completions(run: Run) -> Iterator[None]:
    """The trainer's rollout as `run` says."""
    import trl

    generate = trl.GRPOTrainer._generate_single_turn

    def single_turn(self: Any, prompt_ids: Any, images: Any, *rest: Any, **named: Any) -> Any:
        if run.kill_at and rank_and_size()[0] == 1 and self.state.global_step + 1 == run.kill_at:
            os.kill(os.getpid(), signal.SIGKILL)
        if run.sampled:
            return generate(self, prompt_ids, images, *rest, **named)
        return given(self, prompt_ids, images), None

    with patch.object(trl.GRPOTrainer, "_generate_single_turn", single_turn):
        yield


def train(root: Path, run: Run) -> None:
    """Tune the captioner in root/base on root's images, in this rank."""
    rank, _ = rank_and_size()
    out = root / run.out
    out.mkdir(exist_ok=True)
    reward = ById()
    base = root / "base"
    params = Tune.model_validate({**TUNE.model_dump(), **PARAMS, **run.changes})
    captioner = outline_captioner(base) if is_sharded() else load_policy(base, params, "cpu")
    # Some gradients are 0 but for rounding (of a key's bias, for one), and AdamW makes steps of them all the same: in
    # float64 that rounding is far below AdamW's epsilon.
    captioner.model.to(getattr(torch, run.dtype))
    images = ImageLookup(root)
    rows = prompt_rows(sorted(images._places), ["Say."], images, seed=0)
    scores = iter([0.1, 0.3, 0.2, 0.4, 0.5])

    def validator(model: Any, processor: Any) -> Validation:
        return Validation(next(scores) + rank, 0.0, 0.0, 0.0, 0, 1.0)  # ranks would choose differently

    with completions(run):
        tuned = grpo(captioner, rows, reward, validator, params, out / "scratch")  # type: ignore[arg-type]
    record = {"log": tuned.log, "best": tuned.best.name, "validations": tuned.validations, "ids": reward.ids}
    (out / f"rank{rank}.json").write_text(json.dumps(record))
    if is_sharded():
        return  # no rank has all weights
    weights = {name: one.detach().clone().contiguous() for name, one in captioner.model.named_parameters()}
    save_file(weights, out / f"rank{rank}.safetensors")


def arguments(root: Path, runs: list[Run]) -> list[str]:
    """The command line of a rank that trains these."""
    return [str(root), json.dumps([asdict(run) for run in runs])]


if __name__ == "__main__":
    end_with_parent()
    torch.set_num_threads(1)
    join("cpu")
    for one in json.loads(sys.argv[2]):
        train(Path(sys.argv[1]), Run(**one))
