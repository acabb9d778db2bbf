"""Batching, order, finish reasons, and what generate leaves behind."""

import random

import pytest
import torch
from colour_pictures import COLOURS, PROMPT, answer, picture

from cim.captioners.decoding import Decoding, Generated
from cim.captioners.generate import generate
from cim.captioners.inputs import render
from cim.captioners.load import Captioner

LEARNT = list(COLOURS) * 4
PICTURES = [picture(colour, 1000 + seed) for seed, colour in enumerate(LEARNT)]
PROMPTS = [PROMPT, "What?", "Say what is in this picture, please."] * 5 + [PROMPT]


def test_learnt_captions_end_with_stop_in_input_order(tiny: Captioner) -> None:
    # "a", " red", " picture" and the end token: 4 tokens
    expected = [(answer(colour), "stop", 4) for colour in LEARNT]
    found = generate(tiny, PICTURES, [PROMPT] * 16, Decoding(12), batch_size=5)
    assert [one[:3] for one in found] == expected


def test_tokens_of_the_prompt_are_counted_with_its_image_and_without_padding(tiny: Captioner) -> None:
    (alone,) = generate(tiny, PICTURES[:1], [PROMPT], Decoding(2))
    among = generate(tiny, PICTURES[:1] * 2, [PROMPT, PROMPT + " And all that is in it."], Decoding(2))
    text = len(tiny.processor.tokenizer(render(tiny.processor, PROMPT))["input_ids"]) - 1  # one placeholder
    (grid,) = tiny.processor.image_processor(PICTURES[:1], return_tensors="pt")["image_grid_thw"].tolist()
    assert among[0].tokens_in == alone.tokens_in == text + grid[1] * grid[2] // 4  # 2 x 2 patches a token


@pytest.mark.parametrize(
    ("most", "expected"),
    [
        (2, Generated("a red", "length", 2)),
        (3, Generated("a red picture", "length", 3)),
        (4, Generated("a red picture", "stop", 4)),
    ],
)
def test_finish_reason_at_the_edge(tiny: Captioner, most: int, expected: Generated) -> None:
    assert generate(tiny, [picture("red", 5)], [PROMPT], Decoding(most))[0][:3] == expected[:3]


@pytest.mark.parametrize("temperature", [0.0, 1.0, 3.0])
def test_text_belongs_to_the_sample_not_to_its_batch(tiny: Captioner, temperature: float) -> None:
    decoding = Decoding(10, temperature, seed=3)
    keys = [f"{i:016x}" for i in range(16)]
    alone = generate(tiny, PICTURES, PROMPTS, decoding, keys, batch_size=1)
    shuffled = random.Random(0).sample(range(16), 16)
    rows = [[values[i] for i in shuffled] for values in (PICTURES, PROMPTS, keys)]
    together = generate(tiny, *rows[:2], decoding, rows[2], batch_size=7)
    # Padding may turn a near tie; in float32 with this model none of 16 rows differs.
    assert [together[shuffled.index(i)] for i in range(16)] == alone


def test_sampling_is_seeded_and_leaves_the_global_generator_alone(tiny: Captioner) -> None:
    state = torch.get_rng_state()
    first, again, other = (generate(tiny, PICTURES, PROMPTS, Decoding(8, 3.0, seed)) for seed in (0, 0, 1))
    assert first == again
    assert first != other
    assert torch.equal(torch.get_rng_state(), state)


def test_a_models_own_penalties_do_not_bend_the_decoding(tiny: Captioner) -> None:
    expected = generate(tiny, PICTURES, PROMPTS, Decoding(10))
    own = tiny.model.generation_config
    own.do_sample, own.temperature, own.repetition_penalty, own.min_new_tokens = True, 9.0, 5.0, 9
    assert generate(tiny, PICTURES, PROMPTS, Decoding(10)) == expected
    assert tiny.model.generation_config is own


def test_training_modes_come_back_module_by_module(tiny: Captioner) -> None:
    tiny.model.train()
    tiny.model.model.visual.eval()
    before = [module.training for module in tiny.model.modules()]
    generate(tiny, PICTURES[:1], [PROMPT], Decoding(2))
    assert [module.training for module in tiny.model.modules()] == before


def test_no_module_is_in_training_mode_while_generating(tiny: Captioner) -> None:
    seen: list[bool] = []
    tiny.model.get_output_embeddings().register_forward_hook(lambda module, *_: seen.append(module.training))
    tiny.model.train()
    generate(tiny, PICTURES[:1], [PROMPT], Decoding(2))
    assert seen == [False, False]  # one for each of two tokens


def test_training_modes_come_back_after_a_failure(tiny: Captioner, monkeypatch: pytest.MonkeyPatch) -> None:
    tiny.model.train()
    own = tiny.model.generation_config
    monkeypatch.setattr(tiny.model, "generate", lambda **_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        generate(tiny, PICTURES[:1], [PROMPT], Decoding(2))
    assert tiny.model.training
    assert tiny.model.generation_config is own


def test_a_lora_wrapped_model_captions_as_its_base(tiny: Captioner) -> None:
    from peft import LoraConfig, get_peft_model

    expected = generate(tiny, PICTURES, PROMPTS, Decoding(10))
    own = tiny.model.generation_config
    own.repetition_penalty = 5.0
    adapted = get_peft_model(tiny.model, LoraConfig(target_modules=["q_proj"]))  # starts as the identity
    assert generate(Captioner(adapted, tiny.processor, ""), PICTURES, PROMPTS, Decoding(10)) == expected
    assert tiny.model.generation_config is own


def test_nothing_in_nothing_out(tiny: Captioner) -> None:
    assert generate(tiny, [], [], Decoding(2)) == []


def test_lists_of_different_length_are_an_error(tiny: Captioner) -> None:
    with pytest.raises(ValueError, match="1 images, 2 prompts and 1 keys"):
        generate(tiny, PICTURES[:1], [PROMPT] * 2, Decoding(2))
