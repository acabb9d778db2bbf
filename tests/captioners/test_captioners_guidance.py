"""Guidance: the numbers by hand, the blind pass against a plain one, and who notices."""

import math

import pytest
import torch
from colour_pictures import COLOURS, PROMPT, picture
from transformers import LlamaConfig

from cim.captioners.decoding import Decoding
from cim.captioners.generate import generate
from cim.captioners.inputs import render_blind
from cim.captioners.load import Captioner
from cim.captioners.logits_processors import Guidance, guided

PICTURES = [picture(colour, 50 + seed) for seed, colour in enumerate(COLOURS)]


def test_by_hand() -> None:
    seeing = torch.tensor([[math.log(0.5), math.log(0.5), -math.inf]])
    blind = torch.tensor([[math.log(0.8), math.log(0.1), math.log(0.1)]])
    # scale 2: log 0.5 + (log 0.5 - log 0.8) = log(0.25 / 0.8), log(0.25 / 0.1); what was suppressed stays so
    expected = torch.tensor([[math.log(0.3125), math.log(2.5), -math.inf]])
    assert torch.allclose(guided(seeing, blind, 2.0), expected)
    assert torch.allclose(guided(seeing, blind, 1.0), seeing)


class Uniform:
    """A model for which every next token is as likely, but token 0 twice as much without an image."""

    config = LlamaConfig()

    def __call__(self, **_: object) -> object:
        class Output:
            logits = torch.tensor([[[math.log(2), 0.0, 0.0]], [[math.log(2), 0.0, 0.0]]])

        return Output()


def test_scores_move_away_from_what_the_model_says_blindly() -> None:
    blind = {"input_ids": torch.ones(2, 4, dtype=torch.long), "attention_mask": torch.ones(2, 4, dtype=torch.long)}
    scores = Guidance(Uniform(), blind, 2.0)(torch.ones(2, 9, dtype=torch.long), torch.zeros(2, 3))
    # seeing log 1/3 each; blind log 1/2, log 1/4, log 1/4: 2 log 1/3 - log 1/2 = log 2/9, else log 4/9
    assert torch.allclose(scores, torch.log(torch.tensor([[2 / 9, 4 / 9, 4 / 9]] * 2)))


@torch.no_grad()
def test_the_blind_pass_with_its_cache_equals_one_over_the_whole_text(tiny: Captioner) -> None:
    """Prompts of two lengths, so one row is padded; the batch with images before must leave no trace."""
    generate(tiny, PICTURES, [PROMPT] * 4, Decoding(3))  # the model remembers positions of this batch
    tokenizer = tiny.processor.tokenizer
    texts = [render_blind(tiny.processor, prompt) for prompt in ("Say.", "Describe the picture, please.")]
    guide = Guidance(tiny.model, tokenizer(texts, padding=True, return_tensors="pt"), 2.0)
    said = torch.tensor([[40, 50, 60], [70, 80, 90]])
    prompt = torch.zeros(2, 30, dtype=torch.long)  # with images it is longer: only what follows counts
    steps = [guide._blind(torch.cat([prompt, said[:, :n]], dim=1)) for n in range(4)]
    for row, text in enumerate(texts):
        whole = torch.cat([tokenizer(text, return_tensors="pt")["input_ids"], said[row : row + 1]], dim=1)
        positions = torch.arange(whole.shape[1])[None]
        logits = tiny.model(input_ids=whole, position_ids=positions, use_cache=False).logits[0, -4:]
        assert torch.allclose(torch.stack([step[row] for step in steps]), logits, atol=1e-4)


def test_scale_one_is_no_guidance_and_the_half_with_images_is_undisturbed(tiny: Captioner) -> None:
    """At scale 1 + 1e-9 the blind pass runs and changes nothing, unless it disturbs the model's memory of images."""
    plain = generate(tiny, PICTURES, [PROMPT] * 4, Decoding(8))
    assert generate(tiny, PICTURES, [PROMPT] * 4, Decoding(8, guidance=1 + 1e-9)) == plain


@pytest.mark.parametrize("temperature", [0.0, 3.0])
def test_guided_captions_belong_to_the_sample(tiny: Captioner, temperature: float) -> None:
    decoding = Decoding(8, temperature, guidance=3.0)
    prompts, keys = [PROMPT, "What?", PROMPT, "Say what is in this picture, please."], ["a", "b", "c", "d"]
    alone = generate(tiny, PICTURES, prompts, decoding, keys, batch_size=1)
    assert generate(tiny, PICTURES, prompts, decoding, keys, batch_size=4) == alone
    assert alone != generate(tiny, PICTURES, prompts, Decoding(8, temperature, guidance=30.0), keys)
