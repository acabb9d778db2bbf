"""Shapes of models that profiles name and that need not be here: what their config.json on the hub says, in short.

Only what differs from the library's own defaults, or decides a size, is kept; the parameters are counted from it.
"""

from typing import Any

# Vision tower of Qwen2.5-VL, the same in 3B and 7B but for what it hands over (arXiv 2502.13923, table 1).
_VISION = {
    "depth": 32, "hidden_size": 1280, "intermediate_size": 3420, "num_heads": 16, "patch_size": 14,
    "spatial_merge_size": 2, "temporal_patch_size": 2, "window_size": 112, "fullatt_block_indexes": [7, 15, 23, 31],
}  # fmt: skip
_ROPE = {"rope_type": "default", "rope_theta": 1e6, "mrope_section": [16, 24, 24]}

CAPTIONERS: dict[str, dict[str, Any]] = {
    # https://huggingface.co/Qwen/Qwen2.5-VL-3B-Instruct/blob/66285546d2b821cf421d4f5eb2576359d3770cd3/config.json
    "Qwen/Qwen2.5-VL-3B-Instruct": {
        "model_type": "qwen2_5_vl",
        "text_config": {
            "hidden_size": 2048, "intermediate_size": 11008, "num_hidden_layers": 36, "num_attention_heads": 16,
            "num_key_value_heads": 2, "vocab_size": 151936, "rope_parameters": _ROPE, "tie_word_embeddings": True,
        },
        "vision_config": {**_VISION, "out_hidden_size": 2048},
        "tie_word_embeddings": True,
    },
    # https://huggingface.co/Qwen/Qwen2.5-VL-7B-Instruct/blob/cc594898137f460bfe9f0759e9844b3ce807cfb5/config.json
    "Qwen/Qwen2.5-VL-7B-Instruct": {
        "model_type": "qwen2_5_vl",
        "text_config": {
            "hidden_size": 3584, "intermediate_size": 18944, "num_hidden_layers": 28, "num_attention_heads": 28,
            "num_key_value_heads": 4, "vocab_size": 152064, "rope_parameters": _ROPE, "tie_word_embeddings": False,
        },
        "vision_config": {**_VISION, "out_hidden_size": 3584},
        "tie_word_embeddings": False,
    },
}  # fmt: skip

TEXT_ENCODERS: dict[str, dict[str, Any]] = {
    # https://huggingface.co/sentence-transformers/all-mpnet-base-v2/blob/main/config.json: the base size
    "sentence-transformers/all-mpnet-base-v2": {
        "model_type": "mpnet", "vocab_size": 30527, "hidden_size": 768, "num_hidden_layers": 12,
        "num_attention_heads": 12, "intermediate_size": 3072, "max_position_embeddings": 514,
    },
}  # fmt: skip

OPEN_CLIP: dict[str, str] = {
    # Hub id -> the architecture's name in open_clip, which ships its numbers.
    "laion/CLIP-ViT-H-14-laion2B-s32B-b79K": "ViT-H-14",
    "laion/CLIP-ViT-L-14-DataComp.XL-s13B-b90K": "ViT-L-14",
}
