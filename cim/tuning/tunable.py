"""Whether TRL's GRPOTrainer can train a captioner on images: found out by asking its processor, before any work."""

from collections.abc import Mapping, Sequence
from inspect import signature
from typing import Any

from PIL import Image

from cim.captioners.inputs import conversation, prepare
from cim.captioners.load import Captioner
from cim.errors import CimError

_SIZES = ((96, 64), (64, 160))  # of different shapes, so that they differ in tiles and tokens

_LOGITS_APART = 0.1  # rounding in bfloat16 stays below


def check_tunable(processor: Any, prompts: Sequence[str]) -> None:
    """Raises CimError, which names the processor, for a captioner whose images the trainer would lose or break.

    Each prompt, with pictures of two shapes, goes the trainer's two ways: the rollout tokenizes without padding, the
    update with it, and takes along the fields that its forward pass knows. No weights are needed.
    """
    texts = [prompt for prompt in prompts for _ in _SIZES]
    images = [Image.new("RGB", size) for _ in prompts for size in _SIZES]
    _check_rollout(processor, images, texts)
    inputs = dict(prepare(processor, images, texts))
    _check_fields(processor, inputs)
    _check_tiles(processor, inputs, images)


def check_logits(captioner: Captioner, prompt: str) -> None:
    """Raises CimError for a captioner whose tokens the trainer would score by other logits than it samples them by.

    The trainer computes them itself, from the hidden states and scales that it finds in the text model's config; some
    families ignore these. One picture is asked about, both ways; the captioner is left as it was.
    """
    import torch
    from trl.trainer import add_fused_lm_head

    model, processor = captioner.model, captioner.processor
    inputs = prepare(processor, [Image.new("RGB", _SIZES[0])], [prompt]).to(model.device, model.dtype)
    labels = inputs["input_ids"]
    with torch.no_grad():
        own = torch.log_softmax(model(**inputs).logits[:, :-1].float(), dim=-1).gather(2, labels[:, 1:, None])[..., 0]
        add_fused_lm_head(model)
        try:
            trainers = model(**inputs, labels=labels, fused_lm_head=True).log_probs
        finally:
            del model.forward  # the class has its own
    if (off := float((own - trainers).abs().max())) > _LOGITS_APART:
        raise _refused(
            processor,
            f"belongs to a {type(model).__name__} with scaled logits: the trainer's are {off:.2f} apart in log p",
        )


def _check_rollout(processor: Any, images: Sequence[Image.Image], prompts: Sequence[str]) -> None:
    """As `_tokenize_prompts` and `_generate_single_turn` of the trainer: lists, each made one tensor by NumPy."""
    import numpy as np

    asked = [conversation(prompt, image) for prompt, image in zip(prompts, images, strict=True)]
    try:
        fields = processor.apply_chat_template(asked, add_generation_prompt=True, tokenize=True, return_dict=True)
    except (ValueError, TypeError, AttributeError, KeyError) as error:
        raise _refused(
            processor, f"does not tokenize prompts of different lengths without padding ({error})"
        ) from error
    if any(0 in list(mask) for mask in fields["attention_mask"]):
        raise _refused(processor, "pads the prompts of a rollout, and the trainer would take padding for text")
    for name, value in fields.items():
        ragged = isinstance(value, list) and isinstance(value[0], list)  # by token: padded by the trainer
        try:
            np.array(0 if ragged else value)
        except (ValueError, TypeError) as error:
            raise _refused(processor, f"gives {name} that do not become one array ({error})") from error


def _check_fields(processor: Any, inputs: Mapping[str, Any]) -> None:
    from trl import GRPOTrainer

    carried = {"input_ids", "attention_mask", *signature(GRPOTrainer._get_per_token_logps_and_entropies).parameters}
    if lost := sorted(set(inputs) - carried):
        raise _refused(processor, f"also gives {', '.join(lost)}, which the trainer does not carry to the model")
    if "pixel_values" not in inputs:
        raise _refused(processor, "gives no pixel_values")


def _check_tiles(processor: Any, inputs: Mapping[str, Any], images: Sequence[Image.Image]) -> None:
    """Where one image has several rows of pixels, the trainer asks for a grid, shapes or `num_patches`."""
    pixels = inputs["pixel_values"]
    if len(pixels) == len(images) or "spatial_shapes" in inputs:
        return
    if pixels.ndim == 4:  # asked so even where there is a grid
        try:
            tiles = processor.image_processor(images=images, crop_to_patches=True, return_tensors="pt")["num_patches"]
        except (TypeError, ValueError, KeyError) as error:
            raise _refused(processor, f"does not say how many tiles an image has ({error})") from error
        known = int(tiles.sum()) == len(pixels)
    else:
        known = bool({"image_grid_thw", "image_position_ids"} & set(inputs))
    if not known:
        raise _refused(processor, f"cuts {len(images)} images into {len(pixels)} tiles without saying whose they are")


def _refused(processor: Any, why: str) -> CimError:
    return CimError(
        f"a captioner with {type(processor).__name__}, which {why}",
        "one whose images TRL's GRPOTrainer can take through rollout and update",
        "tune a captioner of a family that docs/models.md lists as tuned; this one can caption as it is",
    )
