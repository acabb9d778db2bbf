"""What a training would refuse at its start, found out before anything is started."""

from collections.abc import Callable, Iterator
from pathlib import Path

from cim.captioners.load import load_processor
from cim.captioners.special_tokens import check_prompts
from cim.errors import CimError
from cim.estimate.fit import gib
from cim.estimate.memory import weight_bytes
from cim.estimate.shapes import CaptionerShape
from cim.estimate.training import pixels_of, training_of
from cim.models.fetch import local_folder
from cim.params import LoadedCaptioner, Params
from cim.tuning.launch import check_strategy
from cim.tuning.policy import check_packages
from cim.tuning.rollout import check_tensor_parallel, check_vllm
from cim.tuning.tunable import check_tunable


def refusals(params: Params, shape: CaptionerShape | None, memory: int | None) -> list[CimError]:
    """All of them. shape: None where not known. memory: bytes of one device, None where not given."""
    tune, ranks = params.tune, params.runtime.train
    checks: list[Callable[[], None]] = [
        lambda: check_packages(tune),
        lambda: check_strategy(ranks.strategy),
        lambda: _check_processor(params),
    ]
    if tune.rollout.engine == "vllm":
        checks += [check_vllm, lambda: check_tensor_parallel(tune.rollout.tensor_parallel, ranks.size)]
    found = [error for check in checks if (error := _raised(check)) is not None]
    if shape is not None and tune.vision == "frozen" and not shape.vision_parameters:
        found.append(CimError("a captioner without a vision tower", "a tower to be frozen", "set tune.vision: trained"))
    if shape is not None and tune.rollout.engine == "vllm" and tune.rollout.mode == "colocate":
        found += _of_vllm(params, shape, memory)
    return found


def _raised(check: Callable[[], None]) -> CimError | None:
    try:
        check()
    except CimError as error:
        return error
    return None


def _check_processor(params: Params) -> None:
    """Of a captioner whose folder is here, as tune does it; one that is made here, or fetched, is looked at by tune."""
    model = params.models.captioner
    folder = _folder(model) if isinstance(model, LoadedCaptioner) else None
    if folder is None or not isinstance(model, LoadedCaptioner):
        return
    processor = load_processor(folder, trust_remote_code=model.trust_remote_code)
    check_prompts(processor, params.caption.prompts)
    check_tunable(processor, params.caption.prompts)


def _folder(model: LoadedCaptioner) -> Path | None:
    try:
        return local_folder(model.name, "models.captioner")
    except CimError:  # said of the models
        return None


def _of_vllm(params: Params, shape: CaptionerShape, memory: int | None) -> Iterator[CimError]:
    """Whether its share of a device holds the weights and one caption of full length, and that one an image."""
    rollout, training = params.tune.rollout, training_of(params, shape)
    tokens = shape.image_tokens(pixels_of(params)) + training.new
    length = rollout.max_model_length or shape.context
    if length < tokens:
        yield CimError(
            f"tune.rollout.max_model_length {length:,}",
            f"room for an image and a caption, {tokens:,} tokens, and the prompt",
            "raise it, or lower models.captioner.max_pixels or tune.max_new_tokens",
        )
    if memory is None:
        return
    share, parallel = int(rollout.memory_share * memory), rollout.tensor_parallel
    # By its own choice vLLM computes in 16 bits, whatever the folder holds; 4-bit weights stay so.
    weights = weight_bytes(shape, training) if training.quantized else 2 * shape.parameters
    cache = length * shape.text.layers * 2 * shape.text.kv * 2
    if (weights + cache) // parallel > share:
        yield CimError(
            f"tune.rollout.memory_share {rollout.memory_share:g} of {gib(memory)}, {gib(share)}, for vLLM's"
            f" {gib(weights // parallel)} of weights and {gib(cache // parallel)} of keys and values of one caption",
            "a share that holds both",
            "raise it, raise tune.rollout.tensor_parallel, or lower tune.rollout.max_model_length",
        )
