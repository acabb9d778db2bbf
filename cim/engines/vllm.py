"""The vLLM engine: offline `LLM.generate` with images. Not measured: no GPU was at hand."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from cim.atomic import read_json
from cim.captioners.decoding import Decoding, Generated
from cim.captioners.inputs import render
from cim.captioners.load import captioner_fingerprint, load_processor, precision_of
from cim.captioners.special_tokens import end_tokens
from cim.engines.local import check_unchanged
from cim.engines.spec import BackendBatch, BackendResults, EngineSpec, as_it_is
from cim.errors import CimError

CALL = 4  # times the sequences at once: near its end a call has fewer than fit


@dataclass(frozen=True)
class Vllm:
    """A backend. vLLM batches by itself, continuously; equal beginnings of prompts are computed once.

    llm: a vllm.LLM. params: vllm.SamplingParams. asked: the prompt as the model sees it. call: images handed over at
    once; its captions come together.
    """

    llm: Any
    params: Any
    asked: str
    ends: list[int]
    call: int
    prepare = staticmethod(as_it_is)

    @classmethod
    def open(cls, spec: EngineSpec) -> "Vllm":
        """Load the model. Raises CimError without the package, for device cpu, and for beams or guidance."""
        if spec.decoding.beams > 1 or spec.decoding.guidance > 1:
            raise CimError(
                f"beams {spec.decoding.beams} and guidance {spec.decoding.guidance:g} with engine vllm",
                "neither: its sampler takes one text at a time",
                "set caption.engine: transformers, or beams: 1 and guidance: 1",
            )
        try:
            from vllm import LLM, SamplingParams
        except ImportError as error:
            raise CimError(
                f"caption.engine: vllm without its package ({error})",
                "the extra 'vllm' installed, and a GPU",
                "pip install '.[vllm]', or set caption.engine: transformers",
            ) from error
        check_unchanged(spec, captioner_fingerprint(spec.folder))
        processor = load_processor(spec.folder, trust_remote_code=spec.trust_remote_code)
        llm = LLM(
            model=str(spec.folder),
            dtype=precision_of(spec.precision, "vllm", spec.device),
            trust_remote_code=spec.trust_remote_code,
            enable_prefix_caching=True,
            limit_mm_per_prompt={"image": 1},
            max_num_seqs=spec.batch_size,
            generation_config="vllm",  # not the model's own penalties and temperature
            load_format="safetensors",
        )
        config = spec.folder / "generation_config.json"
        ends = end_tokens(processor, read_json(config).get("eos_token_id") if config.is_file() else None)
        return cls(llm, SamplingParams, render(processor, spec.prompt), ends, CALL * spec.batch_size)

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
            answers = iter(self.llm.generate(requests, sampling, use_tqdm=False))
            yield [[_generated(next(answers)) for _ in of] for of in keys]

    def _sampling(self, key: str, decoding: Decoding) -> Any:
        seed = int.from_bytes(hashlib.sha256(f"{decoding.seed}\x00{key}".encode()).digest()[:4], "big") >> 1
        return self.params(
            temperature=decoding.temperature,
            max_tokens=decoding.max_new_tokens,
            seed=seed,
            stop_token_ids=self.ends,
            skip_special_tokens=True,
        )


def _generated(answer: Any) -> Generated:
    """The first output of a vllm.RequestOutput."""
    one = answer.outputs[0]
    reason = "length" if one.finish_reason == "length" else "stop" if one.finish_reason == "stop" else "error"
    return Generated(one.text.rstrip("\ufffd").strip(), reason, len(one.token_ids), len(answer.prompt_token_ids or ()))
