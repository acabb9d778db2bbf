"""What of a training contradicts itself, all of it in one message; and what the defaults are: TRL's own."""

import pytest
from test_params_load import changed, message_for

from cim.params import parse_params


def test_contradictions_are_named_together() -> None:
    message = message_for(
        ("tune.precision", "8bit"),
        ("tune.delta", 1.1),
        ("tune.optimizer", {"warmup_steps": 60, "warmup_ratio": 0.1, "beta1": 1.0}),
        ("tune.multi_objective_aggregation", "normalize_then_sum"),
        ("tune.stop_on", ["zero_variance"]),
        ("tune.report_to", ["wandb", "wandb"]),
    )
    for part in (
        "precision 8bit without lora",
        "delta 1.1 is not above 1 + clip 0.2",
        "warmup_steps 60 and warmup_ratio 0.1: set one",
        "tune.optimizer.beta1",
        "warmup_steps 60 of 60 steps",
        "stop_on zero_variance has no effect",
        "report_to names ['wandb'] more than once",
    ):
        assert part in message


@pytest.mark.parametrize(
    ("changes", "part"),
    [
        ([("tune.precision", "bfloat16")], "precision bfloat16 without lora"),
        ([("tune.precision", "float32"), ("tune.attention", "flash_attention_2")], "whose weights have 32 bits"),
        ([("runtime.device", "cpu"), ("tune.attention", "flash_attention_2")], "it needs a GPU"),
        (
            [
                ("tune.precision", "4bit"), ("tune.lora", {}),
                ("runtime.train", {"processes": 2, "strategy": "fsdp"}),
            ],
            "precision 4bit with runtime.train.strategy fsdp",
        ),
    ],
)  # fmt: skip
def test_what_cannot_be_together(changes: list[tuple[str, object]], part: str) -> None:
    assert part in message_for(*changes)


def test_quantized_weights_under_adapters_are_fine() -> None:
    tune = parse_params(changed(("tune.precision", "4bit"), ("tune.lora", {}))).tune
    assert (tune.vision, tune.attention, tune.report_to) == ("trained", "auto", [])
