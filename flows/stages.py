"""The stages of dvc.yaml, and what DVC finds changed. Imports neither DVC nor Prefect: a second each."""

import json
import subprocess
import sys
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cim.errors import CimError
from cim.params.yaml import read_yaml
from flows.links import DVC_YAML

DVC_LOCK, NEVER = Path("dvc.lock"), "not run yet"
PATIENCE = 120.0  # seconds: DVC hashes what changed since it last looked


@dataclass(frozen=True)
class Stage:
    """name: DVC's. step: its command, `flows.embed text`. deps, outs: paths."""

    name: str
    step: str
    deps: tuple[Path, ...]
    outs: tuple[Path, ...]


def stages() -> list[Stage]:
    """In the order written, those of a foreach one by one. Raises CimError without a dvc.yaml."""
    if not DVC_YAML.is_file():
        raise CimError(f"no {DVC_YAML} here", "the repository's root", "run the command there")
    return [
        _stage(name, _filled(body, words)) for name, body, words in _expanded(read_yaml(DVC_YAML).get("stages", {}))
    ]


def changed(asked: Sequence[Stage]) -> dict[str, list[str]]:
    """What DVC says has changed, by stage: `cim/images modified`, `data/index deleted`. Stages without are up to date.

    Of one that dvc.lock does not know only that: it was not run here. Raises CimError where DVC can't say, as while
    another command of DVC's is at its files.
    """
    if not asked:
        return {}
    command = [sys.executable, "-m", "dvc", "status", "--json", *(stage.name for stage in asked)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE)
        if done.returncode:
            raise CimError((done.stderr.strip().splitlines() or ["no answer"])[0], "`dvc status`", "ask again")
        found, known = json.loads(done.stdout), _locked()
        return {name: list(_reasons(entries)) if name in known else [NEVER] for name, entries in found.items()}
    except (subprocess.TimeoutExpired, json.JSONDecodeError) as error:
        raise CimError(f"no answer of `dvc status` ({error})", "JSON within minutes", "ask again") from error


def readable(all_stages: Sequence[Stage], running: Collection[str]) -> list[Stage]:
    """Those whose files no running stage, by its step, writes: of the others DVC says nothing until it has ended."""
    written = [out for stage in all_stages if stage.step in running for out in stage.outs]
    return [
        stage
        for stage in all_stages
        if not any(_overlap(path, out) for path in (*stage.deps, *stage.outs) for out in written)
    ]


def behind(all_stages: Sequence[Stage], stale: Collection[str]) -> dict[str, str]:
    """Stages that will run because one before them does, each with the name of that one."""
    found: dict[str, str] = {}
    for stage in all_stages:  # written in an order in which they can run
        for before in (one for one in all_stages if one.name in stale or one.name in found):
            if before is not stage and any(_overlap(dep, out) for dep in stage.deps for out in before.outs):
                found.setdefault(stage.name, before.name)
    return {name: before for name, before in found.items() if name not in stale}


def _locked() -> Collection[str]:
    """The stages that have run, or whose results were pulled."""
    return read_yaml(DVC_LOCK).get("stages", {}) if DVC_LOCK.is_file() else ()


def _overlap(one: Path, other: Path) -> bool:
    return one == other or one in other.parents or other in one.parents


def _expanded(written: Mapping[str, Any]) -> Iterator[tuple[str, Any, dict[str, str]]]:
    for name, body in written.items():
        if "foreach" not in body:
            yield name, body, {}
            continue
        for key in body["foreach"]:
            each = body["foreach"]
            fields = each[key] if isinstance(each, dict) and isinstance(each[key], dict) else {}
            words = {
                "item": str(key),
                "key": str(key),
                **{f"item.{name}": str(value) for name, value in fields.items()},
            }
            yield f"{name}@{key}", body["do"], words


def _filled(body: Any, words: Mapping[str, str]) -> Any:
    """The same with its ${...} replaced."""
    if isinstance(body, dict):
        return {_filled(name, words): _filled(value, words) for name, value in body.items()}
    if isinstance(body, list):
        return [_filled(value, words) for value in body]
    if isinstance(body, str):
        for name, value in words.items():
            body = body.replace(f"${{{name}}}", value)
    return body


def _stage(name: str, body: Mapping[str, Any]) -> Stage:
    outs = [out if isinstance(out, str) else next(iter(out)) for kind in ("outs", "metrics", "plots")
            for out in body.get(kind, [])]  # fmt: skip
    step = str(body["cmd"]).removeprefix("python -m ")
    return Stage(name, step, tuple(map(Path, body.get("deps", []))), tuple(map(Path, outs)))


def _reasons(entries: Sequence[Any]) -> Iterator[str]:
    for entry in entries:
        if isinstance(entry, str):
            yield entry
            continue
        for kind, names in entry.items():
            for name, how in names.items() if isinstance(names, dict) else ():
                if isinstance(how, dict):  # of a params file, by parameter
                    yield from (f"{one} {what}" for one, what in how.items())
                else:
                    yield f"{name} {how}" if kind == "changed deps" else f"{name}, its own output, {how}"
