"""Sentences rated by how much likelier the image makes them, to leave out what language alone would have said."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Any, Protocol

from cim.images.decode import decode_rgb
from cim.params.refine_models import SentenceFilter
from cim.sentences import join_sentences, sentence_spans


@dataclass(frozen=True)
class Rated:
    """One answer. text: its sentences that stay. dropped: the others, each with what the image added to it."""

    text: str
    dropped: Sequence[Mapping[str, Any]]


class Rater(Protocol):
    """Rates the sentences of answers."""

    def rate(self, image: bytes, prompts: Sequence[str], answers: Sequence[str]) -> list[Rated]:
        """Each answer as one to its prompt."""
        ...

    def identity(self) -> Mapping[str, Any]:
        """Which model rates."""
        ...


class ContrastiveRater:
    """Meets Rater, by the likelihoods of a captioner that runs here."""

    def __init__(self, settings: SentenceFilter) -> None:
        """Raises CimError when the folder holds no captioner in safetensors that loads."""
        from cim.captioners.load import load_captioner

        self._settings, self._free = settings, Lock()
        self._captioner = load_captioner(Path(settings.folder).expanduser(), settings.device)

    def identity(self) -> Mapping[str, Any]:
        """By the content of its folder."""
        return {"model": self._captioner.fingerprint}

    def rate(self, image: bytes, prompts: Sequence[str], answers: Sequence[str]) -> list[Rated]:
        """As Rater says. A sentence without a token is dropped."""
        from cim.captioners.likelihood import gained

        with self._free:
            pictures = [decode_rgb(image)] * len(answers)
            found = gained(self._captioner, pictures, prompts, answers, self._settings.blind)
        return [self._one(text, gains) for text, gains in zip(answers, found, strict=True)]

    def _one(self, text: str, gains: Sequence[float]) -> Rated:
        from cim.captioners.likelihood import tokens_by_span

        spans, stay, dropped = sentence_spans(text), list[str](), list[dict[str, Any]]()
        for (begin, end), places in zip(spans, tokens_by_span(self._captioner, text, spans), strict=True):
            gain = self._gain([gains[place] for place in places])
            if gain is not None and gain >= self._settings.min_gain:
                stay.append(text[begin:end])
            else:
                dropped.append({"sentence": text[begin:end], "gain": gain})
        return Rated(join_sentences(stay), dropped)

    def _gain(self, gains: Sequence[float]) -> float | None:
        """Of a sentence, in nats a token; None for one without tokens."""
        if not gains:
            return None
        return max(gains) if self._settings.by == "max" else sum(gains) / len(gains)


def open_rater(settings: SentenceFilter) -> Rater:
    """The filter that the parameters name. Raises CimError where its model can't be opened."""
    return ContrastiveRater(settings)
