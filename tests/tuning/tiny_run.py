"""A run of GRPO that takes seconds: its parameters and a reward."""

from typing import Any

from cim.params import Reward, Tune

TUNE = Tune(
    reward=Reward(), steps=2, prompts_per_step=2, generations=2, max_new_tokens=6, learning_rate=0.01, validate_every=1
)


class Length:
    """Pays for long completions; has nothing to say of one image. A quarter of each is said to be repetition."""

    __name__ = "length"

    def __init__(self, silent: str) -> None:
        self.silent = silent
        self.ids: list[str] = []

    def __call__(self, completions: list[Any], id: list[str], log_metric: Any, **_: Any) -> list[float | None]:
        self.ids += id
        log_metric("repetition_share", 0.25)
        texts = [completion[0]["content"] for completion in completions]
        return [None if i == self.silent else float(len(t)) for i, t in zip(id, texts, strict=True)]
