"""A tiny captioner that has learnt four answers, made once a session."""

from pathlib import Path

import pytest
from colour_pictures import COLOURS, PROMPT, answer, picture

from cim.captioners.inputs import render
from cim.captioners.load import Captioner, load_captioner
from cim.params import TinyCaptioner
from cim.warm_start.tiny import make_tiny_captioner

SIZES = {"hidden": 64, "layers": 2, "vision_hidden": 64, "vision_depth": 1, "vocabulary": 320}


@pytest.fixture(scope="session")
def tiny_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A captioner that answers "a red picture" to a red one, and so on; 60 steps of cross entropy, 3 seconds."""
    import torch

    folder = tmp_path_factory.mktemp("captioner") / "tiny"
    make_tiny_captioner(TinyCaptioner(kind="tiny", **SIZES), [*map(answer, COLOURS), PROMPT] * 20, 0, folder)
    captioner = load_captioner(folder, "cpu", "float32")
    model, processor = captioner.model, captioner.processor
    optimizer = torch.optim.AdamW(model.parameters(), 3e-3)
    for step in range(60):
        colours = [*COLOURS, *COLOURS]
        texts = [render(processor, PROMPT) + answer(colour) + "<|im_end|>" for colour in colours]
        pictures = [[picture(colour, 8 * step + i)] for i, colour in enumerate(colours)]
        batch = processor(text=texts, images=pictures, padding=True, return_tensors="pt")
        labels = batch["input_ids"].clone()
        for row in labels:
            turn = (row == processor.tokenizer.convert_tokens_to_ids("<|im_start|>")).nonzero()[-1]
            row[: int(turn) + 1] = -100
        loss = model(**batch, labels=labels).loss
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.save_pretrained(folder)
    return folder


@pytest.fixture
def tiny(tiny_folder: Path) -> Captioner:
    """A fresh copy of the tiny captioner on CPU, float32."""
    return load_captioner(tiny_folder, "cpu", "float32")
