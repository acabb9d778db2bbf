"""Every method of a reward term: whose it is, where it lies, how params name it, and what of it was shown."""

from dataclasses import dataclass
from typing import Any

from benchmarks.signals.variants import TERMS

_IDEAL = "hacking tests with an ideal CLIP"
_ONE_SEED = "photos by several seeds ([one](photos.md#terms-alone))"


@dataclass(frozen=True)
class Method:
    """term: its name in `tune.reward.terms`. params: what stands there. exactly, stubs, untried: how it was shown on
    scenes, with a stub alone, and not at all; whether it was tuned with is the table's to say."""

    term: str
    paper: str
    params: dict[str, Any]
    exactly: str
    stubs: str = ""
    untried: str = "photos"

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
        _IDEAL,
        untried="photos by several seeds without QIR ([one](photos.md#terms-alone); [three with it](photos.md#tuning))",
    ),
    Method("bags", _paper("No Detail Left Behind", "2409.03025"), TERMS["bags"], _IDEAL, untried=_ONE_SEED),
    Method(
        "clip_score",
        f"{_paper('CLIPScore', '2104.08718')}; {_paper('as a reward', '2205.13115')}",
        TERMS["clip_score"],
        _IDEAL,
        untried=_ONE_SEED,
    ),
    Method(
        "answers",
        _paper("CapRL", "2509.22647"),
        TERMS["answers"],
        "hacking tests, and an answer key at chance, with a parser as reader",
        "a text model as reader",
        "questions of photos",
    ),
    Method(
        "learned",
        _paper("Compress & Align", "2312.06726"),
        {"weight": 1.0, "scorer": "curated/scorer.safetensors"},
        _IDEAL,
    ),
    Method(
        "entailment",
        f"{_paper('MOCHa', '2312.03631')}; {_paper('KnowAda', '2411.09018')}",
        {"weight": 1.0, "model": {"name": "folder or hub id"}},
        "hacking tests with an ideal reader of scenes",
        "a tiny model of random weights",
        "a real model",
    ),
)


def _flow(value: Any) -> str:
    """A value as YAML in one line."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{name}: {_flow(one)}" for name, one in value.items()) + "}"
    return str(value)
