"""Captions in, rewards out: one encoder call and one search a batch, in process."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from cim.encoders.base import TextEncoder, directed
from cim.errors import CimError
from cim.index.depth import CAPTIONS
from cim.index.meta import IndexMeta, check_embeddings, check_encoder, check_ids
from cim.index.stale import check_files
from cim.index.threads import search_threads
from cim.index.vectors import VectorStore, read_ids
from cim.languages.english import ENGLISH
from cim.languages.language import Language
from cim.layout import Layout
from cim.params.retrieval import Index
from cim.params.tune import Reward
from cim.records import IdentityScore
from cim.rewards.exclusion import Exclusion, ImageVectors, NearDuplicates, barred_ids
from cim.rewards.guards.copied import GalleryCaptions
from cim.rewards.identity import identity_reward
from cim.rewards.open import check_vectors, open_space, present_embeddings
from cim.rewards.spaces import Space, encode_each, text_tower_of
from cim.text import has_text


@dataclass(frozen=True)
class Unscorable:
    """A caption for which there is no honest number, and why."""

    reason: str


NO_VECTOR = Unscorable("no image vector of the source")
"""No caption of this source can be scored."""


@dataclass(frozen=True)
class Retriever:
    """A retrieval space, the image vectors of its items and of the sources, and the reward's parameters.

    captions: of the items, for the guard that looks for copies of them. threads: of a search on CPU, None: as before.
    language: of the captions, for guards.
    """

    space: Space
    items: VectorStore
    sources: ImageVectors
    reward: Reward
    captions: GalleryCaptions | None = None
    threads: int | None = None
    language: Language = ENGLISH

    @property
    def text_tower(self) -> TextEncoder | None:
        """The text tower of the reward's CLIP, where the space searches pictures."""
        return text_tower_of(self.space)

    @classmethod
    def open(
        cls,
        layout: Layout,
        reward: Reward,
        device: str = "cpu",
        index: Index | None = None,
        threads: int | None = None,
        language: Language = ENGLISH,
    ) -> "Retriever":
        """Everything under `layout` that `reward` needs. index: what data/index must have been built with.

        Raises CimError when a part is missing, stale or of another encoder, the gallery holds fewer than k items, or
        an approximate index finds too few of the k best.
        """
        folder = layout.index("items")
        meta = IndexMeta.read(folder)
        check_ids(folder, meta, read_ids(folder / "ids.parquet"))
        if meta.items < reward.k:
            raise CimError(
                f"{meta.items} gallery items", f"at least k = {reward.k}", "add images or lower tune.reward.k"
            )
        images = present_embeddings(layout, "image")
        check_embeddings(meta, images)
        for embeddings in images:
            check_encoder(meta, embeddings.encoder, str(layout.root / "embeddings" / embeddings.name))
        files = sorted((layout.root / "embeddings" / "image").glob("*/*.npy"))
        sources = VectorStore([(file, file.with_suffix(".parquet")) for file in files])
        items = VectorStore([(folder / "vectors.npy", folder / "ids.parquet")])
        check_vectors(items, sources, folder)
        check_files(folder, meta)  # also where a few rows differ, or no embeddings are there to compare with
        # The captions that `copied` looks for: those of this gallery, whichever space is searched.
        check_embeddings(IndexMeta.read(layout.index(CAPTIONS)), present_embeddings(layout, "text"))
        space = open_space(layout, reward.space, device, index, reward.k)
        captions = GalleryCaptions.of(layout, [name.split("/")[1] for name in meta.built_from], language)
        return cls(space, items, sources, reward, captions, threads, language)

    def score(self, captions: Sequence[str], source_ids: Sequence[str]) -> list[IdentityScore | None]:
        """The reward of b captions of b sources; None where there is no honest number, as `attempt` says.

        Raises CimError when no source at all has a vector: those are not bad images but other embeddings.
        """
        found = self.attempt(captions, source_ids)
        check_some_vector(found, source_ids)
        return [None if isinstance(one, Unscorable) else one for one in found]

    def attempt(self, captions: Sequence[str], source_ids: Sequence[str]) -> list[IdentityScore | Unscorable]:
        """The reward of b captions of b sources, or why there is none.

        Unscorable: a source without an image vector (its image was not decodable), a caption that is empty after
        cleaning (nothing visible in it), one of which the encoder makes no finite vector. The others are scored.
        Raises CimError when fewer than k items are left for a source.
        """
        if len(captions) != len(source_ids):
            raise ValueError(f"{len(captions)} captions for {len(source_ids)} source ids")
        known = self.sources.has(source_ids)
        result: list[IdentityScore | Unscorable] = [
            Unscorable("empty after cleaning") if known[i] else NO_VECTOR for i in range(len(captions))
        ]
        places = [i for i, caption in enumerate(captions) if known[i] and has_text(caption)]
        if not places:
            return result
        queries = encode_each(self.space.encode, [captions[i] for i in places])
        usable = directed(queries)
        scores = iter(self._scores(queries[usable], [source_ids[places[row]] for row in np.flatnonzero(usable)]))
        for place, good in zip(places, usable, strict=True):
            result[place] = next(scores) if good else Unscorable("the encoder makes no vector of the caption")
        return result

    def _scores(self, queries: npt.NDArray[np.float32], source_ids: Sequence[str]) -> list[IdentityScore]:
        if not source_ids:
            return []
        params, source, near = self.reward, self.sources.get(source_ids), None
        if params.exclude == "near_duplicates":
            near = NearDuplicates(self.items, source, params.duplicate_cosine)
        exclusion = Exclusion(barred_ids(params.exclude, source_ids), near)
        with search_threads(self.threads):
            ids, scores = self.space.search(queries, params.k, exclusion)
        found = self.items.get([name for row in ids for name in row]).reshape(len(ids), params.k, self.items.dim)
        reward = identity_reward(source, found, params.beta, params.decay, params.alpha, params.qir)
        cosines = np.einsum("bd,bkd->bk", source, found)
        return [
            IdentityScore(
                grc=float(reward.grc[row]),
                qir=float(reward.qir[row]),
                total=float(reward.total[row]),
                ids=tuple(ids[row]),
                scores=tuple(scores[row].tolist()),
                cosines=tuple(cosines[row].tolist()),
            )
            for row in range(len(source_ids))
        ]


def check_some_vector(outcomes: Sequence[IdentityScore | Unscorable], source_ids: Sequence[str]) -> None:
    """Raises CimError when no source at all has a vector: those are not bad images but other embeddings."""
    if outcomes and all(outcome == NO_VECTOR for outcome in outcomes):
        raise CimError(
            f"no image vector for any of {len(source_ids)} sources, the first {source_ids[0]}",
            "embeddings of the split they belong to",
            "dvc repro embed",
        )
