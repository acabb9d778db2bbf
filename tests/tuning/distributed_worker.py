"""One rank of a training on given completions: what each rank sees, and the weights at the end, in files."""

import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from tiny_run import TUNE

from cim.captioners.load import load_captioner, outline_captioner
from cim.params import Tune
from cim.ranks import rank_and_size
from cim.shards.read import ImageLookup
from cim.tuning.grpo import grpo, prompt_rows
from cim.tuning.orphans import end_with_parent
from cim.tuning.ranks import is_sharded, join
from cim.tuning.validate import Validation

PARAMS = {"steps": 4, "prompts_per_step": 2, "generations": 2, "validate_every": 2, "kl": 0.1, "seed": 3}


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


def main(root: Path, out: Path, changes: dict[str, Any], kill_at: int) -> None:
    """Tune the captioner in root/base on root's images. kill_at: the step before which rank 1 kills itself; 0: none."""
    end_with_parent()
    torch.set_num_threads(1)
    join("cpu")
    rank, _ = rank_and_size()
    import trl

    generate = trl.GRPOTrainer._generate_single_turn

    def single_turn(self: Any, prompt_ids: Any, images: Any, *rest: Any, **named: Any) -> Any:
        if kill_at and rank == 1 and self.state.global_step + 1 == kill_at:
            os.kill(os.getpid(), signal.SIGKILL)
        if os.environ.get("SAMPLED"):
            return generate(self, prompt_ids, images, *rest, **named)
        return given(self, prompt_ids, images), None

    trl.GRPOTrainer._generate_single_turn = single_turn
    reward = ById()
    base = root / "base"
    captioner = outline_captioner(base) if is_sharded() else load_captioner(base, "cpu", "float32")
    # Some gradients are 0 but for rounding (of a key's bias, for one), and AdamW makes steps of them all the same: in
    # float64 that rounding is far below AdamW's epsilon.
    captioner.model.to(getattr(torch, os.environ.get("DTYPE", "float64")))
    images = ImageLookup(root)
    rows = prompt_rows(json.loads((root / "ids.json").read_text()), ["Say."], images, seed=0)
    params = Tune.model_validate({**TUNE.model_dump(), **PARAMS, **changes})
    scores = iter([0.1, 0.3, 0.2, 0.4, 0.5])

    def validator(model: Any, processor: Any) -> Validation:
        return Validation(next(scores) + rank, 0.0, 0.0, 0.0, 0, 1.0)  # ranks would choose differently

    tuned = grpo(captioner, rows, reward, validator, params, out / "scratch")  # type: ignore[arg-type]
    record = {"log": tuned.log, "best": tuned.best.name, "validations": tuned.validations, "ids": reward.ids}
    (out / f"rank{rank}.json").write_text(json.dumps(record))
    if is_sharded():
        return  # no rank has all weights
    weights = {name: one.detach().clone().contiguous() for name, one in captioner.model.named_parameters()}
    save_file(weights, out / f"rank{rank}.safetensors")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), json.loads(sys.argv[3]), int(sys.argv[4]))
