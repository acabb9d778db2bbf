"""An engine from its description; for a corpus, one that gives memory back and tells a broken set-up from images."""

import ctypes
import sys
from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from typing import Self

from cim.captioners.load import load_processor
from cim.captioners.special_tokens import check_prompts
from cim.engines.captioning import Captioning
from cim.engines.spec import Backend, Engine, EngineBatch, EngineResults, EngineSpec, Scorer
from cim.errors import CimError, FatalError

_M_MMAP_THRESHOLD = -3  # malloc.h of glibc
MAPPED = 2**20
"""Bytes from which on a block is mapped on its own."""


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


@dataclass
class CircuitBreaker:
    """An `Engine` that gives up where it refuses the first `most` images, each on its own, and accepts none.

    Raises FatalError then. Once it has captioned anything, what it refuses is the images' own fault.
    """

    engine: Engine
    most: int
    works: bool = field(default=False, init=False)
    refused: int = field(default=0, init=False)

    @classmethod
    def open(cls, spec: EngineSpec, most: int, scorer: Scorer | None = None) -> Self:
        """The engine of `spec`, loaded, in a process that gives the memory of pictures back; see `open_engine`."""
        map_large_blocks()
        return cls(open_engine(spec, scorer), most)

    def plan(self, sizes: Sequence[tuple[int, int]]) -> list[list[int]]:
        """The engine's."""
        return self.engine.plan(sizes)

    def __call__(self, batches: Iterable[EngineBatch]) -> EngineResults:
        """As `Engine` says."""
        asked, answered = list(batches), 0
        try:
            with closing(self.engine(asked)) as answers:
                for found in answers:
                    self.works = True
                    answered += 1
                    yield found
        except ValueError as error:
            self.refused += not self.works and len(asked[answered][1]) == 1
            if self.refused < self.most:
                raise
            self.refused = 0  # another run in this process is told anew
            raise FatalError(
                f"none of the first {self.most} images accepted by the captioner ({type(error).__name__}: {error})",
                "a captioner that takes the corpus's images",
                "mend the model, its settings or what it runs on, and run again",
            ) from error


def map_large_blocks() -> None:
    """Let glibc map every block of MAPPED bytes or more on its own; elsewhere nothing.

    Left alone, glibc raises that limit (to 32 MiB) with the first block that is freed, and takes pictures from a heap
    that smaller blocks among them keep from shrinking: the process grows with the images it has seen
    (benchmarks/caption_memory.py).
    """
    if sys.platform == "linux":
        mallopt = getattr(ctypes.CDLL(None), "mallopt", None)  # musl has none
        if mallopt is not None:
            mallopt(_M_MMAP_THRESHOLD, MAPPED)
