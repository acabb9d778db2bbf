"""params.yaml as typed, frozen, strict sections; every mistake is reported at once."""

from cim.params.caption import CaptionParams, Evaluate, Negatives
from cim.params.load import Params, load_params, parse_params
from cim.params.models import (
    Align,
    FittedClip,
    FittedHeads,
    FittedText,
    LoadedCaptioner,
    LoadedClip,
    Models,
    TextEncoder,
    TinyCaptioner,
    TowerCaptioner,
    Trunk,
    WarmStart,
)
from cim.params.optimizer import Optimizer
from cim.params.retrieval import Embed, Index
from cim.params.rollout import ImportanceSampling, Rollout
from cim.params.runtime import Runtime
from cim.params.sources import (
    CocoSource,
    FolderSource,
    HuggingFaceSource,
    ParquetSource,
    ScenesSource,
    Shard,
    Source,
    WebDatasetSource,
)
from cim.params.tune import Alarms, Divergence, Lora, Reward, StopEarly, Tune
from cim.params.vllm import VllmParams

__all__ = [
    "Alarms",
    "Align",
    "CaptionParams",
    "CocoSource",
    "Divergence",
    "Embed",
    "Evaluate",
    "FittedClip",
    "FittedHeads",
    "FittedText",
    "FolderSource",
    "HuggingFaceSource",
    "ImportanceSampling",
    "Index",
    "LoadedCaptioner",
    "LoadedClip",
    "Lora",
    "Models",
    "Negatives",
    "Optimizer",
    "Params",
    "ParquetSource",
    "Reward",
    "Rollout",
    "Runtime",
    "ScenesSource",
    "Shard",
    "Source",
    "StopEarly",
    "TextEncoder",
    "TinyCaptioner",
    "TowerCaptioner",
    "Trunk",
    "Tune",
    "VllmParams",
    "WarmStart",
    "WebDatasetSource",
    "load_params",
    "parse_params",
]  # fmt: skip
