from pathlib import Path

import pytest

from cim.images.ids import content_hash
from cim.records import Sample
from cim.scenes.draw import draw
from cim.scenes.scene import scene_at
from cim.shards.read import ImageLookup
from cim.shards.tar import write_tar
from cim.warm_start.rows import caption_rows

PROMPTS = ["Describe the image.", "What is this?"]


@pytest.fixture
def images(tmp_path: Path) -> tuple[list[str], ImageLookup]:
    pictures = {content_hash(image)[:16]: image for image in (draw(scene_at(0, i), 32) for i in range(4))}
    ids = sorted(pictures)
    write_tar(tmp_path / "train-000000.tar", [Sample(i, pictures[i], "png", (), "s", 32, 32) for i in ids])
    return ids, ImageLookup(tmp_path)


def test_a_row_a_caption_with_its_own_image(images: tuple[list[str], ImageLookup]) -> None:
    ids, lookup = images
    captions = [["one", "two"], ["three"], ["four"], ["five", "six", "seven"]]
    rows = caption_rows(ids, captions, PROMPTS, lookup, 0, {})
    assert len(rows) == 7
    said = {(row["id"], row["completion"][0]["content"]) for row in rows}
    assert said == {(i, text) for i, texts in zip(ids, captions, strict=True) for text in texts}
    assert rows[0]["image"].size == (32, 32)
    assert rows[0]["prompt"][0] == {"role": "user", "content": rows[0]["prompt"][0]["content"]}


def test_seeds_decide_order_and_prompts(images: tuple[list[str], ImageLookup]) -> None:
    ids, lookup = images

    def order(seed: int) -> list[str]:
        return caption_rows(ids, [[c] for c in "abcd"], PROMPTS, lookup, seed, {})["completion"]

    assert order(1) == order(1)
    assert len({str(order(seed)) for seed in range(20)}) > 5


def test_a_pairs_token_stands_before_its_prompt(images: tuple[list[str], ImageLookup]) -> None:
    ids, lookup = images
    controls = {(ids[0], "a"): "<fit 4>", (ids[1], "a"): "<fit 1>"}  # ids[1] has the caption b
    rows = caption_rows(ids, [[c] for c in "abcd"], ["Say."], lookup, 0, controls)
    said = {row["id"]: row["prompt"][0]["content"] for row in rows}
    assert said == {ids[0]: "<fit 4> Say.", **dict.fromkeys(ids[1:], "Say.")}
