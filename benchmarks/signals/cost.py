"""What a term costs: CPU time of scoring the same captions, one thread, the encoders opened beforehand."""

import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.common.timing import seconds_for_additions
from benchmarks.signals.variants import TERMS
from cim.atomic import read_json, write_json
from cim.encoders.scorer import Scorer
from cim.fingerprint import code_of
from cim.index.meta import IndexMeta
from cim.layout import Layout
from cim.metrics.evalset import EvalSet, read_eval_set
from cim.params import load_params
from cim.params.terms import Terms
from cim.rewards.retriever import Retriever
from cim.rewards.terms.base import CaptionBatch
from cim.rewards.terms.build import OpenTerms
from cim.rewards.terms.workspace import Workspace

IMAGES = 64
"""Of a call, as many as its captions are twice: that of the base captioner and that of the tuned one."""
CALLS = 4
CIM = "CIM"


@dataclass(frozen=True)
class Costs:
    """milliseconds: as `costs` says. additions: seconds that 10,000,000 additions took beside it."""

    milliseconds: Mapping[str, float]
    additions: float


def kept_costs(workspace: Path, work: Path) -> Costs:
    """Of `workspace`, from `work` where this code was measured there before."""
    path, code = work / "costs.json", code_of("cim.rewards.terms.build", "cim.rewards.retriever")
    held = read_json(path) if path.is_file() else {}
    if held.get("code") != code:
        held = {"code": code, "additions": seconds_for_additions(), "milliseconds": costs(workspace)}
        write_json(path, held)
    return Costs(held["milliseconds"], held["additions"])


def costs(workspace: Path) -> dict[str, float]:
    """CPU ms a caption of GRC with QIR (by the name CIM) and of each term that scenes allow, alone, in `workspace`.

    The first call, which opens what is needed, does not count; in the others every image is new.
    """
    import torch

    torch.set_num_threads(1)
    layout, reward = Layout(workspace / "data"), load_params(workspace / "params.yaml").tune.reward
    batches = list(_batches(read_eval_set(layout)))
    retriever = Retriever.open(layout, reward, "cpu")
    found = {CIM: _milliseconds(lambda captions, ids: retriever.attempt(captions, ids), batches)}
    with tempfile.TemporaryDirectory() as folder:
        scorer = _any_scorer(layout, Path(folder) / "scorer.safetensors")
        for name, params in (TERMS | {"learned": {"weight": 1.0, "scorer": str(scorer)}}).items():
            terms = OpenTerms.of(Terms.model_validate({name: params}), Workspace(layout))
            ((term, _),) = terms.terms.values()
            found[name] = _milliseconds(
                lambda captions, ids, term=term: term(CaptionBatch(captions, ids, retriever.sources)), batches
            )
    return found


def _batches(evaluated: EvalSet) -> Iterator[tuple[list[str], list[str]]]:
    """Captions and ids of 1 + CALLS calls; of fewer images where the eval split has no more."""
    images = max(1, min(IMAGES, len(evaluated.ids) // (1 + CALLS)))
    for call in range(1 + CALLS):
        part = slice(images * call, images * (call + 1))
        said = [several[part] for several in evaluated.captions.values()]
        yield [text for several in said for text in several], evaluated.ids[part] * len(said)


def _milliseconds(
    score: Callable[[Sequence[str], Sequence[str]], object], batches: Sequence[tuple[list[str], list[str]]]
) -> float:
    score(*batches[0])
    began = time.process_time()
    for captions, ids in batches[1:]:
        score(captions, ids)
    return 1000 * (time.process_time() - began) / sum(len(captions) for captions, _ in batches[1:])


def _any_scorer(layout: Layout, path: Path) -> Path:
    """A scorer of the plain cosine: what it weighs does not change what it costs."""
    meta = IndexMeta.read(layout.index("items"))
    Scorer(np.ones(meta.dim), 0.0, meta.encoder).save(path)
    return path
