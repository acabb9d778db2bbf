"""Every family in docs/models.md goes through load, suppress and generate: tiny, random weights, offline."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from families import gemma, idefics, llama, llava, others, qwen
from PIL import Image

from cim.captioners.decoding import Decoding
from cim.captioners.generate import generate
from cim.captioners.inputs import prepare
from cim.captioners.load import load_captioner
from cim.captioners.special_tokens import end_tokens, suppressed_tokens
from cim.errors import CimError

FAMILIES = [
    *(qwen.qwen2_vl, qwen.qwen2_5_vl, qwen.qwen3_vl, qwen.qwen3_vl_moe, qwen.qwen3_5, qwen.glm4v, qwen.glm46v),
    *(llava.llava, llava.vipllava, llava.fast_vlm, llava.llava_next, llava.llava_onevision, llava.pixtral),
    *(llava.mistral3, llava.aya_vision, llava.cohere2_vision, llava.internvl, llava.ovis2, llava.deepseek_vl),
    llava.lfm2_vl,
    *(idefics.idefics2, idefics.idefics3, idefics.smolvlm, gemma.gemma3, gemma.gemma3n, gemma.gemma4),
    *(llama.mllama, llama.llama4, others.granite_vision, others.video_llama_3),
    *(others.molmo2, others.minicpmv4_6, others.kimi_k25),
]


@pytest.mark.parametrize("make", FAMILIES)
def test_architecture_captions_a_mixed_batch_as_it_does_one_by_one(
    make: Callable[[Path], None], tmp_path: Path
) -> None:
    make(tmp_path)
    captioner = load_captioner(tmp_path, "cpu", "float32")
    noise = np.random.default_rng(0)
    images = [
        Image.fromarray(noise.integers(0, 255, (*side, 3), dtype=np.uint8)) for side in ((40, 60), (90, 30), (32, 32))
    ]
    prompts = ["Describe it.", "What?", "What is in this image? Say it."]

    together = generate(captioner, images, prompts, Decoding(6), batch_size=3)

    assert together == generate(captioner, images, prompts, Decoding(6), batch_size=1)
    guided = Decoding(6, guidance=1.5)
    assert generate(captioner, images, prompts, guided) == generate(captioner, images, prompts, guided, batch_size=1)
    assert all(1 <= row.tokens <= 6 for row in together)
    inputs = prepare(captioner.processor, images[:1], prompts[:1]).to("cpu", torch.float32)
    with torch.no_grad():
        seen, negative = (
            captioner.model(**{**inputs, "pixel_values": inputs["pixel_values"] * sign}).logits for sign in (1, -1)
        )
    assert (seen - negative).abs().max() > 1e-2  # the model sees its picture
    never = suppressed_tokens(captioner.processor, captioner.model)
    assert captioner.processor.image_token_id in never
    assert not set(end_tokens(captioner.processor, captioner.model.generation_config.eos_token_id)) & set(never)
    rows = captioner.model.get_output_embeddings().weight.shape[0]
    assert set(range(rows - 5, rows)) <= set(never)


@pytest.mark.parametrize(
    ("make", "why"),
    [
        (others.florence2, "an encoder-decoder, florence2"),
        (others.blip2, "without chat_template"),
        (gemma.paligemma, "without chat_template"),
    ],
)
def test_family_that_cannot_caption_is_refused_before_its_weights_are_read(
    make: Callable[[Path], None], why: str, tmp_path: Path
) -> None:
    make(tmp_path)
    (tmp_path / "model.safetensors").write_bytes(b"not read")
    with pytest.raises(CimError, match=why):
        load_captioner(tmp_path, "cpu", "float32")
