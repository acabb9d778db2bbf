"""TRL's GRPOTrainer with economies: pictures are read once and computed once, captions sampled in pieces."""

from collections.abc import Iterator
from typing import Any

import torch
from torch.utils.data import Sampler
from trl import GRPOTrainer
from trl.trainer.utils import RepeatSampler

from cim.params import Rollout
from cim.tuning.colocated import Colocated
from cim.tuning.pictures import ProcessedOnce, read_once
from cim.tuning.shared_prefix import SharedPrefixTrainer


class _ByEpoch(Sampler[int]):
    """TRL's order of rows by the trainer's epoch: a resumed run goes on with it, TRL's own generator begins anew."""

    def __init__(self, sampler: RepeatSampler, trainer: GRPOTrainer) -> None:
        self._sampler, self._trainer = sampler, trainer

    def __iter__(self) -> Iterator[int]:
        sampler = self._sampler
        sampler.generator.manual_seed(sampler.seed)
        for _ in range(int((self._trainer.state.epoch or 0) + 1e-6)):  # of the epochs before; a step is a fraction
            torch.randperm(sampler.num_samples, generator=sampler.generator)
        return iter(sampler)

    def __len__(self) -> int:
        return len(self._sampler)


class CaptionTrainer(SharedPrefixTrainer):
    """GRPO on rows of `prompt_rows`.

    TRL (1.16) draws every row of a rollout `generations` times for each forward pass, looks at the pictures of one draw
    only, hands each picture twice to the processor, and gives the whole rollout to one `generate` call. Here pictures
    are decoded when a rollout begins and processed once each (`ProcessedOnce`), and `generate` is given
    `rollout.batch` captions at a time. What forward passes share is in `SharedPrefixTrainer`. The methods overridden
    are TRL's private ones, each called as it is.
    """

    def __init__(self, *args: Any, rollout: Rollout, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._batch = rollout.batch
        self._images = ProcessedOnce(self.processing_class.image_processor)
        inside = self.use_vllm and rollout.mode == "colocate"
        self._vllm = Colocated(self.vllm_generation, self.processing_class) if inside else None

    def _get_train_sampler(self, dataset: Any = None) -> Any:
        return _ByEpoch(super()._get_train_sampler(dataset), self)

    def _generate_and_score_completions(self, inputs: list[dict[str, Any]]) -> dict[str, Any]:
        with self._images.standing_in(self.processing_class):
            made: dict[str, Any] = super()._generate_and_score_completions(read_once(inputs))
        return made

    def _tokenize_prompts(self, prompts: list[Any]) -> tuple[list[list[int]], list[Any] | None, Any]:
        """Ids and pictures of all prompts; the processor's other fields as one dictionary a piece of the rollout.

        How those fields are divided among captions differs between models; pieces that are made apart need no dividing.
        """
        size = self._batch or len(prompts)
        pieces = []
        for start in range(0, len(prompts), size):
            pieces.append(super()._tokenize_prompts(prompts[start : start + size]))
        ids = [one for piece in pieces for one in piece[0]]
        if self._vllm:
            self._vllm.learn(prompts, ids)
        images = None if pieces[0][1] is None else [one for piece in pieces for one in piece[1]]
        return ids, images, [piece[2] for piece in pieces]

    def _generate_single_turn(
        self, prompt_ids: list[list[int]], images: list[Any] | None, multimodal_fields: Any, *args: Any, **kwargs: Any
    ) -> tuple[list[list[int]], Any]:
        """Completions of all prompts, piece by piece; multimodal_fields: as `_tokenize_prompts` gives them."""
        size = self._batch or len(prompt_ids)
        completions: list[list[int]] = []
        logprobs: list[Any] = []
        for number, fields in enumerate(multimodal_fields):
            piece = slice(number * size, (number + 1) * size)
            some = None if images is None else images[piece]
            found, chances = super()._generate_single_turn(prompt_ids[piece], some, fields, *args, **kwargs)
            completions += found
            logprobs += chances or []
        return completions, logprobs or None
