"""What a tiny captioner of any family is made of: a tokenizer, a chat template, small configs; weights by chance."""

from pathlib import Path
from typing import Any

from cim.warm_start.tiny import train_tokenizer

TEXT = {
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "num_key_value_heads": 2,
}
VISION = {
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "image_size": 32,
    "patch_size": 8,
}
SIDE = {"height": 32, "width": 32}
ROPE = {"rope_type": "default", "rope_theta": 1e4, "mrope_section": [2, 3, 3]}  # half a head's 16 dimensions


def tokenizer(*marks: str, **named: str) -> Any:
    """One of 300 tokens and these special ones. named: also attributes, as `image_token` with its id."""
    made = train_tokenizer(["a red circle"] * 9, 300)
    extra = [mark for mark in dict.fromkeys([*marks, *named.values()]) if mark not in made.get_vocab()]
    made.add_special_tokens({"extra_special_tokens": extra}, replace_extra_special_tokens=False)
    if named:
        made._set_model_specific_special_tokens(named)
    return made


def template(image: str, user: str, end: str, answer: str, start: str = "") -> str:
    """A chat template in Jinja. image: stands for a picture. user, answer: begin a turn; end: ends it."""
    texts = [repr(text) for text in (start, user, answer, image, end, answer)]
    return (
        "{{{{ {} }}}}{{% for message in messages %}}{{{{ {} if message.role == 'user' else {} }}}}"
        "{{% if message.content is string %}}{{{{ message.content }}}}"
        "{{% else %}}{{% for part in message.content %}}"
        "{{% if part.type == 'image' %}}{{{{ {} }}}}{{% else %}}{{{{ part.text }}}}{{% endif %}}"
        "{{% endfor %}}{{% endif %}}{{{{ {} }}}}{{% endfor %}}"
        "{{% if add_generation_prompt %}}{{{{ {} }}}}{{% endif %}}"
    ).format(*texts)


def chatml(image: str) -> str:
    """The template of Qwen's kin."""
    return template(image, "<|im_start|>user\n", "<|im_end|>\n", "<|im_start|>assistant\n")


def text(made: Any, **more: Any) -> dict[str, Any]:
    """A text config for this tokenizer; its output layer has five rows that no token uses."""
    ids = {"pad_token_id": made.pad_token_id, "eos_token_id": made.eos_token_id, "bos_token_id": None}
    return TEXT | ids | {"vocab_size": len(made) + 5} | more


def save(config: Any, processor: Any, chat_template: str | None, out: Path, *ends: str) -> None:
    """Write the folder, weights drawn with seed 0. ends: tokens that end a turn besides the tokenizer's own."""
    import torch
    from transformers import AutoModelForImageTextToText

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = AutoModelForImageTextToText.from_config(config)
        with torch.no_grad():
            for name, weight in model.named_parameters():
                if weight.dim() > 1:
                    weight.mul_(5)  # wide enough for the picture to be heard in the logits
                if not weight.any() and not name.endswith("bias"):  # gates and projectors begin closed
                    weight.normal_(std=0.2)
    made = processor.tokenizer
    model.generation_config.eos_token_id = [made.eos_token_id, *map(made.convert_tokens_to_ids, ends)]
    made.chat_template = None
    processor.chat_template = chat_template
    model.save_pretrained(out)
    processor.save_pretrained(out)
