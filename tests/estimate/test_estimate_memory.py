"""Bytes of weights, gradients, optimizer and reference: by hand, and as torch holds them."""

import pytest
from plain_plan import SHAPE, all_sizes, plan, sizes

from cim.estimate.memory import held, trained_parameters, weight_bytes
from cim.estimate.shapes import captioner_shape
from cim.params import TinyCaptioner


def test_full_fine_tuning_in_float32() -> None:
    """1000 parameters: weights 4000, a reference 4000, gradients 4000 in the update alone, AdamW two moments 8000."""
    assert sizes(held(SHAPE, plan())) == {
        "weights": (4000, 4000),
        "reference model": (4000, 4000),
        "gradients": (0, 4000),
        "optimizer (AdamW)": (8000, 8000),
    }


def test_without_a_kl_term_there_is_no_reference() -> None:
    assert "reference model" not in sizes(held(SHAPE, plan(reference=False)))


def test_autocast_holds_trained_weights_once_more() -> None:
    """In bfloat16, and two layers of 100 more. The 200 of a frozen tower are cast layer by layer."""
    assert sizes(held(SHAPE, plan(autocast=True)))["weights, autocast's copies"] == (2400, 2400)
    assert sizes(held(SHAPE, plan(autocast=True, vision=False)))["weights, autocast's copies"] == (2000, 2000)


def test_adapters() -> None:
    """Rank 2 on inputs + outputs 50 is 100 numbers; without the vision tower's 10, 80. No reference model."""
    found = sizes(held(SHAPE, plan(lora=2)))
    assert found == {
        "weights": (4000, 4000), "adapters": (400, 400), "gradients": (0, 400), "optimizer (AdamW)": (800, 800),
    }  # fmt: skip
    assert trained_parameters(SHAPE, plan(lora=2, vision=False)) == 80


def test_a_frozen_tower_has_no_gradients_and_no_moments() -> None:
    """Of 1000 parameters 200 are frozen: gradients 800 x 4, moments 800 x 8; weights and reference as before."""
    found = sizes(held(SHAPE, plan(vision=False)))
    assert found == {
        "weights": (4000, 4000), "reference model": (4000, 4000), "gradients": (0, 3200),
        "optimizer (AdamW)": (6400, 6400),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("precision", "size"),
    [("float32", 4000), ("bfloat16", 2000), ("8bit", 700 + 600), ("4bit", 361 + 600)],  # 700 in layers, 300 outside
)
def test_precision_of_the_base_weights(precision: str, size: int) -> None:
    """4bit: 700 x (0.5 + 1/64 + 4/16384) = 361.1, and 300 x 2."""
    assert weight_bytes(SHAPE, plan(precision=precision)) == size


def test_adapters_on_16_bits_are_float32_and_on_fewer_bfloat16() -> None:
    """100 numbers: 400 and 800 of moments on bfloat16, as PEFT has it; 200 and 400 on 4 bits, as TRL has it."""
    half, quarter = (sizes(held(SHAPE, plan(lora=2, autocast=True, precision=name))) for name in ("bfloat16", "4bit"))
    assert (half["adapters"][1], half["gradients"][1], half["optimizer (AdamW)"][1]) == (400, 400, 800)
    assert (quarter["adapters"][1], quarter["gradients"][1], quarter["optimizer (AdamW)"][1]) == (200, 200, 400)
    assert quarter["weights, dequantized"] == (200, 200)
    assert "weights, autocast's copies" not in half


class TestOptimizer:
    def test_moments_of_a_byte_but_for_embeddings(self) -> None:
        """Embeddings are 10 x 10, and 8 bytes each; 900 others 2."""
        assert sizes(held(SHAPE, plan(optimizer="adamw_8bit")))["optimizer (AdamW)"] == (2600, 2600)
        assert sizes(held(SHAPE, plan(optimizer="adamw_8bit", lora=2)))["optimizer (AdamW)"] == (200, 200)

    def test_paged_moments_need_no_room(self) -> None:
        assert sizes(held(SHAPE, plan(optimizer="paged_adamw_8bit")))["optimizer (AdamW)"] == (0, 0)


class TestSpread:
    """Four devices."""

    def test_ddp_holds_all_and_buckets(self) -> None:
        found = sizes(held(SHAPE, plan(processes=4, strategy="ddp")))
        assert found["weights"] == (4000, 4000)
        assert found["gradients"] == found["gradients, DDP's buckets"] == (0, 4000)

    def test_zero2_spreads_gradients_and_optimizer(self) -> None:
        """Its optimizer steps float32 copies, 1000 x 4 / 4, though weights are float32. Buckets hold all 1000, and the
        step takes its gradients once more."""
        found = sizes(held(SHAPE, plan(processes=4, strategy="zero2")))
        assert found == {
            "weights": (4000, 4000),
            "reference model": (4000, 4000),
            "gradients": (0, 1000),
            "gradients, DeepSpeed's": (0, 4000 + 1000),
            "float32 master weights": (1000, 1000),
            "optimizer (AdamW)": (2000, 2000),
        }

    def test_zero_on_a_gpu_holds_bfloat16(self) -> None:
        """Weights and reference 2 bytes, gradients 1000 x 2 / 4, buckets 2, masters and moments as before."""
        found = sizes(held(SHAPE, plan(processes=4, strategy="zero2", autocast=True)))
        assert found["weights"] == found["reference model"] == (2000, 2000)
        assert found["gradients"] == (0, 500)
        assert found["gradients, DeepSpeed's"] == (0, 2000 + 1000)
        assert found["float32 master weights"] == (1000, 1000)
        assert found["optimizer (AdamW)"] == (2000, 2000)
        assert "weights, autocast's copies" not in found

    def test_zero3_spreads_all_and_gathers_to_generate(self) -> None:
        """All 1000 are fewer than the billion that it may keep."""
        found = all_sizes(held(SHAPE, plan(processes=4, strategy="zero3")))
        assert found["weights"] == found["reference model"] == (1000,) * 4
        assert found["weights, gathered"] == (4000,) * 4

    def test_fsdp_gathers_layer_by_layer_and_the_reference_as_a_whole(self) -> None:
        """Two layers of 100 x 4, and 300 x 4 that are in none; the reference 1000 x 4, twice. In bfloat16 half of it.
        Weights, gradients and moments stay in 32 bits, in quarters."""
        found = all_sizes(held(SHAPE, plan(processes=4, strategy="fsdp")))
        assert found["weights, gathered"] == (2000,) * 4
        assert found["reference model, gathered"] == (0, 8000, 0, 0)
        half = all_sizes(held(SHAPE, plan(processes=4, strategy="fsdp", autocast=True)))
        assert half["weights, gathered"] == (1000,) * 4
        assert half["reference model, gathered"] == (0, 4000, 0, 0)
        assert half["weights"] == half["reference model"] == (1000,) * 4
        assert half["gradients"] == (0, 0, 1000, 0)
        assert half["optimizer (AdamW)"] == (2000,) * 4

    def test_fsdp_sums_gradients_once_an_update(self) -> None:
        """Until then each device has all 1000, in what products are computed in."""
        several = plan(processes=4, strategy="fsdp", autocast=True, passes=5)
        assert sizes(held(SHAPE, several))["gradients, not yet summed"] == (0, 2000)
        assert sizes(held(SHAPE, plan(processes=4, strategy="fsdp")))["gradients, not yet summed"] == (0, 0)

    def test_adapters_need_no_reference_however_spread(self) -> None:
        for strategy in ("ddp", "fsdp", "zero2", "zero3"):
            names = sizes(held(SHAPE, plan(processes=4, strategy=strategy, lora=2)))
            assert not [name for name in names if "reference" in name]


def test_what_torch_holds_for_the_tiny_captioner() -> None:
    """Weights, gradients and AdamW's moments of one step, counted tensor by tensor."""
    import torch
    from transformers import Qwen2_5_VLForConditionalGeneration

    from cim.warm_start.tiny import SPECIAL, tiny_captioner_config

    params = TinyCaptioner(kind="tiny", hidden=64, layers=2, vision_hidden=32, vocabulary=300)
    config = tiny_captioner_config(params, 300, {token: place for place, token in enumerate(SPECIAL)})
    model = Qwen2_5_VLForConditionalGeneration(config)
    optimizer = torch.optim.AdamW(model.parameters())
    for parameter in model.parameters():
        parameter.grad = torch.ones_like(parameter)
    optimizer.step()
    moments = [value for state in optimizer.state.values() for value in state.values() if value.dim()]
    found = sizes(held(captioner_shape(config, "tiny"), plan()))
    assert found["weights"][1] == sum(one.nbytes for one in model.parameters())
    assert found["gradients"][1] == sum(one.grad.nbytes for one in model.parameters())
    assert found["optimizer (AdamW)"][1] == sum(one.nbytes for one in moments)
