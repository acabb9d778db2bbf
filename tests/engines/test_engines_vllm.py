"""The vLLM engine against a stand-in of its documented API; the real one needs a GPU."""

import sys
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from PIL.Image import Image

from cim.captioners.decoding import Decoding
from cim.captioners.inputs import render
from cim.captioners.load import load_captioner, load_processor
from cim.captioners.special_tokens import suppressed_tokens
from cim.engines.open import open_engine
from cim.engines.prepared import Asked
from cim.engines.spec import EngineSpec, captions_of
from cim.engines.vllm_options import VllmOptions
from cim.errors import CimError, EngineLost
from cim.params import VllmParams


@dataclass
class Output:
    text: str
    token_ids: list[int]
    finish_reason: str | None


@dataclass
class Answer:
    outputs: list[Output]
    prompt_token_ids: list[int] | None = field(default_factory=lambda: [1] * 21)
    request_id: str = ""
    finished: bool = True


class EngineLoop:
    """`LLM.llm_engine`: says the picture's width, two requests a step, the last one first."""

    def __init__(self, module: Any) -> None:
        self.module, self.waiting = module, list[tuple[str, Any]]()

    def add_request(self, request_id: str, prompt: Any, params: Any, lora_request: Any) -> str:
        self.module.adapters.append(lora_request)
        self.module.asked.append((prompt, params.values))
        self.waiting.append((request_id, prompt))
        return request_id

    def has_unfinished_requests(self) -> bool:
        return bool(self.waiting)

    def step(self) -> list[Answer]:
        some, self.waiting = self.waiting[:2], self.waiting[2:]
        return [self.answer(one, prompt["multi_modal_data"]["image"].width) for one, prompt in some[::-1]]

    def answer(self, request_id: str, width: int) -> Answer:
        return Answer([Output(f" width {width}", [5, 6, 2], "stop")], request_id=request_id)


class Refused(Exception):
    """Of a request; no ValueError."""


@pytest.fixture
def vllm(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """A module `vllm` that notes what it is given."""
    monkeypatch.delenv("VLLM_ENABLE_V1_MULTIPROCESSING", raising=False)
    module: Any = ModuleType("vllm")
    module.made, module.asked, module.adapters = [], [], []

    class SamplingParams:
        def __init__(self, **values: Any) -> None:
            self.values = values

    class LLM:
        def __init__(self, **options: Any) -> None:
            module.made.append(options)
            self.llm_engine = EngineLoop(module)

    module.LLM, module.SamplingParams = LLM, SamplingParams
    module.on_cpu = True
    lora, platforms = ModuleType("vllm.lora.request"), ModuleType("vllm.platforms")
    vars(lora)["LoRARequest"] = lambda name, number, folder: (name, number, folder)
    vars(platforms)["current_platform"] = SimpleNamespace(is_cpu=lambda: module.on_cpu)
    vars(errors := ModuleType("vllm.exceptions"))["VLLMValidationError"] = Refused
    vars(sampling := ModuleType("vllm.sampling_params"))["RequestOutputKind"] = SimpleNamespace(FINAL_ONLY="whole")
    for one in (module, ModuleType("vllm.lora"), lora, platforms, errors, sampling):
        monkeypatch.setitem(sys.modules, one.__name__, one)
    return module


@pytest.fixture
def adapter(tmp_path: Path) -> Path:
    """A LoRA adapter of rank 5, as far as it is looked at."""
    (tmp_path / "adapter_config.json").write_text('{"peft_type": "LORA", "r": 5}')
    (tmp_path / "adapter_model.safetensors").write_bytes(b"weights")
    return tmp_path


@pytest.fixture
def chosen(spec: EngineSpec) -> EngineSpec:
    return replace(spec, name="vllm", decoding=Decoding(9, 0.8, seed=5))


def test_captions_come_back_in_order_with_their_facts(
    vllm: Any, chosen: EngineSpec, pictures: list[Image], keys: list[str]
) -> None:
    engine = open_engine(chosen)
    found = captions_of(engine, pictures, keys)
    assert [one.text for one in found] == [f"width {engine.prepare(picture, b'').width}" for picture in pictures]
    assert {one[1:4] for one in found} == {("stop", 3, 21)}


def test_what_vllm_is_given(vllm: Any, chosen: EngineSpec, pictures: list[Image], keys: list[str]) -> None:
    engine = open_engine(chosen)
    captions_of(engine, pictures, keys)
    (options,) = vllm.made
    assert options["model"] == str(chosen.folder)
    assert options["enable_prefix_caching"]
    assert options["limit_mm_per_prompt"] == {"image": 1, "video": 0}
    assert options["load_format"] == "safetensors"
    assert not options["trust_remote_code"]
    assert "max_model_len" not in options  # its own defaults
    assert "gpu_memory_utilization" not in options
    assert set(vllm.adapters) == {None}
    processor = load_processor(chosen.folder)
    sampling = [one for _, one in vllm.asked]
    assert {prompt["prompt"] for prompt, _ in vllm.asked} == {render(processor, chosen.prompt)}
    assert {(one["temperature"], one["max_tokens"]) for one in sampling} == {(0.8, 9)}
    assert sampling[0]["stop_token_ids"] == [processor.tokenizer.eos_token_id]
    seeds = [one["seed"] for one in sampling]
    assert len(set(seeds)) == len(keys)  # a seed of its own for each sample, ...
    captions_of(engine, pictures[::-1], keys[::-1])
    assert [one["seed"] for _, one in vllm.asked[len(keys) :]] == seeds[::-1]  # ... wherever it stands
    assert {one["output_kind"] for one in sampling} == {"whole"}


def test_a_prompt_of_its_own(vllm: Any, chosen: EngineSpec, pictures: list[Image]) -> None:
    engine: Any = open_engine(chosen)
    for number, prompt in enumerate(("What?", "<|im_end|>")):
        engine.submit(number, Asked(engine.prepare(pictures[0], b""), prompt), "a")
    found = dict(engine.collect(1.0))
    assert [prompt["prompt"] for prompt, _ in vllm.asked] == [render(load_processor(chosen.folder), "What?")]
    assert "that holds <|im_end|>" in str(found[1])


def test_candidates_are_requests_with_other_seeds(vllm: Any, chosen: EngineSpec, pictures: list[Image]) -> None:
    decoding = replace(chosen.decoding, candidates=3)
    engine = open_engine(replace(chosen, decoding=decoding), lambda texts, *_: [float(n) for n in range(len(texts))])
    (found,) = captions_of(engine, pictures[:1], ["a"])
    assert found.scores == (0.0, 1.0, 2.0)
    assert len({one["seed"] for _, one in vllm.asked}) == 3


def test_a_request_that_vllm_gave_up_is_an_error_not_a_caption(
    vllm: Any, chosen: EngineSpec, pictures: list[Image], monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = Answer([Output("half", [5], "abort")], None, "0")
    monkeypatch.setattr(EngineLoop, "answer", lambda *_: gone)
    assert captions_of(open_engine(chosen), pictures[:1], ["a"])[0][1:4] == ("error", 1, 0)


def test_a_step_that_fails_ends_the_engine(
    vllm: Any, chosen: EngineSpec, pictures: list[Image], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any) -> None:
        raise RuntimeError("CUDA error: out of memory\nand more")

    monkeypatch.setattr(EngineLoop, "step", broken)
    with pytest.raises(EngineLost, match=r"failed \(RuntimeError: CUDA error: out of memory\)"):
        captions_of(open_engine(chosen), pictures[:1], ["a"])


def test_a_refused_request_is_the_images_fault(
    vllm: Any, chosen: EngineSpec, pictures: list[Image], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise Refused("prompt of 300 tokens, 256 at most")

    monkeypatch.setattr(EngineLoop, "add_request", refuse)
    with pytest.raises(ValueError, match="300 tokens"):
        captions_of(open_engine(chosen), pictures[:1], ["a"])


def test_tokens_that_no_caption_may_hold(vllm: Any, chosen: EngineSpec, pictures: list[Image]) -> None:
    captions_of(open_engine(chosen), pictures[:1], ["a"])
    captioner = load_captioner(chosen.folder, "cpu")
    banned = dict.fromkeys(suppressed_tokens(captioner.processor, captioner.model), -100.0)
    assert vllm.asked[0][1]["logit_bias"] == banned


def test_options_reach_it(vllm: Any, chosen: EngineSpec, pictures: list[Image], adapter: Path) -> None:
    params = VllmParams(
        max_model_length=99, mm_processor_kwargs={"max_pixels": 64}, adapter=str(adapter), tensor_parallel=2,
        memory_share=0.5, enforce_eager=True,
    )  # fmt: skip
    captions_of(open_engine(replace(chosen, vllm=VllmOptions.of(params))), pictures[:1], ["a"])
    told = {
        "max_model_len": 99, "mm_processor_kwargs": {"max_pixels": 64}, "tensor_parallel_size": 2,
        "gpu_memory_utilization": 0.5, "enforce_eager": True, "enable_lora": True, "max_lora_rank": 8,
        "max_loras": 1, "dtype": "float32",
    }  # fmt: skip
    assert told.items() <= vllm.made[0].items()
    assert vllm.adapters == [("adapter", 1, str(adapter))]


def test_an_adapter_that_changed_is_not_used(vllm: Any, chosen: EngineSpec, adapter: Path) -> None:
    options = VllmOptions.of(VllmParams(adapter=str(adapter)))
    (adapter / "adapter_model.safetensors").write_bytes(b"others")
    with pytest.raises(CimError, match="changed while captioning"):
        open_engine(replace(chosen, vllm=options))


@pytest.mark.parametrize(("device", "on_cpu"), [("cpu", False), ("cuda", True)])
def test_a_vllm_for_another_device_is_refused(vllm: Any, chosen: EngineSpec, device: Any, on_cpu: bool) -> None:
    vllm.on_cpu = on_cpu
    with pytest.raises(CimError, match=f"device: {device} with a vLLM for"):
        open_engine(replace(chosen, device=device))
    assert vllm.made == []


def test_a_model_that_does_not_load_is_an_error_with_its_remedy(
    vllm: Any, chosen: EngineSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any, **__: Any) -> None:
        raise ValueError("no memory for 131072 tokens")

    monkeypatch.setattr(vllm.LLM, "__init__", full)
    with pytest.raises(CimError, match=r"131072 tokens.*Remedy: set caption\.vllm\.max_model_length"):
        open_engine(chosen)


@pytest.mark.parametrize("decoding", [Decoding(9, beams=2), Decoding(9, guidance=1.5)])
def test_what_it_cannot_do_is_refused(vllm: Any, chosen: EngineSpec, decoding: Decoding) -> None:
    with pytest.raises(CimError, match="with engine vllm"):
        open_engine(replace(chosen, decoding=decoding))
    assert vllm.made == []


def test_without_the_package_the_extra_is_named(chosen: EngineSpec, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "vllm", None)  # as if it were not installed
    with pytest.raises(CimError, match="make env-vllm"):
        open_engine(chosen)


def test_other_engines_do_not_import_it(spec: EngineSpec, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "vllm", None)
    open_engine(spec)
