"""caption.vllm: how vLLM holds and runs a captioner."""

from pydantic import Field

from cim.params.base import Section


class VllmParams(Section):
    """What vLLM is told of memory, speed and inputs; null is its own default. Only the first three decide captions."""

    max_model_length: int | None = Field(
        None,
        ge=2,
        description="tokens of image, prompt and caption at most (max_model_len); longer images are rejected",
    )
    mm_processor_kwargs: dict[str, bool | int | float | str | dict[str, int]] = Field(
        {}, description="for the captioner's image processor, such as {max_pixels: 1003520}"
    )
    adapter: str | None = Field(
        None, description="folder of a LoRA adapter on recaption.model; tuned captioners of this pipeline are merged"
    )
    tensor_parallel: int = Field(1, ge=1, description="GPUs that share one copy of the model")
    memory_share: float | None = Field(
        None, gt=0, le=1, description="of each GPU's memory (of the host's on a CPU), weights included"
    )
    enforce_eager: bool = Field(False, description="no CUDA graphs and no compilation: starts sooner, runs slower")
