"""Idefics2, Idefics3 and SmolVLM, which SmolVLM2 is too."""

from pathlib import Path
from typing import Any

from families.parts import VISION, save, template, text, tokenizer

IMAGES = {"size": {"longest_edge": 64}, "max_image_size": {"longest_edge": 32}}
CHAT = template("<image>", "User:", "<end_of_utterance>\n", "Assistant:", "<|im_start|>")


def _tokenizer() -> Any:
    cells = [f"<row_{r}_col_{c}>" for r in range(1, 7) for c in range(1, 7)]
    return tokenizer("<fake_token_around_image>", "<image>", "<end_of_utterance>", "<global-img>", *cells)


def _parts(made: Any) -> dict[str, Any]:
    return {
        "text_config": text(made, model_type="llama"),
        "vision_config": VISION,
        "scale_factor": 2,
        "image_token_id": made.convert_tokens_to_ids("<image>"),
    }


def idefics2(out: Path) -> None:
    import transformers as t

    made = _tokenizer()
    perceiver = {"hidden_size": 32, "resampler_n_latents": 4, "resampler_depth": 1, "resampler_n_heads": 2}
    config = t.Idefics2Config(
        text_config=text(made, model_type="mistral"),
        vision_config=VISION,
        perceiver_config=perceiver | {"resampler_head_dim": 16, "num_key_value_heads": 2},
        image_token_id=made.convert_tokens_to_ids("<image>"),
    )
    images = t.Idefics2ImageProcessor(size={"shortest_edge": 16, "longest_edge": 32}, do_image_splitting=True)
    chat = CHAT.replace("'<|im_start|>'", "''")
    save(config, t.Idefics2Processor(images, made, image_seq_len=4), chat, out, "<end_of_utterance>")


def idefics3(out: Path) -> None:
    import transformers as t

    made = _tokenizer()
    processor = t.Idefics3Processor(t.Idefics3ImageProcessor(**IMAGES), made, image_seq_len=4)
    save(t.Idefics3Config(**_parts(made)), processor, CHAT, out, "<end_of_utterance>")


def smolvlm(out: Path) -> None:
    import transformers as t

    made = _tokenizer()
    films = t.SmolVLMVideoProcessor(max_image_size={"longest_edge": 32}, size={"longest_edge": 64})
    processor = t.SmolVLMProcessor(t.SmolVLMImageProcessor(**IMAGES), made, films, image_seq_len=4)
    save(t.SmolVLMConfig(**_parts(made)), processor, CHAT, out, "<end_of_utterance>")
