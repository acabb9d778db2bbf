"""kill -9 at random moments while a corpus is re-captioned: nothing lost, nothing doubled, the same bytes.

`python -m benchmarks.chaos --write docs/benchmarks.md`. The engine says what it sees (the picture's mean colour), so
that a caption beside the wrong picture would show; it takes as long as a small model would. A kill counts only when
its victim had journalled captions since its own start, see `benchmarks.chaos.kills`.

With `--kind endpoint prompts vllm store workers ranks`, or some of these, the workers are whole commands
(`flows.recaption`) with a server that captions and fails now and then, by two prompts, with vLLM, with a store, several
at once; see `benchmarks.chaos.kinds`.
"""

import argparse
import sys
from pathlib import Path

from benchmarks.chaos.flow_trials import measure as measure_flows
from benchmarks.chaos.kinds import KINDS
from benchmarks.chaos.tables import flow_table, table
from benchmarks.chaos.trials import measure
from benchmarks.chaos.worker import work
from benchmarks.common.document import replace_between

DEFAULT = "default"


def main() -> None:
    parser = argparse.ArgumentParser(
        "python -m benchmarks.chaos", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--kind", nargs="+", choices=[DEFAULT, *KINDS], default=[DEFAULT])
    parser.add_argument("--kills", type=int, help="default: at least 60 in all; of the others 5 a trial at most")
    parser.add_argument("--trials", type=int, default=2, help="of each kind but default")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--vllm-python", type=Path, default=_vllm_python(), help="of the environment that has vLLM")
    parser.add_argument("--write", type=Path, help="document with the markers <!-- chaos --> and <!-- chaos-flows -->")
    parser.add_argument("--work", nargs=2, type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.work:
        work(*options.work)
        return
    texts, bad = dict[str, str](), False
    if DEFAULT in options.kind:
        trials, files = measure(options.kills or 60, options.seed)
        texts["chaos"], bad = table(trials, files, options.seed), any(trial.problems for trial in trials)
    kinds = [kind for kind in options.kind if kind != DEFAULT]
    if "vllm" in kinds and not (options.vllm_python and options.vllm_python.exists()):
        print("vllm is left out: no environment with vLLM (make env-vllm, or --vllm-python PATH)", file=sys.stderr)
        kinds.remove("vllm")
    if kinds:
        found = measure_flows(kinds, options.trials, options.kills or 5, options.seed, options.vllm_python)
        texts["chaos-flows"] = flow_table(found, options.seed)
        bad = bad or any(trial.problems for trial in found)
    for name, text in texts.items():
        print(text)
        if options.write:
            replace_between(options.write, name, text)
    raise SystemExit(bad)


def _vllm_python() -> Path | None:
    """Where `make env-vllm` has put it."""
    found = sorted(Path.home().glob(".cache/cim-pipeline/vllm-*/bin/python"))
    return found[-1] if found else None


if __name__ == "__main__":
    main()
