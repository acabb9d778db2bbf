"""A captioner's vision tower of timm, its outputs kept by picture: a picture seen by an earlier stage is looked up."""

from pathlib import Path

from cim.captioners.load import Captioner, Precision


def keep_tower_outputs(captioner: Captioner, precision: Precision, outputs: Path | None) -> None:
    """Freeze the tower of a FastVLM so that what it makes of a picture is computed once; leave others as they are.

    outputs: the folder that all stages share; None: nothing is kept, and the same numbers come. On a GPU the tower is
    left alone: looking a picture up there may cost more than the tower does, which was not measured.
    """
    model, images = captioner.model, captioner.processor.image_processor
    if model.config.model_type != "fast_vlm" or model.device.type != "cpu":
        return
    from cim.trunks.frozen import freeze

    trunk = model.model.vision_tower.timm_model
    scales = [tuple(trunk.pretrained_cfg[name]) for name in ("mean", "std")]
    if scales == [tuple(images.image_mean), tuple(images.image_std)]:  # else no picture could be named by what it sees
        freeze(trunk, precision, outputs)
