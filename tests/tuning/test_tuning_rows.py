from pathlib import Path

from cim.shards.lookup import ImageLookup
from cim.tuning.grpo import prompt_rows

PROMPTS = ["Describe the image.", "What is this?"]


def test_prompt_rows_carry_the_id_to_the_reward(scene: tuple[Path, list[str], ImageLookup]) -> None:
    _, ids, images = scene
    rows = prompt_rows(ids, PROMPTS, images, seed=0)
    assert rows["id"] == ids
    assert {row["prompt"][0]["content"] for row in rows} <= set(PROMPTS)
