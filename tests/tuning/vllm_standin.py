"""What TRL takes from vLLM, as stand-ins that note what they are given: the real one is not installed here."""

from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

SAID = [40, 41, 42]
"""Ids of every completion, before the end token."""


@dataclass
class SamplingParams:
    """The fields of vLLM's that TRL or this project sets; it refuses others, as the real one does."""

    n: int = 1
    repetition_penalty: float = 1.0
    temperature: float = 1.0
    top_p: float = 1.0
    top_k: int = 0
    min_p: float = 0.0
    max_tokens: int | None = 16
    logprobs: int | None = None
    logit_bias: dict[int, float] | None = None
    stop_token_ids: list[int] | None = None


@dataclass
class LLM:
    """An engine that always says SAID and the first stop token, each with probability e^-1.

    image: the placeholder of an image, of which it makes `patches`, as vLLM does with each one that it finds.
    """

    patches = 4
    options: dict[str, Any]
    image: int = -1
    asked: list[tuple[list[dict[str, Any]], SamplingParams]] = field(default_factory=list)
    loaded: list[str] = field(default_factory=list)
    slept: list[Any] = field(default_factory=list)
    forgot: int = 0

    @property
    def llm_engine(self) -> Any:
        """Whatever TRL goes through to load weights: all of it this."""
        return self

    model_executor = driver_worker = model_runner = model = llm_engine

    def load_weights(self, weights: list[tuple[str, Any]]) -> None:
        self.loaded += [name for name, _ in weights]

    def reset_prefix_cache(self) -> None:
        """Nothing is kept."""

    def reset_encoder_cache(self) -> None:
        self.forgot += 1

    def sleep(self, level: int) -> None:
        self.slept.append(level)

    def wake_up(self, tags: list[str]) -> None:
        self.slept.append(tags)

    def generate(self, prompts: list[dict[str, Any]], *, sampling_params: SamplingParams, use_tqdm: bool) -> list[Any]:
        self.asked.append((prompts, sampling_params))
        ids = [*SAID, (sampling_params.stop_token_ids or [0])[0]]
        logprobs = [{one: SimpleNamespace(logprob=-1.0, rank=1)} for one in ids]
        said = SimpleNamespace(token_ids=ids, logprobs=logprobs)
        return [
            SimpleNamespace(prompt_token_ids=self._seen(one["prompt_token_ids"]), outputs=[said]) for one in prompts
        ]

    def _seen(self, ids: list[int]) -> list[int]:
        return [token for one in ids for token in [one] * (self.patches if one == self.image else 1)]


class Client:
    """TRL's client of `vllm serve`; the server says SAID and the first stop token."""

    def __init__(self, **options: Any) -> None:
        self.options = options
        self.asked: list[dict[str, Any]] = []

    def init_communicator(self, device: Any) -> None:
        """There is nobody to talk to."""

    def get_server_info(self) -> dict[str, Any]:
        return {"model_config": {"logprobs_mode": "processed_logprobs"}}

    def image_features(self, images: list[Any]) -> list[None]:
        return [None for _ in images]

    def update_named_params(self, metadata: Any, params: Any) -> None:
        """Weights go nowhere."""

    def reset_prefix_cache(self) -> None:
        """Nothing is kept."""

    def generate(self, prompts: list[list[int]], **asked: Any) -> dict[str, Any]:
        self.asked.append(asked)
        ids = [*SAID, asked["generation_kwargs"]["stop_token_ids"][0]]
        count = len(prompts) * asked["n"]
        return {"prompt_ids": prompts, "completion_ids": [ids] * count, "logprobs": [[[-1.0]] * len(ids)] * count}
