"""The caption's loss without the rest of the sequence: what a supervised step on CPU need not compute."""

from typing import Any


def with_caption_loss(trainer: Any) -> Any:
    """A TRL SFTTrainer class with the same loss and gradients, its head applied to the captions' positions alone.

    TRL projects every position in chunks, and their entropy for the log: right for a GPU's kernels and a large
    vocabulary, a tenth of a step of the tiny captioner on CPU (benchmarks/pipeline/warm_start.py).
    """
    from torch.nn.functional import cross_entropy

    class CaptionLossTrainer(trainer):  # type: ignore[misc]
        def compute_loss(
            self, model: Any, inputs: Any, return_outputs: bool = False, num_items_in_batch: Any = None
        ) -> Any:
            labels = inputs.pop("labels")  # (b, t), -100 where nothing is to be learnt
            first = int((labels != -100).any(dim=0).nonzero()[0])  # no caption of the batch begins before
            outputs = model(**inputs, use_cache=False, logits_to_keep=labels.shape[1] - first + 1)
            wanted = labels[:, first:]
            said = wanted != -100
            total = cross_entropy(outputs.logits[:, :-1][said].float(), wanted[said], reduction="sum")
            loss = total / (said.sum() if num_items_in_batch is None else num_items_in_batch)
            return (loss, outputs) if return_outputs else loss

    return CaptionLossTrainer
