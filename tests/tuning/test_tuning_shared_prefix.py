"""Captions that share what is computed of their picture are sampled, scored and learnt from as they would be alone."""

from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
import torch
from peft import LoraConfig, get_peft_model
from rollouts import params, trainer
from tiny_scene import make_scene
from tiny_tower import PROMPT, make_on_tower
from trl import GRPOTrainer
from trl.data_utils import prepare_multimodal_messages

from cim.captioners.batch_norm import hold_statistics
from cim.captioners.load import load_captioner
from cim.captioners.shared_prefix import Packed, pack
from cim.tuning import shared_prefix
from cim.tuning.grpo import prompt_rows
from cim.tuning.pictures import read_once
from cim.tuning.policy import freeze_vision

Batch = dict[str, Any]

alone = GRPOTrainer._get_per_token_logps_and_entropies
shared = shared_prefix.SharedPrefixTrainer._get_per_token_logps_and_entropies

SEED = 4  # that gives each prompt to two of the pictures


@pytest.fixture(scope="module")
def ours(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A trainer with a reference, temperature 0.7, on four pictures and two prompts; weights by chance."""
    folder = tmp_path_factory.mktemp("shared")
    _, ids, images = make_scene(folder)
    rows = prompt_rows(ids, [PROMPT, "What is to be seen here?"], images, seed=SEED)
    tune = params(prompts_per_step=4, kl=0.1, temperature=0.7, vision="frozen", max_new_tokens=8)
    one = trainer(make_on_tower(folder), rows, tune, folder / "scratch")
    one.args.generation_kwargs["do_sample"] = True
    one.generation_config.do_sample = True
    chance = torch.Generator().manual_seed(0)
    for model in (one.model, one.ref_model):
        hold_statistics(model)
        freeze_vision(model)
        for name, weight in model.named_parameters():
            if "vision_tower" not in name and weight.ndim > 1:  # with those of an untrained model, all looks alike
                torch.nn.init.normal_(weight, std=0.1, generator=chance)
    return one


@pytest.fixture
def batch(ours: Any) -> Batch:
    """A rollout of four captions of each picture, of unequal lengths, in TRL's shuffled order."""
    torch.manual_seed(1)
    made = ours._generate_and_score_completions([ours.train_dataset[n] for n in range(4) for _ in range(4)])
    assert len({tuple(ids) for ids in made["completion_ids"].tolist()}) > 8
    assert len(set(made["prompt_mask"].sum(1).tolist())) == 2  # two prompts, the shorter one padded
    order = torch.randperm(16, generator=torch.Generator().manual_seed(2))
    batch = {name: value[order] if getattr(value, "ndim", 0) else value for name, value in made.items()}
    lengths = torch.tensor([8, 3, 1, 5, 8, 2, 7, 4, 6, 8, 1, 3, 8, 5, 2, 8])
    batch["completion_mask"] = (torch.arange(8) < lengths[:, None]).long()
    batch["num_items_in_batch"] = lengths.sum()
    return batch


def scores(one: Any, method: Callable[..., Any], batch: Batch, model: Any, **more: Any) -> Any:
    """What `method` says of the batch: log probabilities, entropies, None."""
    return method(
        one,
        model,
        torch.cat([batch["prompt_ids"], batch["completion_ids"]], dim=1),
        torch.cat([batch["prompt_mask"], batch["completion_mask"]], dim=1),
        batch["completion_ids"].shape[1],
        pixel_values=batch["pixel_values"],
        num_images=batch["num_images"],
        **more,
    )


def part(batch: Batch, rows: list[int]) -> Batch:
    chosen = {name: value[rows] if getattr(value, "ndim", 0) else value for name, value in batch.items()}
    return {**chosen, "num_images": [1] * len(rows)}


@pytest.fixture
def packed(monkeypatch: pytest.MonkeyPatch) -> list[Packed]:
    """All that is packed from now on."""
    made: list[Packed] = []

    def noted(*args: Any, **kwargs: Any) -> Packed:
        made.append(pack(*args, **kwargs))
        return made[-1]

    monkeypatch.setattr(shared_prefix, "pack", noted)
    return made


def apart(one: Any, batch: Batch) -> float:
    """How far log probabilities that are shared are from TRL's."""
    with torch.no_grad():
        found, expected = scores(one, shared, batch, one.model)[0], scores(one, alone, batch, one.model)[0]
    return float((found - expected).abs().max())


@pytest.mark.parametrize("rows", [None, [0, 5, 1, 9, 12], [3]], ids=["whole groups", "groups cut", "one caption"])
@pytest.mark.parametrize("size", [None, 3])
def test_log_probabilities_and_entropies(
    ours: Any, batch: Batch, packed: list[Packed], rows: list[int] | None, size: int | None
) -> None:
    some = batch if rows is None else part(batch, rows)
    said = some["completion_mask"].bool()
    for model, entropy in ((ours.model, True), (ours.ref_model, False)):
        found = scores(ours, shared, some, model, compute_entropy=entropy, batch_size=size)
        expected = scores(ours, alone, some, model, compute_entropy=entropy, batch_size=size)
        torch.testing.assert_close(found[0], expected[0], rtol=1e-4, atol=1e-5)
        assert found[0][said].std() > 0.1
        if entropy:
            torch.testing.assert_close(found[1], expected[1], rtol=1e-4, atol=1e-5)
        else:
            assert found[1] is None
        assert found[2] is None
    if rows is None and size is None:
        assert [len(one.input_ids) for one in packed] == [4, 4]  # a row a picture, of the model and its reference
    assert packed


def test_loss_and_gradients_with_a_reference(ours: Any, batch: Batch, monkeypatch: pytest.MonkeyPatch) -> None:
    learnt = [weight for weight in ours.model.parameters() if weight.requires_grad]
    found = ours._compute_loss(ours.model, batch)
    gradients = torch.autograd.grad(found, learnt)
    monkeypatch.setattr(type(ours), "_get_per_token_logps_and_entropies", alone)
    expected = ours._compute_loss(ours.model, batch)
    assert found.item() == pytest.approx(expected.item(), rel=1e-4, abs=1e-6)
    for one, other in zip(gradients, torch.autograd.grad(expected, learnt), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-3, atol=1e-6)
    assert max(float(one.abs().max()) for one in gradients) > 1e-3


def seeing_others(packed: Packed) -> Packed:
    """Each caption sees those before it."""
    mask = packed.attention_mask
    return packed._replace(attention_mask=torch.ones_like(mask).tril())


def one_place_on(packed: Packed) -> Packed:
    """Captions begin a place too far on."""
    positions, (rows, columns) = packed.position_ids.clone(), packed.places
    for row in range(len(positions)):
        positions[row, columns[rows == row].min() + 1 :] += 1  # after the prefix
    return packed._replace(position_ids=positions)


@pytest.mark.parametrize("planted", [seeing_others, one_place_on])
def test_a_planted_mistake_is_far_off(
    ours: Any, batch: Batch, planted: Callable[[Packed], Packed], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert apart(ours, batch) < 1e-4
    monkeypatch.setattr(shared_prefix, "pack", lambda *args, **kwargs: planted(pack(*args, **kwargs)))
    assert apart(ours, batch) > 1e-2


def test_a_training_packs_its_updates_and_its_reference(
    ours: Any, packed: list[Packed], monkeypatch: pytest.MonkeyPatch
) -> None:
    """2 steps of 4 pictures: the reference and the update of each have a row a picture."""
    before = deepcopy(ours.model.state_dict())
    monkeypatch.setattr(ours.args, "max_steps", 2)
    ours.train()
    assert [len(one.input_ids) for one in packed] == [4, 4, 4, 4]
    assert any(not torch.equal(one, before[name]) for name, one in ours.model.state_dict().items())
    ours.model.load_state_dict(before)


@pytest.mark.parametrize(("piece", "looks"), [(None, 4), (6, 5)], ids=["whole", "pieces that cut groups"])
def test_the_same_captions_are_drawn(ours: Any, piece: int | None, looks: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """4 pictures x 4 captions; pieces of 6, 6 and 4 hold 2, 2 and 1 pictures."""
    monkeypatch.setattr(ours, "_batch", piece)
    prompts = [row["prompt"] for row in with_pictures([ours.train_dataset[n] for n in range(4) for _ in range(4)])]
    looked: list[int] = []
    look = ours.model.model.get_image_features

    def counted(pixel_values: Any, **more: Any) -> Any:
        looked.append(len(pixel_values))
        return look(pixel_values=pixel_values, **more)

    monkeypatch.setattr(ours.model.model, "get_image_features", counted)

    def drawn() -> tuple[Any, int]:
        looked.clear()
        torch.manual_seed(3)
        ids, images, fields = ours._tokenize_prompts(prompts)
        return ours._generate_single_turn(ids, images, fields, 4)[0], sum(looked)

    found, seen = drawn()
    assert seen == looks
    monkeypatch.setattr(shared_prefix, "is_shareable", lambda _: False)
    assert drawn() == (found, 16)
    assert len({tuple(caption) for caption in found}) > 8
    assert "generate" not in vars(ours.model)


def with_pictures(rows: list[Any]) -> list[Any]:
    """The rows as TRL makes them: the picture in the prompt."""
    return [
        {**row, "prompt": prepare_multimodal_messages(row["prompt"], images=[row["image"]])} for row in read_once(rows)
    ]


def trained_tower(model: Any) -> None:
    next(model.model.vision_tower.parameters()).requires_grad_(True)


def dropout(model: Any) -> None:
    model.config.text_config.attention_dropout = 0.1


def other_attention(model: Any) -> None:
    model.set_attn_implementation("eager")


@pytest.mark.parametrize("change", [trained_tower, dropout, other_attention])
def test_what_is_not_known_to_be_the_same_is_left_to_trl(
    ours: Any, batch: Batch, packed: list[Packed], change: Callable[[Any], None]
) -> None:
    some = part(batch, [0, 1])
    try:
        change(ours.model)
        found = scores(ours, shared, some, ours.model)[0]
        assert torch.equal(found, scores(ours, alone, some, ours.model)[0])
        assert not packed
    finally:
        freeze_vision(ours.model)
        ours.model.config.text_config.attention_dropout = 0.0
        ours.model.set_attn_implementation("sdpa")
    scores(ours, shared, some, ours.model)
    assert packed


def test_adapters_and_other_families_are_left_to_trl(ours: Any, tmp_path: Path) -> None:
    assert shared_prefix.is_shareable(ours.model)
    adapted = get_peft_model(deepcopy(ours.model), LoraConfig(target_modules="all-linear"))
    assert not shared_prefix.is_shareable(adapted)
    base, _, _ = make_scene(tmp_path)
    assert not shared_prefix.is_shareable(load_captioner(base, "cpu", "float32").model)
