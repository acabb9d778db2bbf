"""What vLLM is told besides model, prompt and decoding."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from cim.atomic import read_json
from cim.errors import CimError
from cim.models.folder import check_folder, folder_fingerprint
from cim.params import VllmParams

RANKS = (1, 8, 16, 32, 64, 128, 256, 320, 512)
"""Of adapters, as vLLM makes room for them."""


@dataclass(frozen=True)
class VllmOptions:
    """See `cim.params.vllm.VllmParams`. mm_processor_kwargs: JSON text. adapter_fingerprint: of its folder, planned."""

    max_model_length: int | None = None
    mm_processor_kwargs: str = "{}"
    adapter: Path | None = None
    adapter_fingerprint: str = ""
    tensor_parallel: int = 1
    memory_share: float | None = None
    enforce_eager: bool = False

    @classmethod
    def of(cls, params: VllmParams) -> Self:
        """The options of the section. Raises CimError for an adapter that is none."""
        values = params.model_dump() | {"mm_processor_kwargs": json.dumps(params.mm_processor_kwargs, sort_keys=True)}
        if params.adapter is None:
            return cls(**values)
        adapter = Path(params.adapter).expanduser()
        return cls(**values | {"adapter": adapter, "adapter_fingerprint": adapter_fingerprint(adapter)})

    def decisive(self) -> str:
        """Those that decide captions, for their lineage: JSON text, {} where all are as if not given."""
        found = {
            "max_model_length": self.max_model_length,
            "mm_processor_kwargs": json.loads(self.mm_processor_kwargs),
            "adapter": self.adapter_fingerprint,
        }
        return json.dumps({name: value for name, value in found.items() if value}, sort_keys=True)

    def arguments(self) -> dict[str, Any]:
        """For vllm.LLM; what is not given is left to it."""
        found: dict[str, Any] = {
            "tensor_parallel_size": self.tensor_parallel,
            "enforce_eager": self.enforce_eager,
            "max_model_len": self.max_model_length,
            "gpu_memory_utilization": self.memory_share,
            "mm_processor_kwargs": json.loads(self.mm_processor_kwargs) or None,
        }
        if self.adapter is not None:
            rank = adapter_rank(self.adapter)
            found |= {"enable_lora": True, "max_loras": 1, "max_lora_rank": next(one for one in RANKS if one >= rank)}
        return {name: value for name, value in found.items() if value is not None}


def adapter_fingerprint(folder: Path) -> str:
    """16 hex digits naming the adapter in `folder`. Raises CimError where none is that vLLM can take."""
    check_folder(folder, ["adapter_config.json"])
    adapter_rank(folder)
    return folder_fingerprint(folder)


def adapter_rank(folder: Path) -> int:
    """Of the LoRA adapter in `folder`. Raises CimError for another kind, and for a rank that vLLM has no room for."""
    config = read_json(folder / "adapter_config.json")
    kind, rank = config.get("peft_type"), config.get("r")
    if kind != "LORA" or not isinstance(rank, int) or not 1 <= rank <= RANKS[-1]:
        raise CimError(
            f"an adapter of type {kind} and rank {rank} in {folder}",
            f"a LoRA adapter of rank 1 to {RANKS[-1]}",
            "merge it into its base (PEFT's merge_and_unload) and caption with the folder that this makes",
        )
    return rank
