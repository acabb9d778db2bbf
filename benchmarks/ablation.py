"""A miniature of the paper's tables: what each part of the method changes, on the embedded default.

python -m benchmarks.ablation --work FOLDER --from WORKSPACE [--only NAME ...]    # runs variants
python -m benchmarks.ablation --work FOLDER [--tables NAME ...] [--write docs/ablation.md]    # tabulates what is there

WORKSPACE is a project folder in which the pipeline has run (after `make run`: .). Every variant is a copy of it with
other parameters, in which only the stages named in `ablations` run again, so that variants share the warm start, the
encoders and the held-out judge. A variant that has run with the same parameters, code and workspace is not run again;
one that has run with others is refused, never deleted. Without --from nothing runs, and what is there is tabulated,
whatever code made it: each table says which.
"""

import argparse
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from benchmarks.ablated import CODE, Ablated, finished, read
from benchmarks.ablation_tables import not_run, seeds, side_by_side
from benchmarks.ablations import TABLES, VARIANTS, Variant
from benchmarks.project import ROOT, clean_environment, copy_project
from benchmarks.tables import replace_between
from cim.atomic import read_json, write_json
from cim.errors import CimError
from cim.fingerprint import fingerprint, hash_code
from cim.params.yaml import dump_yaml, read_yaml

KEPT = ("shards", "models", "embeddings", "index", "captions", "tuned")
MADE_FROM = "made_from.json"
MARKERS = ("seeds", *TABLES, "not-run")


def made_from(variant: Variant, source: Path) -> dict[str, str]:
    """What a run of `variant` depends on, a fingerprint each."""
    params = variant.params(read_yaml(source / "params.yaml"))
    return {
        "params": fingerprint(params),
        "stages": fingerprint(variant.stages),
        "code": hash_code(ROOT, CODE),
        "workspace": fingerprint(*(source / "data" / part for part in KEPT)),
    }


def pending(wanted: dict[str, dict[str, str]], work: Path) -> list[str]:
    """Names of `wanted` variants (name -> `made_from`) without a finished run in `work`.

    Raises CimError, before anything runs, when a finished one was made from something else or does not say from what.
    """
    stale = []
    for name, parts in wanted.items():
        if finished(work / name):
            path = work / name / MADE_FROM
            held = read_json(path) if path.is_file() else {}
            if other := [part for part in parts if held.get(part) != parts[part]]:
                stale.append(f"{name} (other {', '.join(other)})" if held else f"{name} (no {MADE_FROM})")
    if stale:
        raise CimError(
            f"finished runs in {work} that were made from something else: {'; '.join(stale)}",
            "runs of these parameters, this code and this workspace",
            "another --work folder, or delete these; without --from they are tabulated as they are",
        )
    return [name for name in wanted if not finished(work / name)]


def run(variant: Variant, source: Path, folder: Path, parts: dict[str, str]) -> None:
    """Run `variant` in `folder`, anew, from the artefacts in `source`; `parts`, what it is made from, is kept there."""
    shutil.rmtree(folder, ignore_errors=True)
    copy_project(folder, source / "params.yaml")
    params = variant.params(read_yaml(source / "params.yaml"))
    (folder / "params.yaml").write_text(dump_yaml(params), encoding="utf-8")
    for part in KEPT:
        shutil.copytree(source / "data" / part, folder / "data" / part)
    write_json(folder / MADE_FROM, parts | {"code": hash_code(folder, CODE)})  # the metrics, not this, say it has run
    started = time.perf_counter()
    for stage in variant.stages:
        command = [sys.executable, "-m", f"flows.{stage.split()[0]}", *stage.split()[1:]]
        with (folder / "log.txt").open("a") as log:
            subprocess.run(
                command, cwd=folder, env=clean_environment(folder), check=True, stdout=log, stderr=subprocess.STDOUT
            )
    (folder / "seconds").write_text(f"{time.perf_counter() - started:.0f}")


def read_all(work: Path) -> dict[str, Ablated]:
    """The finished variants in `work`.

    Raises CimError when the parameters of one are not those of `default` with its changes: no comparison then.
    """
    found = {name: read(work / name) for name in VARIANTS if finished(work / name)}
    if "default" in found:
        default = found["default"].params
        if strange := [name for name, one in found.items() if one.params != VARIANTS[name].params(default)]:
            raise CimError(
                f"{', '.join(strange)} in {work} with parameters that differ from default's by more than their changes",
                "variants of one default",
                "keep the runs of another default in a --work folder of their own",
            )
    return found


def tabulate(found: dict[str, Ablated]) -> dict[str, str]:
    """Markdown by marker, of the tables that have something to compare."""
    built: dict[str, Any] = {"seeds": seeds(found)}
    built |= {marker: side_by_side(found, table) for marker, table in TABLES.items()}
    built["not-run"] = not_run(name for name in VARIANTS if name not in found)
    return {marker: text for marker, text in built.items() if text is not None}


def main() -> None:
    """Run what is asked for and not there yet, then print every table whose variants have run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, required=True, help="folder of the variants; kept")
    parser.add_argument("--from", dest="source", type=Path, help="workspace to run variants of; default: run nothing")
    parser.add_argument("--only", nargs="*", choices=sorted(VARIANTS), help="variants to run; default: all")
    parser.add_argument("--tables", nargs="*", choices=MARKERS, default=MARKERS, help="default: all")
    parser.add_argument("--write", type=Path, help="Markdown file with the markers of the tables")
    options = parser.parse_args()
    try:
        if options.source:
            wanted = {name: made_from(VARIANTS[name], options.source) for name in options.only or VARIANTS}
            for name in pending(wanted, options.work):
                print(f"{name}: {options.work / name}", flush=True)
                run(VARIANTS[name], options.source, options.work / name, wanted[name])
        found = read_all(options.work)
    except CimError as error:
        sys.exit(str(error))
    for name, one in found.items():
        print(f"{name}: code {one.code[:8]}, {len(one.ids)} images")
    for marker, text in tabulate(found).items():
        if marker in options.tables:
            print(f"\n{marker}\n{text}")
            if options.write:
                replace_between(options.write, marker, text)


if __name__ == "__main__":
    main()
