"""LLaVA and families built like it: a vision tower, a projector, a language model that sees image tokens."""

from pathlib import Path
from typing import Any

from families.parts import SIDE, VISION, chatml, save, template, text, tokenizer

VICUNA = template("<image>\n", "USER: ", " ", "ASSISTANT:")
PINPOINTS = [[32, 64], [64, 32], [64, 64]]
CLIP = VISION | {"model_type": "clip_vision_model"}
SIGLIP = VISION | {"model_type": "siglip_vision_model"}


def llava(out: Path) -> None:
    import transformers as t

    made = tokenizer("<image>")
    config = t.LlavaConfig(
        text_config=text(made, model_type="llama"),
        vision_config=CLIP,
        image_token_index=made.convert_tokens_to_ids("<image>"),
        vision_feature_layer=-1,
    )
    images = t.CLIPImageProcessor(size={"shortest_edge": 32}, crop_size=SIDE)
    save(config, t.LlavaProcessor(images, made, 8, "default", num_additional_image_tokens=1), VICUNA, out)


def vipllava(out: Path) -> None:
    import transformers as t

    made = tokenizer("<image>")
    config = t.VipLlavaConfig(
        text_config=text(made, model_type="llama"),
        vision_config=CLIP,
        image_token_index=made.convert_tokens_to_ids("<image>"),
        vision_feature_layers=[-1, -2],
    )
    images = t.CLIPImageProcessor(size={"shortest_edge": 32}, crop_size=SIDE)
    save(config, t.LlavaProcessor(images, made, 8, "default", num_additional_image_tokens=1), VICUNA, out)


def fast_vlm(out: Path) -> None:
    """The vision tower is one of timm's: here a small ConvNeXt, whose features of 32 x 32 pixels are one token."""
    import transformers as t

    made = tokenizer("<image>")
    sizes = {"depths": [1, 1, 1, 1], "dims": [8, 16, 32, 32]}
    tower = {"model_type": "timm_wrapper", "architecture": "convnext_atto", "model_args": sizes, "do_pooling": False}
    config = t.FastVlmConfig(
        text_config=text(made, model_type="qwen2"),
        vision_config=tower | {"hidden_size": 32},
        image_token_index=made.convert_tokens_to_ids("<image>"),
    )
    images = t.CLIPImageProcessor(size=SIDE, crop_size=SIDE, do_center_crop=False)
    save(config, t.LlavaProcessor(images, made, 32, "full"), chatml("<image>\n"), out)


def llava_next(out: Path) -> None:
    import transformers as t

    made = tokenizer("<image>")
    config = t.LlavaNextConfig(
        text_config=text(made, model_type="llama"),
        vision_config=CLIP,
        image_token_index=made.convert_tokens_to_ids("<image>"),
        vision_feature_layer=-1,
        image_grid_pinpoints=PINPOINTS,
    )
    images = t.LlavaNextImageProcessor(size={"shortest_edge": 32}, crop_size=SIDE, image_grid_pinpoints=PINPOINTS)
    save(config, t.LlavaNextProcessor(images, made, 8, "default", num_additional_image_tokens=1), VICUNA, out)


def llava_onevision(out: Path) -> None:
    import transformers as t

    made = tokenizer("<image>", "<video>")
    config = t.LlavaOnevisionConfig(
        text_config=text(made, model_type="qwen2"),
        vision_config=SIGLIP | {"vision_use_head": False},
        image_token_index=made.convert_tokens_to_ids("<image>"),
        video_token_index=made.convert_tokens_to_ids("<video>"),
        image_grid_pinpoints=PINPOINTS,
    )
    images = t.LlavaOnevisionImageProcessor(size=SIDE, image_grid_pinpoints=PINPOINTS)
    films = t.LlavaOnevisionVideoProcessor(size=SIDE)
    processor = t.LlavaOnevisionProcessor(
        images, made, films, num_image_tokens=16, vision_feature_select_strategy="full"
    )
    save(config, processor, chatml("<image>\n"), out)


def _pixtral_processor(made: Any, merge: int) -> Any:
    import transformers as t

    images = t.PixtralImageProcessor(size={"longest_edge": 32}, patch_size=8 * merge)
    return t.PixtralProcessor(images, made, patch_size=8, spatial_merge_size=merge)


PIXTRAL = VISION | {"model_type": "pixtral", "head_dim": 16}
PIXTRAL_MARKS = ("[INST]", "[/INST]", "[IMG]", "[IMG_BREAK]", "[IMG_END]")
MISTRAL_CHAT = template("[IMG]", "[INST]", "[/INST]", "")


def pixtral(out: Path) -> None:
    """Pixtral-12B in transformers' form: LLaVA with Pixtral's tower."""
    import transformers as t

    made = tokenizer(*PIXTRAL_MARKS)
    config = t.LlavaConfig(
        text_config=text(made, model_type="mistral", head_dim=16),
        vision_config=PIXTRAL,
        image_token_index=made.convert_tokens_to_ids("[IMG]"),
        vision_feature_layer=-1,
        vision_feature_select_strategy="full",
    )
    save(config, _pixtral_processor(made, 1), MISTRAL_CHAT, out)


def mistral3(out: Path) -> None:
    import transformers as t

    made = tokenizer(*PIXTRAL_MARKS)
    config = t.Mistral3Config(
        text_config=text(made, model_type="mistral", head_dim=16),
        vision_config=PIXTRAL,
        image_token_index=made.convert_tokens_to_ids("[IMG]"),
        spatial_merge_size=2,
    )
    save(config, _pixtral_processor(made, 2), MISTRAL_CHAT, out)


COHERE_CHAT = template(
    "<image>",
    "<|START_OF_TURN_TOKEN|><|USER_TOKEN|>",
    "<|END_OF_TURN_TOKEN|>",
    "<|START_OF_TURN_TOKEN|><|CHATBOT_TOKEN|>",
)
COHERE_MARKS = (
    "<|START_OF_TURN_TOKEN|>", "<|END_OF_TURN_TOKEN|>", "<|USER_TOKEN|>", "<|CHATBOT_TOKEN|>", "<image>",
    "<|START_OF_IMG|>", "<|END_OF_IMG|>", "<|IMG_PATCH|>", "<|IMG_LINE_BREAK|>", "TILE_GLOBAL",
    *(f"TILE_{number}" for number in range(1, 10)),
)  # fmt: skip


def aya_vision(out: Path) -> None:
    import transformers as t

    made = tokenizer(*COHERE_MARKS)
    config = t.AyaVisionConfig(
        text_config=text(made, model_type="cohere2", head_dim=16, sliding_window=64),
        vision_config=SIGLIP | {"vision_use_head": False},
        downsample_factor=2,
        image_token_index=made.convert_tokens_to_ids("<|IMG_PATCH|>"),
    )
    images = t.GotOcr2ImageProcessor(size=SIDE, crop_to_patches=True, max_patches=4)
    processor = t.AyaVisionProcessor(images, made, patch_size=8, img_size=32, downsample_factor=2)
    save(config, processor, COHERE_CHAT, out, "<|END_OF_TURN_TOKEN|>")


def cohere2_vision(out: Path) -> None:
    import transformers as t

    named = {"boi_token": "<|START_OF_IMG|>", "eoi_token": "<|END_OF_IMG|>", "image_token": "<|IMG_PATCH|>"}
    made = tokenizer(*COHERE_MARKS, **named, img_line_break_token="<|IMG_LINE_BREAK|>")
    config = t.Cohere2VisionConfig(
        text_config=text(made, model_type="cohere2", head_dim=16, sliding_window=64),
        vision_config=SIGLIP | {"vision_use_head": False, "patch_size": 4},
        downsample_factor=2,
        image_token_id=made.convert_tokens_to_ids("<|IMG_PATCH|>"),
        alignment_intermediate_size=64,
    )
    images = t.Cohere2VisionImageProcessor(size=SIDE, max_patches=4, patch_size=4, downsample_factor=2)
    chat = COHERE_CHAT.replace("<image>", "<|IMG_PATCH|>")
    save(config, t.Cohere2VisionProcessor(images, made), chat, out, "<|END_OF_TURN_TOKEN|>")


def internvl(out: Path) -> None:
    import transformers as t

    names = {"start_image_token": "<img>", "end_image_token": "</img>", "context_image_token": "<IMG_CONTEXT>"}
    made = tokenizer(**names, video_token="<video>")
    config = t.InternVLConfig(
        text_config=text(made, model_type="qwen2"),
        vision_config=VISION | {"image_size": [32, 32], "patch_size": [8, 8]},
        image_token_id=made.convert_tokens_to_ids("<IMG_CONTEXT>"),
        image_seq_length=4,
    )
    images = t.GotOcr2ImageProcessor(size=SIDE, crop_to_patches=True, max_patches=4)
    processor = t.InternVLProcessor(images, made, t.InternVLVideoProcessor(size=SIDE), image_seq_length=4)
    save(config, processor, chatml("<IMG_CONTEXT>\n"), out)


def ovis2(out: Path) -> None:
    import transformers as t

    marks = ["<IMG_ATOM>", "<IMG_START>", "<IMG_GRID>", "<IMG_COL>", "<IMG_ROW>", "<IMG_END>"]
    made = tokenizer("<image>", *marks)
    ids = made.convert_tokens_to_ids(marks)
    config = t.Ovis2Config(
        text_config=text(made, model_type="qwen2"),
        vision_config=VISION | {"vocab_size": 64, "hidden_stride": 2},
        image_token_id=ids[0],
        visual_indicator_token_ids=ids[1:],
        vocab_size=len(made) + 5,
        hidden_size=32,
    )
    images = t.Ovis2ImageProcessor(size=SIDE, crop_to_patches=True, max_patches=4)
    save(config, t.Ovis2Processor(images, made, image_seq_length=4), chatml("<image>\n"), out)


def deepseek_vl(out: Path) -> None:
    import transformers as t

    made = tokenizer(image_token="<image_placeholder>")
    config = t.DeepseekVLConfig(
        text_config=text(made, model_type="llama"),
        vision_config=SIGLIP,
        image_token_id=made.convert_tokens_to_ids("<image_placeholder>"),
    )
    images = t.DeepseekVLImageProcessor(size=SIDE, min_size=14)
    processor = t.DeepseekVLProcessor(images, made, num_image_tokens=16)
    save(config, processor, template("<image_placeholder>", "User: ", "\n\n", "Assistant:"), out)


def lfm2_vl(out: Path) -> None:
    import transformers as t

    tiles = [f"<|img_row_{row}_col_{column}|>" for row in range(1, 5) for column in range(1, 5)]
    made = tokenizer("<image>", "<|image_start|>", "<|image_end|>", "<|img_thumbnail|>", *tiles)
    config = t.Lfm2VlConfig(
        text_config=text(made, model_type="lfm2", num_hidden_layers=2, layer_types=["conv", "full_attention"]),
        vision_config=VISION | {"model_type": "siglip2_vision_model", "num_patches": 16, "vision_use_head": False},
        image_token_id=made.convert_tokens_to_ids("<image>"),
        projector_hidden_size=32,
    )
    images = t.Lfm2VlImageProcessor(
        tile_size=32, encoder_patch_size=8, min_image_tokens=1, max_image_tokens=4, max_num_patches=16, max_tiles=4
    )
    save(config, t.Lfm2VlProcessor(images, made), chatml("<image>"), out)
