"""Families that are refused: no chat template, an encoder for the prompt, fields or logits that GRPO would lose."""

from pathlib import Path

from families.llava import PINPOINTS, SIGLIP, VICUNA
from families.parts import SIDE, chatml, save, template, text, tokenizer
from families.qwen import PATCHES


def florence2(out: Path) -> None:
    import transformers as t

    made = tokenizer(image_token="<image>")
    sizes = {"d_model": 32, "encoder_layers": 1, "decoder_layers": 1, "encoder_ffn_dim": 64, "decoder_ffn_dim": 64}
    heads = {"encoder_attention_heads": 2, "decoder_attention_heads": 2, "vocab_size": len(made) + 5}
    vision = {"depths": [1], "patch_size": [7], "patch_stride": [4], "patch_padding": [3], "patch_prenorm": [False]}
    config = t.Florence2Config(
        text_config={"model_type": "bart"} | sizes | heads,
        vision_config=vision
        | {"embed_dim": [32], "num_heads": [2], "num_groups": [2], "window_size": 4, "projection_dim": 32},
        image_token_id=made.convert_tokens_to_ids("<image>"),
    )
    images = t.CLIPImageProcessor(size=SIDE, crop_size=SIDE)
    images.image_seq_length = 64
    save(config, t.Florence2Processor(images, made), template("<image>", "", "", ""), out)


def blip2(out: Path) -> None:
    """Published without a chat template."""
    import transformers as t

    made = tokenizer("<image>")
    vision = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 1, "num_attention_heads": 2}
    config = t.Blip2Config(
        vision_config=vision | {"image_size": 32, "patch_size": 8},
        qformer_config=vision | {"encoder_hidden_size": 32, "vocab_size": len(made)},
        text_config={
            "model_type": "opt",
            "hidden_size": 32,
            "ffn_dim": 64,
            "num_hidden_layers": 1,
            "num_attention_heads": 2,
            "word_embed_proj_dim": 32,
            "vocab_size": len(made) + 5,
            "pad_token_id": made.pad_token_id,
            "eos_token_id": made.eos_token_id,
        },
        num_query_tokens=4,
        image_token_index=made.convert_tokens_to_ids("<image>"),
    )
    save(config, t.Blip2Processor(t.BlipImageProcessor(size=SIDE), made, num_query_tokens=4), None, out)


def video_llama_3(out: Path) -> None:
    import transformers as t

    made = tokenizer(image_token="<image>", video_token="<video>")
    config = t.VideoLlama3Config(
        text_config=text(made, model_type="qwen2"),
        vision_config={
            "hidden_size": 32,
            "intermediate_size": 64,
            "num_hidden_layers": 1,
            "num_attention_heads": 2,
            "patch_size": 8,
        },
        image_token_id=made.convert_tokens_to_ids("<image>"),
        video_token_id=made.convert_tokens_to_ids("<video>"),
    )
    images = t.VideoLlama3ImageProcessor(**PATCHES)
    films = t.VideoLlama3VideoProcessor(patch_size=8)
    save(config, t.VideoLlama3Processor(images, made, films), chatml("<image>\n"), out)


def granite_vision(out: Path) -> None:
    """Granite Vision 3: LLaVA-NeXT with SigLIP, features of several of its layers, and Granite's language model."""
    import transformers as t

    made = tokenizer("<image>")
    config = t.LlavaNextConfig(
        text_config=text(made, model_type="granite", logits_scaling=4.0),
        vision_config=SIGLIP | {"vision_use_head": False, "num_hidden_layers": 2},
        image_token_index=made.convert_tokens_to_ids("<image>"),
        vision_feature_layer=[-2, -1],
        vision_feature_select_strategy="full",
        image_grid_pinpoints=PINPOINTS,
    )
    images = t.LlavaNextImageProcessor(size={"shortest_edge": 32}, crop_size=SIDE, image_grid_pinpoints=PINPOINTS)
    save(config, t.LlavaNextProcessor(images, made, 8, "full"), VICUNA, out)
