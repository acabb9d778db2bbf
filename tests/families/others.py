"""Families that stand alone; most are refused: no chat template, an encoder, fields or logits that GRPO would lose."""

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


def minicpmv4_6(out: Path) -> None:
    import transformers as t

    marks = {f"{name}_token": f"<{name}>" for name in ("image_start", "image_end", "slice_start", "slice_end")}
    marks |= {"image_id_start_token": "<image_id>", "image_id_end_token": "</image_id>"}
    made = tokenizer(image_token="<|image_pad|>", video_token="<|video_pad|>", **marks)
    config = t.MiniCPMV4_6Config(
        text_config=text(made, model_type="qwen2"),
        vision_config={
            "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 2,
            "image_size": 64, "patch_size": 8, "insert_layer_id": 0,
        },
        insert_layer_id=0,
        image_size=64,
        image_token_id=made.convert_tokens_to_ids("<|image_pad|>"),
        video_token_id=made.convert_tokens_to_ids("<|video_pad|>"),
    )  # fmt: skip
    shape = {"max_slice_nums": 2, "scale_resolution": 64, "patch_size": 8}
    images, films = t.MiniCPMV4_6ImageProcessor(**shape), t.MiniCPMV4_6VideoProcessor(**shape)
    save(config, t.MiniCPMV4_6Processor(images, films, made), chatml("<|image_pad|>\n"), out)


def molmo2(out: Path) -> None:
    import transformers as t

    marks = ("<im_patch>", "<im_col>", "<im_start>", "<low_res_im_start>", "<frame_start>", "<im_end>", "<frame_end>",
             "<im_low>", "<|image|>", "<|video|>")  # fmt: skip
    made = tokenizer(*marks)
    ids = made.convert_tokens_to_ids
    heads = {"num_attention_heads": 2, "num_key_value_heads": 2, "head_dim": 16}
    vision = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "image_size": [32, 32]}
    config = t.Molmo2Config(
        text_config=text(made, head_dim=16, additional_vocab_size=8),
        vision_config=vision | heads | {"patch_size": 8, "num_position_embeddings": 16},
        adapter_config=heads
        | {"vision_feature_layer": [-1, -2], "hidden_size": 32, "intermediate_size": 64, "text_hidden_size": 32},
        image_start_token_id=ids("<im_start>"),
        low_res_image_start_token_id=ids("<low_res_im_start>"),
        image_end_token_id=ids("<im_end>"),
        image_patch_id=ids("<im_patch>"),
        frame_start_token_id=ids("<frame_start>"),
        frame_end_token_id=ids("<frame_end>"),
    )
    images = t.Molmo2ImageProcessor(size=SIDE, max_crops=2, overlap_margins=[1, 1], patch_size=8)
    films = t.Molmo2VideoProcessor(size=SIDE, patch_size=8)
    save(config, t.Molmo2Processor(images, films, made), chatml("<|image|>"), out)


def kimi_k25(out: Path) -> None:
    import transformers as t

    made = tokenizer("<|media_begin|>", "<|media_content|>", "<|media_end|>", "<|media_pad|>",
                     "<|kimi_k25_video_placeholder|>")  # fmt: skip
    ids = made.convert_tokens_to_ids
    latent = {"q_lora_rank": 8, "kv_lora_rank": 8, "qk_rope_head_dim": 8, "qk_nope_head_dim": 8, "v_head_dim": 16}
    config = t.Kimi_K25Config(
        text_config=text(made, model_type="deepseek_v3", first_k_dense_replace=1, n_routed_experts=2, n_group=1,
                         topk_group=1, num_experts_per_tok=1, **latent),
        vision_config={
            "patch_size": 8, "pos_emb_height": 8, "pos_emb_width": 8, "num_attention_heads": 2, "num_hidden_layers": 1,
            "hidden_size": 32, "intermediate_size": 64,
        },
        projection_hidden_size=32,
        image_token_id=ids("<|media_pad|>"),
        video_token_id=ids("<|kimi_k25_video_placeholder|>"),
        vision_start_token_id=ids("<|media_begin|>"),
        vision_end_token_id=ids("<|media_end|>"),
    )  # fmt: skip
    images = t.Kimi_K25ImageProcessor(patch_size=8, max_patches=64)
    films = t.Kimi_K25VideoProcessor(patch_size=8)
    image = "<|media_begin|>image<|media_content|><|media_pad|><|media_end|>"
    save(config, t.Kimi_K25Processor(images, made, films), chatml(image), out)
