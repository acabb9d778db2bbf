"""A tiny captioner made from nothing: Qwen2.5-VL's architecture and a tokenizer, by the libraries' own classes."""

import json
from collections.abc import Iterable, Mapping
from itertools import chain
from pathlib import Path
from typing import Any

from cim.params import TinyCaptioner

PATCH, MERGE, HEAD = 8, 2, 32  # pixels a patch, patches merged a side, width of one attention head
SPECIAL = (
    "<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|vision_start|>", "<|vision_end|>", "<|vision_pad|>",
    "<|image_pad|>", "<|video_pad|>",
)  # fmt: skip
PAD, EOS, IMAGE = "<|endoftext|>", "<|im_end|>", "<|image_pad|>"

# Qwen2.5-VL's turn format, for one system-less conversation of text and images.
CHAT_TEMPLATE = (
    "{% for message in messages %}<|im_start|>{{ message.role }}\n"
    "{% if message.content is string %}{{ message.content }}"
    "{% else %}{% for part in message.content %}"
    "{% if part.type == 'image' %}<|vision_start|><|image_pad|><|vision_end|>"
    "{% elif part.type == 'text' %}{{ part.text }}{% endif %}{% endfor %}{% endif %}<|im_end|>\n"
    "{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


def make_tiny_captioner(params: TinyCaptioner, texts: Iterable[str], seed: int, out: Path) -> None:
    """Write a randomly initialised captioner (model, tokenizer, processor) to the folder `out`.

    texts: captions and prompts the tokenizer is trained on. seed: of the weights.
    The folder loads through AutoProcessor and AutoModelForImageTextToText.
    """
    import torch
    from transformers import Qwen2_5_VLForConditionalGeneration

    processor = _processor(params, texts)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = Qwen2_5_VLForConditionalGeneration(_config(params, processor.tokenizer))
    model.generation_config.eos_token_id = processor.tokenizer.eos_token_id
    model.generation_config.pad_token_id = processor.tokenizer.pad_token_id
    model.save_pretrained(out)
    processor.save_pretrained(out)


def _processor(params: TinyCaptioner, texts: Iterable[str]) -> Any:
    from transformers import Qwen2_5_VLProcessor, Qwen2VLImageProcessor, Qwen2VLVideoProcessor

    tokenizer = train_tokenizer(texts, params.vocabulary)
    shape = {"patch_size": PATCH, "merge_size": MERGE, "temporal_patch_size": 2}
    pixels = params.side**2
    return Qwen2_5_VLProcessor(
        image_processor=Qwen2VLImageProcessor(size={"shortest_edge": pixels, "longest_edge": pixels}, **shape),
        tokenizer=tokenizer,
        video_processor=Qwen2VLVideoProcessor(**shape),
        chat_template=tokenizer.chat_template,
    )


def _config(params: TinyCaptioner, tokenizer: Any) -> Any:
    ids = {token: tokenizer.convert_tokens_to_ids(token) for token in tokenizer.all_special_tokens}
    return tiny_captioner_config(params, len(tokenizer), ids)


def tiny_captioner_config(params: TinyCaptioner, vocabulary: int, ids: Mapping[str, int]) -> Any:
    """The Qwen2_5_VLConfig of a tiny captioner. vocabulary: its tokenizer's tokens. ids: of those in SPECIAL."""
    from transformers import Qwen2_5_VLConfig

    text = text_config(params.hidden, params.layers, vocabulary, ids)
    # Positions of (time, height, width): the three sections sum to half a head's width.
    text["rope_parameters"] = {"rope_type": "default", "rope_theta": 1e4, "mrope_section": [4, 6, 6]}
    vision = {
        "depth": params.vision_depth,
        "hidden_size": params.vision_hidden,
        "intermediate_size": params.vision_hidden * 3,
        "num_heads": params.vision_hidden // HEAD,
        "patch_size": PATCH,
        "spatial_merge_size": MERGE,
        "temporal_patch_size": 2,
        "window_size": PATCH * MERGE * 8,
        "fullatt_block_indexes": list(range(params.vision_depth)),
        "out_hidden_size": params.hidden,
    }
    return Qwen2_5_VLConfig(
        text_config=text,
        vision_config=vision,
        image_token_id=ids[IMAGE],
        video_token_id=ids["<|video_pad|>"],
        vision_start_token_id=ids["<|vision_start|>"],
        vision_end_token_id=ids["<|vision_end|>"],
        tie_word_embeddings=True,
    )


def text_config(hidden: int, layers: int, vocabulary: int, ids: Mapping[str, int]) -> dict[str, Any]:
    """The text model's configuration, for Qwen2 and its kin, but for its positions. ids: of EOS and PAD."""
    heads = hidden // HEAD
    return {
        "hidden_size": hidden,
        "intermediate_size": hidden * 3,
        "num_hidden_layers": layers,
        "num_attention_heads": heads,
        "num_key_value_heads": max(n for n in range(1, max(1, heads // 3) + 1) if heads % n == 0),  # a divisor
        "vocab_size": vocabulary,
        "max_position_embeddings": 1024,
        "bos_token_id": None,
        "eos_token_id": ids[EOS],
        "pad_token_id": ids[PAD],
        "tie_word_embeddings": True,
    }


def train_tokenizer(texts: Iterable[str], vocabulary: int) -> Any:
    """A Qwen2 tokenizer with at most `vocabulary` tokens, the special ones included.

    Every byte is a token, so no text is unknown. Padding is on the left, for generation.
    """
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import Qwen2TokenizerFast

    learner = Tokenizer(models.BPE())
    learner.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    learner.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary - len(SPECIAL),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    turns = ["user\n", "assistant\n"] * 1000  # the words of every prompt's frame become one token each
    learner.train_from_iterator(chain(turns, texts), trainer)
    learnt = json.loads(learner.to_str())["model"]
    tokenizer = Qwen2TokenizerFast(
        vocab=learnt["vocab"],
        merges=[tuple(merge) for merge in learnt["merges"]],
        eos_token=EOS,
        pad_token=PAD,
        extra_special_tokens=list(SPECIAL[1:]),
        padding_side="left",
    )
    tokenizer.chat_template = CHAT_TEMPLATE
    return tokenizer
