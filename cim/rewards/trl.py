"""The training reward in the signature that TRL's GRPOTrainer calls."""

from collections.abc import Callable, Collection, Sequence
from typing import Any

from cim.rewards.guards.base import GeneratedCaption
from cim.rewards.guards.build import build_guards
from cim.rewards.retriever import Retriever, check_some_vector
from cim.rewards.terms.build import OpenTerms
from cim.rewards.training_reward import TrainingReward, training_rewards
from cim.text import repeated_share

Completion = str | list[dict[str, Any]]
"""Plain text, or the messages of a conversational completion."""

LogMetric = Callable[[str, float], None]
"""TRL's `log_metric`: a name and a number, averaged over the calls of a rollout."""

GRAM = 4  # as seq-rep-4 (arXiv 1908.04319)


class TrlReward:
    """The one reward function of training: it scores a batch once, returns the totals and logs each term.

    Logged are `rewards/grc/mean`, `rewards/qir/mean`, `rewards/<guard>/mean` and `rewards/<term>/mean`, each over the
    captions that have it, `rewards/<term>/unscorable_share` over those that the term was asked about, and over all
    captions `unscorable_share` and `repetition_share` (of 4-grams that repeat an earlier one).
    TRL itself logs the total as `reward`, and again as `rewards/total/mean` and `rewards/total/std`.

    Every caption is logged by a call of its own: TRL (1.16) adds up the numbers and the calls of all ranks and divides
    once, so that a mean is that of the whole batch on every rank, however its terms are spread over the ranks. Means of
    ranks would count a rank with one scored caption as much as a rank with many. A term that no caption has is absent
    from the step's record.
    """

    __name__ = "total"

    def __init__(
        self, retriever: Retriever, special_tokens: Collection[int] = (), terms: OpenTerms | None = None
    ) -> None:
        """special_tokens: ids that no caption may hold, for the guard `tokens`. terms: beside GRC and QIR."""
        self._retriever, self._terms = retriever, terms or OpenTerms()
        self._guards = build_guards(retriever.reward.guards, special_tokens, retriever.captions, retriever.language)

    def __call__(
        self,
        prompts: Sequence[Any],
        completions: Sequence[Completion],
        completion_ids: Sequence[Sequence[int]] | None = None,
        id: Sequence[str] | None = None,
        log_metric: LogMetric | None = None,
        trainer_state: Any = None,
        **_: Any,
    ) -> list[float | None]:
        """b totals; None where there is no term: TRL gives such a caption the advantage 0 and leaves it out of means.

        id: the dataset column with the sample ids of the images. trainer_state: tells terms the step. TRL also passes
        other columns and log_extra, which the reward does not look at.

        Raises ValueError when the dataset has no column `id`, CimError as `Retriever.score` does.
        """
        captions, rewards = self.score(prompts, completions, completion_ids, id, trainer_state)
        if log_metric is not None:
            log_shares(captions, rewards, log_metric)
            _log_terms(rewards, log_metric)
        return [reward.total for reward in rewards]

    def score(
        self,
        prompts: Sequence[Any],
        completions: Sequence[Completion],
        completion_ids: Sequence[Sequence[int]] | None,
        id: Sequence[str] | None,
        trainer_state: Any = None,
    ) -> tuple[list[GeneratedCaption], list[TrainingReward]]:
        """The b captions and their rewards, by one retrieval. Arguments and errors: as of a call."""
        if id is None:
            raise ValueError("the dataset has no column 'id'; the reward needs the sample id of each image")
        tokens = completion_ids if completion_ids is not None else [()] * len(completions)
        captions = [
            GeneratedCaption(text_of(completion), text_of(prompt, "user"), ids, name)
            for prompt, completion, ids, name in zip(prompts, completions, tokens, id, strict=True)
        ]
        outcomes = self._retriever.attempt([one.text for one in captions], id)
        check_some_vector(outcomes, id)
        step = 0 if trainer_state is None else int(trainer_state.global_step)
        earned = self._terms(captions, outcomes, self._retriever.sources, step)
        return captions, training_rewards(captions, outcomes, self._retriever.reward, self._guards, earned)


def text_of(messages: Completion, role: str = "assistant") -> str:
    """The text of a completion or prompt: a string, or what `role`'s messages say (string or content blocks)."""
    if isinstance(messages, str):
        return messages
    captions = [message.get("content") or "" for message in messages if message.get("role") == role]
    parts = [
        content if isinstance(content, str) else "".join(block.get("text") or "" for block in content)
        for content in captions
    ]
    return "\n".join(parts)


def log_shares(captions: Sequence[GeneratedCaption], rewards: Sequence[TrainingReward], log_metric: LogMetric) -> None:
    """`unscorable_share`, that of each term, and `repetition_share`, a call for each caption."""
    for one, reward in zip(captions, rewards, strict=True):
        log_metric("unscorable_share", float(reward.grc is None))
        log_metric("repetition_share", repeated_share(one.text, GRAM))
        for further in reward.further:
            log_metric(f"rewards/{further.term}/unscorable_share", float(further.value is None))


def _log_terms(rewards: Sequence[TrainingReward], log_metric: LogMetric) -> None:
    for reward in rewards:
        for name, value in reward.terms().items():
            log_metric(f"rewards/{name}/mean", value)
