"""A transformers model for natural-language inference in a local folder."""

from collections.abc import Sequence
from pathlib import Path

import torch
from transformers import AutoModelForSequenceClassification, AutoTokenizer

from cim.errors import CimError
from cim.models.device import pick_device
from cim.models.load import load_model, load_part


class LocalInference:
    """Meets Inference. Its labels tell which class is entailment and which contradiction."""

    def __init__(self, folder: Path, device: str, batch: int) -> None:
        """Raises CimError for a folder without such a model in safetensors, and for other labels."""
        self._batch, self._device = batch, pick_device(device)
        self._model = load_model(AutoModelForSequenceClassification, folder, dtype="auto").to(self._device)
        self._tokenizer = load_part(AutoTokenizer, folder)
        labels = {str(label).lower(): int(place) for place, label in self._model.config.id2label.items()}
        places = [
            [place for label, place in labels.items() if label.startswith(word)] for word in ("entail", "contradict")
        ]
        if any(len(some) != 1 for some in places):
            raise CimError(
                f"a model in {folder} with the labels {', '.join(labels)}",
                "one that begins with entail and one with contradict",
                "mend tune.reward.terms.entailment.model.name, or its config's id2label",
            )
        (self._entails,), (self._contradicts,) = places

    def __call__(self, pairs: Sequence[tuple[str, str]]) -> list[float | None]:
        """As Inference says."""
        found: list[float | None] = []
        for start in range(0, len(pairs), self._batch):
            found += self._infer(pairs[start : start + self._batch])
        return found

    def _infer(self, pairs: Sequence[tuple[str, str]]) -> list[float | None]:
        premises, hypotheses = zip(*pairs, strict=True)
        inputs = self._tokenizer(list(premises), list(hypotheses), return_tensors="pt", padding=True, truncation=True)
        with torch.no_grad():
            chances = self._model(**inputs.to(self._device)).logits.double().softmax(dim=-1)
        values = chances[:, self._entails] - chances[:, self._contradicts]
        return [
            value if known else None for value, known in zip(values.tolist(), values.isfinite().tolist(), strict=True)
        ]
