"""Runs of variants: what one is made from, which are still to run, how one runs, and reading those that have."""

import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from benchmarks.ablation.finished import Ablated, finished, hash_project, read
from benchmarks.ablation.variants import VARIANTS, Variant
from benchmarks.common.project import ROOT, clean_environment, copy_project
from cim.atomic import read_json, write_json
from cim.errors import CimError
from cim.fingerprint import fingerprint
from cim.params.yaml import dump_yaml, read_yaml

KEPT = ("shards", "models", "embeddings", "index", "captions", "tuned")
MADE_FROM = "made_from.json"


def made_from(variant: Variant, source: Path) -> dict[str, str]:
    """What a run of `variant` depends on, a fingerprint each."""
    params = variant.params(read_yaml(source / "params.yaml"))
    return {
        "params": fingerprint(params),
        "stages": fingerprint(variant.stages),
        "code": hash_project(ROOT),
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
    """Run `variant` in `folder` from the artefacts in `source`; `parts`, what it is made from, is kept there.

    One of the same that was stopped goes on: its stages know what they have done. Any other is begun anew.
    """
    if not _begun(folder, parts):
        shutil.rmtree(folder, ignore_errors=True)
        copy_project(folder, source / "params.yaml")
        params = variant.params(read_yaml(source / "params.yaml"))
        (folder / "params.yaml").write_text(dump_yaml(params), encoding="utf-8")
        for part in KEPT:
            shutil.copytree(source / "data" / part, folder / "data" / part)
        write_json(folder / MADE_FROM, parts | {"code": hash_project(folder)})  # all is copied; the metrics say the end
    for stage in variant.stages:
        command = [sys.executable, "-m", f"flows.{stage.split()[0]}", *stage.split()[1:]]
        with (folder / "log.txt").open("a") as log:
            subprocess.run(
                command, cwd=folder, env=clean_environment(folder), check=True, stdout=log, stderr=subprocess.STDOUT
            )


def _begun(folder: Path, parts: dict[str, str]) -> bool:
    """Whether a run of just this was begun in `folder`."""
    path = folder / MADE_FROM
    return path.is_file() and read_json(path) == parts


def run_wanted(variants: Mapping[str, Variant], source: Path, work: Path) -> None:
    """Run those that are not there yet, each in a folder of its name. Raises CimError as `pending` does."""
    wanted = {name: made_from(one, source) for name, one in variants.items()}
    for name in pending(wanted, work):
        print(f"{name}: {work / name}", flush=True)
        run(variants[name], source, work / name, wanted[name])


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
