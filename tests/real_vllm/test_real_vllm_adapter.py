"""A LoRA adapter in vLLM: the captions that transformers gives with PEFT's own model around it."""

from dataclasses import replace
from pathlib import Path

import torch
from peft import LoraConfig, get_peft_model
from PIL.Image import Image

from cim.captioners.load import load_captioner
from cim.engines.captioning import Captioning
from cim.engines.continuous import ContinuousCaptioning
from cim.engines.local import Local
from cim.engines.spec import EngineSpec, captions_of
from cim.engines.vllm import Vllm
from cim.engines.vllm_options import VllmOptions
from cim.params import VllmParams

TOLD = {"max_model_length": 256, "memory_share": 0.05, "enforce_eager": True}


def test_captions_are_those_of_the_adapted_model(
    spec: EngineSpec, pictures: list[Image], keys: list[str], tmp_path: Path
) -> None:
    captioner = load_captioner(spec.folder, "cpu", "float32")
    lora = LoraConfig(r=4, target_modules=r".*language_model.*(q|v|o)_proj", init_lora_weights=False)
    torch.manual_seed(0)
    adapted = get_peft_model(captioner.model, lora)
    adapted.save_pretrained(tmp_path / "adapter")
    theirs = captions_of(
        Captioning(Local.around(replace(captioner, model=adapted), spec), spec.decoding), pictures, keys
    )
    options = VllmOptions.of(VllmParams(adapter=str(tmp_path / "adapter"), **TOLD))  # type: ignore[arg-type]
    backend = Vllm.open(replace(spec, name="vllm", vllm=options))
    assert captions_of(ContinuousCaptioning(backend, spec.decoding), pictures, keys) == theirs
    without = captions_of(ContinuousCaptioning(replace(backend, adapter=None), spec.decoding), pictures, keys)
    assert [one.text for one in without] != [one.text for one in theirs]
