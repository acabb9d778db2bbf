"""Log-probabilities of given texts, with their image, a gray one and none; each row as if it were alone."""

import pytest
import torch
from PIL import Image
from tiny_scene import Scene, make_scene

from cim.captioners.inputs import prepare, render_blind
from cim.captioners.likelihood import gained, token_log_probs, tokens_by_span
from cim.captioners.load import Captioner, load_captioner
from cim.images.decode import decode_rgb

TEXTS = ["a red circle", "two stars. a red circle"]
PROMPTS = ["Describe.", "Describe this image."]


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Scene:
    return make_scene(tmp_path_factory.mktemp("scene"))


@pytest.fixture
def captioner(scene: Scene) -> Captioner:
    return load_captioner(scene[0], "cpu")


@pytest.fixture
def pictures(scene: Scene) -> list[Image.Image]:
    _, ids, lookup = scene
    return [decode_rgb(lookup[name]) for name in ids[:2]]


def alone(captioner: Captioner, inputs: dict[str, torch.Tensor], text: str) -> list[float]:
    """Token by token: what is likely after the prompt and all tokens before."""
    found, ids = [], captioner.processor.tokenizer(text, add_special_tokens=False)["input_ids"]
    for token in ids:
        logits = captioner.model(**inputs, use_cache=False).logits[0, -1]
        found.append(float(torch.log_softmax(logits, dim=-1)[token]))
        more = {"input_ids": torch.tensor([[token]]), "attention_mask": torch.ones(1, 1, dtype=torch.long)}
        more |= {name: torch.zeros(1, 1, dtype=torch.long) for name in inputs if name.endswith("token_type_ids")}
        inputs = inputs | {name: torch.cat([inputs[name], value], dim=1) for name, value in more.items()}
    return found


@torch.no_grad()
def test_every_token_after_those_before_it(captioner: Captioner, pictures: list[Image.Image]) -> None:
    seeing = token_log_probs(captioner, pictures, PROMPTS, TEXTS)
    blind = token_log_probs(captioner, [None, None], PROMPTS, TEXTS)
    for row, (picture, prompt, text) in enumerate(zip(pictures, PROMPTS, TEXTS, strict=True)):
        inputs = dict(prepare(captioner.processor, [picture], [prompt]))
        assert seeing[row] == pytest.approx(alone(captioner, inputs, text), abs=1e-4)
        turn = render_blind(captioner.processor, prompt)
        bare = dict(captioner.processor.tokenizer(turn, return_tensors="pt", add_special_tokens=False))
        wanted = {name: bare[name] for name in ("input_ids", "attention_mask")}
        assert blind[row] == pytest.approx(alone(captioner, wanted, text), abs=1e-4)
    none = gained(captioner, pictures, PROMPTS, TEXTS, "none")
    assert none[0] == pytest.approx([a - b for a, b in zip(seeing[0], blind[0], strict=True)])
    assert gained(captioner, pictures, PROMPTS, TEXTS, "blank")[0] != pytest.approx(none[0])


def test_texts_without_a_token_have_none(captioner: Captioner, pictures: list[Image.Image]) -> None:
    assert token_log_probs(captioner, pictures, PROMPTS, ["", ""]) == [[], []]
    assert [len(row) > 0 for row in token_log_probs(captioner, pictures, PROMPTS, ["", "a red circle"])] == [
        False,
        True,
    ]
    assert token_log_probs(captioner, [], [], []) == []


def test_tokens_belong_to_the_sentence_that_they_begin_in(captioner: Captioner) -> None:
    text = "Two stars. A red circle."
    first, second = tokens_by_span(captioner, text, [(0, 10), (11, 24)])
    ids = captioner.processor.tokenizer(text, add_special_tokens=False)["input_ids"]
    assert first + second == list(range(len(ids)))
    assert captioner.processor.tokenizer.decode([ids[place] for place in second]).strip() == "A red circle."
