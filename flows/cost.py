"""What re-captioning N images would take: hours, money, disk, requests of a store; nothing is started.

python -m flows.cost --images 10_000_000 --run data/recaptioned --workers 8 --price 2.5
"""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from cim.command import plain_exit


def main(arguments: Sequence[str] | None = None) -> None:
    """The command: see the module's docstring."""
    options = parser().parse_args(arguments)
    with plain_exit("cost"):
        from cim.estimate.fit import size_of
        from cim.estimate.recaption import Asked, figures
        from cim.estimate.shown import shown_by

        found = list(
            figures(
                Asked(
                    images=options.images,
                    samples=options.samples_per_shard,
                    workers=options.workers,
                    rate=options.rate,
                    price=options.price,
                    image=None if options.image_bytes is None else size_of(options.image_bytes),
                    stored=options.store,
                    shown=None if options.run is None else shown_by(options.run),
                )
            )
        )
        print(f"{options.images:,} images: an estimate, of what is stated and what a run showed")
        widths = [max(len(getattr(one, name)) for one in found) for name in ("name", "value")]
        for one in found:
            print(f"  {one.name:{widths[0]}}  {one.value:>{widths[1]}}  {one.rests_on}")


def parser() -> argparse.ArgumentParser:
    """The command's options."""
    made = argparse.ArgumentParser(
        prog="python -m flows.cost", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add: Any = made.add_argument
    add("--images", type=_count, required=True, metavar="N", help="of the corpus")
    add("--run", type=Path, metavar="PATH", help="the output folder of a run, or its log: speed and sizes are taken")
    add("--rate", type=_positive, metavar="CAPTIONS", help="a second by one worker, as you measured it")
    add("--workers", type=_count, default=1, metavar="W", help="processes or GPUs at once (default: %(default)s)")
    add("--price", type=_positive, help="of an hour of one worker, in any currency")
    add("--image-bytes", metavar="SIZE", help="of an encoded image, such as 150KiB")
    add("--samples-per-shard", type=_count, default=10_000, metavar="N", help="images (default: %(default)s)")
    add("--store", action="store_true", help="shards go to a store (recaption.store)")
    return made


def _count(text: str) -> int:
    if (value := int(text)) < 1:
        raise argparse.ArgumentTypeError(f"{text} is below 1")
    return value


def _positive(text: str) -> float:
    if not 0 < (value := float(text)) < float("inf"):
        raise argparse.ArgumentTypeError(f"{text} is not above 0")
    return value


if __name__ == "__main__":
    main()
