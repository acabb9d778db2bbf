import random
from pathlib import Path

import torch
from tiny_scene import TINY

from cim.captioners.load import load_captioner
from cim.images.ids import content_hash
from cim.params import Align
from cim.records import Sample
from cim.scenes.describe import describe
from cim.scenes.draw import draw
from cim.scenes.scene import scene_at
from cim.shards.read import ImageLookup
from cim.shards.tar import write_tar
from cim.warm_start.align import align_vision
from cim.warm_start.tiny import make_tiny_captioner


def test_image_tokens_come_near_the_words_of_their_captions(tmp_path: Path) -> None:
    scenes = {draw(scene_at(0, i), 32): scene_at(0, i) for i in range(24)}
    captions = {content_hash(image)[:16]: [describe(s, random.Random(0), 1.0)] for image, s in scenes.items()}
    pictures = {content_hash(image)[:16]: image for image in scenes}
    write_tar(tmp_path / "t-000000.tar", [Sample(i, pictures[i], "png", (), "s", 32, 32) for i in sorted(pictures)])
    make_tiny_captioner(TINY, [text for texts in captions.values() for text in texts], 0, tmp_path / "model")
    captioner = load_captioner(tmp_path / "model", "cpu", "float32")
    language = {n: p.clone() for n, p in captioner.model.model.language_model.layers.named_parameters()}
    before = torch.random.get_rng_state()
    params = Align(steps=60, batch_size=12, learning_rate=0.005)
    losses = align_vision(captioner.model, captioner.processor, captions, ImageLookup(tmp_path), params)
    # Guessing by frequency alone stays near the start; 24 pictures are soon told apart.
    assert sum(losses[-5:]) / 5 < 0.8 * losses[0]
    for name, parameter in captioner.model.model.language_model.layers.named_parameters():
        assert torch.equal(parameter, language[name])  # only the tower and the token table learn
    assert torch.equal(torch.random.get_rng_state(), before)
