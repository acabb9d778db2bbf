"""Real TRL, a real but tiny model, two steps: the paths of params that the end-to-end test does not take."""

from pathlib import Path
from typing import Any

import pytest
import torch
from tiny_run import TUNE, Length

from cim.captioners.decoding import Decoding
from cim.captioners.generate import generate
from cim.captioners.load import Captioner, load_captioner
from cim.errors import CimError
from cim.images.decode import decode_rgb
from cim.params import Lora
from cim.shards.read import ImageLookup
from cim.tuning.grpo import grpo, prompt_rows
from cim.tuning.validate import Validation
from cim.tuning.weights import write_tuned


def rising(model: Any, processor: Any) -> Validation:
    """Every validation is better than the one before."""
    rising.count += 1  # type: ignore[attr-defined]
    return Validation(rising.count / 100, 0.0, 0.0, 0.0, 0, 1.0)  # type: ignore[attr-defined]


rising.count = 0  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"lora": Lora(rank=2, alpha=4)}, id="adapters"),
        pytest.param({"updates_per_rollout": 2, "micro_batch": 2}, id="two updates on one rollout, in halves"),
    ],
)
def test_grpo_leaves_a_captioner_that_stands_alone(
    scene: tuple[Path, list[str], ImageLookup], tmp_path: Path, change: dict[str, Any]
) -> None:
    base, ids, images = scene
    captioner, reward = load_captioner(base, "cpu", "float32"), Length(ids[0])
    rows = prompt_rows(ids, ["Say."], images, seed=0)
    params = TUNE.model_copy(update=change)
    tuned = grpo(captioner, rows, reward, rising, params, tmp_path / "scratch")  # type: ignore[arg-type]
    assert [record["step"] for record in tuned.validations] == [0, 1, 2]
    assert tuned.best.name == "best-000002"
    assert set(reward.ids) <= set(ids)
    # 2 images x 2 captions a step, 2 steps
    assert len(reward.ids) == 8
    write_tuned(base, tuned.best, 1.0, {"note": 1}, tmp_path / "out", trusted=False)
    after = load_captioner(tmp_path / "out", "cpu", "float32")
    assert after.fingerprint != captioner.fingerprint
    assert not list((tmp_path / "out").glob("adapter*"))

    def captions(one: Captioner) -> list[str]:
        pictures = [decode_rgb(images[i]) for i in ids]
        return [g.text for g in generate(one, pictures, ["Say."] * 4, Decoding(6))]

    # The folder speaks as the model in memory does, adapters merged or not.
    in_memory = Captioner(captioner.model, captioner.processor, "")
    assert captions(after) == captions(in_memory)

    write_tuned(base, tuned.best, 0.25, {"note": 1}, tmp_path / "quarter", trusted=False)
    start, end = (
        dict(load_captioner(folder, "cpu", "float32").model.named_parameters()) for folder in (base, tmp_path / "out")
    )
    for name, weight in load_captioner(tmp_path / "quarter", "cpu", "float32").model.named_parameters():
        torch.testing.assert_close(weight, start[name] + 0.25 * (end[name] - start[name]))
    assert any((end[name] != start[name]).any() for name in start)


class Silent(Length):
    """Has nothing to say of anything."""

    def __call__(self, completions: list[Any], id: list[str], **_: Any) -> list[float | None]:
        return [None] * len(id)


def test_training_without_any_reward_is_an_error(scene: tuple[Path, list[str], ImageLookup], tmp_path: Path) -> None:
    base, ids, images = scene
    captioner, rows = load_captioner(base, "cpu", "float32"), prompt_rows(ids, ["Say."], images, seed=0)
    with pytest.raises(CimError, match="no reward in any of 2 steps"):
        grpo(captioner, rows, Silent(""), rising, TUNE, tmp_path / "scratch")  # type: ignore[arg-type]


def test_finished_training_is_not_repeated(scene: tuple[Path, list[str], ImageLookup], tmp_path: Path) -> None:
    """Killed after training, before the captioner was written: the same result again, no step more."""
    base, ids, images = scene
    captioner, rows = load_captioner(base, "cpu", "float32"), prompt_rows(ids, ["Say."], images, seed=0)
    reward = Length("")
    first = grpo(captioner, rows, reward, rising, TUNE, tmp_path / "scratch")  # type: ignore[arg-type]
    asked = len(reward.ids)
    again = grpo(captioner, rows, reward, rising, TUNE, tmp_path / "scratch")  # type: ignore[arg-type]
    assert len(reward.ids) == asked
    assert again == first


@pytest.mark.parametrize("lora", [None, Lora(rank=2, alpha=4)], ids=["all weights", "adapters"])
def test_a_killed_run_goes_on_with_the_weights_it_had(
    scene: tuple[Path, list[str], ImageLookup], tmp_path: Path, lora: Lora | None
) -> None:
    """As far from the base model as a run that nobody killed; the order of the images may differ."""
    base, ids, images = scene
    rows = prompt_rows(ids, ["Say."], images, seed=0)

    def run(scratch: str, steps: int) -> list[dict[str, float]]:
        captioner = load_captioner(base, "cpu", "float32")
        params = TUNE.model_copy(update={"steps": steps, "lora": lora, "kl": 0.1})
        return grpo(captioner, rows, Length(""), rising, params, tmp_path / scratch).log  # type: ignore[arg-type]

    undisturbed = run("undisturbed", 4)
    run("killed", 2)
    resumed = run("killed", 4)
    kl = [[record["kl"] for record in log] for log in (undisturbed, resumed)]
    assert kl[0][2] > 0
    assert kl[1] == pytest.approx(kl[0], rel=0.1, abs=1e-9)  # from the base's weights, the third would be 0


def test_prompt_rows_carry_the_id_to_the_reward(scene: tuple[Path, list[str], ImageLookup]) -> None:
    _, ids, images = scene
    prompts = ["Describe the image.", "What is this?"]
    rows = prompt_rows(ids, prompts, images, seed=0)
    assert rows["id"] == ids
    assert {row["prompt"][0]["content"] for row in rows} <= set(prompts)
