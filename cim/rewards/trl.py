"""GRC, QIR and the guards as TRL reward functions that share one retrieval a batch."""

from collections.abc import Callable, Collection, Sequence
from typing import Any, Literal

from cim.rewards.guards.chosen import chosen
from cim.rewards.guards.said import Guard, Said, judge
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

    def judgeable(self, ids: Sequence[str]) -> list[bool]:
        """Which of b sources have an image vector; no caption of another one can be scored."""
        return [bool(known) for known in self.retriever.sources.has(ids)]


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
        scores = self._scorer.scores(self._term, completions, _named(id), log_metric)
        return [None if score is None else float(getattr(score, self._term)) for score in scores]


class GuardTerm:
    """One guard in TRL's reward signature; TRL logs it as `rewards/<name>/mean`."""

    def __init__(self, scorer: BatchScorer, name: str, guard: Guard) -> None:
        self._scorer = scorer
        self._guard = guard
        self.__name__ = name

    def __call__(
        self,
        prompts: Sequence[Any],
        completions: Sequence[Completion],
        completion_ids: Sequence[Sequence[int]] | None = None,
        id: Sequence[str] | None = None,
        **_: Any,
    ) -> list[float | None]:
        """b penalties in [-1, 0], None for captions of an image that has no vector.

        TRL adds up what is not None. GRC and QIR of an empty caption are None, so that penalties alone decide, and
        put it below the others of its group. Where the image has no vector, no caption can be scored: all terms are
        None, and TRL leaves the group out.
        """
        tokens = completion_ids if completion_ids is not None else [()] * len(completions)
        names = _named(id)
        known = self._scorer.judgeable(names)
        rows = zip(prompts, completions, tokens, names, known, strict=True)
        said = [
            Said(text_of(completion), text_of(prompt, "user"), ids, name)
            for prompt, completion, ids, name, judged in rows
            if judged
        ]
        penalties = iter(judge(self._guard, said))
        return [next(penalties) if judged else None for judged in known]


class UnscorableTerm:
    """-1 for a caption without GRC and QIR though its image has a vector, else 0; None as in `GuardTerm`."""

    __name__ = "unscorable"

    def __init__(self, scorer: BatchScorer) -> None:
        self._scorer = scorer

    def __call__(
        self,
        prompts: Sequence[Any],
        completions: Sequence[Completion],
        id: Sequence[str] | None = None,
        log_metric: LogMetric | None = None,
        **_: Any,
    ) -> list[float | None]:
        """b penalties, -1 or 0 or None."""
        scores = self._scorer.scores(self.__name__, completions, _named(id), log_metric)
        known = self._scorer.judgeable(_named(id))
        return [-float(score is None) if one else None for score, one in zip(scores, known, strict=True)]


Term = IdentityTerm | GuardTerm | UnscorableTerm


def identity_terms(retriever: Retriever, marks: Collection[int] = ()) -> tuple[list[Term], list[float]]:
    """Reward functions and their weights, for GRPOTrainer and GRPOConfig.reward_weights.

    grc (weight alpha), qir (beta) and the guards of `retriever.reward.guards`. marks: ids of special tokens, which no
    caption may hold.
    """
    scorer, reward = BatchScorer(retriever), retriever.reward
    terms: list[Term] = [IdentityTerm(scorer, "grc"), IdentityTerm(scorer, "qir")]
    weights = [reward.alpha, reward.beta]
    if reward.guards.unscorable is not None:
        terms.append(UnscorableTerm(scorer))
        weights.append(reward.guards.unscorable.weight)
    for name, (guard, weight) in chosen(reward.guards, marks, retriever.captions).items():
        terms.append(GuardTerm(scorer, name, guard))
        weights.append(weight)
    return terms, weights


def text_of(messages: Completion, role: str = "assistant") -> str:
    """The text of a completion or prompt: a string, or what `role`'s messages say (string or content blocks)."""
    if isinstance(messages, str):
        return messages
    said = [message.get("content") or "" for message in messages if message.get("role") == role]
    parts = [
        content if isinstance(content, str) else "".join(block.get("text") or "" for block in content)
        for content in said
    ]
    return "\n".join(parts)


def _named(ids: Sequence[str] | None) -> Sequence[str]:
    if ids is None:
        raise ValueError("the dataset has no column 'id'; the reward needs the sample id of each image")
    return ids
