"""Which process of a training this is, as torch.distributed's launchers say in the environment."""

import os


def rank_and_size() -> tuple[int, int]:
    """(rank of this process, number of processes), as the launcher says; (0, 1) without one."""
    return int(os.environ.get("RANK", 0)), int(os.environ.get("WORLD_SIZE", 1))


def local_rank() -> int | None:
    """Which of this machine's processes this is, and so which GPU it has; None without a launcher."""
    return int(os.environ["LOCAL_RANK"]) if "LOCAL_RANK" in os.environ else None
