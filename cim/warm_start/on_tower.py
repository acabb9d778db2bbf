"""A small captioner on a pretrained vision tower: FastVLM's architecture of a timm model and a Qwen2 from nothing."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from cim.errors import CimError
from cim.params import TowerCaptioner
from cim.warm_start.tiny import EOS, IMAGE, PAD, text_config, train_tokenizer


def make_tower_captioner(params: TowerCaptioner, trunk: Any, texts: Iterable[str], seed: int, out: Path) -> None:
    """Write a captioner (model, tokenizer, processor) to the folder `out`: the trunk's weights, the rest by chance.

    trunk: as `open_trunk` gives it. texts: captions and prompts the tokenizer is trained on. seed: of the weights.
    The folder loads through AutoProcessor and AutoModelForImageTextToText. Raises CimError for a trunk whose output is
    no square map of features.
    """
    import torch
    from transformers import FastVlmForConditionalGeneration

    patch = _patch(trunk, params.trunk.size)
    processor = _processor(params, trunk, patch, texts)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = FastVlmForConditionalGeneration(_config(params, trunk, patch, processor.tokenizer))
    model.model.vision_tower.timm_model.load_state_dict(trunk.state_dict())
    model.generation_config.eos_token_id = processor.tokenizer.eos_token_id
    model.generation_config.pad_token_id = processor.tokenizer.pad_token_id
    model.save_pretrained(out)
    processor.save_pretrained(out)


def _patch(trunk: Any, size: int) -> int:
    """Side in pixels of what becomes one image token."""
    import torch

    with torch.no_grad():
        shape = tuple(trunk.forward_features(torch.zeros(1, 3, size, size)).shape)
    if len(shape) != 4 or shape[1] != trunk.num_features or shape[2] != shape[3] or size % shape[2]:
        raise CimError(
            f"a trunk whose output of {size} x {size} pixels has the shape {shape}",
            f"(1, {trunk.num_features}, s, s), as of a CNN, with s a divisor of {size}",
            "set models.captioner.trunk.size to a multiple of the trunk's stride (32 for most), or take a CNN of timm",
        )
    return int(size // shape[2])


def _processor(params: TowerCaptioner, trunk: Any, patch: int, texts: Iterable[str]) -> Any:
    """Pictures are squeezed into a square, as nothing of them is to be cut off."""
    from transformers import CLIPImageProcessor, LlavaProcessor

    tokenizer = train_tokenizer(texts, params.vocabulary)
    square = {"height": params.trunk.size, "width": params.trunk.size}
    images = CLIPImageProcessor(
        size=square,
        crop_size=square,  # asked for the number of tokens
        do_center_crop=False,
        image_mean=list(trunk.pretrained_cfg["mean"]),
        image_std=list(trunk.pretrained_cfg["std"]),
    )
    return LlavaProcessor(
        images,
        tokenizer,
        patch_size=patch,
        vision_feature_select_strategy="full",
        image_token=IMAGE,
        chat_template=tokenizer.chat_template,
    )


def _config(params: TowerCaptioner, trunk: Any, patch: int, tokenizer: Any) -> Any:
    from transformers import FastVlmConfig

    ids = {token: tokenizer.convert_tokens_to_ids(token) for token in (EOS, PAD, IMAGE)}
    text = text_config(params.hidden, params.layers, len(tokenizer), ids)
    text |= {"model_type": "qwen2", "rope_parameters": {"rope_type": "default", "rope_theta": 1e4}}
    vision = {
        "model_type": "timm_wrapper",
        "architecture": params.trunk.architecture,
        "do_pooling": False,
        "hidden_size": trunk.num_features,
    }
    return FastVlmConfig(
        text_config=text,
        vision_config=vision,
        image_token_index=ids[IMAGE],
        image_seq_length=(params.trunk.size // patch) ** 2,
        tie_word_embeddings=True,
    )
