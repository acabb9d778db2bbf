"""The vLLM engine against a stand-in of its documented API; the real one needs a GPU."""

import sys
from dataclasses import dataclass, field, replace
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from PIL.Image import Image

from cim.captioners.decoding import Decoding
from cim.captioners.inputs import render
from cim.captioners.load import load_processor
from cim.engines.open import open_engine
from cim.engines.spec import EngineSpec, captions_of
from cim.errors import CimError


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

    def add_request(self, request_id: str, prompt: Any, params: Any) -> str:
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


@pytest.fixture
def vllm(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """A module `vllm` that notes what it is given."""
    module: Any = ModuleType("vllm")
    module.made, module.asked = [], []

    class SamplingParams:
        def __init__(self, **values: Any) -> None:
            self.values = values

    class LLM:
        def __init__(self, **options: Any) -> None:
            module.made.append(options)
            self.llm_engine = EngineLoop(module)

    module.LLM, module.SamplingParams = LLM, SamplingParams
    vars(sampling := ModuleType("vllm.sampling_params"))["RequestOutputKind"] = SimpleNamespace(FINAL_ONLY="whole")
    monkeypatch.setitem(sys.modules, "vllm", module)
    monkeypatch.setitem(sys.modules, "vllm.sampling_params", sampling)
    return module


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
    assert options["limit_mm_per_prompt"] == {"image": 1}
    assert options["load_format"] == "safetensors"
    assert not options["trust_remote_code"]
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


@pytest.mark.parametrize("decoding", [Decoding(9, beams=2), Decoding(9, guidance=1.5)])
def test_what_it_cannot_do_is_refused(vllm: Any, chosen: EngineSpec, decoding: Decoding) -> None:
    with pytest.raises(CimError, match="with engine vllm"):
        open_engine(replace(chosen, decoding=decoding))
    assert vllm.made == []


def test_without_the_package_the_extra_is_named(chosen: EngineSpec, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "vllm", None)  # as if it were not installed
    with pytest.raises(CimError, match=r"\[vllm\]"):
        open_engine(chosen)


def test_other_engines_do_not_import_it(spec: EngineSpec, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "vllm", None)
    open_engine(spec)
