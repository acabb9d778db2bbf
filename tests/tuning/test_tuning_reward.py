"""The one reward function in TRL's own trainer: the advantages and means that a reward function for each term gives."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from zlib import crc32

import numpy as np
import pytest
from tiny_run import TUNE

from cim.captioners.load import load_captioner
from cim.errors import CimError
from cim.languages.english import ENGLISH
from cim.languages.language import Language
from cim.params import Reward
from cim.params.guards import Guards
from cim.records import IdentityScore
from cim.rewards.functions import reward_functions
from cim.rewards.guards.base import GeneratedCaption
from cim.rewards.guards.build import build_guards
from cim.rewards.retriever import NO_VECTOR, Unscorable
from cim.rewards.training_reward import training_rewards
from cim.rewards.trl import TrlReward, text_of
from cim.shards.read import ImageLookup
from cim.tuning import trainer
from cim.tuning.grpo import grpo, prompt_rows
from cim.tuning.record import curves
from cim.tuning.trainer import CaptionTrainer
from cim.tuning.validate import Validation

PARAMS = Reward(alpha=0.5, beta=2.0, guards=Guards(copied=None))
TERMS = ["grc", "qir", *(name for name in Guards.model_fields if name != "copied")]


@dataclass
class HashRetriever:
    """Scores by the hash of a caption. Every third is unscorable; the images `gone` have no vector."""

    gone: Sequence[str]
    reward: Reward = PARAMS
    captions: None = None
    sources: None = None
    language: Language = ENGLISH

    def attempt(self, captions: Sequence[str], ids: Sequence[str]) -> list[IdentityScore | Unscorable]:
        return [NO_VECTOR if i in self.gone else self._score(caption) for caption, i in zip(captions, ids, strict=True)]

    def _score(self, caption: str) -> IdentityScore | Unscorable:
        number = crc32(caption.encode())
        if number % 3 == 0:
            return Unscorable("by lot")
        grc, qir = number % 1000 / 1000, number // 1000 % 1750 / 1000
        return IdentityScore(grc, qir, 0.5 * grc + 2 * qir, (), (), ())


@dataclass
class Term:
    """A reward function of one term alone, to be weighted and added up by TRL."""

    retriever: HashRetriever
    __name__: str = field(default="")

    def __call__(
        self, completions: Any, prompts: Any, completion_ids: Any, id: list[str], **_: Any
    ) -> list[float | None]:
        rows = zip(completions, prompts, completion_ids, id, strict=True)
        said = [GeneratedCaption(text_of(text), text_of(prompt, "user"), ids, name) for text, prompt, ids, name in rows]
        outcomes = self.retriever.attempt([one.text for one in said], id)
        found = training_rewards(said, outcomes, PARAMS, build_guards(PARAMS.guards))
        return [one.terms().get(self.__name__) for one in found]


@pytest.fixture
def advantages(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Those of every caption, as TRL computes them. A reward of many functions has their weights with it."""
    found: list[float] = []

    class Trainer(CaptionTrainer):
        def __init__(self, reward_funcs: Any, args: Any, **arguments: Any) -> None:
            if isinstance(reward_funcs, tuple):
                reward_funcs, args.reward_weights = reward_funcs
            super().__init__(reward_funcs=reward_funcs, args=args, **arguments)

        def _generate_and_score_completions(self, inputs: Any) -> Any:
            scored = super()._generate_and_score_completions(inputs)
            found.extend(scored["advantages"].tolist())
            return scored

    monkeypatch.setattr(trainer, "CaptionTrainer", Trainer)
    return found


def judge(model: Any, processor: Any) -> Validation:
    return Validation(0.5, 0.0, 0.0, 0.0, 0, 1.0)


def test_advantages_and_means_are_those_of_a_function_for_each_term(
    scene: tuple[Path, list[str], ImageLookup], tmp_path: Path, advantages: list[float]
) -> None:
    base, ids, images = scene
    params = TUNE.model_copy(update={"generations": 4, "reward": PARAMS})
    retriever = HashRetriever(gone=ids[:1])

    def train(reward: Any, scratch: str) -> tuple[list[dict[str, Any]], list[float]]:
        rows = prompt_rows(ids, ["Say."], images, seed=0)
        captioner = load_captioner(base, "cpu", "float32")
        log = grpo(captioner, rows, reward, judge, params, tmp_path / scratch).log  # type: ignore[arg-type]
        found = advantages.copy()
        advantages.clear()
        return log, found

    weights = [PARAMS.alpha, PARAMS.beta, *(getattr(PARAMS.guards, name).weight for name in TERMS[2:])]
    log, one = train(TrlReward(retriever), "one")  # type: ignore[arg-type]
    expected, many = train(([Term(retriever, name) for name in TERMS], weights), "many")
    assert one == pytest.approx(many, abs=1e-3)  # of a difference divided by the spread of a group
    assert len(one) == 2 * 2 * 4  # steps, images, captions
    assert one.count(0.0) == 4  # those of the image without a vector
    names = ["reward", "reward_std", "frac_reward_zero_std", *(f"rewards/{name}/mean" for name in TERMS)]
    for mine, theirs in zip(log, expected, strict=True):
        assert {name: mine[name] for name in names} == pytest.approx({name: theirs[name] for name in names}, abs=1e-5)
        assert mine["rewards/total/mean"] == mine["reward"]
        assert 0 < mine["unscorable_share"] < 1
        assert 0 <= mine["repetition_share"] < 1
    table = curves(log, [])
    assert table.select("reward", "grc", "qir", "unscorable_share", "repetition_share").null_count().row(0) == (0,) * 5


def test_each_term_is_normalized_by_itself_where_asked(
    scene: tuple[Path, list[str], ImageLookup], tmp_path: Path, advantages: list[float]
) -> None:
    """The trainer's advantages are those of its formula, worked out here from the same captions' terms."""
    base, ids, images = scene
    guards = Guards.off()
    params = TUNE.model_copy(
        update={
            "steps": 1,
            "generations": 4,
            "multi_objective_aggregation": "normalize_then_sum",
            "reward": Reward(alpha=0.5, beta=2.0, guards=guards),
        }
    )
    retriever = HashRetriever(gone=[], reward=params.reward)
    said: list[Any] = []

    def attempt(captions: Sequence[str], sources: Sequence[str]) -> list[IdentityScore | Unscorable]:
        said.append([retriever._score(caption) for caption in captions])
        return said[-1]

    retriever.attempt = attempt  # type: ignore[method-assign]
    rows, captioner = prompt_rows(ids, ["Say."], images, seed=0), load_captioner(base, "cpu", "float32")
    functions = reward_functions(TrlReward(retriever), params)  # type: ignore[arg-type]
    log = grpo(captioner, rows, functions, judge, params, tmp_path / "scratch").log  # type: ignore[arg-type]
    (scores,) = said  # one retrieval, though there are two reward functions
    lost = [isinstance(one, Unscorable) for one in scores]
    assert 0 < sum(lost) < len(lost)
    totals = np.zeros(8)
    for name, weight in (("grc", 0.5), ("qir", 2.0)):
        values = np.array([np.nan if gone else getattr(one, name) for gone, one in zip(lost, scores, strict=True)])
        groups = values.reshape(2, 4)  # images, captions
        spread = np.nanstd(groups, axis=1, ddof=1, keepdims=True)
        normal = (groups - np.nanmean(groups, axis=1, keepdims=True)) / (spread + 1e-4)
        totals += weight * np.nan_to_num(normal.reshape(8))
        assert log[0][f"rewards/{name}/mean"] == pytest.approx(np.nanmean(values), abs=1e-6)
    totals[lost] = np.nan
    expected = (totals - np.nanmean(totals)) / (np.nanstd(totals, ddof=1) + 1e-4)
    assert advantages == pytest.approx(np.nan_to_num(expected).tolist(), abs=1e-4)
    assert log[0]["unscorable_share"] == sum(lost) / 8


class FromTheSecondStepOn(HashRetriever):
    """Scores no caption of the first batch and gives each later one 0.5."""

    batches = 0

    def attempt(self, captions: Sequence[str], ids: Sequence[str]) -> list[IdentityScore | Unscorable]:
        self.batches += 1
        score = Unscorable("too early") if self.batches == 1 else IdentityScore(0.5, 0.0, 0.5, (), (), ())
        return [score] * len(captions)


def test_a_term_of_no_caption_is_absent_from_its_step(
    scene: tuple[Path, list[str], ImageLookup], tmp_path: Path
) -> None:
    base, ids, images = scene
    rows, captioner = prompt_rows(ids, ["Say."], images, seed=0), load_captioner(base, "cpu", "float32")
    reward = TrlReward(FromTheSecondStepOn([], Reward(guards=Guards.off())))  # type: ignore[arg-type]
    log = grpo(captioner, rows, reward, judge, TUNE, tmp_path / "scratch").log  # type: ignore[arg-type]
    assert "rewards/grc/mean" not in log[0]
    table = curves(log, [])
    assert table["grc"].to_list() == table["reward"].to_list() == [None, 0.5]
    assert table["unscorable_share"].to_list() == [1, 0]


def test_penalties_alone_are_no_reward(scene: tuple[Path, list[str], ImageLookup], tmp_path: Path) -> None:
    """Guards punish captions that can't be scored; if none ever can, that is an error all the same."""
    base, ids, images = scene
    rows, captioner = prompt_rows(ids, ["Say."], images, seed=0), load_captioner(base, "cpu", "float32")
    retriever = HashRetriever([])
    retriever.attempt = lambda captions, ids: [Unscorable("never")] * len(captions)  # type: ignore[method-assign]
    with pytest.raises(CimError, match="no reward in any of 2 steps"):
        grpo(captioner, rows, TrlReward(retriever), judge, TUNE, tmp_path / "scratch")  # type: ignore[arg-type]
