"""What a run does: rollouts, captions, tokens, epochs; hours by a throughput that the user states; bytes on disk."""

from dataclasses import dataclass

from cim.estimate.memory import trained_parameters
from cim.estimate.models import Shapes
from cim.estimate.shapes import CaptionerShape
from cim.estimate.terms import Term, always
from cim.estimate.training import Training
from cim.params import Params


@dataclass(frozen=True)
class Work:
    """Counts of a whole tuning. generated, validated: most tokens sampled for it and for validations. trained: most
    tokens that pass through the update, prompts included. epochs: None where the train images were not counted."""

    steps: int
    rollouts: int
    captions: int
    generated: int
    validated: int
    trained: int
    epochs: float | None


def work_of(params: Params, prompt: int, images: int | None) -> Work:
    """Counts of tune. prompt: tokens of a prompt with its image. images: of the train split."""
    tune = params.tune
    drawn = tune.steps * tune.prompts_per_step
    captions = drawn * tune.generations
    validations = 1 + -(-tune.steps // tune.validate_every) + (tune.interpolation < 1)
    return Work(
        steps=tune.steps,
        rollouts=-(-tune.steps // tune.updates_per_rollout),
        captions=captions,
        generated=captions * tune.max_new_tokens,
        validated=validations * tune.validation_images * tune.max_new_tokens,
        trained=captions * (prompt + tune.max_new_tokens),
        epochs=drawn / images if images else None,
    )


def hours(work: Work, generated: float, trained: float, processes: int) -> float:
    """Hours at tokens a second of one device, as the user measured them; devices share validations too."""
    return ((work.generated + work.validated) / generated + work.trained / trained) / processes / 3600


def disk(shape: CaptionerShape, training: Training, shapes: Shapes, images: dict[str, int | None]) -> list[Term]:
    """Files under data/: the most that lies there at once; shards of images aside, as they are yours."""
    full, trained = 4 * shape.parameters, trained_parameters(shape, training)
    saved = full if training.lora is None else 4 * trained
    encoders = [one.parameters or 0 for one in (shapes.text, shapes.image, shapes.heldout)]
    vectors = 0
    for split in ("gallery", "train", "validation", "eval"):
        count = images.get(split) or 0
        vectors += 2 * count * ((shapes.text.dim or 0) + (shapes.image.dim or 0) + (shapes.heldout.dim or 0))
    vectors += 2 * (images.get("gallery") or 0) * ((shapes.text.dim or 0) + 2 * (shapes.image.dim or 0))
    unknown = [name for name in ("gallery", "train") if images.get(name) is None]
    said = f"; not known: {', '.join(unknown)}" if unknown else ""
    two = 2 * (saved + 8 * trained)  # one is written before the other goes
    return [
        always("models", full + 4 * sum(encoders), "parameters x 4 (captioner and three encoders)"),
        always("checkpoints while training", two, "2 x (weights or adapter + optimizer)"),
        always("best weights", 2 * saved, "weights or adapter x 4, and their copy"),
        always("tuned captioner", full, "P x 4"),
        always("vectors and index", vectors, "images x dimensions x 2, and the gallery's once more" + said),
    ]
