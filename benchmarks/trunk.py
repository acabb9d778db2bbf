"""A picture through a frozen trunk, as `freeze` computes it and as timm does, in turns in one process.

python -m benchmarks.trunk [--architecture tf_efficientnet_lite2] [--threads 2] [--rounds 5] [--pictures 16]

Weights and pictures are drawn by chance, which cost as much as real ones.
"""

import argparse
import os
from collections.abc import Callable
from statistics import median

import timm
import torch

from benchmarks.common.timing import machine, seconds, seconds_for_additions, times_as_fast
from cim.trunks.frozen import freeze


def main() -> None:
    """Print milliseconds a picture and their ratio."""
    options = parsed()
    torch.set_num_threads(options.threads)
    torch.manual_seed(0)
    plain = timm.create_model(options.architecture, num_classes=0).eval()
    frozen = freeze(timm.create_model(options.architecture, num_classes=0), "float32")
    mean, std = (torch.tensor(plain.pretrained_cfg[name]).view(3, 1, 1) for name in ("mean", "std"))
    levels = torch.randint(0, 256, (options.pictures, *plain.pretrained_cfg["input_size"]))
    pictures = (levels / 255 - mean) / std

    @torch.inference_mode()
    def one_by_one() -> None:
        for picture in pictures.split(1):
            plain.forward_features(picture)

    def milliseconds(way: Callable[[], object]) -> float:
        return seconds(way) / options.pictures * 1000

    ways = (one_by_one, lambda: frozen.forward_features(pictures))
    for way in ways:
        way()
    turns = [(milliseconds(ways[0]), milliseconds(ways[1])) for _ in range(options.rounds)]
    one, other = (median(found) for found in zip(*turns, strict=True))
    print(
        f"{options.architecture}, {options.threads} threads: timm's own {one:.1f} ms, frozen {other:.1f} ms a picture;"
        f" {times_as_fast(turns)};"
        f" OMP_WAIT_POLICY {os.environ.get('OMP_WAIT_POLICY', 'unset')}."
        f" {seconds_for_additions():.2f} s for 10 million additions; {machine('torch', 'timm')}"
    )


def parsed() -> argparse.Namespace:
    """The options of the command."""
    parser = argparse.ArgumentParser(
        "python -m benchmarks.trunk", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--architecture", default="tf_efficientnet_lite2", help="of timm; default: %(default)s")
    parser.add_argument("--threads", type=int, default=2, help="torch's; default: %(default)s")
    parser.add_argument("--rounds", type=int, default=5, help="turns of each; default: %(default)s")
    parser.add_argument("--pictures", type=int, default=16, help="in a turn; default: %(default)s")
    return parser.parse_args()


if __name__ == "__main__":
    main()
