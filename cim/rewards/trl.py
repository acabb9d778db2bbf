"""GRC and QIR as two TRL reward functions that share one retrieval a batch."""

from collections.abc import Callable, Sequence
from typing import Any, Literal

from cim.rewards.retriever import IdentityScore, Retriever

Completion = str | list[dict[str, Any]]
"""Plain text, or the messages of a conversational completion."""

LogMetric = Callable[[str, float], None]
"""TRL's `log_metric`: averaged over a logging step."""


class BatchScorer:
    """Scores a batch once, however many reward functions ask for it.

    TRL calls its reward functions one after another with the same completions; the last batch is kept, known by its
    content, so that a copied list still counts as the same batch. A term that asks again has come to the next batch,
    even if it reads the same.
    """

    def __init__(self, retriever: Retriever) -> None:
        self.retriever = retriever
        self.scored = 0
        self.unscorable = 0
        self._batch: tuple[tuple[str, ...], tuple[str, ...]] | None = None
        self._scores: list[IdentityScore | None] = []
        self._served: set[str] = set()

    def scores(
        self, term: str, completions: Sequence[Completion], ids: Sequence[str], log_metric: LogMetric | None
    ) -> list[IdentityScore | None]:
        """Scores of b completions for the sources `ids`. A new batch is counted, and its unscorable share logged."""
        batch = (tuple(text_of(completion) for completion in completions), tuple(ids))
        if batch != self._batch or term in self._served:
            self._scores = self.retriever.score(*batch)
            self._batch = batch
            self._served.clear()
            missing = sum(score is None for score in self._scores)
            self.scored += len(self._scores) - missing
            self.unscorable += missing
            if log_metric is not None and self._scores:
                log_metric("unscorable_share", missing / len(self._scores))
        self._served.add(term)
        return self._scores


class IdentityTerm:
    """One term of the identity reward in TRL's reward signature; TRL logs it as `rewards/<term>/mean`."""

    def __init__(self, scorer: BatchScorer, term: Literal["grc", "qir"]) -> None:
        self._scorer = scorer
        self._term = term
        self.__name__ = term

    def __call__(
        self,
        prompts: Sequence[Any],
        completions: Sequence[Completion],
        id: Sequence[str] | None = None,
        log_metric: LogMetric | None = None,
        **_: Any,
    ) -> list[float | None]:
        """b rewards, None where unscorable. id: the dataset column with the sample ids of the images.

        TRL also passes prompts, completion_ids, other columns and trainer_state, which the reward does not look at.
        Raises ValueError when the dataset has no column `id`.
        """
        if id is None:
            raise ValueError("the dataset has no column 'id'; the reward needs the sample id of each image")
        scores = self._scorer.scores(self._term, completions, id, log_metric)
        return [None if score is None else float(getattr(score, self._term)) for score in scores]


def identity_terms(retriever: Retriever) -> tuple[list[IdentityTerm], list[float]]:
    """Reward functions grc and qir, and their weights 1 and beta, for GRPOTrainer and GRPOConfig.reward_weights."""
    scorer = BatchScorer(retriever)
    return [IdentityTerm(scorer, "grc"), IdentityTerm(scorer, "qir")], [1.0, retriever.reward.beta]


def text_of(completion: Completion) -> str:
    """The text of a completion: a string, or what the assistant's messages say (string or content blocks)."""
    if isinstance(completion, str):
        return completion
    said = [message.get("content") or "" for message in completion if message.get("role") == "assistant"]
    parts = [
        content if isinstance(content, str) else "".join(block.get("text") or "" for block in content)
        for content in said
    ]
    return "\n".join(parts)
