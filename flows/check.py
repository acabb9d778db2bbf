"""check: what a profile would take, before anything is started; no GPU, no model, no network."""

import argparse
from pathlib import Path
from typing import Any

from cim.command import plain_exit
from cim.errors import CimError
from cim.params import load_params

PROFILES = Path(__file__).parents[1] / "profiles"


def profile_file(name: str, folder: Path = PROFILES) -> Path:
    """The file that --profile means: a name in profiles/, or a path. Raises CimError where there is neither."""
    for path in (folder / f"{name}.yaml", Path(name)):
        if path.is_file():
            return path
    known = ", ".join(sorted(path.stem for path in folder.glob("*.yaml")))
    raise CimError(f"no profile {name!r}", f"{known}, or a YAML file", "mend --profile")


def check(arguments: list[str] | None = None) -> None:
    """Print what the profile needs. Raises CimError for params, data, models, memory or disk that won't do."""
    options = vars(parser().parse_args(arguments))
    params = load_params(profile_file(options["profile"]))
    from cim.estimate.fit import size_of
    from cim.estimate.plan import Machine, plan_of
    from cim.estimate.table import lines_of

    images = {split: options[f"{split}_images"] for split in ("train", "gallery") if options[f"{split}_images"]}
    memory, room = (None if options[name] is None else size_of(options[name]) for name in ("device_memory", "disk"))
    machine = Machine(memory, room, images)
    plan = plan_of(params, machine)
    pair = (options["generate_rate"], options["train_rate"])
    print(f"{options['profile']}: an estimate by formulas, not a measurement")
    print("\n".join(lines_of(plan, machine, None if None in pair else pair)), flush=True)
    from cim.report.language import language_lines

    print("\n".join(language_lines(params)), flush=True)
    if plan.problems:
        raise _all(plan.problems)


def _all(problems: list[CimError]) -> CimError:
    """One error of several, each with its own remedy."""
    if len(problems) == 1:
        return problems[0]
    listed = "".join(f"\n  {one.found}; expected {one.expected}. Remedy: {one.remedy}" for one in problems)
    return CimError(f"{len(problems)} problems:{listed}\n", "none of them", "mend all of them and run again")


def parser() -> argparse.ArgumentParser:
    """The command's options."""
    made = argparse.ArgumentParser(prog="python -m flows.check", description=__doc__)
    add: Any = made.add_argument
    add("--profile", default="params.yaml", help="a name in profiles/, or a YAML file (default: %(default)s)")
    add("--device-memory", metavar="SIZE", help="of one device, such as 24GiB; what does not fit is refused")
    add("--disk", metavar="SIZE", help="room for data/, such as 2TiB; what does not fit is refused")
    add("--generate-rate", type=_rate, metavar="TOKENS", help="generated a second by one device, as you measured it")
    add("--train-rate", type=_rate, metavar="TOKENS", help="trained on a second by one device, as you measured it")
    add("--train-images", type=_count, metavar="N", help="images of the train split, where sources can't tell")
    add("--gallery-images", type=_count, metavar="N", help="images of the gallery, where sources can't tell")
    return made


def _count(text: str) -> int:
    if (value := int(text)) < 1:
        raise argparse.ArgumentTypeError(f"{text} is below 1")
    return value


def _rate(text: str) -> float:
    if (value := float(text)) <= 0:
        raise argparse.ArgumentTypeError(f"{text} is not above 0")
    return value


if __name__ == "__main__":
    with plain_exit("check"):
        check()
