"""A frozen vision tower of timm in a training: its outputs are kept by picture, and the reference model has it too."""

from pathlib import Path
from typing import Any

from cim.atomic import read_json
from cim.captioners.load import Captioner
from cim.captioners.tower import keep_tower_outputs
from cim.trunks.frozen import FrozenTrunk
from cim.tuning.policy import vision_tower


def keep_outputs(captioner: Captioner, folder: Path, outputs: Path) -> None:
    """Freeze the tower of a FastVLM so that what it makes of a picture is computed once; leave others as they are.

    folder: the captioner's, whose cim.json may say in which precision the tower computed in the warm start; float32
    where it does not. outputs: the folder that all stages share.
    """
    card = folder / "cim.json"
    said = read_json(card) if card.is_file() else {}
    keep_tower_outputs(captioner, "bfloat16" if said.get("trunk_precision") == "bfloat16" else "float32", outputs)


def share_tower(model: Any, reference: Any | None) -> None:
    """Give `reference`, a copy of `model`, that one's own tower where its trunk is frozen: one memory serves both."""
    if reference is None or reference.config.model_type != "fast_vlm":
        return
    tower = model.get_submodule(vision_tower(model))
    if isinstance(tower.timm_model, FrozenTrunk):
        reference.set_submodule(vision_tower(reference), tower)
