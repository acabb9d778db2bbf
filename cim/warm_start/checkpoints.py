"""Where a killed training goes on."""

import json
from pathlib import Path
from shutil import rmtree
from typing import Any

from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from cim.models.load import load_model


def last_checkpoint(scratch: Path, ranks: int = 1) -> str | None:
    """The newest whole checkpoint in `scratch`, None without one; the folder is made, broken checkpoints go.

    A trainer writes trainer_state.json last: a checkpoint without a whole one is what a kill left. Of several `ranks`
    each writes the state of its random generators, not in any order.
    """
    scratch.mkdir(parents=True, exist_ok=True)
    whole = []
    for folder in scratch.glob("checkpoint-*"):
        states = [] if ranks == 1 else [folder / f"rng_state_{rank}.pth" for rank in range(ranks)]
        if _whole(folder / "trainer_state.json") and all(state.is_file() for state in states):
            whole.append(folder)
        else:
            rmtree(folder)
    return str(max(whole, key=lambda folder: int(folder.name.rpartition("-")[2]))) if whole else None


class RestoreWeights(TrainerCallback):  # type: ignore[misc]
    """Puts the weights of `checkpoint` into the model that a resumed training goes on with. First of the callbacks.

    Checkpoints hold parameters by the names of published models, a trainer looks for those in memory: where they
    differ, as Qwen2.5-VL's do, it keeps the weights that the run began with and only warns.
    """

    def __init__(self, checkpoint: str | None) -> None:
        self.checkpoint = checkpoint

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Load them through the model's own class, which knows both; adapters the trainer loads well."""
        if self.checkpoint is None or (Path(self.checkpoint) / "adapter_config.json").is_file():
            return
        model = kwargs["model"]
        if getattr(model, "_is_fsdp_managed_module", False) or args.deepspeed_plugin is not None:
            return  # loaded by the trainer from FSDP's or DeepSpeed's own files
        saved = load_model(type(model), Path(self.checkpoint), dtype=model.dtype)
        model.load_state_dict(saved.state_dict())


def _whole(state: Path) -> bool:
    try:
        json.loads(state.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return False
    return True
