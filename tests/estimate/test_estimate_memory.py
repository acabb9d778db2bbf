"""Bytes of weights, gradients, optimizer and reference: by hand, and as torch holds them."""

import pytest
from plain_plan import SHAPE, plan, sizes

from cim.errors import CimError
from cim.estimate.fit import gib, peak, size_of, too_large
from cim.estimate.memory import Term, held, trained_parameters, weight_bytes
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


def test_autocast_holds_every_weight_once_more() -> None:
    assert sizes(held(SHAPE, plan(autocast=True)))["weights, autocast's copies"] == (2000, 2000)


def test_adapters() -> None:
    """Rank 2 on inputs + outputs 50 is 100 numbers; without the vision tower's 10, 80. No reference model."""
    found = sizes(held(SHAPE, plan(lora=2)))
    assert found == {
        "weights": (4000, 4000), "adapters": (400, 400), "gradients": (0, 400), "optimizer (AdamW)": (800, 800),
    }  # fmt: skip
    assert trained_parameters(SHAPE, plan(lora=2, vision=False)) == 80
    assert trained_parameters(SHAPE, plan(vision=False)) == 800


@pytest.mark.parametrize(
    ("precision", "size"),
    [("float32", 4000), ("bfloat16", 2000), ("8bit", 700 + 600), ("4bit", 393 + 600)],  # 700 in layers, 300 outside
)
def test_precision_of_the_base_weights(precision: str, size: int) -> None:
    """4bit: 700 x 0.5625 = 393.75, and 300 x 2."""
    assert weight_bytes(SHAPE, precision) == size  # type: ignore[arg-type]


class TestSpread:
    """Four devices."""

    def test_ddp_holds_all_and_buckets(self) -> None:
        found = sizes(held(SHAPE, plan(processes=4, strategy="ddp")))
        assert found["weights"] == (4000, 4000)
        assert found["gradients"] == found["gradients, DDP's buckets"] == (0, 4000)

    def test_zero2_spreads_gradients_and_optimizer(self) -> None:
        found = sizes(held(SHAPE, plan(processes=4, strategy="zero2")))
        assert found == {
            "weights": (4000, 4000),
            "reference model": (4000, 4000),
            "gradients": (0, 1000),
            "optimizer (AdamW)": (2000, 2000),
        }

    def test_zero3_spreads_all_and_gathers_for_a_rollout(self) -> None:
        """Gathered: the rollout takes all 4000, the update two layers of 100 x 4."""
        found = sizes(held(SHAPE, plan(processes=4, strategy="zero3")))
        assert found["weights"] == found["reference model"] == (1000, 1000)
        assert found["weights, gathered"] == (4000, 800)

    def test_fsdp_gathers_layer_by_layer(self) -> None:
        """Two layers of 100 x 4, and 300 x 4 that are in none."""
        assert sizes(held(SHAPE, plan(processes=4, strategy="fsdp")))["weights, gathered"] == (2000, 2000)

    def test_bfloat16_under_zero_keeps_float32_masters(self) -> None:
        """Over four: 1000 x 4 of masters, 1000 x 8 of moments, 1000 x 2 of gradients."""
        found = sizes(held(SHAPE, plan(processes=4, strategy="zero2", precision="bfloat16")))
        assert found["float32 master weights"] == (1000, 1000)
        assert found["optimizer (AdamW)"] == (2000, 2000)
        assert found["gradients"] == (0, 500)


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


class TestFit:
    TERMS = (Term("weights", 600, 600, ""), Term("keys and values", 320, 0, ""), Term("activations", 0, 200, ""))

    def test_peak_is_of_each_phase(self) -> None:
        assert peak(self.TERMS) == (920, 800)

    def test_what_fits_is_not_refused(self) -> None:
        """A tenth is left: 920 of 1023 x 0.9 = 920.7."""
        assert too_large(self.TERMS, 1023) is None

    def test_what_does_not_fit_is_refused_with_its_largest_terms(self) -> None:
        error = too_large(self.TERMS, 1022)
        assert isinstance(error, CimError)
        assert "in the rollout" in error.found
        assert "weights 0.6 KiB, keys and values 0.3 KiB" in error.found
        assert "generate fewer captions together" in error.remedy

    @pytest.mark.parametrize(
        ("text", "size"), [("24GiB", 24 * 2**30), ("80 GB", 80 * 10**9), ("1.5MiB", 3 * 2**19), ("100", 100)]
    )
    def test_sizes_are_read(self, text: str, size: int) -> None:
        assert size_of(text) == size

    @pytest.mark.parametrize("text", ["", "GiB", "24 cards", "-1GB", "1IB"])
    def test_no_sizes_are_refused(self, text: str) -> None:
        with pytest.raises(CimError, match="24GiB"):
            size_of(text)

    def test_sizes_are_shown(self) -> None:
        assert [gib(512), gib(3 * 2**19), gib(2**41)] == ["0.5 KiB", "1.5 MiB", "2.0 TiB"]
