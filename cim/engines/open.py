"""An engine from its description; for a corpus, one that gives memory back and tells a broken set-up from images."""

import ctypes
import sys

from PIL import Image

from cim.captioners.load import load_processor
from cim.captioners.special_tokens import check_prompts
from cim.engines.breaker import CircuitBreaker, ContinuousCircuitBreaker
from cim.engines.captioning import Captioning
from cim.engines.continuous import ContinuousCaptioning
from cim.engines.spec import AnyEngine, Backend, ContinuousBackend, ContinuousEngine, EngineSpec, Scorer
from cim.errors import CimError

_M_MMAP_THRESHOLD = -3  # malloc.h of glibc
MAPPED = 2**20
"""Bytes from which on a block is mapped on its own."""
KEPT = 4
"""Blocks of pixels that are free and not given back; more were no faster (8 and 16 measured)."""


def open_engine(spec: EngineSpec, scorer: Scorer | None = None) -> AnyEngine:
    """Load what `spec` names, ready to caption. scorer: gives the CIM score; needed for more than one candidate.

    Raises CimError when the model does not load, its folder has changed, the engine can't decode like that,
    or the prompt would end the user's turn.
    """
    if spec.decoding.candidates > 1 and scorer is None:
        raise CimError(
            f"{spec.decoding.candidates} candidates and nothing to score them",
            "the CIM score, from an index and image vectors",
            "run the index stage first, or set caption.decoding.candidates: 1",
        )
    if spec.name != "endpoint":
        check_prompts(load_processor(spec.folder, trust_remote_code=spec.trust_remote_code), [spec.prompt])
    backend = _backend(spec)
    if isinstance(backend, ContinuousBackend):
        return ContinuousCaptioning(backend, spec.decoding, scorer)
    return Captioning(backend, spec.decoding, scorer)


def open_guarded(spec: EngineSpec, most: int, scorer: Scorer | None = None) -> AnyEngine:
    """As `open_engine`, for a corpus: it gives up where it refuses the first `most` images and accepts none.

    The process gives the memory of pictures back from then on.
    """
    map_large_blocks()
    engine = open_engine(spec, scorer)
    if isinstance(engine, ContinuousEngine):
        return ContinuousCircuitBreaker(engine, most)
    return CircuitBreaker(engine, most)


def _backend(spec: EngineSpec) -> Backend | ContinuousBackend:
    decoding = spec.decoding
    if spec.name != "transformers" and (decoding.beams > 1 or decoding.guidance > 1):
        raise CimError(
            f"beams {decoding.beams} and guidance {decoding.guidance:g} with engine {spec.name}",
            "neither: it samples one text at a time",
            "set caption.engine: transformers, or beams: 1 and guidance: 1",
        )
    if spec.name == "vllm":
        from cim.engines.vllm import Vllm

        return Vllm.open(spec)
    if spec.name == "endpoint":
        from cim.engines.endpoint import Endpoint

        return Endpoint.open(spec)
    from cim.engines.local import Local

    return Local.open(spec)


def map_large_blocks() -> None:
    """Let glibc map every block of MAPPED bytes or more on its own (elsewhere nothing), and Pillow keep KEPT of them.

    Left alone, glibc raises that limit (to 32 MiB) with the first block that is freed, and takes pictures from a heap
    that smaller blocks among them keep from shrinking: the process grows with the images it has seen
    (benchmarks/caption_memory.py). Mapped anew for each picture, they cost a fifth of its decoding in page faults: so
    Pillow keeps those that were freed last. Blocks of it have 16 MiB at most.
    """
    Image.core.set_blocks_max(KEPT)  # type: ignore[attr-defined]  # left out of its types, not of its documentation
    if sys.platform == "linux":
        mallopt = getattr(ctypes.CDLL(None), "mallopt", None)  # musl has none
        if mallopt is not None:
            mallopt(_M_MMAP_THRESHOLD, MAPPED)
