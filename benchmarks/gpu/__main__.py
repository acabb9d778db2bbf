"""Everything that wants a GPU, measured by one command; without a GPU, toys on the CPU.

python -m benchmarks.gpu [--output gpu.md] [--only embed search] [--layers 8] [--scratch DIR]

Models have the published shapes and random weights: ViT-H-14, Qwen2.5-VL-3B and 7B. Nothing is fetched. Each part is a
process of its own that is ended after 8 minutes; what one has measured before it fails is kept, and the others go on.
Folders of weights and vectors need 13 GiB of disk, 15 more for 7B in 4 bits; they are removed in the end.
"""

import argparse
import sys
import tempfile
from pathlib import Path

from benchmarks.common.timing import machine
from benchmarks.gpu.bench import Bench, read_rows, table
from benchmarks.gpu.device import found_device, heading
from benchmarks.gpu.parts import LIMIT, MEASURES, command_of, run_apart


def main(arguments: list[str]) -> int:
    """Measure the parts that are asked for, print their tables, write them where asked."""
    options = _options(arguments)
    device = options.device or ("cpu" if options.toy else found_device())
    toy = options.toy or device == "cpu"
    if options.part:  # this is a process of its own already
        MEASURES[options.part](Bench(options.part, device, toy, options.scratch, options.rows, options.layers))
        return 0
    with tempfile.TemporaryDirectory(prefix="cim-gpu-", dir=options.scratch) as scratch:
        rows = Path(scratch) / "rows.jsonl"
        for name in options.only:
            bench = Bench(name, device, toy, Path(scratch), rows, options.layers)
            print(f"{name} ...", file=sys.stderr, flush=True)
            run_apart(bench, command_of(bench), options.limit)
        measured = read_rows(rows)
    shown = f"{heading(device)} {machine()}.\n\n{table(measured)}\n"
    print(shown)
    if options.output:
        options.output.write_text(shown, encoding="utf-8")
    return 0


def _options(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        "python -m benchmarks.gpu", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", nargs="+", choices=MEASURES, default=list(MEASURES), metavar="PART",
                        help=f"of {', '.join(MEASURES)}")  # fmt: skip
    parser.add_argument("--output", type=Path, help="Markdown file to write")
    parser.add_argument("--toy", action="store_true", help="small shapes on the CPU, as where there is no GPU")
    parser.add_argument("--layers", type=int, help="of the captioners' text models; all of them unless told")
    parser.add_argument("--scratch", type=Path, help="where a temporary folder is made")
    parser.add_argument("--limit", type=float, default=LIMIT, help="seconds a part may take")
    for name, kind in (("--part", str), ("--rows", Path), ("--device", str)):
        parser.add_argument(name, type=kind, help=argparse.SUPPRESS)
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
