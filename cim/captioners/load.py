"""A captioner from a local folder: model, processor, and the fingerprint of both."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from cim.captioners.precision import precision_of
from cim.errors import CimError
from cim.fingerprint import hash_path

# What decides a captioner's words. README, lineage and training leftovers do not.
_SUFFIXES = (".safetensors", ".json", ".jinja", ".txt", ".model", ".py")
_OTHER = ("cim.json", ".done.json", "trainer_state.json", "all_results.json", "eval_results.json", "train_results.json")


@dataclass(frozen=True)
class Captioner:
    """A loaded captioner. model: image-text-to-text model in eval mode; processor: pads on the left.

    trusted: the user allowed the folder's own code to run.
    """

    model: Any
    processor: Any
    fingerprint: str
    trusted: bool = False


def captioner_files(folder: Path) -> list[Path]:
    """Files of `folder` that decide what the captioner writes, sorted: weights, configs, tokenizer, templates."""
    files = (path for path in folder.rglob("*") if path.suffix in _SUFFIXES and path.is_file())
    return sorted(p for p in files if not p.name.endswith(_OTHER) and not _hidden(p.relative_to(folder)))


def captioner_fingerprint(folder: Path) -> str:
    """16 hex digits naming exactly this captioner: weights, config, tokenizer and processor. Imports no torch.

    Raises CimError when `folder` is not a model folder in safetensors.
    """
    check_captioner_folder(folder)
    digest = hashlib.sha256()
    for path in captioner_files(folder):
        digest.update(f"{path.relative_to(folder).as_posix()}\x00{hash_path(path)}\x00".encode())
    return digest.hexdigest()[:16]


def check_captioner_folder(folder: Path) -> None:
    """Raise CimError unless `folder` holds a config.json and safetensors weights."""
    if not (folder / "config.json").is_file():
        raise CimError(
            f"no config.json in {folder}",
            "a Hugging Face model folder",
            "run the stage that makes it (models for the base captioner, tune for the tuned one), or mend the path",
        )
    if not any(folder.glob("*.safetensors")):
        raise CimError(
            f"no .safetensors file in {folder}",
            "weights in safetensors (pickled .bin and .pt files can run code and are never read)",
            "take a revision that has safetensors, or convert with model.save_pretrained on a machine you trust",
        )


def load_captioner(
    folder: Path,
    device: Literal["auto", "cpu", "cuda"] = "auto",
    precision: Literal["auto", "float32", "bfloat16"] = "auto",
    *,
    trust_remote_code: bool = False,
) -> Captioner:
    """Any AutoModelForImageTextToText with its AutoProcessor, from a local folder, in eval mode.

    precision auto: bfloat16 on a GPU, float32 on CPU. trust_remote_code: run Python files of the folder;
    off unless the user trusts them. Raises CimError for a folder that is not such a model.
    """
    import torch
    from transformers import AutoModelForImageTextToText

    fingerprint = captioner_fingerprint(folder)
    place = _device(device)
    dtype = {"float32": torch.float32, "bfloat16": torch.bfloat16}[precision_of(precision, "transformers", device)]
    processor = load_processor(folder, trust_remote_code=trust_remote_code)
    with _loading(folder):
        model, report = AutoModelForImageTextToText.from_pretrained(
            folder,
            dtype=dtype,
            use_safetensors=True,
            output_loading_info=True,
            local_files_only=True,
            trust_remote_code=trust_remote_code,
        )
    if missing := sorted(report["missing_keys"]):
        raise CimError(
            f"{len(missing)} parameters without weights in {folder}, first {missing[0]}",
            "weights for every parameter (others would be random)",
            "fetch the whole model, or one whose weights fit its config.json",
        )
    return Captioner(model.to(place).eval(), processor, fingerprint, trust_remote_code)


def load_processor(folder: Path, *, trust_remote_code: bool = False) -> Any:
    """The AutoProcessor of a captioner folder, padding on the left. Raises CimError when it lacks a part."""
    from transformers import AutoProcessor

    with _loading(folder):
        processor = AutoProcessor.from_pretrained(folder, local_files_only=True, trust_remote_code=trust_remote_code)
    _check_processor(processor, folder)
    processor.tokenizer.padding_side = "left"  # generation continues at the right end of every row
    if processor.tokenizer.pad_token_id is None:
        processor.tokenizer.pad_token = processor.tokenizer.eos_token
    return processor


@contextmanager
def _loading(folder: Path) -> Iterator[None]:
    """What transformers raises about a folder, as CimErrors."""
    from safetensors import SafetensorError

    try:
        yield
    except ImportError as error:  # a processor may want a package of its own
        raise CimError(
            f"a captioner folder {folder} that needs a Python package which is not installed ({error})",
            f"{error.name or 'the package named'}, which this architecture's model or processor imports",
            f"pip install {error.name or 'it'} in this environment and run again",
        ) from error
    except (OSError, ValueError, KeyError, RuntimeError, SafetensorError) as error:
        raise CimError(
            f"a captioner folder {folder} that does not load ({type(error).__name__}: {error})",
            "a model that AutoModelForImageTextToText and AutoProcessor of the installed transformers can read",
            "check the architecture and that the download is whole; code in it runs only with trust_remote_code",
        ) from error


def _check_processor(processor: Any, folder: Path) -> None:
    lacking = [part for part in ("tokenizer", "image_processor", "chat_template") if not getattr(processor, part, None)]
    if lacking:
        raise CimError(
            f"a processor without {', '.join(lacking)} in {folder}",
            "a processor with tokenizer, image processor and chat template",
            "add the original model's preprocessor_config.json, tokenizer.json and chat_template.jinja",
        )


def _device(device: str) -> str:
    import torch

    if device == "cuda" and not torch.cuda.is_available():
        raise CimError("device: cuda, but torch sees no GPU", "a CUDA device", "set runtime.device to auto or cpu")
    return ("cuda" if torch.cuda.is_available() else "cpu") if device == "auto" else device


def _hidden(path: Path) -> bool:
    return any(part.startswith(".") for part in path.parts)
