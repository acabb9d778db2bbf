"""The processes of one training: how they meet, what they shard, and what all agree on."""

import os
from typing import Any, TypeVar

from cim.errors import CimError
from cim.ranks import local_rank, rank_and_size

Value = TypeVar("Value")


def join(device: str) -> None:
    """Meet the other ranks: this one's GPU becomes the current one, and its collectives are ready.

    device: auto, cpu or cuda. Raises CimError where a rank has no GPU of its own.
    """
    import torch
    from accelerate import PartialState

    on_cpu = device == "cpu" or (device == "auto" and not torch.cuda.is_available())
    if not on_cpu and (place := local_rank()) is not None:
        if place >= (gpus := torch.cuda.device_count()):
            found = f"{gpus} GPUs for process {place} of this machine"
            raise CimError(found, "a GPU a process", f"set runtime.train.processes: {gpus}")
        torch.cuda.set_device(place)
    PartialState(cpu=on_cpu)


def is_sharded() -> bool:
    """Whether no rank holds all weights, as the launcher says: FSDP, and DeepSpeed's ZeRO from stage 3 on."""
    zero3 = _is_on("DEEPSPEED") and os.environ.get("ACCELERATE_DEEPSPEED_ZERO_STAGE") == "3"
    return _is_on("FSDP") or zero3


def use_fsdp_on_cpu(arguments: Any) -> None:
    """Have the trainer of these TrainingArguments shard on a CPU where the launcher says FSDP.

    accelerate (1.15) reads FSDP's settings for GPUs only, though torch's fully_shard works on a CPU just as well.
    """
    if not _is_on("FSDP") or not arguments.use_cpu:
        return
    import torch
    from accelerate import PartialState
    from accelerate.utils import DistributedType

    assert arguments.distributed_state is not None  # made here, and its state changed before the trainer reads it
    PartialState._shared_state.update(distributed_type=DistributedType.MULTI_GPU, device=torch.device("cpu"))


def barrier() -> None:
    """Wait until every rank is here."""
    if _joined():
        import torch.distributed as dist

        dist.barrier()


def agreed(value: Value) -> Value:
    """Rank 0's value, on every rank: what is decided is decided once. Every rank must call it. Picklable."""
    if not _joined():
        return value
    import torch.distributed as dist

    box: list[Any] = [value]
    dist.broadcast_object_list(box, src=0)
    found: Value = box[0]
    return found


def gathered(value: Value) -> list[Value]:
    """The values of all ranks, in their order, on every rank. Every rank must call it. Picklable."""
    if not _joined():
        return [value]
    import torch.distributed as dist

    found: list[Any] = [None] * dist.get_world_size()
    dist.all_gather_object(found, value)
    return found


def _joined() -> bool:
    """Whether this process is one of several that have found each other."""
    if rank_and_size()[1] == 1:
        return False
    import torch.distributed as dist

    return dist.is_available() and dist.is_initialized()


def _is_on(kind: str) -> bool:
    return os.environ.get(f"ACCELERATE_USE_{kind}", "").lower() == "true"
