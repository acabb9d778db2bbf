"""Models of published shapes with random weights, made where they will be used, on disk only where a folder is read."""

import json
import shutil
from pathlib import Path
from typing import Any

from benchmarks.gpu.bench import Bench
from cim.captioners.load import Captioner, captioner_fingerprint
from cim.errors import CimError
from cim.estimate.fit import gib
from cim.estimate.published import CAPTIONERS, OPEN_CLIP
from cim.estimate.shapes import captioner_shape, clip_parameters

QWEN_3B, QWEN_7B = CAPTIONERS
VIT_H = next(iter(OPEN_CLIP.values()))
PROMPT = "Caption this image as accurately as possible, without speculation. Describe what you see."
MAX_PIXELS = 512 * 28 * 28
"""Of an image that a captioner sees, as in profiles/lora-24gb.yaml; a photo of 640 x 480 is smaller."""
UNUSED = 271
"""Rows of the output layer that no token of Qwen2.5-VL's tokenizer uses: 151,936 - 151,665."""

_TOY_TEXT = {
    "hidden_size": 64, "intermediate_size": 96, "num_hidden_layers": 2, "num_attention_heads": 2,
    "num_key_value_heads": 1, "vocab_size": 900,
    "rope_parameters": {"rope_type": "default", "rope_theta": 1e6, "mrope_section": [4, 6, 6]},
}  # fmt: skip
_TOY_VISION = {
    "depth": 2, "hidden_size": 64, "intermediate_size": 96, "num_heads": 2, "out_hidden_size": 64,
    "fullatt_block_indexes": [1],
}  # fmt: skip
_TOY_CLIP = {
    "embed_dim": 32,
    "vision_cfg": {"image_size": 28, "layers": 1, "width": 64, "head_width": 32, "patch_size": 14},
    "text_cfg": {"context_length": 77, "vocab_size": 49408, "width": 32, "heads": 2, "layers": 1},
}


def values_of(bench: Bench, name: str) -> dict[str, Any]:
    """The published config of a captioner, of fewer layers where asked for, of a toy's sizes where it is one."""
    values = CAPTIONERS[name]
    text, vision = dict(values["text_config"]), dict(values["vision_config"])
    if bench.toy:
        text |= _TOY_TEXT
        vision |= _TOY_VISION
    if bench.layers is not None:
        text["num_hidden_layers"] = bench.layers
    return {**values, "text_config": text, "vision_config": vision}


def captioner_in_memory(bench: Bench, name: str, precision: str) -> Captioner:
    """Random weights that were made on the device, and a processor."""
    import torch
    from transformers import AutoModelForImageTextToText

    values = values_of(bench, name)
    processor = _processor(values["text_config"]["vocab_size"])
    torch.manual_seed(0)
    with torch.device(bench.device):
        model = AutoModelForImageTextToText.from_config(_config(values, processor), dtype=getattr(torch, precision))
    model.generation_config.eos_token_id = processor.tokenizer.eos_token_id
    model.generation_config.pad_token_id = processor.tokenizer.pad_token_id
    return Captioner(model.eval(), processor, "random")


def captioner_folder(bench: Bench, name: str) -> Path:
    """The same in a folder, in bfloat16; made by the first part that asks. Raises CimError where the disk is too full.

    For what reads a folder: vLLM, quantized weights, TRL's reference model.
    """
    folder = bench.scratch / name.replace("/", "--")
    if not folder.exists():
        check_disk(bench.scratch, 2 * captioner_shape(values_of(bench, name), name).parameters)
        captioner = captioner_in_memory(bench, name, "bfloat16")
        making = bench.scratch / "making"
        shutil.rmtree(making, ignore_errors=True)
        captioner.model.save_pretrained(making)
        captioner.processor.save_pretrained(making)
        making.rename(folder)
    return folder


def fingerprint_of(folder: Path) -> str:
    """What an engine compares a captioner's folder by; hashes all of it."""
    return captioner_fingerprint(folder)


def clip_folder(bench: Bench) -> Path:
    """ViT-H-14 as the models stage would leave it. Raises CimError where the disk is too full."""
    import open_clip
    import torch

    from cim.encoders.card import EncoderCard
    from cim.encoders.clip import save_clip
    from cim.models.folder import folder_fingerprint

    config = _TOY_CLIP if bench.toy else open_clip.get_model_config(VIT_H)
    check_disk(bench.scratch, 4 * clip_parameters(config)[0])
    folder = bench.scratch / VIT_H
    torch.manual_seed(0)
    with torch.device(bench.device):
        model = open_clip.CLIP(**config)
    save_clip(model, {"model_cfg": config, "preprocess_cfg": {"interpolation": "bicubic"}}, folder)
    EncoderCard("image", "open_clip", VIT_H, None, config["embed_dim"], folder_fingerprint(folder)).write(folder)
    return folder


def check_disk(folder: Path, needed: int) -> None:
    """Raise CimError where `needed` bytes are not free."""
    if (free := shutil.disk_usage(folder).free) < 1.05 * needed:
        raise CimError(
            f"{gib(free)} free in {folder}",
            f"{gib(1.05 * needed)} for a folder of random weights",
            "name another --scratch, or fewer --layers",
        )


def _config(values: dict[str, Any], processor: Any) -> Any:
    from transformers import AutoConfig

    ids = {token: processor.tokenizer.convert_tokens_to_ids(token) for token in processor.tokenizer.all_special_tokens}
    ends = {"bos_token_id": None, "eos_token_id": ids["<|im_end|>"], "pad_token_id": ids["<|endoftext|>"]}
    media = {
        "image_token_id": ids["<|image_pad|>"], "video_token_id": ids["<|video_pad|>"],
        "vision_start_token_id": ids["<|vision_start|>"], "vision_end_token_id": ids["<|vision_end|>"],
    }  # fmt: skip
    kind = values["model_type"]
    rest = {name: value for name, value in values.items() if name != "model_type"}
    return AutoConfig.for_model(kind, **{**rest, **media, "text_config": {**rest["text_config"], **ends}})


def _processor(rows: int) -> Any:
    """Qwen2.5-VL's, with a tokenizer for nearly all `rows` of the output layer: made-up words where none was learnt."""
    from transformers import Qwen2_5_VLProcessor, Qwen2TokenizerFast, Qwen2VLImageProcessor, Qwen2VLVideoProcessor

    from cim.warm_start.tiny import EOS, PAD, SPECIAL, train_tokenizer

    small = train_tokenizer([PROMPT] * 50, 400)
    learnt = json.loads(small.backend_tokenizer.to_str())["model"]
    vocabulary = dict(learnt["vocab"])
    for number in range(rows - min(UNUSED, rows // 10) - len(vocabulary) - len(SPECIAL)):
        vocabulary[f"\u0120w{number}"] = len(vocabulary)  # a word after a blank, as byte-level BPE writes it
    tokenizer = Qwen2TokenizerFast(
        vocab=vocabulary,
        merges=[tuple(merge) for merge in learnt["merges"]],
        eos_token=EOS,
        pad_token=PAD,
        extra_special_tokens=list(SPECIAL[1:]),
        padding_side="left",
    )
    tokenizer.chat_template = small.chat_template
    shape = {"patch_size": 14, "merge_size": 2, "temporal_patch_size": 2}
    return Qwen2_5_VLProcessor(
        image_processor=Qwen2VLImageProcessor(size={"shortest_edge": 4 * 28 * 28, "longest_edge": MAX_PIXELS}, **shape),
        tokenizer=tokenizer,
        video_processor=Qwen2VLVideoProcessor(**shape),
        chat_template=tokenizer.chat_template,
    )
