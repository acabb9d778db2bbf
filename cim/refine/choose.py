"""The best of several captioners' texts, by a score, behind a quality gate (MLBCAP, arXiv 2501.02552).

The paper has models judge what passes and rewrite the winner; here the best by any score is taken as it is, which asks
no model: the CIM score of re-captioning, or a column of any table by image. That score prefers a vaguer text at times,
so that the longest of them may come first, and the score decide among equally long ones.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cim.fingerprint import hash_files, hash_path
from cim.images.ids import content_hash
from cim.params.refiners import Choose as Settings
from cim.refine.base import Ask, Refined, Sample, Samples, kept
from cim.refine.tables import captions_at, scores_at
from cim.text import repeated_share, words

ID = 16  # hex digits of an image's hash that are its id


@dataclass(frozen=True)
class Candidate:
    """One captioner's text of an image. score: None where there is none. ended: whether the model ended it itself."""

    text: str
    score: float | None
    ended: bool = True


class Choose:
    """Meets Refiner."""

    parallel = 1

    def __init__(self, settings: Settings) -> None:
        """Raises CimError for a folder without captions, or a table without the columns named."""
        self._settings = settings
        self._tables = {name: Path(folder).expanduser() for name, folder in settings.captioners.items()}
        self._scores = None if settings.scores is None else Path(settings.scores).expanduser()
        self._rows(())

    @property
    def needs(self) -> Sequence[str]:
        """Those that take part."""
        return self._settings.texts

    def lineage(self) -> Mapping[str, Any]:
        """The tables by their content."""
        found = {name: hash_files(folder, folder.glob("*.parquet"))[:16] for name, folder in self._tables.items()}
        return {"tables": found, "scores": hash_path(self._scores)[:16] if self._scores else None}

    def identity(self) -> object:
        """Nobody is asked."""
        return None

    def of(self, samples: Samples, found: Mapping[int, Refined]) -> Ask:
        """The rows of this part's images are read at once."""
        ids = sorted({content_hash(sample.image)[:ID] for _, sample in samples()})
        rows = self._rows(ids)
        return lambda sample: self.choose(sample, self._candidates(sample, rows))

    def choose(self, sample: Sample, candidates: Mapping[str, Candidate]) -> Refined:
        """The best of those that pass the gate; of equal ones the first named. The old text where none passes."""
        gate = {name: self._refused(one) for name, one in candidates.items()}
        scores = {name: one.score for name, one in candidates.items()}
        note = {"scores": scores, "refused": {name: why for name, why in gate.items() if why}}
        passed = {name: score for name, score in scores.items() if not gate[name] and score is not None}
        if not passed:
            why = "no text passed the gate" if candidates else "no captioner has a text"
            return kept(sample, why, note=note)
        longest = self._settings.prefer == "words"
        lengths = {name: len(words(candidates[name].text)) if longest else 0 for name in passed}
        best = max(passed, key=lambda name: (lengths[name], passed[name]))
        return Refined(candidates[best].text, f"chosen: {best}", note)

    def _refused(self, one: Candidate) -> str:
        """Why it may not be chosen; "" where it may."""
        gate = self._settings.gate
        if one.score is None:
            return "no score"
        if gate.min_score is not None and one.score < gate.min_score:
            return "low score"
        if len(words(one.text)) < max(gate.min_words, 1):
            return "short"
        if gate.ended and not one.ended:
            return "cut"
        return "repeats itself" if repeated_share(one.text) > gate.max_repetition else ""

    def _candidates(self, sample: Sample, rows: Mapping[str, Mapping[str, Candidate]]) -> dict[str, Candidate]:
        image = content_hash(sample.image)[:ID]
        found = dict(rows.get(image, {}))
        for name in self._settings.texts:
            own = found.get(name)  # its score, where a table has it
            score = own.score if own else self._own_score(sample, name)
            found[name] = Candidate(sample.texts.get(name, ""), score)
        order = [*self._tables, *self._settings.texts]
        return {name: found[name] for name in order if name in found and found[name].text.strip()}

    def _own_score(self, sample: Sample, name: str) -> float | None:
        """What the shard's JSON says of a text: of the one prompt's, or of the prompt `name`."""
        told = sample.facts.get("recaption")
        told = told.get(name, told) if isinstance(told, dict) else {}
        score = told.get(self._settings.score)
        return float(score) if isinstance(score, int | float) and not isinstance(score, bool) else None

    def _rows(self, ids: Sequence[str]) -> dict[str, dict[str, Candidate]]:
        """Of these images what the tables have, by id and name."""
        found: dict[str, dict[str, Candidate]] = {image: {} for image in ids}
        column = self._settings.score
        table = None
        if self._scores is not None:
            named = {name: column.format(name=name) for name in (*self._tables, *self._settings.texts)}
            table = scores_at(self._scores, named, ids)
        for name, folder in self._tables.items():
            wanted = None if table is not None else column.format(name=name)
            for row in captions_at(folder, wanted, ids).iter_rows(named=True):
                score = table[name].get(row["id"]) if table is not None else row["score"]
                found[row["id"]][name] = Candidate(row["caption"], score, row["finish_reason"] in ("stop", None))
        for name in self._settings.texts if table is not None else ():
            for image, score in (table or {})[name].items():
                found[image][name] = Candidate("", score)
        return found
