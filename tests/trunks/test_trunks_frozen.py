from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from cim.errors import CimError
from cim.trunks.frozen import FrozenTrunk, freeze, precision_here

NewTrunk = Callable[[], Any]


class Parent(nn.Module):
    def __init__(self, trunk: Any) -> None:
        super().__init__()
        self.trunk, self.head = trunk, nn.Linear(trunk.num_features, 2)

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        return self.head(self.trunk(pictures))


def test_training_moves_the_head_alone(new_trunk: NewTrunk, pictures: torch.Tensor) -> None:
    trunk, plain = freeze(new_trunk(), "float32"), new_trunk().state_dict()
    parent = Parent(trunk)
    before = parent.head.weight.clone()
    optimizer = torch.optim.AdamW(parent.parameters(), lr=0.1, weight_decay=0.1)
    for _ in range(3):
        parent.train()
        parent(pictures).sum().backward()
        optimizer.step()
        optimizer.zero_grad()
    assert not any(module.training for module in trunk.modules())
    assert not any(one.requires_grad for one in trunk.parameters())
    assert trunk.state_dict().keys() == plain.keys()  # the names are timm's, statistics of batch norm among them
    assert all(torch.equal(tensor, plain[name]) for name, tensor in trunk.state_dict().items())
    assert not torch.equal(parent.head.weight, before)


def test_an_unfrozen_trunk_would_move(new_trunk: NewTrunk, pictures: torch.Tensor) -> None:
    """What the test above would see."""
    trunk = new_trunk()
    Parent(trunk).train()(pictures)
    assert not torch.equal(trunk.bn1.running_mean, new_trunk().bn1.running_mean)


def test_outputs_are_timms_rounded_to_half(new_trunk: NewTrunk, pictures: torch.Tensor) -> None:
    plain, trunk = new_trunk().eval(), freeze(new_trunk(), "float32")
    with torch.inference_mode():
        expected = torch.cat([plain.forward_features(one[None]) for one in pictures])
    found = trunk.forward_features(pictures)
    assert found.dtype == torch.float32
    assert torch.equal(found, found.half().float())
    torch.testing.assert_close(found, expected, rtol=2**-10, atol=1e-6)  # of float16's 11 bits the last may differ
    assert torch.equal(trunk(pictures), found.mean((2, 3)))  # timm's pooling of it
    assert torch.equal(plain.forward_head(found), found.mean((2, 3)))


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_kept_outputs_equal_computed_ones(
    precision: Any, new_trunk: NewTrunk, pictures: torch.Tensor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    without = freeze(new_trunk(), precision).forward_features(pictures)
    first = freeze(new_trunk(), precision, tmp_path)
    halves = torch.cat([first.forward_features(pictures[:4]), first.forward_features(pictures[4:])])
    computed: list[int] = []
    compute = FrozenTrunk._run
    monkeypatch.setattr(FrozenTrunk, "_run", lambda self, x: computed.append(len(x)) or compute(self, x))
    second = freeze(new_trunk(), precision, tmp_path)  # as in another process
    assert torch.equal(without, halves)
    assert torch.equal(without, second.forward_features(pictures))
    assert torch.equal(second.forward_features(pictures[:0]), without[:0])
    assert computed == [1]  # a black picture, for the shape


def test_neither_batch_nor_threads_have_a_say(new_trunk: NewTrunk, pictures: torch.Tensor) -> None:
    threads = torch.get_num_threads()
    trunk = freeze(new_trunk(), "float32")
    found = []
    try:
        for number in (1, 2, 3):
            torch.set_num_threads(number)
            found += [trunk.forward_features(pictures), torch.cat([*map(trunk.forward_features, pictures.split(1))])]
            assert torch.get_num_threads() == number
    finally:
        torch.set_num_threads(threads)
    assert all(torch.equal(one, found[0]) for one in found)


def test_no_picture_has_no_output(new_trunk: NewTrunk, pictures: torch.Tensor) -> None:
    trunk = freeze(new_trunk(), "float32")
    assert trunk.forward_features(pictures[:0]).shape == (0, *trunk.forward_features(pictures[:1]).shape[1:])


def test_each_picture_is_computed_once(
    new_trunk: NewTrunk, pictures: torch.Tensor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    computed: list[int] = []
    compute = FrozenTrunk._run
    monkeypatch.setattr(FrozenTrunk, "_run", lambda self, x: computed.append(len(x)) or compute(self, x))
    trunk = freeze(new_trunk(), "float32", tmp_path)
    trunk(pictures)
    trunk(pictures.to(torch.bfloat16))  # cast by a model: the same pictures
    trunk(pictures.flip(0))
    assert computed == [1] * 6  # the black one for the shape, and five: the sixth is the first


def test_other_weights_and_precisions_share_nothing(new_trunk: NewTrunk) -> None:
    other = new_trunk()
    with torch.no_grad():
        other.bn1.bias += 0.01
    names = {freeze(trunk, "float32").trunk_fingerprint for trunk in (new_trunk(), new_trunk(), other)}
    assert len(names) == 2
    assert freeze(new_trunk(), "bfloat16").trunk_fingerprint not in names


def test_outputs_seen_in_inference_can_be_trained_on(
    new_trunk: NewTrunk, pictures: torch.Tensor, tmp_path: Path
) -> None:
    parent = Parent(freeze(new_trunk(), "float32", tmp_path))
    with torch.inference_mode():
        parent(pictures)
    parent(pictures).sum().backward()
    assert parent.head.weight.grad is not None


def test_a_cast_after_freezing_is_refused(new_trunk: NewTrunk, pictures: torch.Tensor) -> None:
    trunk = freeze(new_trunk(), "float32").to(torch.bfloat16)
    with pytest.raises(CimError, match=r"cast from torch\.float32 to torch\.bfloat16"):
        trunk(pictures)


def test_noise_is_no_picture(new_trunk: NewTrunk) -> None:
    noise = torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    with pytest.raises(CimError, match="8-bit picture"):
        freeze(new_trunk(), "float32")(noise)


def test_precision_is_as_asked_for() -> None:
    assert [precision_here("float32"), precision_here("bfloat16")] == ["float32", "bfloat16"]
    assert precision_here("auto") == ("bfloat16" if torch.cpu.get_capabilities().get("amx_bf16") else "float32")
