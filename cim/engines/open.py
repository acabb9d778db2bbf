"""An engine from its description; for a corpus, one that gives memory back and tells a broken set-up from images."""

from cim.captioners.load import load_processor
from cim.captioners.special_tokens import check_prompts
from cim.engines.breaker import CircuitBreaker, ContinuousCircuitBreaker
from cim.engines.captioning import Captioning
from cim.engines.continuous import ContinuousCaptioning
from cim.engines.spec import AnyEngine, Backend, ContinuousBackend, ContinuousEngine, EngineSpec, Scorer
from cim.errors import CimError
from cim.images.memory import map_large_blocks


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
        check_prompts(
            load_processor(spec.folder, trust_remote_code=spec.trust_remote_code), [spec.prompt, *spec.prompts]
        )
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
