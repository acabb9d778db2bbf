"""The captioner that is trained: how its base weights are held, how it attends, and which part of it learns."""

import re
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Literal

from cim.captioners.load import Captioner, load_captioner
from cim.errors import CimError
from cim.params import Tune

_REMEDIES = {
    "bitsandbytes": "set tune.precision bfloat16 and tune.optimizer.name adamw_torch_fused",
    "flash-attn": "set tune.attention sdpa",
}


def check_packages(params: Tune) -> None:
    """Raises CimError for packages that these parameters need and that are not installed, all at once."""
    wanted = {
        "bitsandbytes": params.precision in ("8bit", "4bit") or "8bit" in params.optimizer.name,
        "flash-attn": params.attention == "flash_attention_2",
        **{name: name in params.report_to for name in ("tensorboard", "wandb", "trackio")},
    }
    if missing := [name for name, needed in wanted.items() if needed and not is_installed(name)]:
        others = [_REMEDIES.get(name, f"leave {name} out of tune.report_to") for name in missing]
        raise CimError(
            f"parameters of tune that need {', '.join(missing)}, not installed",
            "every package that they name",
            f"pip install {' '.join(missing)}, or {', '.join(others)}",
        )


def is_installed(distribution: str) -> bool:
    """Whether pip has it, found out without importing it."""
    try:
        version(distribution)
    except PackageNotFoundError:
        return False
    return True


def load_policy(
    folder: Path, params: Tune, device: Literal["auto", "cpu", "cuda"], *, trust_remote_code: bool = False
) -> Captioner:
    """The captioner in `folder`, its weights and attention as params say. Raises CimError as `load_captioner` does.

    Weights of 32 bits are the optimizer's master weights, which a strategy that shards them keeps in shards. Fewer
    bits take no steps: adapters do, which PEFT keeps in float32 and TRL, on quantized weights, in bfloat16.
    """
    options = attention_options(params)
    if params.precision in ("8bit", "4bit"):
        options["quantization_config"] = quantization(params.precision)
    precision: Literal["float32", "bfloat16"] = "float32" if params.precision in ("auto", "float32") else "bfloat16"
    return load_captioner(folder, device, precision, trust_remote_code=trust_remote_code, **options)


def attention_options(params: Tune) -> dict[str, Any]:
    """What from_pretrained is told of attention: nothing where the model chooses."""
    return {} if params.attention == "auto" else {"attn_implementation": params.attention}


def quantization(precision: Literal["8bit", "4bit"]) -> Any:
    """transformers' BitsAndBytesConfig: LLM.int8 (arXiv 2208.07339), or QLoRA's NF4 (arXiv 2305.14314, section 3)."""
    import torch
    from transformers import BitsAndBytesConfig

    if precision == "8bit":
        return BitsAndBytesConfig(load_in_8bit=True)
    return BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=torch.bfloat16,
    )


def vision_tower(model: Any) -> str:
    """The name of `model`'s vision tower among its modules, as transformers finds it: what lies between it and the text
    model belongs to it in some families (Qwen's merger) and not in others (LLaVA's projector).

    Raises CimError for a model without one.
    """
    tower = model.get_encoder(modality="image")
    names: list[str] = [name for name, module in model.named_modules() if module is tower]
    if not names or not names[0]:
        raise CimError(
            f"a {type(model).__name__} in which transformers finds no vision tower",
            "a tower to be frozen",
            "set tune.vision: trained",
        )
    return names[0]


def freeze_vision(model: Any) -> None:
    """Take the vision tower's weights out of training. Raises CimError for a model without one."""
    model.get_submodule(vision_tower(model)).requires_grad_(False)


def lora_config(params: Tune, model: Any) -> Any:
    """PEFT's LoraConfig for `model`, None for full fine-tuning: every linear layer, but of a frozen vision tower."""
    if params.lora is None:
        return None
    from peft import LoraConfig

    frozen = rf"{re.escape(vision_tower(model))}\..*" if params.vision == "frozen" else None
    return LoraConfig(
        r=params.lora.rank,
        lora_alpha=params.lora.alpha,
        lora_dropout=params.lora.dropout,
        target_modules="all-linear",
        exclude_modules=frozen,
    )
