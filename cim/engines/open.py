"""An engine from its description."""

from cim.captioners.load import load_processor
from cim.captioners.special_tokens import check_prompts
from cim.engines.captioning import Captioning
from cim.engines.spec import Backend, Engine, EngineSpec, Scorer
from cim.errors import CimError


def open_engine(spec: EngineSpec, scorer: Scorer | None = None) -> Engine:
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
    check_prompts(load_processor(spec.folder, trust_remote_code=spec.trust_remote_code), [spec.prompt])
    return Captioning(_backend(spec), spec.decoding, scorer)


def _backend(spec: EngineSpec) -> Backend:
    if spec.name == "vllm":
        from cim.engines.vllm import Vllm

        return Vllm.open(spec)
    from cim.engines.local import Local

    return Local.open(spec)
