"""Every method of a reward term: whose it is, where it lies, how params name it, and what of it was shown."""

from dataclasses import dataclass
from typing import Any

from benchmarks.signals.variants import TERMS

_TUNED = "exactly: scenes with truth tuned on, hacking tests with an ideal CLIP"


@dataclass(frozen=True)
class Method:
    """term: its name in `tune.reward.terms`. params: what stands there. tried: with what, or with nothing."""

    term: str
    paper: str
    params: dict[str, Any]
    tried: str

    @property
    def part(self) -> str:
        """Its file."""
        return f"cim/rewards/terms/{self.term}.py"

    @property
    def line(self) -> str:
        """As it stands in params.yaml, in one line."""
        return f"{self.term}: {_flow(self.params)}"


def _paper(name: str, number: str) -> str:
    return f"{name}, [{number}](https://arxiv.org/abs/{number})"


METHODS = (
    Method(
        "self_retrieval",
        _paper("discriminative fine-tuning", "2304.01662"),
        TERMS["self_retrieval"],
        f"{_TUNED}. Not tried: photos",
    ),
    Method("bags", _paper("No Detail Left Behind", "2409.03025"), TERMS["bags"], f"{_TUNED}. Not tried: photos"),
    Method(
        "clip_score",
        f"{_paper('CLIPScore', '2104.08718')}; {_paper('as a reward', '2205.13115')}",
        TERMS["clip_score"],
        f"{_TUNED}. Not tried: photos",
    ),
    Method(
        "answers",
        _paper("CapRL", "2509.22647"),
        TERMS["answers"],
        "exactly: scenes tuned on with questions from their truth and a parser as reader, hacking tests. Stubs alone: a"
        " text model as reader. Not tried: questions of photos",
    ),
    Method(
        "learned",
        _paper("Compress & Align", "2312.06726"),
        {"weight": 1.0, "scorer": "curated/scorer.safetensors"},
        "exactly: hacking tests with an ideal CLIP. Not tried: tuning",
    ),
    Method(
        "entailment",
        f"{_paper('MOCHa', '2312.03631')}; {_paper('KnowAda', '2411.09018')}",
        {"weight": 1.0, "model": {"name": "folder or hub id"}},
        "exactly: hacking tests with an ideal reader of scenes. Stubs alone: a tiny model of random weights. Not tried:"
        " a real model, tuning",
    ),
)


def _flow(value: Any) -> str:
    """A value as YAML in one line."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{name}: {_flow(one)}" for name, one in value.items()) + "}"
    return str(value)
