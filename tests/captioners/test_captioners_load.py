"""Loading: what is read, what is refused, and what the fingerprint depends on."""

import json
import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from cim.captioners.inputs import conversation, prompt_hash, render
from cim.captioners.load import captioner_fingerprint, load_captioner
from cim.errors import CimError


@pytest.fixture
def folder(tiny_folder: Path, tmp_path: Path) -> Path:
    """A copy that a test may spoil."""
    return Path(shutil.copytree(tiny_folder, tmp_path / "model"))


def test_a_loaded_captioner_is_ready_to_generate(folder: Path) -> None:
    captioner = load_captioner(folder, "cpu", "auto")
    assert not captioner.model.training
    assert captioner.model.dtype == torch.float32
    assert captioner.processor.tokenizer.padding_side == "left"
    assert captioner.fingerprint == captioner_fingerprint(folder)
    assert load_captioner(folder, "cpu", "bfloat16").model.dtype == torch.bfloat16


def test_prompt_is_rendered_through_the_chat_template(folder: Path) -> None:
    # The template of cim/warm_start/tiny.py, by hand.
    expected = "<|im_start|>user\n<|vision_start|><|image_pad|><|vision_end|>What?<|im_end|>\n<|im_start|>assistant\n"
    assert render(load_captioner(folder, "cpu").processor, "What?") == expected
    assert conversation("What?") == [
        {"role": "user", "content": [{"type": "image"}, {"type": "text", "text": "What?"}]}
    ]
    # echo -n 'What?' | sha256sum
    assert prompt_hash("What?") == "a4949e2c96de2668"


@pytest.mark.parametrize("name", ["model.safetensors", "config.json", "chat_template.jinja", "tokenizer.json"])
def test_fingerprint_changes_with_what_decides_the_words(folder: Path, name: str) -> None:
    before = captioner_fingerprint(folder)
    path = folder / name
    path.write_bytes(path.read_bytes() + b" ")
    assert captioner_fingerprint(folder) != before


def test_a_missing_folder_names_the_stage_that_makes_it(tmp_path: Path) -> None:
    with pytest.raises(CimError, match=r"no config\.json .*run the stage that makes it"):
        captioner_fingerprint(tmp_path / "nothing")


def test_pickled_weights_are_refused_and_not_opened(folder: Path) -> None:
    (folder / "model.safetensors").unlink()
    (folder / "pytorch_model.bin").write_bytes(b"\x80\x04 not even a pickle")
    with pytest.raises(CimError, match=r"no \.safetensors"):
        load_captioner(folder, "cpu")


def test_truncated_weights_are_refused(folder: Path) -> None:
    whole = (folder / "model.safetensors").read_bytes()
    (folder / "model.safetensors").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(CimError, match="does not load"):
        load_captioner(folder, "cpu")


def test_a_parameter_without_weights_is_refused_not_left_random(folder: Path) -> None:
    weights = load_file(folder / "model.safetensors")
    lost = next(name for name in weights if "layers.1" in name)
    del weights[lost]
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(CimError, match="1 parameters without weights"):
        load_captioner(folder, "cpu")


def test_a_processor_without_chat_template_is_refused(folder: Path) -> None:
    (folder / "chat_template.jinja").unlink()
    with pytest.raises(CimError, match="without chat_template"):
        load_captioner(folder, "cpu")


def test_code_in_the_folder_never_runs_unasked(folder: Path) -> None:
    config = json.loads((folder / "config.json").read_text())
    config["model_type"] = "theirs"
    config["auto_map"] = {name: f"theirs.{name}" for name in ("AutoConfig", "AutoModelForImageTextToText")}
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "theirs.py").write_text(f"open({str(folder / 'ran')!r}, 'w').close()\n")
    with pytest.raises(CimError, match="trust_remote_code"):
        load_captioner(folder, "cpu")
    assert not (folder / "ran").exists()


def test_a_package_that_the_processor_wants_is_named(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As SmolVLM's does, with transformers' own words."""
    from transformers import AutoProcessor

    def wants(*_: object, **__: object) -> None:
        raise ImportError("Package `num2words` is required to run SmolVLM processor.")

    monkeypatch.setattr(AutoProcessor, "from_pretrained", wants)
    with pytest.raises(CimError, match=r"not installed \(Package `num2words`.*pip install"):
        load_captioner(folder, "cpu")


@pytest.mark.skipif(torch.cuda.is_available(), reason="needs a machine without GPU")
def test_a_gpu_that_is_not_there(folder: Path) -> None:
    with pytest.raises(CimError, match="no GPU"):
        load_captioner(folder, "cuda")
