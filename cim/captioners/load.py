"""A captioner from a local folder: model, processor, and the fingerprint of both."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from cim.errors import CimError
from cim.models.folder import check_folder, folder_fingerprint
from cim.models.load import load_model, load_part

Precision = Literal["float32", "bfloat16"]
"""What numbers a captioner computes in: part of its captions' lineage, as it rounds otherwise in others."""


@dataclass(frozen=True)
class Captioner:
    """A loaded captioner. model: image-text-to-text model in eval mode; processor: pads on the left.

    trusted: the user allowed the folder's own code to run.
    """

    model: Any
    processor: Any
    fingerprint: str
    trusted: bool = False


def captioner_fingerprint(folder: Path) -> str:
    """16 hex digits naming exactly this captioner: weights, config, tokenizer and processor. Imports no torch.

    Raises CimError when `folder` is not a model folder in safetensors.
    """
    if not (folder / "config.json").is_file():
        raise CimError(
            f"no config.json in {folder}",
            "a Hugging Face model folder",
            "run the stage that makes it (models for the base captioner, tune for the tuned one), or mend the path",
        )
    check_folder(folder)
    return folder_fingerprint(folder)


def load_captioner(
    folder: Path,
    device: Literal["auto", "cpu", "cuda"] = "auto",
    precision: Literal["auto", "float32", "bfloat16"] = "auto",
    *,
    trust_remote_code: bool = False,
    **options: Any,
) -> Captioner:
    """Any AutoModelForImageTextToText with its AutoProcessor, from a local folder, in eval mode.

    precision auto: bfloat16 on a GPU, float32 on CPU. trust_remote_code: run Python files of the folder;
    off unless the user trusts them. options: for from_pretrained (attn_implementation, quantization_config).
    Raises CimError for a folder that is not such a model.
    """
    import torch
    from transformers import AutoModelForImageTextToText

    from cim.models.device import pick_device

    fingerprint = captioner_fingerprint(folder)
    place = pick_device(device)
    dtype = getattr(torch, precision_of(precision, "transformers", device))
    processor = load_processor(folder, trust_remote_code=trust_remote_code)
    if "quantization_config" in options:  # such weights are quantized where they come to lie, and stay there
        options["device_map"] = {"": place}
    model = load_model(AutoModelForImageTextToText, folder, trust_remote_code=trust_remote_code, dtype=dtype, **options)
    model = model if "quantization_config" in options else model.to(place)
    return Captioner(model, processor, fingerprint, trust_remote_code)


def outline_captioner(folder: Path, *, trust_remote_code: bool = False) -> Captioner:
    """As `load_captioner`, but its weights take no memory: what a trainer needs that loads shards of them itself."""
    import torch
    from transformers import AutoConfig, AutoModelForImageTextToText, GenerationConfig

    fingerprint = captioner_fingerprint(folder)
    processor = load_processor(folder, trust_remote_code=trust_remote_code)
    config = load_part(AutoConfig, folder, trust_remote_code=trust_remote_code)
    with torch.device("meta"):
        model = AutoModelForImageTextToText.from_config(config, trust_remote_code=trust_remote_code)
    if (folder / "generation_config.json").is_file():
        model.generation_config = load_part(GenerationConfig, folder)
    return Captioner(model, processor, fingerprint, trust_remote_code)


def precision_of(
    asked: Literal["auto", "float32", "bfloat16"],
    engine: Literal["transformers", "vllm"],
    device: Literal["auto", "cpu", "cuda"],
) -> Precision:
    """What `auto` is on this machine: bfloat16 with vllm or on a GPU, float32 with device cpu and elsewhere.

    Imports torch only where it must be asked whether there is a GPU.
    """
    if asked != "auto":
        return asked
    if device == "cpu":
        return "float32"
    if engine == "vllm" or device == "cuda":
        return "bfloat16"
    import torch

    return "bfloat16" if torch.cuda.is_available() else "float32"


def load_processor(folder: Path, *, trust_remote_code: bool = False) -> Any:
    """The AutoProcessor of a captioner folder, padding on the left.

    Raises CimError when it lacks a part, and for a model that has an encoder of its own for the prompt.
    """
    from transformers import AutoConfig, AutoProcessor

    _check_decoder_only(load_part(AutoConfig, folder, trust_remote_code=trust_remote_code), folder)
    processor = load_part(AutoProcessor, folder, trust_remote_code=trust_remote_code)
    _check_processor(processor, folder)
    processor.tokenizer.padding_side = "left"  # generation continues at the right end of every row
    if processor.tokenizer.pad_token_id is None:
        processor.tokenizer.pad_token = processor.tokenizer.eos_token
    # Some classes pad or make tensors unless told otherwise. We say so wherever we want it; TRL's rollout, which says
    # nothing, wants neither. Of this object only: `save_pretrained` does not write it.
    defaults = getattr(processor, "text_kwargs", {})
    processor.text_kwargs = {k: v for k, v in defaults.items() if k not in ("padding", "return_tensors")}
    return processor


def _check_decoder_only(config: Any, folder: Path) -> None:
    if config.is_encoder_decoder or config.get_text_config(decoder=True).is_encoder_decoder:
        raise CimError(
            f"an encoder-decoder, {config.model_type}, in {folder}",
            "a model whose captions continue the prompt",
            "take a captioner of another family; docs/models.md lists those tested",
        )


def _check_processor(processor: Any, folder: Path) -> None:
    lacking = [part for part in ("tokenizer", "image_processor", "chat_template") if not getattr(processor, part, None)]
    if lacking:
        raise CimError(
            f"a processor without {', '.join(lacking)} in {folder}",
            "a processor with tokenizer, image processor and chat template",
            "add the original model's preprocessor_config.json, tokenizer.json and chat_template.jinja",
        )
