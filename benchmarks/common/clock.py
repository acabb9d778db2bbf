"""Seconds by part of a piece of work, and the parts of a GRPO step."""

import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from types import ModuleType
from typing import Any
from unittest.mock import patch

PARTS = ("decode", "image processor", "generate", "reward", "reference", "forward and backward")
"""Of a step of GRPO, as `timed_training` names them; what is left is "the rest"."""


class Clock:
    """Seconds and calls by part. A part within another counts for itself alone.

    settle: waits for what the device still has to do, so that its seconds count where they were asked for.
    now: the seconds are of; time.process_time for CPU seconds.
    """

    def __init__(
        self, settle: Callable[[], object] = lambda: None, now: Callable[[], float] = time.perf_counter
    ) -> None:
        self.seconds: dict[str, float] = defaultdict(float)
        self.calls: dict[str, int] = defaultdict(int)
        self._settle, self._now = settle, now
        self._inner = 0.0

    @contextmanager
    def part(self, name: str, items: int = 1) -> Iterator[None]:
        """Time what is done inside."""
        self._settle()
        outer, self._inner, began = self._inner, 0.0, self._now()
        try:
            yield
        finally:
            self._settle()
            taken = self._now() - began
            self.seconds[name] += taken - self._inner
            self.calls[name] += items
            self._inner = outer + taken

    def timed(self, name: str, call: Callable[..., Any], count: Callable[..., int] = lambda *_, **__: 1) -> Any:
        """`call`, timed as this part."""

        def wrapped(*args: Any, **kwargs: Any) -> Any:
            with self.part(name, count(*args, **kwargs)):
                return call(*args, **kwargs)

        return wrapped


class TimedProcessor:
    """An image processor that is timed; counts pictures."""

    def __init__(self, inner: Any, clock: Clock) -> None:
        self._inner = inner
        self._call = clock.timed("image processor", inner, lambda images, **_: len(images))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def __call__(self, images: Any, **kwargs: Any) -> Any:
        return self._call(images, **kwargs)


@contextmanager
def timed_training(trainer: Any, clock: Clock, *decoding: ModuleType) -> Iterator[None]:
    """Time the PARTS of what a trainer of TRL does, but for the processor's: see TimedProcessor.

    decoding: modules whose `decode_rgb` is timed while this is open.
    """
    trainer._calculate_rewards = clock.timed("reward", trainer._calculate_rewards)
    trainer.training_step = clock.timed("forward and backward", trainer.training_step)
    trainer._prepare_inputs = clock.timed("the rest", trainer._prepare_inputs)
    trainer.model.generate = clock.timed("generate", trainer.model.generate)
    if trainer.ref_model is not None:
        trainer.ref_model.forward = clock.timed("reference", trainer.ref_model.forward)
        _time_reference(trainer, clock)
    else:
        _time_base(trainer, clock)
    with ExitStack() as stack:
        for module in decoding:
            decode = clock.timed("decode", module.decode_rgb)
            stack.enter_context(patch.object(module, "decode_rgb", decode))
        stack.enter_context(clock.part("the rest"))
        yield


def _time_reference(trainer: Any, clock: Clock) -> None:
    """What the reference's scores take beside its forward passes, of which its parts may be called alone."""
    score = trainer._get_per_token_logps_and_entropies

    def scored(model: Any, *args: Any, **kwargs: Any) -> Any:
        with clock.part("reference", 0) if model is trainer.ref_model else nullcontext():
            return score(model, *args, **kwargs)

    trainer._get_per_token_logps_and_entropies = scored


def _time_base(trainer: Any, clock: Clock) -> None:
    """The reference that adapters leave: the same model without them, asked while a rollout is made."""
    make, score = trainer._generate_and_score_completions, trainer._get_per_token_logps_and_entropies
    base = clock.timed("reference", score)

    def made(*args: Any, **kwargs: Any) -> Any:
        trainer._get_per_token_logps_and_entropies = base
        try:
            return make(*args, **kwargs)
        finally:
            trainer._get_per_token_logps_and_entropies = score

    trainer._generate_and_score_completions = made
