"""What a rank reads from its launcher's environment."""

import pytest

from cim.tuning.ranks import is_sharded


@pytest.mark.parametrize(
    ("environment", "sharded"),
    [
        ({}, False),
        ({"ACCELERATE_USE_FSDP": "true"}, True),
        ({"ACCELERATE_USE_DEEPSPEED": "true", "ACCELERATE_DEEPSPEED_ZERO_STAGE": "3"}, True),
        # ZeRO-2 shards gradients and optimizer; each rank has all weights, in the precision that params say.
        ({"ACCELERATE_USE_DEEPSPEED": "true", "ACCELERATE_DEEPSPEED_ZERO_STAGE": "2"}, False),
    ],
)
def test_weights_are_sharded_by_fsdp_and_zero3(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], sharded: bool
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert is_sharded() == sharded
