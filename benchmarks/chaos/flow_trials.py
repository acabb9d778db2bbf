"""Trials of the whole command: workers that are processes of `python -m flows.recaption`, killed and started again."""

import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from pathlib import Path

from benchmarks.chaos import outcome, worker
from benchmarks.chaos.kills import Kill, Worker, kill_some
from benchmarks.chaos.kinds import IMAGES, KINDS, SHARDS, Kind, Where, params_of
from benchmarks.chaos.servers import Captioner, account, prefect_server, s3_server
from cim.params.yaml import dump_yaml
from tests.chat_server import Script, chat_server

ROOT = Path(__file__).parents[2]
TERMINATED = 0.3  # share of kills that are SIGTERM, as schedulers begin
LONGEST = 0.5  # seconds from a worker's first caption within which it is killed
BUCKET = "chaos"


@dataclass
class FlowTrial:
    """One run to its end. again: captions that a server was asked for again. faults: errors that it gave."""

    kind: str
    corpus: str
    workers: int
    kills: list[Kill] = field(default_factory=list)
    again: int | None = None
    faults: int = 0
    seconds: float = 0.0
    problems: list[str] = field(default_factory=list)


@dataclass
class Arena:
    """Where trials are made. vllm: the Python that has it. answers: of the server `chat`."""

    root: Path
    vllm: Path | None
    environment: dict[str, str]
    model: Path
    chat: Script
    answers: Captioner
    _undisturbed: dict[str, Path] = field(default_factory=dict)

    def worker(self, kind: Kind, corpus: str, name: str, number: int, world: int) -> Worker:
        """Start one. name: of the run; of a kind with a store each of its workers has a folder of its own."""
        place = self.root / (f"{name}-machine-{number}" if kind.store else name)
        place.mkdir(exist_ok=True)
        held = f"s3://{BUCKET}/{corpus}/*.tar" if kind.store else str(self.root / corpus)
        held += "/*.tar" if corpus == "webdataset" and not kind.store else "/*.parquet" if corpus == "parquet" else ""
        store = f"s3://{BUCKET}/{name}" if kind.store else None
        where = Where(held, "out", str(self.model), self.chat.base_url, store)
        (place / "recaption.yaml").write_text(dump_yaml(params_of(kind, corpus, where)))
        ranks = ["--rank", str(number), "--world", str(world)] if kind.ranked and world > 1 else []
        python = self.vllm if kind.engine == "vllm" and self.vllm else Path(sys.executable)
        with (place / f"log-{number}").open("ab") as log:
            process = subprocess.Popen(
                [python, "-m", "flows.recaption", *ranks],
                cwd=place, env=self.environment, stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip
        watched = place / "out" / (f"texts/{kind.prompts[0]}" if kind.prompts else "")
        return Worker(process, watched, LONGEST, TERMINATED)

    def output(self, kind: Kind, name: str) -> Path:
        """What a run has made; brought here from a store."""
        if not kind.store:
            return self.root / name / "out"
        import fsspec

        system, folder = fsspec.filesystem("s3"), self.root / f"{name}-brought"
        system.invalidate_cache()
        for path in system.find(f"{BUCKET}/{name}"):
            target = folder / path.removeprefix(f"{BUCKET}/{name}/")
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(system.cat_file(path))
        return folder

    def undisturbed(self, kind: Kind, corpus: str) -> Path:
        """The output of one worker that nobody disturbs, made once for each engine, corpus and place of it."""
        alone = replace(kind, workers=1, ranked=False)
        name = (
            f"undisturbed-{kind.engine}-{corpus}"
            + "-stored" * kind.store
            + "-worded" * kind.worded
            + "-prompts" * bool(kind.prompts)
        )
        if name not in self._undisturbed:
            self.answers.begin(kind.worded)
            if code := self.worker(alone, corpus, name, 0, 1).process.wait():
                said = b"".join(log.read_bytes()[-2000:] for log in self.root.glob(f"{name}*/log-0")).decode(
                    errors="replace"
                )
                raise RuntimeError(f"an undisturbed run ({name}) ended with {code}: {said}")
            self._undisturbed[name] = self.output(alone, name)
        return self._undisturbed[name]


@contextmanager
def arena(vllm: Path | None, kinds: Sequence[Kind], root: Path) -> Iterator[Arena]:
    """All that workers need: corpora, a model that nobody trained, servers."""
    corpora = sorted({corpus for kind in kinds for corpus in kind.corpora})
    for corpus in corpora:
        worker.make_corpus(root / corpus, SHARDS, IMAGES, corpus)
    if any(kind.engine != "endpoint" for kind in kinds):
        make_model(root / "model")
    answers = Captioner()
    with ExitStack() as servers:
        chat = servers.enter_context(chat_server(Script(answers)))
        address = servers.enter_context(prefect_server(root))
        found = {
            "PREFECT_API_URL": address,
            "PYTHONPATH": str(ROOT),
            "HF_HUB_OFFLINE": "1",
            "OMP_WAIT_POLICY": "PASSIVE",
        }
        if any(kind.store for kind in kinds):
            found |= account(servers.enter_context(s3_server(root)))
            os.environ |= account(found["AWS_ENDPOINT_URL"])
            fill_store(root, corpora)
        yield Arena(root, vllm, os.environ | found, root / "model", chat, answers)


def make_model(folder: Path) -> None:
    """What it says depends on the image: its layers count for more, else it would repeat its input's last token."""
    from safetensors.torch import load_file, save_file

    from cim.params import TinyCaptioner
    from cim.warm_start.tiny import make_tiny_captioner

    make_tiny_captioner(TinyCaptioner(kind="tiny"), ["a red circle above a blue square", "Say."] * 9, 1, folder)
    weights = load_file(path := folder / "model.safetensors")
    for name, weight in weights.items():
        if weight.ndim > 1 and "embed" not in name:
            weight *= 3
    save_file(weights, path, metadata={"format": "pt"})


def fill_store(root: Path, corpora: Sequence[str]) -> None:
    """The corpora of tars, where machines without a common disk find them."""
    import fsspec

    system = fsspec.filesystem("s3")
    system.mkdir(BUCKET)
    for path in (path for corpus in corpora for path in sorted((root / corpus).glob("*.tar"))):
        system.pipe_file(f"{BUCKET}/{path.parent.name}/{path.name}", path.read_bytes())


def trial(arena: Arena, kind: Kind, corpus: str, kills: int, dice: random.Random) -> FlowTrial:
    """Kill workers, `kills` times at most; the last one stays away, the others end, and then it is run again."""
    wanted, name = arena.undisturbed(kind, corpus), f"run-{dice.getrandbits(32):08x}"
    found, start = FlowTrial(kind.name, corpus, kind.workers), time.monotonic()
    arena.answers.begin(kind.worded)
    starts: list[Callable[[], Worker]] = [
        partial(arena.worker, kind, corpus, name, number, kind.workers) for number in range(kind.workers)
    ]
    killed = kill_some(starts, kills, dice)
    found.kills = killed.kills
    found.problems += [f"a worker that nobody killed ended with {code}" for code in killed.codes if code]
    if code := starts[killed.missing]().process.wait():
        found.problems.append(f"the last run ended with {code}")
    found.seconds = round(time.monotonic() - start, 1)
    place = arena.root / (f"{name}-machine-{killed.missing}" if kind.store else name)
    if kind.workers > 1 and not found.problems and not outcome.done_before(place / "out.log.jsonl"):
        found.problems.append("the others left something to the last run")
    if kind.engine == "endpoint":
        found.again = None if kind.store else arena.answers.again  # machines without a lock caption some shards twice
        found.faults = arena.answers.faults
    found.problems += outcome.problems(kind, arena.output(kind, name), wanted, SHARDS * IMAGES)
    for number in range(kind.workers if kind.store else 0):
        found.problems += outcome.left_behind(arena.root / f"{name}-machine-{number}" / "out")
    return found


def measure(options: Sequence[str], trials: int, kills: int, seed: int, vllm: Path | None) -> list[FlowTrial]:
    """So many trials of each option's kinds in turn, each on its next corpus. vllm: the Python that has it."""
    dice, found = random.Random(seed), list[FlowTrial]()
    every = [kind for option in options for kind in KINDS[option]]
    with tempfile.TemporaryDirectory() as name, arena(vllm, every, Path(name).resolve()) as place:
        for option, at in ((option, at) for option in options for at in range(trials)):
            kinds = KINDS[option]
            kind, turn = kinds[at % len(kinds)], at // len(kinds) + at % len(kinds)
            found.append(trial(place, kind, kind.corpora[turn % len(kind.corpora)], kills, dice))
            print(json.dumps(asdict(found[-1])), flush=True)
            if found[-1].problems:
                kept = shutil.copytree(place.root, Path(tempfile.mkdtemp(prefix="chaos-")), dirs_exist_ok=True)
                print(f"kept in {kept}", flush=True)
    return found
