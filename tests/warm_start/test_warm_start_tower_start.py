"""The warm start on a frozen tower: captions that share a picture teach what they would alone."""

from pathlib import Path

import pytest
import torch
from PIL import Image
from tiny_tower import PROMPT, make_on_tower

from cim.captioners.inputs import prepare, render
from cim.captioners.load import load_captioner
from cim.warm_start.tower_start import packed_loss, packed_rows, told_rows


@pytest.mark.parametrize("again", [False, True], ids=["kept", "computed again in the backward pass"])
def test_loss_and_gradients_are_those_of_separate_rows(again: bool, tmp_path: Path) -> None:
    captioner = load_captioner(make_on_tower(tmp_path), "cpu", "float32")
    model, processor = captioner.model, captioner.processor
    prompts = [PROMPT, "What is it?"]
    captions = {"a": ["a red circle", "two stars"], "b": ["two red stars above it", "a", "it above"]}
    images = {"a": Image.new("RGB", (40, 90), "red"), "b": Image.effect_noise((64, 64), 90).convert("RGB")}
    rows = told_rows(captions, prompts, processor, seed=1)
    asked = {prompt: prepare(processor, [images["a"]], [prompt])["input_ids"][0].tolist() for prompt in prompts}
    said = [next(prompt for prompt in prompts if asked[prompt] == row.prefix) for row in rows]
    assert set(said) == set(prompts)

    apart = torch.zeros(())
    for prompt, row, (name, texts) in zip(said, rows, captions.items(), strict=True):
        for text in texts:
            whole = render(processor, prompt) + text + processor.tokenizer.eos_token
            one = processor(text=[whole], images=[[images[name]]], return_tensors="pt")
            labels = one["input_ids"].clone()
            labels[:, : len(row.prefix)] = -100
            apart = apart + model(**one, labels=labels).loss * (labels != -100).sum()
    packed = packed_rows(rows, processor.tokenizer.eos_token_id)
    learnt = [weight for name, weight in model.named_parameters() if "vision_tower" not in name]
    expected = torch.autograd.grad(apart / len(packed.targets), learnt)

    pixels = processor.image_processor(list(images.values()), return_tensors="pt")["pixel_values"]
    features = model.model.vision_tower(pixels).last_hidden_state.flatten(2).permute(0, 2, 1)
    if again:
        model.train()
        model.gradient_checkpointing_enable()
    loss = packed_loss(model, packed, features)

    assert loss.item() == pytest.approx(apart.item() / len(packed.targets), rel=1e-5)
    for found, gradient in zip(torch.autograd.grad(loss, learnt), expected, strict=True):
        torch.testing.assert_close(found, gradient, rtol=1e-4, atol=1e-6)
    assert "forward" not in vars(model.model.language_model.layers[-1])
