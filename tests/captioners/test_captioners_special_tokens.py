"""Vision and role tokens can't be generated, whatever the model wants."""

import pytest
import torch
from colour_pictures import COLOURS, PROMPT, answer, picture

from cim.captioners.decoding import Decoding
from cim.captioners.generate import generate
from cim.captioners.load import Captioner
from cim.captioners.special_tokens import end_tokens, suppressed_tokens

MARKS = ("image_pad", "video_pad", "vision_pad", "vision_start", "vision_end", "im_start", "endoftext")


def _ids(captioner: Captioner, *marks: str) -> list[int]:
    return [captioner.processor.tokenizer.convert_tokens_to_ids(f"<|{mark}|>") for mark in marks]


def _love(captioner: Captioner, token_ids: list[int]) -> None:
    """Rig the output layer: these tokens win every step by far."""

    def prefer(_module: object, _inputs: object, logits: torch.Tensor) -> torch.Tensor:
        logits = logits.clone()
        logits[..., token_ids] += 1e4
        return logits

    captioner.model.get_output_embeddings().register_forward_hook(prefer)


def test_every_mark_is_suppressed_and_the_end_token_is_not(tiny: Captioner) -> None:
    assert suppressed_tokens(tiny.processor, tiny.model) == sorted(_ids(tiny, *MARKS))
    assert end_tokens(tiny.processor, tiny.model.generation_config.eos_token_id) == _ids(tiny, "im_end")


@pytest.mark.parametrize("temperature", [0.0, 1.0])
def test_a_model_that_loves_marks_captions_as_before(tiny: Captioner, temperature: float) -> None:
    pictures, prompts = [picture(colour, 77) for colour in COLOURS], [PROMPT] * 4
    expected = generate(tiny, pictures, prompts, Decoding(8, temperature))
    _love(tiny, _ids(tiny, *MARKS))
    assert generate(tiny, pictures, prompts, Decoding(8, temperature)) == expected
    assert temperature or [row.text for row in expected] == [answer(colour) for colour in COLOURS]


def test_the_rigged_model_is_dangerous_without_suppression(tiny: Captioner, monkeypatch: pytest.MonkeyPatch) -> None:
    _love(tiny, _ids(tiny, "image_pad"))
    monkeypatch.setattr("cim.captioners.generate.suppressed_tokens", lambda *_: [])
    assert generate(tiny, [picture("red")], [PROMPT], Decoding(8))[0][:3] == ("", "length", 8)


def test_both_end_tokens_of_a_chat_model_end_a_caption(tiny: Captioner) -> None:
    tiny.model.generation_config.eos_token_id = _ids(tiny, "endoftext")
    assert end_tokens(tiny.processor, tiny.model.generation_config.eos_token_id) == sorted(
        _ids(tiny, "endoftext", "im_end")
    )
    assert not set(suppressed_tokens(tiny.processor, tiny.model)) & set(_ids(tiny, "endoftext", "im_end"))
    _love(tiny, _ids(tiny, "endoftext"))
    assert generate(tiny, [picture("red")], [PROMPT], Decoding(8))[0][:3] == ("", "stop", 1)


def test_added_marks_in_brackets_are_suppressed_and_added_words_are_not(tiny: Captioner) -> None:
    tokenizer = tiny.processor.tokenizer
    tokenizer.add_tokens(["<tool_call>", "zebra"])  # ordinary added tokens, not special ones
    tiny.model.resize_token_embeddings(len(tokenizer) + 3)  # and rows that no token uses, as real models have
    never = suppressed_tokens(tiny.processor, tiny.model)
    assert tokenizer.convert_tokens_to_ids("<tool_call>") in never
    assert tokenizer.convert_tokens_to_ids("zebra") not in never
    assert never[-3:] == [len(tokenizer), len(tokenizer) + 1, len(tokenizer) + 2]
