"""Meta's: Llama 3.2 Vision (Mllama) and Llama 4."""

from pathlib import Path

from families.parts import SIDE, VISION, save, template, text, tokenizer


def mllama(out: Path) -> None:
    import transformers as t

    made = tokenizer("<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>", "<|python_tag|>", "<|image|>")
    made.bos_token = "<|endoftext|>"
    ratios = [[1, 1], [1, 2], [2, 1]]
    # The image token is no row of the output layer: the last id, after the tokenizer's other tokens.
    config = t.MllamaConfig(
        text_config=text(made, num_hidden_layers=2, cross_attention_layers=[1], bos_token_id=made.bos_token_id),
        vision_config={
            "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 1, "num_global_layers": 1,
            "attention_heads": 2, "image_size": 32, "patch_size": 8, "max_num_tiles": 2, "vision_output_dim": 64,
            "intermediate_layers_indices": [0], "supported_aspect_ratios": ratios,
        },
        image_token_index=made.convert_tokens_to_ids("<|image|>"),
    )  # fmt: skip
    images = t.MllamaImageProcessor(size=SIDE, max_image_tiles=2)
    chat = template(
        "<|image|>",
        "<|start_header_id|>user<|end_header_id|>\n\n",
        "<|eot_id|>",
        "<|start_header_id|>assistant<|end_header_id|>\n\n",
    )
    save(config, t.MllamaProcessor(images, made), chat, out, "<|eot_id|>")


def llama4(out: Path) -> None:
    import transformers as t

    marks = ("<|image|>", "<|image_start|>", "<|image_end|>", "<|patch|>", "<|tile_x_separator|>",
             "<|tile_y_separator|>", "<|header_start|>", "<|header_end|>", "<|eot|>")  # fmt: skip
    made = tokenizer(*marks)
    ids = made.convert_tokens_to_ids
    more = {"num_local_experts": 2, "intermediate_size_mlp": 64, "head_dim": 16, "interleave_moe_layer_step": 1}
    vision = VISION | {"vision_output_dim": 64, "projector_input_dim": 64, "projector_output_dim": 64}
    config = t.Llama4Config(
        text_config=text(made, attention_chunk_size=64, **more),
        vision_config=vision | {"intermediate_size": 128},
        boi_token_index=ids("<|image_start|>"),
        eoi_token_index=ids("<|image_end|>"),
        image_token_index=ids("<|patch|>"),
    )
    images = t.Llama4ImageProcessor(size=SIDE, max_patches=4)
    chat = template(
        "<|image|>", "<|header_start|>user<|header_end|>\n\n", "<|eot|>", "<|header_start|>assistant<|header_end|>\n\n"
    )
    save(config, t.Llama4Processor(images, made, patch_size=8), chat, out, "<|eot|>")
