"""Google's: Gemma 3, Gemma 3n, Gemma 4, PaliGemma."""

from pathlib import Path

from families.parts import SIDE, VISION, save, template, text, tokenizer

SIGLIP = VISION | {"model_type": "siglip_vision_model", "vision_use_head": False}
TURNS = ("<start_of_turn>", "<end_of_turn>")
NAMED = {"boi_token": "<start_of_image>", "eoi_token": "<end_of_image>", "image_token": "<image_soft_token>"}
AUDIO = {"boa_token": "<start_of_audio>", "eoa_token": "<end_of_audio>", "audio_token": "<audio_soft_token>"}


def _chat(image: str) -> str:
    return template(image, "<start_of_turn>user\n", "<end_of_turn>\n", "<start_of_turn>model\n")


def gemma3(out: Path) -> None:
    import transformers as t

    made = tokenizer(*TURNS, **NAMED)
    fields = {"boi_token_index": "boi_token", "eoi_token_index": "eoi_token", "image_token_index": "image_token"}
    config = t.Gemma3Config(
        text_config=text(made, head_dim=16, sliding_window=64, query_pre_attn_scalar=16),
        vision_config=SIGLIP,
        mm_tokens_per_image=4,
        **{field: made.convert_tokens_to_ids(NAMED[name]) for field, name in fields.items()},
    )
    processor = t.Gemma3Processor(t.Gemma3ImageProcessor(size=SIDE), made, image_seq_length=4)
    save(config, processor, _chat("<start_of_image>"), out, "<end_of_turn>")


def gemma4(out: Path) -> None:
    import transformers as t

    made = tokenizer("<|turn>", "<turn|>", "<|video|>", **NAMED, **AUDIO)
    ids = {f"{name}_id": made.convert_tokens_to_ids(mark) for name, mark in (NAMED | AUDIO).items()}
    ids["eoa_token_index"] = ids.pop("eoa_token_id")
    layers = {"num_hidden_layers": 2, "layer_types": ["sliding_attention", "full_attention"], "sliding_window": 64}
    config = t.Gemma4Config(
        text_config=text(made, head_dim=16, hidden_size_per_layer_input=0, **layers),
        vision_config={
            "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 1, "num_attention_heads": 2,
            "num_key_value_heads": 2, "head_dim": 16, "pooling_kernel_size": 2, "patch_size": 8,
            "position_embedding_size": 64,
        },
        audio_config=None,
        video_token_id=made.convert_tokens_to_ids("<|video|>"),
        **ids,
    )  # fmt: skip
    shape = {"patch_size": 8, "pooling_kernel_size": 2, "max_soft_tokens": 70}
    processor = t.Gemma4Processor(
        t.Gemma4AudioFeatureExtractor(), t.Gemma4ImageProcessor(**shape), made, t.Gemma4VideoProcessor(**shape),
        image_seq_length=70,
    )  # fmt: skip
    chat = template("<image_soft_token>", "<|turn>user\n", "<turn|>\n", "<|turn>model\n")
    save(config, processor, chat, out, "<turn|>")


def paligemma(out: Path, chat: str | None = None) -> None:
    """Published without a chat template: the prompt is "caption en"."""
    import transformers as t

    images = t.SiglipImageProcessor(size=SIDE)
    images.image_seq_length = 16
    made = tokenizer(image_token="<image>")
    processor = t.PaliGemmaProcessor(images, made)
    config = t.PaliGemmaConfig(
        text_config=text(made, model_type="gemma", head_dim=16),
        vision_config=SIGLIP,
        image_token_index=made.convert_tokens_to_ids("<image>"),
        projection_dim=32,
        hidden_size=32,
        vocab_size=len(made) + 5,
    )
    save(config, processor, chat, out)


def gemma3n(out: Path) -> None:
    """The vision tower is one of timm's: here a small ConvNeXt, whose features of 32 x 32 pixels are one token."""
    import transformers as t

    made = tokenizer(*TURNS, **NAMED, **AUDIO)
    ids = {f"{name}_id": made.convert_tokens_to_ids(mark) for name, mark in (NAMED | AUDIO).items()}
    more = {"head_dim": 16, "sliding_window": 64, "num_kv_shared_layers": 0, "activation_sparsity_pattern": [0.0]}
    more |= {"layer_types": ["full_attention"], "hidden_size_per_layer_input": 8, "altup_num_inputs": 2}
    more |= {"laurel_rank": 4, "vocab_size_per_layer_input": len(made) + 5}
    audio = {"hidden_size": 32, "conf_num_attention_heads": 2, "conf_num_hidden_layers": 1, "vocab_size": 8}
    config = t.Gemma3nConfig(
        text_config=text(made, **more),
        vision_config={
            "architecture": "convnext_atto",
            "model_args": {"depths": [1, 1, 1, 1], "dims": [8, 16, 32, 32]},
            "hidden_size": 32,
            "vocab_size": 8,
            "vocab_offset": len(made) + 5,
        },
        audio_config=audio | {"vocab_offset": len(made) + 13},
        vision_soft_tokens_per_image=1,
        **ids,
    )
    images = t.SiglipImageProcessor(size=SIDE)
    processor = t.Gemma3nProcessor(t.Gemma3nAudioFeatureExtractor(), images, made, image_seq_length=1)
    save(config, processor, _chat("<image_soft_token>"), out, "<end_of_turn>")
