"""Every benchmark that documents name starts, and says what it measures."""

import subprocess
import sys
from pathlib import Path

import pytest

COMMANDS = [
    "ablation", "caption", "caption.decode_memory", "caption.prefetch", "caption_memory", "chaos", "curation",
    "downstream", "downstream.open_clip_trainer", "downstream.photos", "downstream.seeds", "embed", "embed.feed",
    "embed.memory", "examples", "feed", "gpu", "hacking", "human", "index_memory", "kernels", "memory", "order",
    "photo_encoders", "photo_views", "photo_yardsticks", "photos_tuning", "photos_tuning.best_of", "pipeline",
    "pipeline.results", "pipeline.warm_start", "refine", "refine.pairs", "remix", "report", "rerun", "reward",
    "reward.exclusion", "rollout", "search", "shard", "shared_prefix", "signals", "store_requests", "tower_start",
    "trunk",
]  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_says_what_it_measures(root: Path, name: str) -> None:
    command = [sys.executable, "-m", f"benchmarks.{name}", "--help"]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    module = root / "benchmarks" / name.replace(".", "/")
    source = (module / "__main__.py" if module.is_dir() else module.with_suffix(".py")).read_text(encoding="utf-8")
    assert source.removeprefix('"""').splitlines()[0].removesuffix(" ") in done.stdout


def test_all_commands_are_listed(root: Path) -> None:
    """A file that only other files of benchmarks/ start, and the packages' own parts, are no commands."""
    started = {"embed.baseline", "embed.ours", "pipeline.probe", "reward.baseline_server", "common.timing"}
    found = set()
    for path in (root / "benchmarks").rglob("*.py"):
        if '__name__ == "__main__"' in path.read_text(encoding="utf-8"):
            found.add(".".join(path.relative_to(root / "benchmarks").with_suffix("").parts).removesuffix(".__main__"))
    assert found - started == set(COMMANDS)
