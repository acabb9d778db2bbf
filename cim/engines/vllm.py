"""The vLLM engine: requests with an image, one by one, and its step loop. Not measured: no GPU was at hand."""

import hashlib
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from cim.atomic import read_json
from cim.captioners.decoding import Decoding, Generated
from cim.captioners.inputs import render
from cim.captioners.load import captioner_fingerprint, load_processor, precision_of
from cim.captioners.shrink import shrink_for
from cim.captioners.special_tokens import end_tokens
from cim.engines.local import check_unchanged
from cim.engines.spec import Answer, EngineSpec, Prepare, Request, as_it_is
from cim.errors import CimError

MORE = 4  # one request for so many sequences at once waits beside them, for the place of the next one that ends


@dataclass(frozen=True)
class Vllm:
    """A `ContinuousBackend`. vLLM batches by itself; equal beginnings of prompts are computed once.

    llm: a vllm.LLM. params: vllm.SamplingParams. last: its RequestOutputKind of answers that come when they are whole.
    asked: the prompt as the model sees it. capacity: requests at once.
    """

    llm: Any
    params: Any
    last: Any
    asked: str
    ends: list[int]
    capacity: int
    prepare: Prepare = as_it_is
    retried: int = 0

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
            from vllm.sampling_params import RequestOutputKind
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
        most = spec.batch_size + -(-spec.batch_size // MORE)
        prepare = shrink_for(processor) or as_it_is
        asked = render(processor, spec.prompt)
        return cls(llm, SamplingParams, RequestOutputKind.FINAL_ONLY, asked, ends, most, prepare)

    def submit(self, request: Request) -> None:
        """As `ContinuousBackend` says; the image is made tensors here, while the model is at others."""
        content = {"prompt": self.asked, "multi_modal_data": {"image": request.prepared}}
        sampling = self._sampling(request.key, request.decoding)
        self.llm.llm_engine.add_request(str(request.number), content, sampling)

    def collect(self, wait: float) -> Sequence[Answer]:
        """As `ContinuousBackend` says. A step of the model is not cut short: it may take longer than `wait`."""
        engine, ends = self.llm.llm_engine, time.monotonic() + wait
        while engine.has_unfinished_requests():
            found = [Answer(int(one.request_id), _generated(one)) for one in engine.step() if one.finished]
            if found or time.monotonic() >= ends:
                return found
        return []

    def close(self) -> None:
        """What is in flight is given up; the model goes with this object."""

    def _sampling(self, key: str, decoding: Decoding) -> Any:
        seed = int.from_bytes(hashlib.sha256(f"{decoding.seed}\x00{key}".encode()).digest()[:4], "big") >> 1
        return self.params(
            temperature=decoding.temperature,
            max_tokens=decoding.max_new_tokens,
            seed=seed,
            stop_token_ids=self.ends,
            skip_special_tokens=True,
            output_kind=self.last,
        )


def _generated(answer: Any) -> Generated:
    """The first output of a vllm.RequestOutput."""
    one = answer.outputs[0]
    reason = "length" if one.finish_reason == "length" else "stop" if one.finish_reason == "stop" else "error"
    return Generated(one.text.rstrip("\ufffd").strip(), reason, len(one.token_ids), len(answer.prompt_token_ids or ()))
