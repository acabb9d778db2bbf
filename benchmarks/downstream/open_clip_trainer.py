"""Are our shards read as they are by open_clip's own trainer? One epoch on a CPU, every sample counted.

python -m benchmarks.downstream.open_clip_trainer --shards FOLDER --work FOLDER

The trainer (open_clip 3.3) asks for webdataset 0.2.86 or older, and this project needs a newer one: an environment of
its own is made from this one's packages with that version before them, in ~/.cache/cim-pipeline. It trains on all
samples of FOLDER once (--train-data), then goes through them once more to its end (--val-data): both counts must be
the number of samples in the shards.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import sysconfig
import tarfile
import venv
from pathlib import Path
from typing import Any

from cim.atomic import write_json
from cim.encoders.tower import tiny_config
from cim.errors import CimError
from cim.params import FittedClip

WEBDATASET = "0.2.86"
MOST = 64  # pairs a batch
SMALL = FittedClip(kind="fit", seed=0, width=8, epochs=1, learning_rate=0.001)


def environment(folder: Path) -> Path:
    """The Python of an environment with this one's packages but for webdataset; made where it is not there."""
    python = folder / "bin" / "python"
    if not (folder / ".ready").exists():
        venv.create(folder, with_pip=True, clear=True)
        asked = [python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"]
        own = Path(subprocess.run(asked, check=True, capture_output=True, text=True).stdout.strip())
        (own / "beside.pth").write_text(sysconfig.get_path("purelib") + "\n", encoding="utf-8")  # its own come first
        subprocess.run([python, "-m", "pip", "install", "--no-deps", f"webdataset=={WEBDATASET}"], check=True)
        (folder / ".ready").touch()
    return python


def counted(shards: list[Path]) -> int:
    """Texts in these tars."""
    total = 0
    for path in shards:
        with tarfile.open(path) as opened:
            total += sum(name.endswith(".txt") for name in opened.getnames())
    return total


def batch_size(samples: int) -> int:
    """The largest batch of MOST pairs or less of which a whole number is all samples: the trainer fills up the rest."""
    return max(size for size in range(1, MOST + 1) if samples % size == 0)


def command(python: Path, shards: list[Path], samples: int, work: Path) -> list[str]:
    """One epoch of open_clip_train on a CPU over all samples, then one pass that ends where the shards end."""
    model = work / "model"
    write_json(model / "open_clip_config.json", tiny_config(SMALL, context_length=77))
    data = "::".join(str(path.absolute()) for path in shards)
    options = {
        "train-data": data, "val-data": data, "dataset-type": "webdataset", "train-num-samples": samples,
        "batch-size": batch_size(samples), "epochs": 1, "workers": 1, "model": f"local-dir:{model.absolute()}",
        "device": "cpu", "precision": "fp32", "lr": 0.001, "warmup": 5, "log-every-n-steps": 1,
        "logs": work.absolute(), "name": "run",
    }  # fmt: skip
    return [str(python), "-m", "open_clip_train.main", *(f"--{name}={value}" for name, value in options.items())]


def seen(work: Path) -> dict[str, Any]:
    """What the trainer wrote of its run: samples it trained on, samples it found, its loss at the end."""
    log = (work / "run" / "out.log").read_text(encoding="utf-8")
    trained = re.findall(r"Train Epoch: 0 \[\s*(\d+)/(\d+)", log)
    results = json.loads((work / "run" / "checkpoints" / "results.jsonl").read_text(encoding="utf-8").splitlines()[-1])
    return {"trained": int(trained[-1][0]), "found": results["num_samples"], "loss": results["clip_val_loss"]}


def main() -> None:
    """Train, compare the counts, print; another count ends the command with an error."""
    parser = argparse.ArgumentParser(
        "python -m benchmarks.downstream.open_clip_trainer",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--shards", type=Path, required=True, help="folder of re-captioned shards")
    parser.add_argument("--work", type=Path, required=True, help="folder of the trainer's logs; new or empty")
    folder = Path.home() / ".cache" / "cim-pipeline" / f"open-clip-webdataset-{WEBDATASET}"
    parser.add_argument("--environment", type=Path, default=folder, help="default: %(default)s")
    options = parser.parse_args()
    try:
        print(check(options.shards, options.work, options.environment))
    except CimError as error:
        sys.exit(str(error))


def check(folder: Path, work: Path, environment_folder: Path) -> str:
    """Train on the shards in `folder`; what was counted. Raises CimError where the trainer saw another number."""
    shards = sorted(folder.glob("*.tar"))
    samples = counted(shards)
    if samples < 2:
        raise CimError(f"{samples} samples in {folder}", "re-captioned shards", "run flows.recaption first")
    work.mkdir(parents=True, exist_ok=True)
    wanted = command(environment(environment_folder), shards, samples, work)
    subprocess.run(wanted, check=True, cwd=work, env={**os.environ, "CUDA_VISIBLE_DEVICES": ""})
    found = seen(work)
    if not found["trained"] == found["found"] == samples:
        raise CimError(
            f"{found['trained']} samples trained on and {found['found']} found by open_clip_train",
            f"the {samples} samples of {len(shards)} shards, each once",
            f"look at {work / 'run' / 'out.log'}: its loader warns of what it ignores",
        )
    return f"open_clip_train read all {samples:,} samples of {len(shards)} shards; loss after them {found['loss']:.3f}"


if __name__ == "__main__":
    main()
